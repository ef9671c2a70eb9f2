"""From history to the cross-section that the screens of a day look at."""

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import to_date
from common.domain.errors import BadSymbolError, HistoryError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.daily import History, Rows
from common.rules.boards import BOARD_NAMES, board_of
from common.rules.tables import CODES, TABLES_BEGIN
from common.screens.cross import Bars, Cross
from common.screens.plain import PlainWindows
from common.screens.st import Spells

I64 = NDArray[np.int64]
Symbols = NDArray[np.integer]
"""Indices into `History.symbols`."""
_FIELDS = ("open", "high", "low", "close", "factor_e9", "volume", "turnover")
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


def boards_of(symbols: list[Symbol], day: Day) -> I64:
    """Return each symbol's board on a day, `NO_BOARD` for what is not traded here. Fast from the second time on."""
    # A board changes only where a row of the code table begins or ends: one day stands for all up to the next.
    era = bisect_right(_ERAS, day)
    standing = max(_ERAS[era - 1], TABLES_BEGIN) if era and day >= TABLES_BEGIN else day
    return np.array([_board_on(symbol, standing) for symbol in symbols], np.int64)


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
    every = np.unique(ids).astype(np.int64)
    board = boards_of([history.symbols[at] for at in every.tolist()], day)
    kept = every[board != NO_BOARD]
    column = np.full(len(history.symbols), -1, np.int64)
    column[kept] = np.arange(len(kept))
    return Universe(kept, column, tuple(history.symbols[at] for at in kept.tolist()), board[board != NO_BOARD])


def per_stock(universe: Universe, rows: Rows, name: str) -> I64:
    """Return one value a stock out of rows of a single day; 0 where it has none."""
    values = np.zeros(len(universe.ids), np.int64)
    at = universe.column[rows.symbol]
    values[at[at >= 0]] = rows.columns[name][at >= 0]
    return values


def table_of(universe: Universe, rows: Rows, days: list[Day]) -> Bars:
    """Lay rows out as sessions x stocks."""
    at = universe.column[rows.symbol]
    known = at >= 0
    place = np.searchsorted(np.array(days, np.int64), rows.day)[known] * len(universe.ids) + at[known]
    tables = []
    for name in _FIELDS:
        table = np.zeros((len(days), len(universe.ids)), np.int64)
        table.ravel()[place] = rows.columns[name][known]
        tables.append(table)
    return Bars(*tables)


def _newest(bars: Bars, count: int) -> Bars:
    """Move the traded bars of each stock together and return the last `count` rows, 0 in front."""
    if bool((bars.close[-count:] > 0).all()):
        return Bars(*(table[-count:] for table in bars))
    order = np.argsort(bars.close > 0, axis=0, kind="stable")[-count:]
    traded = np.take_along_axis(bars.close, order, axis=0) > 0
    return Bars(*(np.where(traded, np.take_along_axis(table, order, axis=0), 0) for table in bars))


def last_traded(history: History, universe: Universe, day: Day, window: Bars, days: list[Day]) -> Bars:
    """Return the last `len(days)` traded bars of each stock before `day`, newest in the last row.

    `window` is the table of the sessions `days` before it; whoever did not trade on all of them is looked for further
    back, as far as history and the stock's listing reach.
    """
    count, listed = len(days), history.listed_days()[universe.ids]
    found = Bars(*(table.copy() for table in window))
    short = np.flatnonzero((window.close > 0).sum(axis=0) < count)
    span, begin = count, days[0]
    if len(short):
        for table, part in zip(found, _newest(Bars(*(table[:, short] for table in window)), count), strict=True):
            table[:, short] = part
    floor = history.first_day()
    while len(short := short[(found.close[0, short] == 0) & (listed[short] < begin)]) and begin > floor:
        span *= 4
        further = history.calendar().window(history.session_before(day), span)
        ids = universe.ids[short]
        column = np.full(len(history.symbols), -1, np.int64)
        column[ids] = np.arange(len(ids))
        few = Universe(ids, column, (), np.zeros(0, np.int64))
        for table, part in zip(
            found, _newest(table_of(few, history.traded(day, further[0]), further), count), strict=True
        ):
            table[:, short] = part
        if further[0] == begin:
            break
        begin = further[0]
    return found


