"""The windows of many days at once, in machine code over time-major int32 columns; equal to the plain ones.

Compiled when first called, once a process: nothing here is imported by a service.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from common.screens.cross import I64, Bars, MergedPair, Span

I32 = NDArray[np.int32]
F = TypeVar("F", bound=Callable[..., object])

TILE = 256
"""Stocks that are worked on together: what they need of a window stays in the cache."""
_FAR = int(np.iinfo(np.int64).max)
NO_LOW = np.int32(np.iinfo(np.int32).max)
"""Above every price."""
ONE, NONE = np.int32(1), np.int32(0)


class Steps(NamedTuple):
    """The factors of each stock as the rows from which they hold: few, where a table of them would be large."""

    starts: I64
    """Where each stock begins in the other two, and one more for the end."""
    rows: I64
    """Ascending within a stock; the first is 0."""
    factors: I64


def steps_of(factor: I64) -> Steps:
    """Return the steps of factors, sessions x stocks; each row's factor is above 0."""
    changed = np.vstack([np.ones((1, factor.shape[1]), bool), factor[1:] != factor[:-1]]).T
    stocks, rows = np.nonzero(changed)
    starts = np.concatenate([[0], np.cumsum(changed.sum(axis=1))])
    return Steps(starts.astype(np.int64), rows.astype(np.int64), factor[rows, stocks])


def factors_of(bars: Bars, now: I64, window: int) -> I64:
    """Return the factor that each row's bar has, and that the day after the row anchors on, where one does.

    A row without a bar takes the factor of the row before it: nothing is multiplied there.
    """
    table = np.where(bars.close > 0, bars.factor, 0)
    table[window - 1 :] = now
    filled = np.empty_like(table)
    held = np.ones(table.shape[1], np.int64)
    for row in range(len(table)):
        held = np.where(table[row] > 0, table[row], held)
        filled[row] = held
    return filled


def kernel(function: F) -> F:
    """Compile a function when it is first called; its types stay those written here."""
    return cast("F", numba.njit(nogil=True)(function))


class SpanTable(NamedTuple):
    """`Span` of every day, days x stocks."""

    high: I32
    low: I32
    traded: I32
    turnover: I64

    def at(self, row: int) -> Span:
        """Return one day's."""
        high, low, traded = (table[row].astype(np.int64) for table in (self.high, self.low, self.traded))
        return Span(high, low, traded, self.turnover[row])


class PairTable(NamedTuple):
    """`MergedPair` of every day, days x stocks; all 0 where there are not two."""

    k1_high: I32
    k1_low: I32
    k2_high: I32
    k2_low: I32

    def at(self, row: int) -> MergedPair:
        """Return one day's."""
        numbers = [table[row].astype(np.int64) for table in self]
        return MergedPair(numbers[0] > 0, *numbers)


@kernel
def _half_up(product: np.int64, now: np.int64) -> np.int64:
    """Return product / now, rounded half up: a guess by floating point, put right in whole numbers."""
    guess = np.int64(product / now)
    rest = 2 * product + now - 2 * now * guess
    if rest < 0:
        return np.int64(guess - 1)
    return np.int64(guess + 1) if rest >= 2 * now else guess


