"""A small market at a QMT client: three stocks over eight sessions, with an ex-day, an ST spell and a suspension."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.domain.calendar import ts_of
from common.history.sources.download import Download, Downloaded, Wanted
from common.history.sources.pace import DayCount, PolitePacer
from common.history.sources.source import Rate
from common.history.sources.xt import Xt
from common.history.sources.xt_calls import Calls, Fault
from common.history.sources.xt_line import answer, error_of
from common.history.store import daily_years, read_table
from tests.fakes.xtquant.reference import Library, library, ms_of
from tests.fakes.xtquant.terminal import Terminal
from tests.unit.history.sources.vendor import Wall, quiet

DAYS = ["20251229", "20251230", "20251231", "20260105", "20260106", "20260107", "20260108", "20260109"]
HOLIDAYS = [20251001, 20260101, 20260102, 20261001]
BANK, PAYS, NEW = "600000.SH", "000001.SZ", "300999.SZ"
NOTHING = dict.fromkeys(("interest", "stockBonus", "stockGift", "allotNum", "allotPrice", "gugai", "dr"), 0.0)
"""An ex-day on which nothing is given."""
FIRST, LAST = 20251229, 20260109
NOW_NS = ts_of(20260110, 43_200)


def bar(close: float, before: float, lots: int = 1_000, suspended: bool = False) -> dict[str, float]:
    """One daily bar: noisy as floats are."""
    if suspended:
        prices = dict.fromkeys(("open", "high", "low", "close"), before)
        return {**prices, "preClose": before, "volume": 0.0, "amount": 0.0, "suspendFlag": 1}
    prices = {"open": close, "high": close + 0.05, "low": close - 0.05, "close": close + 1e-12}
    return {**prices, "preClose": before, "volume": float(lots), "amount": lots * 100 * close, "suspendFlag": 0}


def detail(code: str, name: str, opened: int, **more: Any) -> dict[str, Any]:
    """One instrument, fields as the package gives them."""
    number, _, market = code.partition(".")
    return {
        "ExchangeID": market, "InstrumentID": number, "InstrumentName": name, "OpenDate": opened, "ExpireDate": 99999999,
        "FloatVolumn": 200_000_000.0, "InstrumentStatus": 0, "IsTrading": True, **more,
    }  # fmt: skip


def fill(terminal: Terminal, folder: Path) -> Library:
    """Put the market at the servers of a client; nothing of it is downloaded."""
    held = library(terminal)
    data = folder / "userdata_mini" / "datadir"
    data.mkdir(parents=True)
    terminal.data_dir = str(data)
    held.trading_ms = [ms_of(day) for day in DAYS]
    held.holidays = HOLIDAYS
    terminal.sectors = {"沪深A股": [BANK, PAYS, NEW, "510050.SH"], "上证指数": ["000001.SH"]}
    terminal.instruments = {
        BANK: detail(BANK, "浦发银行", 19991110),
        PAYS: detail(PAYS, "ST某某", 19910403),
        NEW: detail(NEW, "新股", 20260107),
        "510050.SH": detail("510050.SH", "50ETF", 20050223),
    }
    held.put(BANK, "1d", {day: bar(10.0, 10.0) if at < 4 else bar(9.5, 9.5) for at, day in enumerate(DAYS)})
    held.put(PAYS, "1d", {day: bar(5.0, 5.0, suspended=at == 4) for at, day in enumerate(DAYS)})
    held.put(NEW, "1d", {day: bar(30.0, 25.0 if at == 0 else 30.0) for at, day in enumerate(DAYS[5:])})
    held.divid = {BANK: {"20260106": {**NOTHING, "interest": 0.5}}}
    held.capital = {code: [capital(20200101, 20200102, 100_000_000.0)] for code in (BANK, PAYS, NEW)}
    held.st_csv = f"code,meta,date,flag,x\n{PAYS},1,20251231,1,0\n"
    return held


def capital(changed: int | None, told: int | None, shares: float) -> dict[str, float]:
    """One row of the share capital table; no day is NaN."""
    first, second = (float("nan") if day is None else float(ms_of(str(day))) for day in (changed, told))
    return {"m_timetag": first, "m_anntime": second, "total_capital": 2 * shares, "circulating_capital": shares}


class DirectLine:
    """The line without a process: the same questions, asked here."""

    def __init__(self, xtdata: Any) -> None:
        self._calls: Calls | None = None
        self._xt = xtdata
        self.asked: list[str] = []

    def call(self, name: str, *args: Any, told: Callable[[int, int], None] | None = None, wait_s: float = 0) -> Any:
        self.asked.append(name)
        try:
            if self._calls is None:
                self._calls = Calls(self._xt)
                self._calls.connect()
            return answer(self._calls, name, list(args), told or (lambda _done, _of: None))
        except Fault as fault:
            self.close()
            raise error_of(fault.kind, fault.text) from fault

    def close(self) -> None:
        self._calls = None


def source(xtdata: Any, folder: Path, now_ns: int = NOW_NS) -> Xt:
    """The source over the real package, with a clock that nobody waits for."""
    wall = Wall(now_ns)
    pacer = PolitePacer("xt", Rate(600), wall, DayCount(folder / "calls.json", 0))
    return Xt(pacer, lambda: now_ns, DirectLine(xtdata))


def run(xtdata: Any, folder: Path, wanted: Wanted | None = None) -> Downloaded:
    """Download into folder/history."""
    return Download(folder / "history", source(xtdata, folder), quiet).run(wanted or Wanted(FIRST, LAST))


def daily(folder: Path) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the daily rows of folder/history."""
    history = folder / "history"
    rows = [row for year in daily_years(history) for row in read_table(history, f"daily/{year}.parquet").to_dicts()]
    return {(row["day"], row["symbol"]): row for row in rows}
