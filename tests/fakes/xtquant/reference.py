"""The part of the fake native quote client that answers questions about history and reference data (notes §3.2).

What a test scripts is `library(terminal)`: what the server holds, and what has been downloaded of it. A client answers
from its own disk, so what was not downloaded comes back as `Library.missing` says.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.xtquant.terminal import Terminal, encode

Bar = dict[str, float]
BAR_FIELDS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "amount",
    "settelementPrice",
    "openInterest",
    "preClose",
    "suspendFlag",
)
"""Columns of a bar, spelt as the package spells them (notes §2.3 [D][P])."""
PERIOD_MS = {"1m": 60_000, "5m": 300_000, "1d": 86_400_000}
HOUR_MS = 3_600_000


def ms_of(label: str) -> int:
    """Return the milliseconds of a label in Shanghai, whatever the zone of this process."""
    text = label.ljust(14, "0")
    at = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC) - timedelta(hours=8)
    return int(at.timestamp()) * 1000


class Library:
    """What the servers hold, what is on this disk, and how the client behaves where nobody knows it: [?] and [U]."""

    def __init__(self) -> None:
        self.bars: dict[tuple[str, str], dict[str, Bar]] = {}
        """(code, period) to label to bar, as traded."""
        self.here: dict[tuple[str, str], set[str]] = {}
        """Labels that are on this disk."""
        self.missing = "absent"
        """What is given for a bar that is not here: absent, nan, zero, flat (notes §2.3 [?])."""
        self.shown_suspended = True
        """A suspended day comes as a flagged flat row; False: it has no row without filling (notes §2.3 [?])."""
        self.members: dict[int, dict[str, list[str]]] = {}
        """Lists of stocks as of a time in milliseconds, from then on."""
        self.trading_ms: list[int] = []
        self.holidays: list[int] = []
        self.holidays_on_server: list[int] | None = None
        """What downloadholidaydata brings; None = nothing new."""
        self.st_csv: str | None = None
        """What downloadhisstdata writes; None = nothing."""
        self.capital: dict[str, list[dict[str, float]]] = {}
        self.divid: dict[str, dict[Any, dict[str, float]]] = {}
        self.fault: Callable[[str], None] | None = None
        """Called with the name of each call before it is answered: to raise, to hang, to drop the line."""
        self.download_script: Callable[[Library, Any], bool] | None = None
        """Plays a download instead of the true one: gets the progress function, returns what native returns."""
        self.download_brings = 1.0
        """Share of the labels asked for that a download really brings, though it says that all came."""
        self.download_version: int | None = None
        """What getapiversion tells (notes §2.3: with one, the single download goes through the plural one)."""
        self.stopped = 0

    def put(self, code: str, period: str, bars: Mapping[str, Bar]) -> None:
        """Give the server bars."""
        self.bars.setdefault((code, period), {}).update(bars)

    def bring(self, code: str, period: str, first: str, last: str) -> None:
        """Put bars onto this disk."""
        labels = [label for label in self.bars.get((code, period), {}) if _inside(label, first, last)]
        kept = labels[: round(len(labels) * self.download_brings)]
        self.here.setdefault((code, period), set()).update(kept)


def library(terminal: Terminal) -> Library:
    """Return what a test scripts."""
    found: Library = terminal.__dict__.setdefault("library", Library())
    return found


def _inside(label: str, first: str, last: str) -> bool:
    return (not first or label[: len(first)] >= first) and (not last or label[: len(last)] <= last)


class ReferenceCalls:
    """Mixed into `datacenter.IPythonApiClient`; `terminal` is what a test scripts."""

    terminal: Terminal

    def _note(self, name: str, asked: Any = None) -> Library:
        self.terminal.calls.append((name, asked))
        found = library(self.terminal)
        if found.fault is not None:
            found.fault(name)
        return found

    # ------------------------------------------------------------------ lists of stocks

    def get_stock_list_in_sector(self, sector: str, timetag_ms: int) -> list[str]:
        """Return the members of a sector now (-1) or at a time; an unknown one is empty, no error."""
        found = self._note("get_stock_list_in_sector", (sector, timetag_ms))
        if timetag_ms >= 0:
            old = [at for at in sorted(found.members) if at <= timetag_ms]
            if old:
                return list(found.members[old[-1]].get(sector, ()))
        return list(self.terminal.sectors.get(sector, ()))

    def get_sector_list(self) -> list[str]:
        """Return the names of the sectors."""
        return list(self.terminal.sectors)

    def down_history_contracts(self, incrementally: bool) -> None:
        """Bring the contracts that left the market (notes §2.4 [?])."""
        self._note("down_history_contracts", incrementally)

    # ------------------------------------------------------------------ downloads

    def supply_history_data(self, code: str, period: str, first: str, last: str) -> bool:
        """Bring one code's data, blocking."""
        found = self._note("supply_history_data", (code, period, first, last))
        found.bring(code, period, first, last)
        return True

    def supply_history_data2(  # as the native one
        self, codes: list[str], period: str, first: str, last: str, param: bytes, progress: Callable[[Any], bool]
    ) -> bool:
        """Bring data with progress; a callback that returns True ends it (notes §2.3, §3.2)."""
        from xtquant import xtbson

        asked = xtbson.BSON.decode(param)
        found = self._note("supply_history_data2", (tuple(codes), period, first, last, asked))
        if found.download_script is not None:
            return found.download_script(found, progress)
        total = max(1, len(codes))
        for at, code in enumerate(codes, 1):
            found.bring(code, period, first, last)
            told = {"finished": at, "total": total, "stockcode": code, "message": ""}
            if at == total:
                told["result"] = encode(
                    {code: {"start_time": ms_of("20240102"), "end_time": ms_of("20240103")} for code in codes}
                )
            if progress(told):
                break
        if not codes:
            progress({"finished": 1, "total": 1, "stockcode": "", "message": ""})
        return False

    def stop_supply_history_data2(self) -> None:
        """End a download."""
        self._note("stop_supply_history_data2").stopped += 1

    # ------------------------------------------------------------------ bars

    def get_market_data3(
        self, fields: list[str], codes: list[str], period: str, first: str, last: str, count: int, dividend: str,
        fill: bool, version: str, local: bool, server: bool, debug: int, folder: str,
    ) -> Any:  # fmt: skip
        """Answer version v4: (code, labels, [(field, dtype, bytes)]) (notes §3.2)."""
        found = self._note("get_market_data3", (tuple(codes), period, first, last, dividend, fill, version))
        assert version == "v4", "only the bars of get_market_data_ex are here"
        return [self._bars_v4(found, code, period, fields, (first, last, count, fill)) for code in codes]

    def _bars_v4(
        self, found: Library, code: str, period: str, fields: list[str], asked: tuple[str, str, int, bool]
    ) -> tuple[str, list[str], list[tuple[str, str, bytes]]]:
        first, last, count, fill = asked
        here = found.here.get((code, period), set())
        rows: list[tuple[str, Bar]] = []
        close = 0.0
        for label, bar in sorted(found.bars.get((code, period), {}).items()):
            if not _inside(label, first, last):
                continue
            if label in here and (found.shown_suspended or fill or bar["suspendFlag"] != 1):
                rows.append((label, bar))
                close = bar["close"]
            elif label not in here and (made := _missing(found.missing, close)) is not None:
                rows.append((label, made))
        rows = rows[-count:] if count > 0 else rows
        wanted = fields or ["time", *BAR_FIELDS]
        data = []
        for field in wanted:
            if field == "time":
                data.append((field, "<i8", np.array([ms_of(label) for label, _ in rows], "<i8").tobytes()))
            elif field == "suspendFlag" or field == "openInterest":
                whole = [int(bar.get(field, 0)) for _, bar in rows]
                data.append((field, "<i4", np.array(whole, "<i4").tobytes()))
            else:
                data.append((field, "<f8", np.array([bar.get(field, 0.0) for _, bar in rows], "<f8").tobytes()))
        return code, [label for label, _ in rows], data

    # ------------------------------------------------------------------ reference data

    def get_trading_dates_by_market(self, market: str, first: str, last: str, count: int) -> list[int]:
        """Return trading days as milliseconds."""
        found = self._note("get_trading_dates_by_market", (market, first, last))
        return [at for at in found.trading_ms if _inside(_label_of(at), first, last)]

    def get_holidays(self) -> list[int]:
        """Return holidays as yyyymmdd."""
        return list(self._note("get_holidays").holidays)

    def get_divid_factors(self, code: str, first: str, last: str) -> dict[Any, dict[str, float]]:
        """Return what is given on each ex-day; the form of the keys is [?] (notes §2.3)."""
        return dict(self._note("get_divid_factors", code).divid.get(code, {}))

    def get_financial_data(
        self, codes: list[str], tables: list[str], first: str, last: str, kind: str
    ) -> dict[str, dict[str, list[dict[str, float]]]]:
        """Return rows of tables by their internal names (notes §3.2)."""
        found = self._note("get_financial_data", (tuple(codes), tuple(tables), kind))
        assert tables == ["CAPITALSTRUCTURE"], "only share capital is here"
        return {
            code: {"CAPITALSTRUCTURE": [dict(row) for row in found.capital[code]]}
            for code in codes
            if code in found.capital
        }


