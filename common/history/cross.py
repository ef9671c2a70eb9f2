"""From history to the cross-section that the screens of a day look at."""

from bisect import bisect_right
from collections.abc import Container, Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import to_date
from common.domain.errors import BadSymbolError, HistoryError
from common.domain.values import Board, Day, Symbol
from common.history import schema
from common.history.daily import History, Rows
from common.rules.boards import BOARD_NAMES, board_of
from common.rules.tables import CODES, TABLES_BEGIN
from common.screens.cross import Bar, Bars, Cross
from common.screens.plain import PlainWindows
from common.screens.st import Spells

I64 = NDArray[np.int64]
Symbols = NDArray[np.integer]
"""Indices into `History.symbols`."""
_FIELDS = ("high", "low", "close", "factor_e9", "turnover")
FLOAT_SESSIONS = 60
"""Sessions up to D-1 in which the last known float shares still count."""
LACKING_MAX = 20
"""Stocks of a board without a row of the day that may be: sources leave out suspended ones."""
LACKING_BP_MAX = 1_000
_ERAS = sorted({day for row in CODES for day in (row.first, row.last + 1)})
NO_BOARD = 0


@lru_cache(maxsize=65_536)
def _board_on(symbol: Symbol, day: Day) -> int:
    try:
        return int(board_of(symbol, day))
    except BadSymbolError:
        return NO_BOARD  # history may hold what is not traded here


def boards_of(symbols: Sequence[Symbol], day: Day) -> I64:
    """Return each symbol's board on a day, `NO_BOARD` for what is not traded here. Fast from the second time on."""
    standing = _standing(day)
    return np.array([_board_on(symbol, standing) for symbol in symbols], np.int64)


def _standing(day: Day) -> Day:
    """Return the day that stands for `day`: a board changes only where a row of the code table begins or ends."""
    era = bisect_right(_ERAS, day)
    return max(_ERAS[era - 1], TABLES_BEGIN) if era and day >= TABLES_BEGIN else day


class Boards:
    """The boards of a fixed list of symbols, looked up once an era of the code table."""

    def __init__(self, symbols: Sequence[Symbol]) -> None:
        self._symbols = symbols
        self._known: dict[Day, I64] = {}

    def on(self, day: Day) -> I64:
        """Return each symbol's board on a day; not to be written to."""
        standing = _standing(day)
        if standing not in self._known:
            self._known[standing] = boards_of(self._symbols, day)
        return self._known[standing]


class Universe(NamedTuple):
    """The stocks that are looked at, one column each."""

    ids: NDArray[np.int64]
    """Index into `History.symbols`, ascending."""
    column: NDArray[np.int64]
    """Column of each symbol of the history, -1 = not looked at."""
    symbols: tuple[Symbol, ...]
    board: I64


def universe_of(history: History, day: Day, ids: NDArray[np.integer]) -> Universe:
    """Return the columns of the symbols of rows, those without a board left out."""
    every = np.flatnonzero(marked(ids, len(history.symbols)))
    board = boards_of([history.symbols[at] for at in every.tolist()], day)
    kept = every[board != NO_BOARD]
    column = np.full(len(history.symbols), -1, np.int64)
    column[kept] = np.arange(len(kept))
    return Universe(kept, column, tuple(history.symbols[at] for at in kept.tolist()), board[board != NO_BOARD])


def per_stock(universe: Universe, rows: Rows, name: str) -> I64:
    """Return one value a stock out of rows of a single day; 0 where it has none."""
    values = np.zeros(len(universe.ids), np.int64)
    at = universe.column[rows.symbol]
    known = at >= 0
    if known.all():
        values[at] = rows.columns[name]
    else:
        values[at[known]] = rows.columns[name][known]
    return values


