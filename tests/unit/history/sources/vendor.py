"""A baostock that lives in the test: the package's functions over a small market. Shape from docs, not recorded.

Columns, codes, empty cells of suspended days and error codes are as in the package's source and demos (0.9.4).
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from common.history.sources.coverage import BAOSTOCK
from common.history.sources.pace import DayCount, PolitePacer

DAYS = [
    "2025-12-29", "2025-12-30", "2025-12-31", "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09",
]  # fmt: skip
FUTURE = ["2026-01-12", "2026-01-13"]
DAILY = [
    "date",
    "code",
    "open",
    "high",
    "low",
    "close",
    "preclose",
    "volume",
    "amount",
    "adjustflag",
    "turn",
    "tradestatus",
    "isST",
]
BASIC = ["code", "code_name", "ipoDate", "outDate", "type", "status"]
DIVIDEND = [
    "code",
    "dividPreNoticeDate",
    "dividAgmPumDate",
    "dividPlanAnnounceDate",
    "dividPlanDate",
    "dividRegistDate",
    "dividOperateDate",
    "dividPayDate",
    "dividStockMarketDate",
    "dividCashPsBeforeTax",
    "dividCashPsAfterTax",
    "dividStocksPs",
    "dividCashStock",
    "dividReserveToStockPs",
]
Answer = Sequence[Sequence[str]]


class Result:
    """What a query gives: pages of rows, read as the package's documentation says."""

    def __init__(self, fields: Sequence[str], rows: Answer, code: str = "0", text: str = "success") -> None:
        self.fields = list(fields)
        self.data = [list(row) for row in rows]
        self.error_code, self.error_msg = code, text
        self._at = 0

    def next(self) -> bool:
        return self._at < len(self.data)

    def get_row_data(self) -> list[str]:
        self._at += 1
        return self.data[self._at - 1]


def bar(day: str, code: str, close: str, preclose: str, *, st: str = "0", traded: bool = True) -> list[str]:
    """One daily row; turnover rate 0.1 % of 100 million shares."""
    if not traded:
        return [day, code, preclose, preclose, preclose, preclose, preclose, "", "", "3", "", "0", st]
    amount = f"{Decimal(close) * 100_000:.4f}"
    return [day, code, close, close, close, close, preclose, "100000", amount, "3", "0.100000", "1", st]


def market() -> list[list[str]]:
    """Three stocks over eight sessions: an ex-day on 2026-01-06, an ST spell, a suspension, a listing on 2026-01-07."""
    rows = []
    for at, day in enumerate(DAYS):
        rows.append(bar(day, "sh.600000", "10.0000" if at < 4 else "9.5000", "10.0000" if at < 4 else "9.5000"))
        rows.append(bar(day, "sz.000001", "5.0000", "5.0000", st="1" if 2 <= at < 6 else "0", traded=at != 4))
        if at >= 5:
            rows.append(bar(day, "sz.300999", "30.0000", "25.0000" if at == 5 else "30.0000"))
        rows.append(bar(day, "sh.000001", "3000.0000", "3000.0000"))  # the index, no share
    return rows


class Vendor(SimpleNamespace):
    """Counts its calls; `fail` = the answers to give instead, one a call (None = the true one)."""

    def __init__(self, rows: list[list[str]] | None = None) -> None:
        super().__init__()
        self.rows = market() if rows is None else rows
        self.calls: list[str] = []
        self.fail: list[tuple[str, str] | None] = []
        self.logins = 0
        self.cut_after: int | None = None

    def _answer(self, name: str, fields: Sequence[str], rows: Answer) -> Result:
        if self.cut_after is not None and len(self.calls) >= self.cut_after:
            raise KeyboardInterrupt
        self.calls.append(name)
        wrong = self.fail.pop(0) if self.fail else None
        return Result(fields, rows) if wrong is None else Result(fields, [], *wrong)

    def login(self) -> Result:
        self.logins += 1
        return Result([], [])

    def logout(self) -> Result:
        return Result([], [])

    def query_trade_dates(self, start_date: str, end_date: str) -> Result:
        rows = [[day, "1"] for day in [*DAYS, *FUTURE] if start_date <= day <= end_date]
        return self._answer("calendar", ["calendar_date", "is_trading_day"], [*rows, ["2026-01-10", "0"]])

    def query_stock_basic(self) -> Result:
        rows = [
            ["sh.600000", "浦发银行", "1999-11-10", "", "1", "1"],
            ["sz.000001", "平安银行", "1991-04-03", "", "1", "1"],
            ["sz.300999", "新股", "2026-01-07", "", "1", "1"],
            ["sh.000001", "上证综合指数", "1991-07-15", "", "2", "1"],
            ["sh.510050", "50ETF", "2005-02-23", "", "5", "1"],
        ]
        return self._answer("basic", BASIC, rows)

    def query_daily_history_k_AStock(self, date: str) -> Result:
        return self._answer(f"day {date}", DAILY, [row for row in self.rows if row[0] == date])

    def query_history_k_data_plus(
        self, code: str, fields: str, start_date: str, end_date: str, frequency: str, adjustflag: str
    ) -> Result:
        names = fields.split(",")
        if frequency == "5":
            rows = [
                ["2026-01-05", "20260105093500000", code, "10.00", "10.10", "9.90", "10.00", "1200", "12000.00", "3"],
                ["2026-01-05", "20260105094000000", code, "10.00", "10.00", "10.00", "10.00", "0", "0.00", "3"],
            ]
            return self._answer(f"minutes {code} {start_date}", names, rows)
        rows = [row for row in self.rows if row[1] == code and start_date <= row[0] <= end_date]
        return self._answer(f"stock {code} {start_date}", names, rows)

    def query_dividend_data(self, code: str, year: str, yearType: str) -> Result:  # noqa: N803 - the package's name
        rows = []
        if code == "sh.600000" and year == "2026":
            rows = [[code, "", "2025-12-01", "2025-11-01", "2025-12-30", "2026-01-05", "2026-01-06", "2026-01-06", "",
                     "0.3；0.2", "0.27；0.18", "", "10派5元", ""]]  # fmt: skip
        return self._answer(f"dividends {code} {year}", DIVIDEND, rows)


class Wall:
    """A clock that moves only when somebody waits."""

    def __init__(self, now_ns: int = 1_767_600_000 * 10**9) -> None:
        self.at_ns = now_ns
        self.slept: list[float] = []

    def now_ns(self) -> int:
        return self.at_ns

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at_ns += int(seconds * 10**9)


def quiet(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


def pacer(folder: Path, wall: Wall) -> PolitePacer:
    """The pacer of a download, on a clock that nobody waits for."""
    return PolitePacer("baostock", BAOSTOCK.rate, wall, DayCount(folder / "calls.json", 1_000))
