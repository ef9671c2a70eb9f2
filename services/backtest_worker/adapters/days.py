"""Sessions out of a folder of history: pools by the screens, facts known before the open, bars as mapped columns.

Nothing is copied but the pool and a few numbers a stock: bars are views of the month's columns.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.errors import HistoryError
from common.domain.values import Day
from common.history.batch import screen_days
from common.history.columns import MinuteColumns
from common.history.cross import Boards, spells_of, universe_of
from common.history.daily import History, Rows
from common.history.schema import known_at_of
from common.rules.boards import exchange_of
from common.screens.screen import Screen, Screened
from common.screens.st import st_on
from services.backtest_worker.bars import I64, NOT_THERE, Columns, DayBars, Facts, PoolRows, labels_of

LOOK_BACK = 250
"""Sessions searched for the last close of a stock that does not trade at the start."""
_MICRO = 1_000
"""0.001 yuan in 0.000001 yuan."""

_I4, _I8 = np.zeros(0, np.int32), np.zeros(0, np.int64)
NO_COLUMNS = Columns(_I4, _I4, _I4, _I4, _I8, _I8)


class DayHad(NamedTuple):
    """What data a session had."""

    day: Day
    asked: int
    """Stocks of the pool."""
    had: int
    """Those of them with whole minutes."""
    lacks: str
    """Why the screen could not be run, "" = it was."""
    unknown_st_in: int


class HistoryDays:
    """The sessions from `first` to `last`, oldest first; `had` tells afterwards what each of them was made of."""

    def __init__(
        self, folder: Path, screen: Screen, fields: Sequence[str], interval: int, first: Day, last: Day
    ) -> None:
        self.history = History(folder)
        self.symbols = self.history.symbols
        self.sessions = self.history.calendar().between(first, last)
        if not self.sessions:
            raise HistoryError(f"there is no trading day from {first} to {last} in the calendar of {folder}")
        self.had: list[DayHad] = []
        self._screen, self._fields = screen, tuple(fields)
        self._labels = labels_of(interval * 60)
        self._minutes = _Minutes(MinuteColumns(folder, interval), self.symbols, self._labels)
        self._exchange = np.array([int(exchange_of(symbol)) for symbol in self.symbols], np.int64)
        self._boards = Boards(self.symbols)
        self._places: tuple[tuple[str, ...], I64] = ((), _I8)
        self._close = self._first_closes()
        self._seen = np.zeros(len(self.symbols), np.bool_)
        self._events: dict[Day, list[tuple[int, str, int, int]]] = {}
        for when, *told in (
            self.history.ex_events(last).select("day", "known_at", "symbol", "cash_e6", "bonus_e6").rows()
        ):
            self._events.setdefault(when, []).append((told[0], told[1], told[2], told[3]))
        every = universe_of(self.history, self.sessions[-1], np.arange(len(self.symbols)))
        everybody = every._replace(column=np.arange(len(self.symbols)))
        self._spells = spells_of(self.history, everybody, self.sessions[-1])

    def _first_closes(self) -> I64:
        calendar = self.history.calendar()
        first = self.sessions[0]
        begin = max(calendar.window(calendar.previous(first), LOOK_BACK)[0], self.history.first_day())
        closes = np.zeros(len(self.symbols), np.int64)
        _carry(closes, self.history.traded(first, begin))  # rows are in order of days: the last one stays
        return closes

    def __iter__(self) -> Iterator[DayBars]:
        """Yield the sessions."""
        calendar = self.history.calendar()
        for (screened,) in screen_days(self.history, [self._screen], self.sessions):
            day = screened.day
            pool, known = self._pool(screened)
            first_row, columns, auction = self._minutes.day(day)
            facts = self._facts(day, auction)
            self.had.append(
                DayHad(day, known, int((first_row[pool.stocks] >= 0).sum()), screened.lacks, screened.unknown_st_in)
            )
            yield DayBars(day, calendar.previous(day), self._labels, first_row, columns, facts, pool)
            self._after(day)

    def _pool(self, screened: Screened) -> tuple[PoolRows, int]:
        at = np.flatnonzero(screened.passed)
        if screened.symbols is not self._places[0]:  # neighbouring days share their list
            index = self.history.index
            self._places = (screened.symbols, np.array([index[symbol] for symbol in screened.symbols], np.int64))
        stocks = self._places[1][at]
        context = screened.context() if len(at) else {}
        empty = np.zeros(len(at), np.int64)
        rows = [context[name][at] if name in context else empty for name in self._fields]
        table = np.array(rows, np.int64).reshape(len(self._fields), len(at))  # also where a rule reads no number
        order = np.argsort(stocks)
        return PoolRows(stocks[order], np.ascontiguousarray(table.T[order])), len(at)

    def _facts(self, day: Day, auction: I64) -> Facts:
        rows = self.history.pre_open(day)
        count = len(self.symbols)

        def spread(name: str) -> I64:
            values = np.zeros(count, np.int64)
            values[rows.symbol] = rows.columns[name]
            return values

        there = np.zeros(count, np.bool_)
        there[rows.symbol] = True
        gone = self._seen & ~there
        self._seen |= there
        reference = np.where(there, spread("prev_close"), self._close)
        ex_day, cash_e6, bonus_e6 = self._ex_events(day, reference)
        return Facts(
            self._boards.on(day), self._exchange, reference, self._close.copy(), spread("up_limit"),
            spread("down_limit"), spread("float_shares"), cash_e6, bonus_e6, ex_day, gone & ~self.history.living(day), auction,
            st_on(self._spells, count, day),
        )  # fmt: skip

    def _ex_events(self, day: Day, reference: I64) -> tuple[NDArray[np.bool_], I64, I64]:
        count = len(self.symbols)
        ex_day = np.zeros(count, np.bool_)
        cash_e6, bonus_e6 = np.zeros((2, count), np.int64)
        for known_at, symbol, cash, bonus in self._events.get(day, ()):
            at = self.history.index.get(symbol, NOT_THERE)
            if known_at <= known_at_of(day) and at >= 0:
                ex_day[at], cash_e6[at], bonus_e6[at] = True, cash, bonus
        # Where only the prices are known, what they fell by is taken to have been paid in cash.
        bare = ex_day & (cash_e6 == 0) & (bonus_e6 == 0) & (self._close > reference) & (reference > 0)
        cash_e6[bare] = (self._close[bare] - reference[bare]) * _MICRO
        return ex_day, cash_e6, bonus_e6

    def _after(self, day: Day) -> None:
        calendar = self.history.calendar()
        if day == self.sessions[-1]:
            return
        _carry(self._close, self.history.traded(calendar.next(day), day))


def _carry(closes: I64, rows: Rows) -> None:
    """Bring the last closes on through rows: a day without trading leaves its reference, so that it goes ex once."""
    last = np.where(rows.columns["close"] > 0, rows.columns["close"], rows.columns["prev_close"])
    closes[rows.symbol[last > 0]] = last[last > 0]


class _Minutes:
    """Where the bars of a day lie, month by month."""

    def __init__(self, minutes: MinuteColumns, symbols: Sequence[str], labels: tuple[int, ...]) -> None:
        self._minutes, self._symbols, self._labels = minutes, symbols, labels
        self._month = 0
        self._columns = NO_COLUMNS
        self._days, self._begin = _I4, _I8
        """Days of the month, and where the blocks of each begin in those below, which are sorted by day."""
        self._stock, self._start = _I8, _I8
        self._whole, self._own = np.zeros((2, 0), np.bool_)
        """Blocks that have every bar of the day; those of them whose opening auction has a bar of its own."""

    def day(self, day: Day) -> tuple[I64, Columns, I64]:
        """Return the first row of each stock's bars, the columns they are in, and opening auctions that have their own."""
        if day // 100 != self._month:
            self._open(day // 100)
        first_row = np.full(len(self._symbols), NOT_THERE, np.int64)
        auction = np.zeros(len(self._symbols), np.int64)
        at = int(np.searchsorted(self._days, day))
        if at < len(self._days) and self._days[at] == day:
            blocks = slice(self._begin[at], self._begin[at + 1])
            stock, start, whole = self._stock[blocks], self._start[blocks], self._whole[blocks]
            first_row[stock[whole]] = start[whole]
            own = whole & self._own[blocks]
            if own.any():
                auction[stock[own]] = self._columns.close[start[own] - 1]
        return first_row, self._columns, auction

    def _open(self, month: int) -> None:
        parts = self._minutes.between(self._symbols, month * 100, month * 100 + 99)
        self._month, self._days = month, _I4
        if not parts:
            return
        part = parts[0]
        columns = part.columns
        self._columns = Columns(*(columns[name] for name in Columns._fields))
        by_day = np.argsort(part.day, kind="stable")
        self._days, begin = np.unique(part.day[by_day], return_index=True)
        self._begin = np.append(begin, len(by_day))
        start, length = part.start[by_day], (part.stop - part.start)[by_day]
        label, count = columns["label_s"], len(self._labels)
        self._own = (length == count + 1) & (label[start] < self._labels[0])
        self._start, self._stock = start + self._own, part.symbol[by_day]
        first = label[np.minimum(self._start, len(label) - 1)]
        self._whole = (length - self._own == count) & (first == self._labels[0])
