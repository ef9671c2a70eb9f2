"""Screens of many days in one go: the conditions are the live screener's, their windows are compiled."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from common.domain.errors import HistoryError
from common.domain.values import Day
from common.history.cross import (
    FLOAT_SESSIONS,
    I64,
    NO_BOARD,
    Boards,
    ListedSessions,
    Universe,
    bar_of,
    boards_of,
    cross_of,
    days_held,
    lacking_boards,
    last_traded,
    marked,
    per_stock,
    pieces,
    reach_of,
    rows_on,
    spells_of,
    table_of,
)
from common.history.daily import History, Rows
from common.screens.cross import Bar, Bars, Bools, Cross, MergedPair, Span
from common.screens.screen import Screen, Screened, no_screen, run_screen
from common.screens.st import recent_st

if TYPE_CHECKING:
    from common.screens.compiled import PairTable, SpanTable

COMPILED_FROM = 60
"""Days from which on it pays to compile: below, plain windows are done sooner."""
_EVER = 99_999_999
"""Later than any day."""
CHUNK_DAYS = 62
"""Days whose tables are in memory at once, with the sessions they look back at: some 50 MB of the whole market."""


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
        cross = cross_of(history, day, max(screen.sessions for screen in screens), least=1, named=False)
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


class Segments(NamedTuple):
    """Columns of the tables: a stock has one for each stretch of rows without a break."""

    base: I64
    """Column of the stock in the universe."""
    begin: I64
    """First day of the rows that count."""
    end: I64
    """First day whose rows do not; the last day that may ask."""

    def active(self, day: Day) -> Bools:
        """Return the columns that a day looks at, one for each stock."""
        return (self.begin < day) & (day <= self.end)

    def split(self, table: I64, days: Sequence[Day]) -> I64:
        """Return a table of the universe with a column for each segment, nothing of other segments in it."""
        if not int(self.begin.max(initial=0)) > days[0]:
            return table
        each = np.array(days, np.int64)[:, None]
        return np.where((each >= self.begin) & (each < self.end), table[:, self.base], 0)


def segments_of(history: History, universe: Universe, first: Day, last: Day) -> Segments:
    """Return the segments that days up to `last` look at, with rows from `first` on."""
    base, begin = [np.arange(len(universe.ids))], [history.unbroken_since(last)[universe.ids]]
    todo = np.where(begin[0] > first, begin[0], 0)
    ends = [np.full(len(universe.ids), _EVER)]
    while todo.any():
        day = int(todo.max())
        at = np.flatnonzero(todo == day)
        earlier = history.unbroken_since(day)[universe.ids[at]]
        base.append(at)
        begin.append(earlier)
        ends.append(np.full(len(at), day))
        todo[at] = np.where(earlier > first, earlier, 0)
    columns = np.concatenate(base)
    order = np.argsort(columns, kind="stable")  # by stock, as everywhere
    return Segments(columns[order], np.concatenate(begin)[order], np.concatenate(ends)[order])


class Tables:
    """Everything that the cross-sections of neighbouring days share."""

    def __init__(self, history: History, days: Sequence[Day], sessions: int) -> None:
        calendar = history.calendar()
        self._history = history
        self._sessions = sessions
        self.days = calendar.between(days[0], days[-1])
        self.look = max(sessions, FLOAT_SESSIONS)
        before = calendar.window(history.session_before(days[0]), self.look)
        self._window = [*before, *self.days[:-1]]
        """Every session that a day can look at."""
        self.universe = _universe(history, self._window, days)
        self._segments = segments_of(history, self.universe, self._window[0], days[-1])
        self._symbols = tuple(self.universe.symbols[each] for each in self._segments.base.tolist())
        self._boards = Boards(history.symbols)
        self._listed = ListedSessions(history, self.universe)
        cuts = sorted(set(self._segments.begin.tolist()))
        self._parts = pieces(history, self._window, cuts)
        self._held = days_held(self._parts)
        bars = table_of(self.universe, self._parts, self._window)
        seeds = last_traded(history, self.universe, self._visible(bars, before, days[0]), before)
        active = self._segments.active(days[0])
        # Rows in front where the calendar begins later, so that day i asks after row `look + i - 1` in any case.
        missing = np.zeros((self.look - len(before), len(active)), np.int64)
        self._bars = Bars(*(_padded(missing, self._segments.split(each, self._window)) for each in bars))
        self._seeds = Bars(*(np.where(active, each[:, self._segments.base], 0) for each in seeds))
        shares = _table(self.universe, self._parts, self._window, "float_shares")
        self._shares = _last_known(_padded(missing, self._segments.split(shares, self._window)), self.look)
        self._last_close, self.factor_now = self._carried()
        self._spells = spells_of(history, self.universe, self.days[-1])
        self._spans: dict[int, SpanTable] = {}
        self._pairs: dict[int, PairTable] = {}

    def _visible(self, bars: Bars, before: Sequence[Day], day: Day) -> Bars:
        """Return the bars before the first day that it may look at."""
        since = self._history.unbroken_since(day)[self.universe.ids]
        seen = np.array(before, np.int64)[:, None] >= since
        return Bars(*(np.where(seen, each[: len(before)], 0) for each in bars))

    def _carried(self) -> tuple[I64, I64]:
        """Return the last close and the factor at D-1 of every day."""
        closes = np.empty((len(self.days), self._bars.close.shape[1]), np.int64)
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
        return recent_st(self._spells, len(self.universe.ids), day, months)[self._segments.base]

    def _held_on(self, day: Day) -> set[Day]:
        """Return the days with rows that go on to `day`."""
        since = self._history.unbroken_since(day)
        last = int(since.max(initial=0))
        doubtful = (each for each in self._held if each < last)
        broken = {each for each in doubtful if not (since[rows_on(self._parts, each).symbol] <= each).any()}
        return self._held - broken

    def cross(self, day: Day) -> Cross:
        """Return the cross-section of a day; raises `HistoryError` where history has no facts of it."""
        history, universe, base = self._history, self.universe, self._segments.base
        at, last = self.days.index(day), history.session_before(day)
        facts = history.pre_open(day)
        reach = reach_of(history, day, self._sessions, self._held_on(day))
        if not reach.days:
            raise HistoryError(reach.hole)
        yesterday = rows_on(self._parts, last)
        earlier = [each for each in self._window if each < last][-1:]
        before = rows_on(self._parts, earlier[0]) if earlier else yesterday
        board = self._boards.on(day)[universe.ids]
        present = np.zeros(len(universe.ids), bool)
        columns = universe.column[facts.symbol]
        present[columns[columns >= 0]] = True
        return Cross(
            day=day,
            symbols=self._symbols,
            names=(),
            listed=(present & (board != NO_BOARD))[base] & self._segments.active(day),
            board=board[base],
            bar=Bar(*(each[base] for each in bar_of(universe, yesterday))),
            last_close=self._last_close[at],
            float_shares=self._shares[at],
            listed_sessions=self._listed.at(last)[base],
            suspended=(per_stock(universe, facts, "suspended") > 0)[base],
            up_limit=per_stock(universe, facts, "up_limit")[base],
            lacking=lacking_boards(history, day, before.symbol, yesterday.symbol, facts.symbol, self._boards),
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


def _universe(history: History, window: Sequence[Day], days: Sequence[Day]) -> Universe:
    """Return a column for every stock that is listed on one of the days or has rows before them."""
    ids = [rows.symbol for rows in pieces(history, window)]
    with suppress(HistoryError):  # `cross` says so when it comes to that day
        ids.append(history.pre_open(days[-1]).symbol)
    every = np.flatnonzero(marked(np.concatenate(ids), len(history.symbols)))
    symbols = [history.symbols[at] for at in every.tolist()]
    known = (boards_of(symbols, days[0]) != NO_BOARD) | (boards_of(symbols, days[-1]) != NO_BOARD)
    kept = every[known]
    column = np.full(len(history.symbols), -1, np.int64)
    column[kept] = np.arange(len(kept))
    return Universe(kept, column, tuple(history.symbols[at] for at in kept.tolist()), np.zeros(len(kept), np.int64))


def _table(universe: Universe, parts: Sequence[Rows], window: Sequence[Day], name: str) -> I64:
    """Lay one column out as sessions x stocks."""
    return np.stack([per_stock(universe, rows_on(parts, day), name) for day in window])


def _padded(missing: I64, table: I64) -> I64:
    return np.vstack([missing, table]) if len(missing) else table


def _last_known(shares: I64, look: int) -> I64:
    """Return what was last known within `FLOAT_SESSIONS` before each day, days x stocks; 0 is not known."""
    known, row_of = np.zeros(shares.shape[1], np.int64), np.full(shares.shape[1], -FLOAT_SESSIONS, np.int64)
    table = np.empty((len(shares) - look + 1, shares.shape[1]), np.int64)
    for row, found in enumerate(shares):
        known, row_of = np.where(found > 0, found, known), np.where(found > 0, row, row_of)
        if row >= look - 1:
            table[row - look + 1] = np.where(row_of > row - FLOAT_SESSIONS, known, 0)
    return table
