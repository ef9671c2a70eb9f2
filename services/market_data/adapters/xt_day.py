"""The instrument table of a live day: the vendor's instruments, the facts of our history, the limits of our rulebook."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from common.domain.calendar import Calendar
from common.domain.errors import BadSymbolError
from common.domain.values import Day, Price, Symbol
from common.messages.columns import I4, I8, U1, U2
from common.messages.market import InstrumentFlag, InstrumentTable
from common.rules.boards import board_of, exchange_of, is_code, stage_of
from common.rules.price_limits import Band, ListingPhase, price_band
from services.market_data.day_facts_form import DayFacts, Ex

Detail = Mapping[str, Any]
PLACEHOLDERS = range(19700101, 19700107)
"""Listing days of what is not listed yet (notes §2.4 [U])."""
NO_DAY = 99_999_999
FRESH_BP = 9_500
YUAN_MAX = 2e6
NO_LIMIT_TIMES = 3
"""A limit that far from the close before is how a feed writes "none"."""


class Opened(NamedTuple):
    """The table, and what was left out or does not fit, for the log."""

    table: InstrumentTable
    counts: dict[str, int]
    differ: list[str]
    """Stocks whose limits differ, each with its numbers."""


class _Row(NamedTuple):
    symbol: Symbol
    name: str
    board: int
    prev_close: Price
    raw_prev_close: Price
    ours: Band
    told: Band
    float_shares: int
    flags: int
    ex: Ex


_NO_EX = Ex(0, 0, 0, 0)


def milli(value: object) -> int:
    """Return yuan as 0.001 yuan; 0 for what is no number."""
    if not isinstance(value, int | float) or not abs(value) <= YUAN_MAX:  # NaN is not either
        return 0
    return round(value * 1000)


def day_number(value: object) -> Day:
    """Return a vendor's day, a number or its text, as yyyymmdd; 0 for placeholders and for what is no day."""
    text = str(value or "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) == 8 else 0
    return 0 if number in PLACEHOLDERS or number == NO_DAY or number < 19900101 else number


def stocks_of(codes: Iterable[str]) -> list[Symbol]:
    """Return the A shares among the codes of a market, in order: indices, funds and bonds come in the same pushes."""
    return sorted(code for code in set(codes) if is_code(code))


def is_fresh(details: Mapping[Symbol, Detail], closes: Mapping[Symbol, float], day: Day) -> bool:
    """Tell whether the details are those of `day`: refreshed at a time in the morning that nobody documents.

    Without a date and without quotes of today nothing tells. `closes` are the `lastClose` of today's quotes, where there are any: the reference price must be the same.
    """
    dated = [day_number(detail.get("TradingDay")) for detail in details.values() if detail.get("TradingDay")]
    if not (dated or closes) or sum(each == day for each in dated) * 10_000 < len(dated) * FRESH_BP:
        return False
    both = [
        (milli(details[symbol].get("PreClose")), milli(close)) for symbol, close in closes.items() if symbol in details
    ]
    return sum(one == other for one, other in both) * 10_000 >= len(both) * FRESH_BP


def told_band(detail: Detail, prev_close: Price) -> Band:
    """Return the limits as the feed tells them; 0 and limits that no price reaches mean that it tells none."""
    up, down = milli(detail.get("UpStopPrice")), milli(detail.get("DownStopPrice"))
    if up <= 0 or down <= 0 or up > NO_LIMIT_TIMES * prev_close or up <= down:
        return Band(0, 0)
    return Band(up, down)


class DayTable:
    """Makes the table of one day."""

    def __init__(self, day: Day, calendar: Calendar, facts: DayFacts) -> None:
        self._day, self._calendar, self._facts = day, calendar, facts
        self._st, self._delisting = set(facts.st), set(facts.delisting)
        self._left_out: Counter[str] = Counter()

    def open(self, details: Mapping[Symbol, Detail]) -> Opened:
        """Return the table of everything listed today; raises ValueError where nothing is."""
        rows = [row for symbol in sorted(details) if (row := self._row(symbol, details[symbol])) is not None]
        if not rows:
            raise ValueError("the client names no stock that is listed today")
        differ = [
            f"{row.symbol} rulebook {row.ours.down}..{row.ours.up}, feed {row.told.down}..{row.told.up}"
            for row in rows
            if row.ours != row.told
        ]
        counts = dict(self._left_out) | {"stocks": len(rows), "limits_differ": len(differ)}
        return Opened(self._table(rows), counts, differ)

    def _row(self, symbol: Symbol, detail: Detail) -> _Row | None:
        try:
            board = int(board_of(symbol, self._day))
        except BadSymbolError:
            self._left_out["no code of today"] += 1
            return None
        listed = day_number(detail.get("OpenDate")) or self._facts.listed.get(symbol, 0)
        gone = day_number(detail.get("ExpireDate"))
        if not listed or listed > self._day:
            self._left_out["not listed yet"] += 1
            return None
        if 0 < gone < self._day:
            self._left_out["delisted"] += 1
            return None
        prev_close = milli(detail.get("PreClose"))
        if prev_close <= 0:
            self._left_out["no previous close"] += 1
            return None
        name = str(detail.get("InstrumentName") or "")
        ex = self._ex(symbol, prev_close, listed)
        ours = self._band(symbol, board, prev_close, listed, name)
        return _Row(
            symbol, name, board, prev_close, ex.prev_close or prev_close, ours, told_band(detail, prev_close),
            self._float_shares(detail), self._flags(symbol, name, detail, ex), ex,
        )  # fmt: skip

    def _ex(self, symbol: Symbol, prev_close: Price, listed: Day) -> Ex:
        """Return what the day does to the price: the announced event, else whatever explains the reference price."""
        told = self._facts.ex.get(symbol)
        if told is not None and told.reference == prev_close:
            return told
        raw = self._facts.closes.get(symbol, 0)
        if raw in (0, prev_close) or listed == self._day:
            return _NO_EX
        if told is not None:
            self._left_out["ex price differs"] += 1
        # Only the prices are known: all of it is taken for cash, as an import does.
        return Ex(raw, prev_close, max(0, raw - prev_close) * 1000, 0)

    def _is_st(self, symbol: Symbol, name: str) -> bool:
        return symbol in self._st or "ST" in name.upper()

    def _is_delisting(self, symbol: Symbol, name: str) -> bool:
        return symbol in self._delisting or name.endswith("退") or name.startswith("退市")

    def _band(self, symbol: Symbol, board: int, prev_close: Price, listed: Day, name: str) -> Band:
        phase = ListingPhase.DELISTING if self._is_delisting(symbol, name) else ListingPhase.NORMAL
        session = 0
        if listed >= self._calendar.first:
            session = len(self._calendar.between(listed, self._day))
        return price_band(
            board, self._day, prev_close, self._is_st(symbol, name), int(stage_of(symbol, phase)), session, listed,
            int(exchange_of(symbol)),
        )  # fmt: skip

    def _flags(self, symbol: Symbol, name: str, detail: Detail, ex: Ex) -> int:
        status = detail.get("InstrumentStatus")
        suspended = isinstance(status, int) and status >= 1  # days suspended; notes §2.4 [U]
        return (
            (InstrumentFlag.ST if self._is_st(symbol, name) else 0)
            | (InstrumentFlag.ST_UNKNOWN if not name else 0)
            | (InstrumentFlag.SUSPENDED if suspended else 0)
            | (InstrumentFlag.DELISTING if self._is_delisting(symbol, name) else 0)
            | (InstrumentFlag.EX_DAY if ex.prev_close else 0)
        )

    @staticmethod
    def _float_shares(detail: Detail) -> int:
        shares = detail.get("FloatVolume")
        return round(shares) if isinstance(shares, int | float) and 0 < shares < 1e13 else 0

    def _table(self, rows: list[_Row]) -> InstrumentTable:
        def column(value: Callable[[_Row], int], dtype: "np.dtype[Any]") -> bytes:
            return np.array([value(row) for row in rows], dtype).tobytes()

        listed = {row.symbol for row in rows}
        return InstrumentTable(
            day=self._day,
            symbols=[row.symbol for row in rows],
            names=[row.name for row in rows],
            board=column(lambda row: row.board, U1),
            prev_close=column(lambda row: row.prev_close, I4),
            raw_prev_close=column(lambda row: row.raw_prev_close, I4),
            up_limit=column(lambda row: row.ours.up, I4),
            down_limit=column(lambda row: row.ours.down, I4),
            float_shares=column(lambda row: row.float_shares, I8),
            flags=column(lambda row: row.flags, U2),
            ex_cash_e6=column(lambda row: row.ex.cash_e6, I8),
            ex_bonus_e6=column(lambda row: row.ex.bonus_e6, I8),
            delisted=tuple(symbol for symbol in self._facts.delisted if symbol not in listed),
            feed_up_limit=column(lambda row: row.told.up, I4),
            feed_down_limit=column(lambda row: row.told.down, I4),
        )