def listed_sessions(history: History, universe: Universe, last: Day) -> I64:
    """Return the number of the session `last` in each listing; before the calendar begins, two thirds of the days."""
    calendar = history.calendar()
    days = calendar.between(calendar.first, last)
    listed = history.listed_days()[universe.ids]
    numbers = len(days) - np.searchsorted(np.array(days, np.int64), listed).astype(np.int64)
    early = np.flatnonzero(listed < calendar.first)
    begin = to_date(calendar.first).toordinal()
    before = [(begin - to_date(max(int(day), 19900101)).toordinal()) * 2 // 3 for day in listed[early]]
    numbers[early] += np.array(before, np.int64)
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


def float_shares_of(universe: Universe, rows: Rows) -> I64:
    """Return the last known float shares of rows."""
    latest = np.zeros(len(universe.ids), np.int64)
    at = universe.column[rows.symbol]
    known = (at >= 0) & (rows.columns["float_shares"] > 0)
    latest[at[known]] = rows.columns["float_shares"][known]  # rows are in order of days: the last one stays
    return latest


def lacking_boards(history: History, day: Day, before: Symbols, last: Symbols, facts: Symbols) -> dict[int, str]:
    """Return boards whose data of D-1 or of `day` is not complete and what they lack, against the session before.

    `before`, `last` and `facts` are the stocks with rows of D-2, of D-1 and of `day`.
    """
    yesterday = history.session_before(day)
    living: set[Symbol] | None = None
    lacking: dict[int, str] = {}
    for what, earlier, later in (
        (f"daily bars of {yesterday}", before, last),
        (f"the pre-open facts of {day}", last, facts),
    ):
        gone = np.setdiff1d(earlier, later)
        if not len(gone):
            continue
        if living is None:
            living = set(history.instruments(day)["symbol"].to_list())
        lost = [symbol for at in gone.tolist() if (symbol := history.symbols[at]) in living]
        had = boards_of([history.symbols[at] for at in earlier.tolist()], yesterday)
        lost_boards = boards_of(lost, yesterday)
        for board, name in BOARD_NAMES.items():
            count, of = int((lost_boards == board).sum()), int((had == board).sum())
            if count and (count == of or count > max(LACKING_MAX, of * LACKING_BP_MAX // 10_000)):
                example = next(symbol for symbol, at in zip(lost, lost_boards, strict=True) if at == board)
                lacking[int(board)] = (
                    f"{what} are not complete: {count} of {of} {name} stocks are missing, e.g. {example}; "
                    "import the day again"
                )
    return lacking


def cross_of(history: History, day: Day, sessions: int = 60) -> Cross:
    """Return the cross-section of `day` as known before its open; raises `HistoryError` where history has a hole."""
    last = history.session_before(day)
    days = history.calendar().window(last, sessions)
    if len(days) < sessions or history.first_day() > days[0]:
        raise HistoryError(f"a screen of {day} needs {sessions} sessions before it; history begins later: import more")
    facts = history.pre_open(day)
    rows = history.traded(day, days[0])
    missing = sorted(set(days) - set(np.unique(rows.day).tolist()))
    if missing:
        raise HistoryError(f"daily bars of {missing[-1]} are missing; import that day before screening {day}")
    earlier = rows.symbol[rows.day == days[-2]] if sessions > 1 else facts.symbol
    universe = universe_of(history, day, facts.symbol)
    window = table_of(universe, rows, days)
    traded = last_traded(history, universe, day, window, days)
    names = history.names(day)
    # A stock without a row at D-1 has no factor there; its own last one is as good, for nothing else is compared.
    factor_now = np.where(window.factor[-1] > 0, window.factor[-1], traded.factor[-1])
    return Cross(
        day=day,
        symbols=universe.symbols,
        names=tuple(names[at] for at in universe.ids.tolist()),
        listed=np.ones(len(universe.ids), bool),
        board=universe.board,
        last=Bars(*(table[-1] for table in traded)),
        traded_yesterday=window.close[-1] > 0,
        float_shares=float_shares_of(universe, rows),
        listed_sessions=listed_sessions(history, universe, last),
        suspended=per_stock(universe, facts, "suspended") > 0,
        up_limit=per_stock(universe, facts, "up_limit"),
        lacking=lacking_boards(history, day, earlier, rows.symbol[rows.day == last], facts.symbol),
        windows=PlainWindows(day, window, traded, factor_now, spells_of(history, universe, day)),
    )