def pieces(history: History, days: Sequence[Day], cuts: Sequence[Day] = ()) -> list[Rows]:
    """Return the rows of trading days, a year at a time: rows within a year are views, rows over several are copies.

    `cuts` are days at which pieces begin too. Rows before a break that lies within their piece are left out.
    """
    calendar = history.calendar()
    begins = {max(days[0], year * 10_000) for year in range(days[0] // 10_000, days[-1] // 10_000 + 1)}
    begins |= {cut for cut in cuts if days[0] < cut <= days[-1]}
    parts = []
    for first, following in pairwise([*sorted(begins), days[-1] + 1]):
        inside = calendar.between(first, following - 1)
        if inside:
            parts.append(history.traded(calendar.next(inside[-1]), inside[0]))
    return parts


def going_on(history: History, parts: Sequence[Rows], day: Day) -> list[Rows]:
    """Return the rows that go on to the session before `day`: those before a break cannot be compared with it."""
    since = history.unbroken_since(day)
    last = int(since.max(initial=0))
    return [
        rows if not len(rows.day) or last <= rows.day[0] else rows.take(rows.day >= since[rows.symbol])
        for rows in parts
    ]


def table_of(universe: Universe, parts: Sequence[Rows], days: Sequence[Day]) -> Bars:
    """Lay rows out as sessions x stocks."""
    stocks = len(universe.ids)
    tables = [np.zeros((len(days), stocks), np.int64) for _ in _FIELDS]
    for rows in parts:
        if not len(rows.day):
            continue  # a year without rows has no columns either
        at = universe.column[rows.symbol]
        known = np.flatnonzero(at >= 0)
        starts = np.searchsorted(rows.day, np.array(days, np.int32))
        if len(known) * 4 > len(at):
            session = np.repeat(np.arange(len(days)), np.diff(starts, append=len(at)))[known - starts[0]]
        else:
            session = np.searchsorted(starts, known, side="right") - 1
        place = session * stocks + at[known]
        for table, name in zip(tables, _FIELDS, strict=True):
            table.ravel()[place] = rows.columns[name][known]
    return Bars(*tables)


def _newest(bars: Bars, count: int) -> Bars:
    """Move the traded bars of each stock together and return the last `count` rows, 0 in front."""
    order = np.argsort(bars.close > 0, axis=0, kind="stable")[-count:]
    traded = np.take_along_axis(bars.close, order, axis=0) > 0
    return Bars(*(np.where(traded, np.take_along_axis(table, order, axis=0), 0) for table in bars))


def _had_rows(history: History, ids: NDArray[np.integer], day: Day) -> NDArray[np.bool_]:
    """Tell which stocks have a row on a day: who has none has none earlier either, but for those before a break."""
    symbols = history.traded(history.calendar().next(day), day).symbol
    return np.isin(ids, symbols) if len(symbols) else np.ones(len(ids), bool)


def last_traded(history: History, universe: Universe, window: Bars, days: Sequence[Day]) -> Bars:
    """Return the last `len(days)` traded bars of each stock up to the last of `days`, newest in the last row.

    `window` is the table of the sessions `days`; whoever did not trade on all of them is looked for further back, as
    far as history and the stock's listing reach.
    """
    asking = history.calendar().next(days[-1])
    count, listed = len(days), history.listed_days()[universe.ids]
    since = history.unbroken_since(asking)[universe.ids]
    short = np.flatnonzero((window.close > 0).sum(axis=0) < count)
    if not len(short):
        return window
    found = Bars(*(table.copy() for table in window))
    held = Bars(*(table[:, short] for table in window))
    begin, floor, span = days[0], history.first_day(), count
    while True:
        for table, part in zip(found, _newest(held, count), strict=True):
            table[:, short] = part
        more = (found.close[0, short] == 0) & (listed[short] < begin) & (since[short] < begin)
        more &= _had_rows(history, universe.ids[short], begin)
        short = short[more]
        if not len(short) or begin <= floor:
            return found
        span *= 4
        further = history.calendar().window(history.session_before(begin), span)
        column = np.full(len(history.symbols), -1, np.int64)
        column[universe.ids[short]] = np.arange(len(short))
        few = universe._replace(ids=universe.ids[short], column=column)
        earlier = table_of(few, going_on(history, pieces(history, further), asking), further)
        held = Bars(*(np.vstack([early, table[:, more]]) for early, table in zip(earlier, held, strict=True)))
        begin = further[0]


def days_since(listed: I64, origin: int) -> I64:
    """Return the calendar days from each yyyymmdd to an ordinal day."""
    months = (listed // 10_000 - 1970) * 12 + listed // 100 % 100 - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + listed % 100
    since: I64 = origin - (days + date(1970, 1, 1).toordinal() - 1)
    return since


class ListedSessions:
    """The number of a session in each listing; before the calendar begins, two thirds of the days are taken for sessions."""

    def __init__(self, history: History, universe: Universe) -> None:
        calendar = history.calendar()
        self._calendar = calendar
        listed = history.listed_days()[universe.ids]
        self._before = np.searchsorted(np.array(calendar.between(calendar.first, calendar.last), np.int64), listed)
        """Sessions before each listing."""
        early = np.flatnonzero(listed < calendar.first)
        self._more = np.zeros(len(listed), np.int64)
        days = days_since(np.maximum(listed[early], 19900101), to_date(calendar.first).toordinal())
        self._more[early] = days * 2 // 3

    def at(self, last: Day) -> I64:
        """Return the number of the session `last` in each listing, 0 before it."""
        count = len(self._calendar.between(self._calendar.first, last))
        numbers: I64 = count - np.minimum(self._before, count) + self._more
        return numbers


def spells_of(history: History, universe: Universe, asking: Day) -> Spells:
    """Return the ST spells known before the open of `asking`; they serve every day up to it."""
    frame = history.st_intervals(asking)
    ids = np.array([history.index.get(symbol, -1) for symbol in frame["symbol"].to_list()], np.int64)
    columns = {name: frame[name].to_numpy().astype(np.int64) for name in frame.columns if name != "symbol"}
    return Spells(
        column=np.where(ids >= 0, universe.column[ids], -1),
        first_day=columns["first_day"],
        last_day=columns["last_day"],
        unknown=(columns["state"] == schema.UNKNOWN_STATE).astype(np.int64),
        known_at=columns["known_at"],
        end_known_at=columns["end_known_at"],
    )


def float_shares_of(universe: Universe, parts: Sequence[Rows]) -> I64:
    """Return the last known float shares of rows."""
    latest = np.zeros(len(universe.ids), np.int64)
    for rows in parts:
        at = universe.column[rows.symbol]
        known = (at >= 0) & (rows.columns["float_shares"] > 0)
        latest[at[known]] = rows.columns["float_shares"][known]  # rows are in order of days: the last one stays
    return latest


def lacking_boards(
    history: History, day: Day, before: Symbols, last: Symbols, facts: Symbols, boards: Boards | None = None
) -> dict[int, str]:
    """Return boards whose data of D-1 or of `day` is not complete and what they lack, against the session before.

    `before`, `last` and `facts` are the stocks with rows of D-2, of D-1 and of `day`; `boards` those of all symbols of
    the history, where many days are asked for.
    """
    yesterday = history.session_before(day)
    lacking: dict[int, str] = {}
    for what, earlier, later in (
        (f"daily bars of {yesterday}", before, last),
        (f"the pre-open facts of {day}", last, facts),
    ):
        count_all = len(history.symbols)
        gone = np.flatnonzero(marked(earlier, count_all) & ~marked(later, count_all))
        if not len(gone):
            continue
        board_of_all = (boards or Boards(history.symbols)).on(yesterday)
        had = np.bincount(board_of_all[earlier], minlength=9)
        if not _too_many(board_of_all[gone], had):
            continue
        lost = gone[history.living(day)[gone]]  # a delisted stock is not missed
        for board, count in _too_many(board_of_all[lost], had).items():
            example = history.symbols[lost[int(np.argmax(board_of_all[lost] == board))]]
            lacking[board] = (
                f"{what} are not complete: {count} of {had[board]} {BOARD_NAMES[Board(board)]} stocks are missing, "
                f"e.g. {example}; import the day again"
            )
    return lacking


def marked(symbols: Symbols, count: int) -> NDArray[np.bool_]:
    """Return which of `count` symbols are among those of some rows."""
    found = np.zeros(count, bool)
    found[symbols] = True
    return found


def _too_many(lost: I64, had: I64) -> dict[int, int]:
    """Return the boards that lost more stocks than may be, and how many."""
    counts = {int(board): int((lost == board).sum()) for board in BOARD_NAMES}
    return {
        board: count
        for board, count in counts.items()
        if count and (count == had[board] or count > max(LACKING_MAX, had[board] * LACKING_BP_MAX // 10_000))
    }


class Reach(NamedTuple):
    """How far back a screen can look."""

    days: list[Day]
    """Sessions up to D-1 without a hole, oldest first."""
    hole: str
    """Why there are no more, "" = there are as many as were asked for."""


def reach_of(history: History, day: Day, sessions: int, held: Container[Day]) -> Reach:
    """Return the sessions before `day` that history has rows of (`held`), up to the first hole going back."""
    days = history.calendar().window(history.session_before(day), sessions)
    missing = [each for each in days if each not in held]
    late = [each for each in missing if each >= history.first_day()]
    if late:
        hole = (
            f"daily bars of {late[-1]} are missing, or do not go on to {day} (another source begins after it); "
            f"import that day before screening {day}"
        )
        return Reach([each for each in days if each > late[-1]], hole)
    kept = [each for each in days if each not in missing]
    if len(kept) == sessions:
        return Reach(kept, "")
    return Reach(kept, f"a screen of {day} needs {sessions} sessions before it; history begins later: import more")


def days_held(parts: Sequence[Rows]) -> set[Day]:
    """Return the days that have rows."""
    return {int(day) for rows in parts for day in rows.day[np.flatnonzero(np.diff(rows.day, prepend=0))]}


def from_day(parts: Sequence[Rows], day: Day) -> list[Rows]:
    """Return the rows from a day on."""
    return [rows.take(slice(int(np.searchsorted(rows.day, day)), None)) for rows in parts]


def rows_on(parts: Sequence[Rows], day: Day) -> Rows:
    """Return the rows of one day."""
    for rows in parts:
        begin, end = np.searchsorted(rows.day, np.array([day, day + 1], rows.day.dtype)).tolist()
        if end > begin:
            return rows.take(slice(begin, end))
    return parts[-1].take(slice(0, 0))


def bar_of(universe: Universe, rows: Rows) -> Bar:
    """Return the bar of a session out of its rows."""
    return Bar(*(per_stock(universe, rows, name) for name in Bar._fields))


def cross_of(history: History, day: Day, sessions: int = 60, least: int | None = None, named: bool = True) -> Cross:
    """Return the cross-section of `day` as known before its open.

    Its windows reach `sessions` back; raises `HistoryError` where history has fewer than `least` of them (all, where
    it is left out) or no facts of the day. Without `named` nobody's name of the day is looked up.
    """
    last = history.session_before(day)
    window = history.calendar().window(last, max(sessions, FLOAT_SESSIONS))
    facts = history.pre_open(day)
    parts = going_on(history, pieces(history, window), day)
    reach = reach_of(history, day, sessions, days_held(parts))
    if len(reach.days) < (sessions if least is None else max(least, 1)):
        raise HistoryError(reach.hole)
    universe = universe_of(history, day, facts.symbol)
    bars = table_of(universe, from_day(parts, reach.days[0]), reach.days)
    traded = last_traded(history, universe, bars, reach.days)
    names, yesterday = history.names(day) if named else None, rows_on(parts, last)
    before = rows_on(parts, window[-2]) if len(window) > 1 else yesterday
    # A stock without a row at D-1 has no factor there; that of its last bar is as good, for nothing else is compared.
    factor_now = np.where(bars.factor[-1] > 0, bars.factor[-1], traded.factor[-1])
    return Cross(
        day=day,
        symbols=universe.symbols,
        names=tuple(names[at] for at in universe.ids.tolist()) if names else (),
        listed=np.ones(len(universe.ids), bool),
        board=universe.board,
        bar=bar_of(universe, yesterday),
        last_close=traded.close[-1],
        float_shares=float_shares_of(universe, from_day(parts, window[-FLOAT_SESSIONS:][0])),
        listed_sessions=ListedSessions(history, universe).at(last),
        suspended=per_stock(universe, facts, "suspended") > 0,
        up_limit=per_stock(universe, facts, "up_limit"),
        lacking=lacking_boards(history, day, before.symbol, yesterday.symbol, facts.symbol),
        sessions=len(reach.days),
        hole=reach.hole,
        windows=PlainWindows(day, bars, traded, factor_now, spells_of(history, universe, day)),
    )
