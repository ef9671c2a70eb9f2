"""From history to the cross-section that the screens of a day look at."""

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import to_date
from common.domain.errors import BadSymbolError, HistoryError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.daily import History, Rows
from common.rules.boards import board_of
from common.screens.cross import ST_NO, ST_UNKNOWN, ST_YES, Bars, Cross

I64 = NDArray[np.int64]
_FIELDS = ("open", "high", "low", "close", "factor_e9")


class _Universe(NamedTuple):
    ids: NDArray[np.int64]
    """Index into `History.symbols`, ascending."""
    column: NDArray[np.int64]
    """Column of each symbol of the history, -1 = not looked at."""
    symbols: tuple[Symbol, ...]
    board: I64


def _universe(history: History, day: Day, ids: NDArray[np.uint32]) -> _Universe:
    boards: list[int] = []
    kept: list[int] = []
    for at in np.sort(ids).tolist():
        try:
            board = board_of(history.symbols[at], day)
        except BadSymbolError:
            continue  # history may hold what is not traded here
        boards.append(int(board))
        kept.append(at)
    column = np.full(len(history.symbols), -1, np.int64)
    column[kept] = np.arange(len(kept))
    symbols = tuple(history.symbols[at] for at in kept)
    return _Universe(np.array(kept, np.int64), column, symbols, np.array(boards, np.int64))


def _per_stock(universe: _Universe, rows: Rows, name: str) -> I64:
    """Return one value a stock out of rows of a single day; 0 where it has none."""
    values = np.zeros(len(universe.ids), np.int64)
    at = universe.column[rows.symbol]
    values[at[at >= 0]] = rows.columns[name][at >= 0]
    return values


def _sessions(universe: _Universe, rows: Rows, days: list[Day]) -> Bars:
    """Lay rows out as sessions x stocks."""
    at = universe.column[rows.symbol]
    known = at >= 0
    row = np.searchsorted(np.array(days, np.int64), rows.day)[known]
    tables = []
    for name in _FIELDS:
        table = np.zeros((len(days), len(universe.ids)), np.int64)
        table[row, at[known]] = rows.columns[name][known]
        tables.append(table)
    return Bars(*tables)


def _last_traded(history: History, universe: _Universe, day: Day, count: int) -> tuple[Bars, I64]:
    """Return the last `count` traded bars of each stock before `day`, newest in the last row, and the last day."""
    calendar, stocks = history.calendar(), len(universe.ids)
    tables = {name: np.zeros((count, stocks), np.int64) for name in (*_FIELDS, "day")}
    filled = np.zeros(stocks, np.int64)
    last, span, floor = history.session_before(day), count, history.first_day()
    begin = day
    while True:
        days = calendar.window(last, span)
        rows = history.traded(day, days[0])
        at = universe.column[rows.symbol]
        wanted = (at >= 0) & (rows.day < begin) & (rows.columns["close"] > 0)
        wanted[wanted] &= filled[at[wanted]] < count
        rows, at = rows.take(wanted), at[wanted]
        order = np.argsort(at, kind="stable")
        at = at[order]
        ends = np.searchsorted(at, at, side="right")
        from_end = filled[at] + ends - 1 - np.arange(len(at))
        inside = from_end < count
        target = (count - 1 - from_end[inside], at[inside])
        for name in _FIELDS:
            tables[name][target] = rows.columns[name][order][inside]
        tables["day"][target] = rows.day[order][inside]
        np.add.at(filled, at[inside], 1)
        begin = days[0]
        if begin <= floor or len(days) < span or bool((filled >= count).all()):
            break
        span *= 4
    return Bars(*(tables[name] for name in _FIELDS)), tables["day"][-1]


def _listed_sessions(history: History, universe: _Universe, last: Day) -> I64:
    """Return the number of the session `last` in each listing; before the calendar begins, two thirds of the days."""
    calendar = history.calendar()
    days = calendar.between(calendar.first, last)
    listed = history.listed_days()[universe.ids]
    numbers = len(days) - np.array([bisect_left(days, int(day)) for day in listed], np.int64)
    early = np.flatnonzero(listed < calendar.first)
    begin = to_date(calendar.first).toordinal()
    before = [(begin - to_date(max(int(day), 19900101)).toordinal()) * 2 // 3 for day in listed[early]]
    numbers[early] += np.array(before, np.int64)
    return numbers


def _recent_st(history: History, universe: _Universe, day: Day, months: int) -> I64:
    states = np.full(len(universe.ids), ST_NO, np.int64)
    for symbol, state in history.st_intervals(day, months).select("symbol", "state").rows():
        at = universe.column[history.index[symbol]] if symbol in history.index else -1
        if at >= 0 and states[at] != ST_YES:
            states[at] = ST_UNKNOWN if state == schema.UNKNOWN_STATE else ST_YES
    return states


def _float_shares(universe: _Universe, rows: Rows) -> I64:
    """Return the last known float shares within the sessions."""
    latest = np.zeros(len(universe.ids), np.int64)
    at = universe.column[rows.symbol]
    known = (at >= 0) & (rows.columns["float_shares"] > 0)
    latest[at[known]] = rows.columns["float_shares"][known]  # rows are in order of days: the last one stays
    return latest


def cross_of(history: History, day: Day, sessions: int = 60, st_months: int = 6) -> Cross:
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
    universe = _universe(history, day, facts.symbol)
    window = _sessions(universe, rows, days)
    traded, traded_day = _last_traded(history, universe, day, sessions)
    names = history.names(day)
    factor = _per_stock(universe, rows.take(rows.day == last), "factor_e9")
    return Cross(
        day=day,
        symbols=universe.symbols,
        names=tuple(names[at] for at in universe.ids.tolist()),
        board=universe.board,
        sessions=window,
        traded=traded,
        traded_yesterday=traded_day == last,
        factor_now=np.where(factor > 0, factor, traded.factor[-1]),
        last_close=traded.close[-1],
        float_shares=_float_shares(universe, rows),
        listed_sessions=_listed_sessions(history, universe, last),
        recent_st=_recent_st(history, universe, day, st_months),
        suspended=_per_stock(universe, facts, "suspended") > 0,
        up_limit=_per_stock(universe, facts, "up_limit"),
    )