@cast("Callable[[F], F]", numba.njit(nogil=True, parallel=True))
def extremes(high: I32, low: I32, steps: Steps, window: int, out_high: I32, out_low: I32, out_traded: I32) -> None:
    """Fill the outputs; their row i is asked after row i + window - 1 of the columns.

    Sessions go in blocks of the window's length. A window is the end of one block and the beginning of the next, so
    the running extremes of both, kept from the back and from the front, give it in one comparison each. That is right
    while the factor stays; where it steps inside a window, `_across_steps` puts the answer right.
    The loops over a row's stocks are plain int32 on slices: several stocks at once in the processor's registers.
    Tiles of stocks know nothing of each other: each core takes some.
    """
    sessions, stocks = high.shape
    for tile in numba.prange((stocks + TILE - 1) // TILE):
        left = tile * TILE
        wide = min(TILE, stocks - left)
        back_high, back_low = np.zeros((window + 1, TILE), np.int32), np.full((window + 1, TILE), NO_LOW, np.int32)
        older = (np.zeros(window, np.int64), np.zeros(window, np.int64))
        front_high, front_low, count = np.zeros(TILE, np.int32), np.zeros(TILE, np.int32), np.zeros(TILE, np.int32)
        for begin in range(0, sessions, window):
            front_high[:], front_low[:] = 0, NO_LOW
            length = min(window, sessions - begin)
            for step in range(length):
                row = begin + step
                tops, bottoms = high[row, left : left + wide], low[row, left : left + wide]
                for k in range(wide):
                    bottom = bottoms[k] if bottoms[k] > 0 else NO_LOW
                    front_high[k] = tops[k] if tops[k] > front_high[k] else front_high[k]
                    front_low[k] = bottom if bottom < front_low[k] else front_low[k]
                    count[k] += ONE if tops[k] > 0 else NONE
                out = row - window + 1
                if out < 0:
                    continue
                behind_high, behind_low = back_high[step + 1], back_low[step + 1]
                highs, lows = out_high[out, left : left + wide], out_low[out, left : left + wide]
                traded, gone = out_traded[out, left : left + wide], high[out, left : left + wide]
                for k in range(wide):
                    bottom = front_low[k] if front_low[k] < behind_low[k] else behind_low[k]
                    highs[k] = front_high[k] if front_high[k] > behind_high[k] else behind_high[k]
                    lows[k] = bottom if bottom < NO_LOW else NONE
                    traded[k] = count[k]
                    count[k] -= ONE if gone[k] > 0 else NONE  # the next window begins one row later
            if begin + length >= window:
                for stock in range(left, left + wide):
                    if steps.starts[stock + 1] - steps.starts[stock] > 1:
                        _across_steps(high, low, steps, stock, (begin, begin + length), older, out_high, out_low)
            if begin + length == sessions:
                continue
            back_high[window], back_low[window] = 0, NO_LOW
            for step in range(length - 1, -1, -1):
                tops, bottoms = high[begin + step, left : left + wide], low[begin + step, left : left + wide]
                after_high, after_low = back_high[step + 1], back_low[step + 1]
                here_high, here_low = back_high[step], back_low[step]
                for k in range(wide):
                    bottom = bottoms[k] if bottoms[k] > 0 else NO_LOW
                    here_high[k] = tops[k] if tops[k] > after_high[k] else after_high[k]
                    here_low[k] = bottom if bottom < after_low[k] else after_low[k]


@kernel
def _across_steps(
    high: I32, low: I32, steps: Steps, stock: int, block: tuple[int, int], older: tuple[I64, I64], out_high: I32,
    out_low: I32,
) -> None:  # fmt: skip
    """Put right the windows of one stock that a step of the factor is inside of, each step when its last one is there.

    `older` is room for what the bars before a step come to, from the step backwards.
    """
    starts, rows, factors = steps
    tops, bottoms = older
    window = len(tops)
    for at in range(starts[stock] + 1, starts[stock + 1]):
        step = rows[at]
        until = min(step + window - 1, len(high))
        if at + 1 < starts[stock + 1]:
            until = min(until, rows[at + 1])
        if until <= block[0]:
            continue
        if until > block[1]:
            return
        top, bottom, held = np.int64(0), np.int64(_FAR), at - 1
        for back in range(1, min(window, step + 1)):
            row = step - back
            while rows[held] > row:
                held -= 1
            top = max(top, np.int64(high[row, stock]) * factors[held])
            if low[row, stock] > 0:
                bottom = min(bottom, np.int64(low[row, stock]) * factors[held])
            tops[back], bottoms[back] = top, bottom
        above, below = np.int64(0), np.int64(_FAR)
        last_top, last_bottom, as_high, as_low = np.int64(0), np.int64(_FAR), np.int64(0), np.int64(_FAR)
        for row in range(step, until):
            above = max(above, np.int64(high[row, stock]))
            if low[row, stock] > 0:
                below = min(below, np.int64(low[row, stock]))
            out = row - window + 1
            if out < 0:
                continue
            back = step - out  # the oldest row of the window, counted from the step
            if tops[back] != last_top:  # an extreme stands for many days: it is divided once
                last_top = tops[back]
                as_high = _half_up(last_top, factors[at])
            if bottoms[back] != last_bottom:
                last_bottom = bottoms[back]
                as_low = _half_up(last_bottom, factors[at]) if last_bottom < _FAR else np.int64(_FAR)
            out_high[out, stock] = max(above, as_high)
            out_low[out, stock] = min(below, as_low) if min(below, as_low) < _FAR else 0


@kernel
def _pairs(
    high: I32, low: I32, factor: I64, now: I64, bars: int,
    k1_high: I32, k1_low: I32, k2_high: I32, k2_low: I32,
) -> None:  # fmt: skip
    """Fill the outputs; their row i is asked after row i + bars - 1 of the columns, with the factor now[i].

    The first `bars` rows hold what each stock traded before, padded in front; later ones are sessions.
    """
    sessions, stocks = high.shape
    tops, bottoms, factors = np.zeros(sessions, np.int64), np.zeros(sessions, np.int64), np.zeros(sessions, np.int64)
    for stock in range(stocks):
        traded = 0
        for row in range(sessions):
            if high[row, stock] > 0:
                tops[traded], bottoms[traded], factors[traded] = high[row, stock], low[row, stock], factor[row, stock]
                traded += 1
            out = row - bars + 1
            if out < 0 or out >= len(now):
                continue
            divisor = now[out, stock]
            a_high = a_low = b_high = b_low = np.int64(0)
            paired = False
            for at in range(max(0, traded - bars), traded):
                top, bottom = tops[at], bottoms[at]
                if factors[at] != divisor:
                    top, bottom = _half_up(top * factors[at], divisor), _half_up(bottom * factors[at], divisor)
                holds = (top >= b_high and bottom <= b_low) or (top <= b_high and bottom >= b_low)
                if holds and paired:
                    if b_high > a_high:
                        b_high, b_low = max(b_high, top), max(b_low, bottom)
                    else:
                        b_high, b_low = min(b_high, top), min(b_low, bottom)
                    continue
                if not holds and b_high > 0:
                    a_high, a_low, paired = b_high, b_low, True
                b_high, b_low = top, bottom
            if paired:
                k1_high[out, stock], k1_low[out, stock] = a_high, a_low
                k2_high[out, stock], k2_low[out, stock] = b_high, b_low


def _int32(prices: NDArray[np.integer]) -> I32:
    return np.ascontiguousarray(prices, dtype=np.int32)


def _divisor(now: I64) -> I64:
    """Return factors to divide by: one that is missing belongs to a stock that never traded."""
    return np.ascontiguousarray(np.where(now > 0, now, 1))


def span_table(bars: Bars, now: I64, window: int) -> SpanTable:
    """Return the span of `window` sessions for every day; day i looks at rows i to i + window - 1.

    `now` is the factor each day anchors on, days x stocks; the bars have window - 1 more rows than it.
    """
    days, stocks = now.shape
    high, low, traded = (np.zeros((days, stocks), np.int32) for _ in range(3))
    steps = steps_of(factors_of(bars, now, window))
    extremes(_int32(bars.high), _int32(bars.low), steps, window, high, low, traded)
    total = np.zeros((len(bars.turnover) + 1, stocks), np.int64)
    np.cumsum(bars.turnover, axis=0, out=total[1:])
    return SpanTable(high, low, traded, total[window : window + days] - total[:days])


def pair_table(bars: Bars, now: I64, count: int) -> PairTable:
    """Return the last two merged bars for every day; day i looks at the last `count` traded up to row i + count - 1.

    The first `count` rows hold what each stock traded before, padded in front; later ones are sessions.
    """
    tables = PairTable(*(np.zeros(now.shape, np.int32) for _ in range(4)))
    _pairs(_int32(bars.high), _int32(bars.low), np.ascontiguousarray(bars.factor), _divisor(now), count, *tables)
    return tables
