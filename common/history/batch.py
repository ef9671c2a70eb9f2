"""Screens of many days in one go: the conditions are the live screener's, their windows are compiled."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from common.domain.errors import HistoryError
from common.domain.values import Day
from common.history.cross import (
    FLOAT_SESSIONS,
    I64,
    NO_BOARD,
    Universe,
    bar_of,
    boards_of,
    cross_of,
    days_held,
    from_day,
    lacking_boards,
    last_traded,
    listed_sessions,
    per_stock,
    pieces,
    reach_of,
    rows_on,
    spells_of,
    table_of,
)
from common.history.daily import History, Rows
from common.screens.cross import Bars, Cross, MergedPair, Span
from common.screens.screen import Screen, Screened, no_screen, run_screen
from common.screens.st import recent_st

if TYPE_CHECKING:
    from common.screens.compiled import PairTable, SpanTable

COMPILED_FROM = 60
"""Days from which on it pays to compile: below, plain windows are done sooner."""
CHUNK_DAYS = 250
"""Days whose tables are in memory at once: a year of the whole market takes some 200 MB."""


def screen_days(
    history: History, screens: Sequence[Screen], days: Sequence[Day], compiled: bool | None = None
) -> Iterator[list[Screened]]:
    """Yield what the screens say of each trading day, in ascending order; what history cannot serve lacks its data."""
    if not (len(days) >= COMPILED_FROM if compiled is None else compiled):
        for day in days:
            yield _one_day(history, screens, day)
        return
    for begin in range(0, len(days), CHUNK_DAYS):
        yield from _chunk(history, screens, days[begin : begin + CHUNK_DAYS])


def _one_day(history: History, screens: Sequence[Screen], day: Day) -> list[Screened]:
    try:
        cross = cross_of(history, day, max(screen.sessions for screen in screens), least=1)
    except HistoryError as error:
        return [no_screen(screen, day, str(error)) for screen in screens]
    return [_run(screen, cross) for screen in screens]


def _run(screen: Screen, cross: Cross) -> Screened:
    if screen.sessions > cross.sessions:
        return no_screen(screen, cross.day, cross.hole)
    return run_screen(screen, cross)


def _chunk(history: History, screens: Sequence[Screen], days: Sequence[Day]) -> Iterator[list[Screened]]:
    try:
        tables = Tables(history, days, max(screen.sessions for screen in screens))
    except HistoryError as error:  # not even the first session is there
        yield from ([no_screen(screen, day, str(error)) for screen in screens] for day in days)
        return
    for day in days:
        try:
            cross = tables.cross(day)
        except HistoryError as error:
            yield [no_screen(screen, day, str(error)) for screen in screens]
        else:
            yield [_run(screen, cross) for screen in screens]


class Tables:
    """Everything that the cross-sections of neighbouring days share."""

    def __init__(self, history: History, days: Sequence[Day], sessions: int) -> None:
        calendar = history.calendar()
        self._history = history
        self._sessions = sessions
        self.days = calendar.between(days[0], days[-1])
        before = calendar.window(history.session_before(days[0]), max(sessions, FLOAT_SESSIONS))
        self._window = [*before, *self.days[:-1]]
        """Every session that a day can look at."""
        self._parts = pieces(history, self._window)
        if not any(len(rows.day) for rows in self._parts):
            raise HistoryError(f"daily bars before {days[0]} are missing; import more")
        self._held = days_held(self._parts)
        self.universe = _universe(history, self._parts, days)
        bars = table_of(self.universe, self._parts, self._window)
        # Rows in front where the calendar begins later, so that day i asks after row `look + i - 1` in any case.
        self.look = max(sessions, FLOAT_SESSIONS)
        missing = self.look - len(before)
        self._bars = Bars(*(np.vstack([np.zeros((missing, bars.close.shape[1]), np.int64), each]) for each in bars))
        self._seeds = last_traded(history, self.universe, Bars(*(each[: len(before)] for each in bars)), before)
        self._last_close, self.factor_now = self._carried()
        self._shares = _float_shares(self.universe, self._parts, self._window, missing, self.look, len(self.days))
        self._spells = spells_of(history, self.universe, self.days[-1])
        self._spans: dict[int, SpanTable] = {}
        self._pairs: dict[int, PairTable] = {}

    def _carried(self) -> tuple[I64, I64]:
        """Return the last close and the factor at D-1 of every day."""
        closes = np.empty((len(self.days), len(self.universe.ids)), np.int64)
        factors = np.empty_like(closes)
        close, factor = self._seeds.close[-1].copy(), self._seeds.factor[-1].copy()
        for at in range(len(self.days)):
            row = self.look + at - 1
            traded = self._bars.close[row] > 0
            close[traded], factor[traded] = self._bars.close[row][traded], self._bars.factor[row][traded]
            closes[at], factors[at] = close, np.where(self._bars.factor[row] > 0, self._bars.factor[row], factor)
        return closes, factors

    def span(self, sessions: int) -> "SpanTable":
        """Return the spans of every day."""
        from common.screens.compiled import span_table

        if sessions not in self._spans:
            bars = Bars(*(each[self.look - sessions :] for each in self._bars))
            self._spans[sessions] = span_table(bars, self.factor_now, sessions)
        return self._spans[sessions]

    def pairs(self, count: int) -> "PairTable":
        """Return the merged pairs of every day."""
        from common.screens.compiled import pair_table

        if count not in self._pairs:
            seeds = Bars(*(each[-count:] for each in self._seeds))
            lacking = np.zeros((count - len(seeds.close), seeds.close.shape[1]), np.int64)
            stacked = (
                np.vstack([lacking, seed, each[self.look :]]) for seed, each in zip(seeds, self._bars, strict=True)
            )
            self._pairs[count] = pair_table(Bars(*stacked), self.factor_now, count)
        return self._pairs[count]

    def recent_st(self, day: Day, months: int) -> I64:
        """Return the ST states of a day."""
        return recent_st(self._spells, len(self.universe.ids), day, months)

    def cross(self, day: Day) -> Cross:
        """Return the cross-section of a day; raises `HistoryError` where history has no facts of it."""
        history, universe = self._history, self.universe
        at, last = self.days.index(day), history.session_before(day)
        facts = history.pre_open(day)
        reach = reach_of(history, day, self._sessions, self._held)
        if not reach.days:
            raise HistoryError(reach.hole)
        yesterday = rows_on(self._parts, last)
        earlier = [each for each in self._window if each < last][-1:]
        before = rows_on(self._parts, earlier[0]) if earlier else yesterday
        board = boards_of(list(universe.symbols), day)
        present = np.zeros(len(universe.ids), bool)
        columns = universe.column[facts.symbol]
        present[columns[columns >= 0]] = True
        return Cross(
            day=day,
            symbols=universe.symbols,
            names=(),
            listed=present & (board != NO_BOARD),
            board=board,
            bar=bar_of(universe, yesterday),
            last_close=self._last_close[at],
            float_shares=self._shares[at],
            listed_sessions=listed_sessions(history, universe, last),
            suspended=per_stock(universe, facts, "suspended") > 0,
            up_limit=per_stock(universe, facts, "up_limit"),
            lacking=lacking_boards(history, day, before.symbol, yesterday.symbol, facts.symbol),
            sessions=len(reach.days),
            hole=reach.hole,
            windows=_Windows(self, day, at),
        )


class _Windows:
    """The windows of one day, out of the tables of all."""

    def __init__(self, tables: Tables, day: Day, at: int) -> None:
        self._tables, self._day, self._at = tables, day, at

    def span(self, sessions: int) -> Span:
        """Return the last exchange sessions up to D-1."""
        return self._tables.span(sessions).at(self._at)

    def merged(self, bars: int) -> MergedPair:
        """Return the last two merged bars out of the last traded bars up to D-1."""
        return self._tables.pairs(bars).at(self._at)

    def recent_st(self, months: int) -> I64:
        """Return the ST state of the months up to D."""
        return self._tables.recent_st(self._day, months)


def _universe(history: History, parts: Sequence[Rows], days: Sequence[Day]) -> Universe:
    """Return a column for every stock that is listed on one of the days or has rows before them."""
    ids = [rows.symbol for rows in parts]
    with suppress(HistoryError):  # `cross` says so when it comes to that day
        ids.append(history.pre_open(days[-1]).symbol)
    every = np.unique(np.concatenate(ids)).astype(np.int64)
    symbols = [history.symbols[at] for at in every.tolist()]
    known = (boards_of(symbols, days[0]) != NO_BOARD) | (boards_of(symbols, days[-1]) != NO_BOARD)
    kept = every[known]
    column = np.full(len(history.symbols), -1, np.int64)
    column[kept] = np.arange(len(kept))
    return Universe(kept, column, tuple(history.symbols[at] for at in kept.tolist()), np.zeros(len(kept), np.int64))


def _float_shares(
    universe: Universe, parts: Sequence[Rows], window: Sequence[Day], missing: int, look: int, days: int
) -> I64:
    """Return the float shares last known within `FLOAT_SESSIONS`, days x stocks."""
    stocks = len(universe.ids)
    shares, row_of = np.zeros(stocks, np.int64), np.full(stocks, -1, np.int64)
    table = np.empty((days, stocks), np.int64)
    for row in range(look + days - 1):
        if row >= missing:
            rows = rows_on(from_day(parts, window[row - missing]), window[row - missing])
            columns, found = universe.column[rows.symbol], rows.columns["float_shares"]
            known = (columns >= 0) & (found > 0)
            shares[columns[known]], row_of[columns[known]] = found[known], row
        at = row - look + 1
        if at >= 0:
            table[at] = np.where(row_of > row - FLOAT_SESSIONS, shares, 0)
    return table