def _missing(how: str, close: float) -> Bar | None:
    """Return what stands for a bar that is not on this disk."""
    if how == "absent":
        return None
    value = {"nan": float("nan"), "zero": 0.0, "flat": close}[how]
    rest = float("nan") if how == "nan" else 0.0
    prices = dict.fromkeys(("open", "high", "low", "close", "preClose"), value)
    return {**prices, "volume": rest, "amount": rest, "suspendFlag": 0}


def _label_of(at_ms: int) -> str:
    return time.strftime("%Y%m%d", time.gmtime(at_ms / 1000 + 8 * 3600))


# ---------------------------------------------------------------------- named questions


def _reached(terminal: Terminal, name: str) -> Library:
    found = library(terminal)
    if found.fault is not None:
        found.fault(name)
    return found


def _holidays(terminal: Terminal, _asked: dict[str, Any]) -> dict[str, Any]:
    found = _reached(terminal, "downloadholidaydata")
    if found.holidays_on_server is not None:
        found.holidays = list(found.holidays_on_server)
    return {"result": True}


def _his_st(terminal: Terminal, _asked: dict[str, Any]) -> dict[str, Any]:
    found = _reached(terminal, "downloadhisstdata")
    path = Path(terminal.data_dir, "..", "data", "SH_XXXXXX_2011_86400000.csv")
    if found.st_csv is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found.st_csv, "utf-8")
    return {}


def _version(terminal: Terminal, _asked: dict[str, Any]) -> dict[str, Any]:
    told = library(terminal).download_version
    return {} if told is None else {"downloadversion": told}


CONTROLS: dict[str, Callable[[Terminal, dict[str, Any]], dict[str, Any]]] = {
    "getapiversion": _version,
    "downloadholidaydata": _holidays,
    "downloadhisstdata": _his_st,
}
"""Answers of `commonControl` by name."""
