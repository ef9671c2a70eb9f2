"""From a vendor's bars to daily rows: a row for every listed stock and session, limits, factors, ex-events. Pure.

What a vendor leaves out is derived, never guessed: limits from the dated rules and the day's reference price, factors
along the ex-days, a listed stock without a bar is suspended at its last close. A stock that nothing is known of yet
(no bar so far) has no row.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from common.domain.calendar import Calendar
from common.domain.errors import BadSymbolError
from common.domain.values import Board, Day, Price, Symbol
from common.history import schema
from common.history.schema import known_at_of
from common.history.sources.tables import NOT_TOLD
from common.history.store import polars_schema
from common.rules.boards import board_of
from common.rules.corporate import ex_right_reference
from common.rules.price_limits import price_band

FACTOR_ONE = 1_000_000_000
FIRST_SESSIONS = 10
"""Sessions after which a listing has no special limits any more (no rule reaches further)."""
SAME_FLOAT_E4 = 5
"""Float shares derived from a rounded turnover rate count as unchanged within 0.05 %."""
TICK = 10


class Listing(NamedTuple):
    """When a stock is listed; `delisted` 0 = still."""

    listed: Day
    delisted: Day


class Before(NamedTuple):
    """What is known of a stock at the end of an earlier session."""

    day: Day
    close: Price
    """Of the last session with trades, 0.001 yuan."""
    factor_e9: int
    float_shares: int
    st: int = NOT_TOLD


class Dividend(NamedTuple):
    """What happens on an ex-day."""

    cash_e6: int
    bonus_e6: int
    known_at: int


class Facts(NamedTuple):
    """What completing needs beside the bars."""

    calendar: Calendar
    listings: Mapping[Symbol, Listing]
    before: Mapping[Symbol, Before]
    dividends: Mapping[tuple[Day, Symbol], Dividend]


class Completed(NamedTuple):
    """Rows as the history holds them."""

    daily: pl.DataFrame
    events: pl.DataFrame
    states: dict[Symbol, list[tuple[Day, int]]]
    """ST state (`tables.BARS`) of each stock and session that a vendor told it for."""
    after: dict[Symbol, Before]
    left_out: dict[str, int]


class _Columns:
    def __init__(self, table: schema.Table) -> None:
        self._table = table
        self._columns: dict[str, list[int | str | bool]] = {name: [] for name in table}

    def add(self, *values: int | str | bool) -> None:
        for column, value in zip(self._columns.values(), values, strict=True):
            column.append(value)

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self._columns, schema=polars_schema(self._table))


Bar = dict[str, int]


def complete(bars: pl.DataFrame, days: Sequence[Day], facts: Facts, only: frozenset[Symbol] = frozenset()) -> Completed:
    """Return the rows of the sessions `days` (ascending, without a hole); `only` = the stocks asked for, empty = all."""
    left_out: Counter[str] = Counter()
    by_symbol = _by_symbol(bars, facts, left_out)
    seen = {symbol[-3:] for symbol in by_symbol}
    # A vendor without an exchange says nothing about its stocks: they are not suspended, they are not there.
    wanted = only or {symbol for symbol in facts.listings if symbol[-3:] in seen}
    daily, events = _Columns(schema.DAILY), _Columns(schema.EX_EVENTS)
    states: dict[Symbol, list[tuple[Day, int]]] = {}
    after: dict[Symbol, Before] = {}
    for symbol in sorted(wanted & facts.listings.keys()):
        try:
            board = board_of(symbol, days[-1])
        except BadSymbolError:
            left_out["not an A-share code of these days"] += 1
            continue
        one = _Stock(symbol, board, facts, daily, events, left_out)
        for day in days:
            one.session(day, by_symbol.get(symbol, {}).get(day))
        if one.before is not None:
            after[symbol] = one.before
        if one.states:
            states[symbol] = one.states
    return Completed(daily.frame(), events.frame(), states, after, dict(left_out))


def _by_symbol(bars: pl.DataFrame, facts: Facts, left_out: Counter[str]) -> dict[Symbol, dict[Day, Bar]]:
    found: dict[Symbol, dict[Day, Bar]] = {}
    for row in bars.iter_rows(named=True):
        symbol = row["symbol"]
        if symbol not in facts.listings:
            left_out["bars of a code that the list of stocks does not have"] += 1
            continue
        found.setdefault(symbol, {})[row["day"]] = row
    return found


class _Stock:
    """One stock, session by session."""

    def __init__(
        self, symbol: Symbol, board: Board, facts: Facts, daily: _Columns, events: _Columns, left_out: Counter[str]
    ) -> None:
        self.symbol, self.board, self.facts = symbol, board, facts
        self.listing = facts.listings[symbol]
        self.before = facts.before.get(symbol)
        self.states: list[tuple[Day, int]] = []
        self._daily, self._events, self._left_out = daily, events, left_out

    def session(self, day: Day, bar: Bar | None) -> None:
        """Add the row of a session."""
        listing, before = self.listing, self.before
        if bar is None:
            if (
                before is None
                or self._stale(day)
                or day < listing.listed
                or (listing.delisted and day >= listing.delisted)
            ):
                return
            bar = _suspended(before.close)
        st = bar["st"] if bar["st"] != NOT_TOLD or before is None else before.st
        reference = bar["prev_close"] or (before.close if before else 0)
        factor = self._factor(day, reference)
        band = self._band(day, bar, reference, st == 1)
        shares = _float_shares(before.float_shares if before else 0, bar["float_shares"])
        traded = [bar[name] for name in schema.TRADED_COLUMNS]
        self._daily.add(day, self.symbol, reference, band[0], band[1], bool(bar["suspended"]), shares, factor, *traded)
        if bar["st"] != NOT_TOLD:
            self.states.append((day, bar["st"]))
        self.before = Before(day, bar["close"] or reference, factor, shares, st)

    def _stale(self, day: Day) -> bool:
        """Tell whether sessions are missing since the last row: its close says nothing about this day."""
        return self.before is not None and self.facts.calendar.next(self.before.day) < day

    def _factor(self, day: Day, reference: Price) -> int:
        """Return the day's factor; a reference price that is not the last close makes an ex-event."""
        before = self.before
        if before is None:
            return FACTOR_ONE
        if self._stale(day):
            return before.factor_e9  # the break that is noted there says that nothing goes on
        if reference in (0, before.close) or before.close == 0:
            return before.factor_e9
        event = ex_event(day, self.symbol, before.close, reference, self.facts.dividends)
        self._events.add(*event)
        if self.facts.dividends and event[4] == event[5] == 0:
            self._left_out["ex-days of which only the prices are known"] += 1
        return (2 * before.factor_e9 * before.close + reference) // (2 * reference)

    def _band(self, day: Day, bar: Bar, reference: Price, st: bool) -> tuple[Price, Price]:
        if bar["up_limit"] != NOT_TOLD:
            return bar["up_limit"], bar["down_limit"]
        band = price_band(int(self.board), day, reference, st, 0, self._session_number(day), self.listing.listed)
        return band.up, band.down

    def _session_number(self, day: Day) -> int:
        """Return the number of the session since the listing, 0 = long ago."""
        listed, calendar = self.listing.listed, self.facts.calendar
        if listed < calendar.first:
            return 0
        number = len(calendar.between(listed, day))
        return number if number <= FIRST_SESSIONS else 0


