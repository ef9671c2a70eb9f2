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

TILE = 128
"""Stocks that are worked on together: what they need of a window stays in the cache."""
_FAR = np.iinfo(np.int64).max


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
def _half_up(product: int, now: int) -> int:
    """Return product / now, rounded half up: a guess by floating point, put right in whole numbers."""
    guess = int(product / now)
    rest = 2 * product + now - 2 * now * guess
    if rest < 0:
        return guess - 1
    return guess + 1 if rest >= 2 * now else guess


@kernel
def extremes(
    high: I32, low: I32, factor: I64, now: I64, window: int, out_high: I32, out_low: I32, out_traded: I32
) -> None:
    """Fill the outputs; their row i is asked after row i + window - 1 of the columns, with the factor now[i].

    Sessions go in blocks of the window's length. A window is the end of one block and the beginning of the next, so
    the running extremes of both, kept from the back and from the front, give it in one comparison each.
    """
    sessions, stocks = high.shape
    back_high, back_low = np.zeros((window + 1, TILE), np.int64), np.full((window + 1, TILE), _FAR, np.int64)
    front_high, front_low = np.zeros(TILE, np.int64), np.zeros(TILE, np.int64)
    count = np.zeros(TILE, np.int32)
    for left in range(0, stocks, TILE):
        wide = min(TILE, stocks - left)
        back_high[:] = 0
        back_low[:] = _FAR
        count[:] = 0
        for begin in range(0, sessions, window):
            front_high[:] = 0
            front_low[:] = _FAR
            length = min(window, sessions - begin)
            for step in range(length):
                row = begin + step
                gone = row - window
                for k in range(wide):
                    top = np.int64(high[row, left + k]) * factor[row, left + k]
                    bottom = np.int64(low[row, left + k]) * factor[row, left + k]
                    bottom = bottom if bottom > 0 else _FAR
                    front_high[k] = max(front_high[k], top)
                    front_low[k] = min(front_low[k], bottom)
                    count[k] += high[row, left + k] > 0
                if gone >= 0:
                    for k in range(wide):
                        count[k] -= high[gone, left + k] > 0
                out = row - window + 1
                if out >= 0:
                    for k in range(wide):
                        top = max(front_high[k], back_high[step + 1, k])
                        bottom = min(front_low[k], back_low[step + 1, k])
                        divisor = now[out, left + k]
                        out_high[out, left + k] = _half_up(top, divisor)
                        out_low[out, left + k] = _half_up(bottom, divisor) if bottom < _FAR else 0
                        out_traded[out, left + k] = count[k]
            if begin + length == sessions:
                continue
            for step in range(length - 1, -1, -1):
                row = begin + step
                for k in range(wide):
                    top = np.int64(high[row, left + k]) * factor[row, left + k]
                    bottom = np.int64(low[row, left + k]) * factor[row, left + k]
                    bottom = bottom if bottom > 0 else _FAR
                    back_high[step, k] = max(back_high[step + 1, k], top)
                    back_low[step, k] = min(back_low[step + 1, k], bottom)


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
    factor = np.ascontiguousarray(bars.factor)
    extremes(_int32(bars.high), _int32(bars.low), factor, _divisor(now), window, high, low, traded)
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
