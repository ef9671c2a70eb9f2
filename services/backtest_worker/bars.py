"""A day as an engine sees it: columns of bars, facts of the stocks, pools. Prices in 0.001 yuan, volume in shares."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import S0930, S1130, S1300, S1500
from common.domain.values import Cash, Day, Price, Shares

I64 = NDArray[np.int64]
NOT_THERE = -1
LAST_LABEL_S = 53_820
"""14:57: a bar that ends later is of the closing auction, and nothing is decided on it."""


class Columns(NamedTuple):
    """Bars, one row a bar; the bars of a stock and day lie side by side, oldest first. May be views of mapped files."""

    open: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    close: NDArray[np.int32]
    volume: NDArray[np.int64]
    turnover: NDArray[np.int64]
    """0.001 yuan."""


class Facts(NamedTuple):
    """What a day's stocks are, known before its open; one value a stock of the universe, 0 where it is none."""

    board: I64
    exchange: I64
    prev_close: I64
    """Reference price of the day, after ex-rights."""
    raw_prev_close: I64
    """Close of the last session as traded; where it went ex without trading, the reference of that session."""
    up_limit: I64
    down_limit: I64
    float_shares: I64
    ex_cash_e6: I64
    ex_bonus_e6: I64
    ex_day: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    """Delisted by this day."""
    auction: I64
    """Price of the opening auction where it has a bar of its own (1 minute); 0 where the first bar holds it."""
    st: I64
    """0 not ST, 1 ST or delisting period, 2 unknown; for people's strategies, no rule of ours reads it."""


class PoolRows(NamedTuple):
    """A rule's pool of the day."""

    stocks: I64
    """Indices into the universe, ascending."""
    context: I64
    """Stocks x fields of the rule's Context."""


class DayBars(NamedTuple):
    """One session."""

    day: Day
    prev_day: Day
    labels: tuple[int, ...]
    """Second of the day at which each bar ends, ascending."""
    first_row: I64
    """Row of a stock's first bar in `columns`; NOT_THERE where it has none that day (suspended, no minutes)."""
    columns: Columns
    facts: Facts
    pool: PoolRows


class Bar(NamedTuple):
    """One bar."""

    open: Price
    high: Price
    low: Price
    close: Price
    volume: Shares
    turnover: int


def labels_of(period_s: int) -> tuple[int, ...]:
    """Return the labels of a day's bars of a length; the first holds the opening auction, the last the closing one."""
    halves = ((S0930, S1130), (S1300, S1500))
    return tuple(end for start, stop in halves for end in range(start + period_s, stop + 1, period_s))


def start_of(day: DayBars, at: int) -> int:
    """Return the second of the day at which bar `at` begins; the first begins with the continuous auction."""
    label = day.labels[at]
    session = S1300 if label > S1300 else S0930
    return max(session, day.labels[at - 1]) if at > 0 else session


def bar_at(day: DayBars, stock: int, at: int) -> Bar | None:
    """Return bar `at` of a stock, None where it has no bars that day."""
    row = int(day.first_row[stock])
    if row < 0:
        return None
    row += at
    opens, highs, lows, closes, volumes, turnovers = day.columns
    return Bar(
        opens.item(row), highs.item(row), lows.item(row), closes.item(row), volumes.item(row), turnovers.item(row)
    )


class Bars(Protocol):
    """What a desk reads of bars; an engine that has bars of its own gives them by `bar`."""

    def bar(self, day: DayBars, stock: int, at: int) -> Bar | None:
        """Return bar `at` of a stock, None where it has no bars that day."""

    def close(self, day: DayBars, stock: int, at: int) -> Price:
        """Return the close of bar `at`, 0 where a stock has no bars that day."""
        bar = self.bar(day, stock, at)
        return bar.close if bar is not None else 0

    def turnover(self, day: DayBars, stock: int, at: int) -> Cash:
        """Return the day's turnover up to the end of bar `at`, 0.001 yuan."""
        bars = (self.bar(day, stock, each) for each in range(at + 1))
        return sum(bar.turnover for bar in bars if bar is not None)


class ColumnBars(Bars):
    """Bars out of a day's columns; a close and a sum are read without making bars."""

    def bar(self, day: DayBars, stock: int, at: int) -> Bar | None:
        """Return a bar."""
        return bar_at(day, stock, at)

    def close(self, day: DayBars, stock: int, at: int) -> Price:
        """Return a close."""
        row = day.first_row.item(stock)
        return day.columns.close.item(row + at) if row >= 0 else 0

    def turnover(self, day: DayBars, stock: int, at: int) -> Cash:
        """Return the day's turnover."""
        row = day.first_row.item(stock)
        return int(day.columns.turnover[row : row + at + 1].sum()) if row >= 0 else 0


def context_of(day: DayBars, at: int, fields: tuple[str, ...]) -> Mapping[str, int]:
    """Return row `at` of the pool by name."""
    return dict(zip(fields, day.pool.context[at].tolist(), strict=True))