def ex_event(
    day: Day, symbol: Symbol, close: Price, reference: Price, dividends: Mapping[tuple[Day, Symbol], Dividend]
) -> tuple[Day, Symbol, Price, Price, int, int, int]:
    """Return the row of an ex-day; a dividend that does not give its reference price (rights?) is left out of it."""
    told = dividends.get((day, symbol), Dividend(0, 0, known_at_of(day, 9, 0)))
    if not _explains(told, close, reference):
        told = Dividend(0, 0, told.known_at)
    return day, symbol, close, reference, told.cash_e6, told.bonus_e6, told.known_at


def _suspended(close: Price) -> Bar:
    zeros = dict.fromkeys(("open", "high", "low", "close", "volume", "turnover", "float_shares"), 0)
    return {**zeros, "prev_close": close, "up_limit": NOT_TOLD, "down_limit": NOT_TOLD, "suspended": 1, "st": NOT_TOLD}


def _float_shares(before: int, told: int) -> int:
    if told == 0:
        return before
    return before if before and abs(told - before) * 10_000 <= before * SAME_FLOAT_E4 else told


def _explains(told: Dividend, close: Price, reference: Price) -> bool:
    """Tell whether a dividend gives the reference price, to a tick (exchanges round, vendors too)."""
    return abs(ex_right_reference(close, told.cash_e6, told.bonus_e6) - reference) <= TICK
