"""Bars, built once for everybody: labelled by their end, closed by the feed's clock. Pure array work.

A snapshot stamped hh:mm:00 belongs to the bar that ends there, so a bar closes at the first push after its label, with
or without trades. The bars that end with the day close in the day's last push, which they hold. The first 5-minute bar
holds the opening auction; among 1-minute bars the auction has a bar of its own, labelled 09:30.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from common.domain.calendar import S0925, S0930, S1130, S1300, S1500, second_of_day
from common.messages.columns import I4, I8, U2, Instruments, Quotes, quotes_of
from common.messages.market import BarsClosed, DayOpened, PushEnd, QuoteBatch

FIVE_MINUTES = 300
ONE_MINUTE = 60


def labels(period_s: int) -> list[int]:
    """Return the ends of a day's bars as seconds of the day."""
    morning = range(S0930 + period_s, S1130 + 1, period_s)
    afternoon = range(S1300 + period_s, S1500 + 1, period_s)
    auction = [S0930] if period_s == ONE_MINUTE else []
    return [*auction, *morning, *afternoon]


class _Open(NamedTuple):
    """Bars being built, one array a field, one element a stock."""

    high: NDArray[np.int32]
    low: NDArray[np.int32]
    first: NDArray[np.int32]
    """0 = nothing traded yet."""
    volume_before: NDArray[np.int64]
    turnover_before: NDArray[np.int64]


class _Period:
    """All bars of one length."""

    def __init__(self, period_s: int, size: int) -> None:
        self.period_s = period_s
        self.labels = labels(period_s)
        self.open = _Open(
            np.zeros(size, I4), np.zeros(size, I4), np.zeros(size, I4), np.zeros(size, I8), np.zeros(size, I8)
        )

    def take(
        self, at: NDArray[np.uint16], last: NDArray[np.int32], high: NDArray[np.int32], low: NDArray[np.int32]
    ) -> None:
        """Bring prices into the bars being built; `high` and `low` are those since the quote before."""
        bars = self.open
        fresh = bars.first[at] == 0
        bars.high[at] = np.where(fresh, high, np.maximum(bars.high[at], high))
        bars.low[at] = np.where(fresh, low, np.minimum(bars.low[at], low))
        bars.first[at] = np.where(fresh, last, bars.first[at])


class BarBuilder:
    """Builds the bars of one day for every stock of its instrument table."""

    def __init__(self, day: DayOpened, periods: Sequence[int] = (FIVE_MINUTES,)) -> None:
        instruments = Instruments(day.instruments)
        size = len(instruments)
        self._size = size
        self._index = np.arange(size, dtype=U2).tobytes()
        self._close = instruments.prev_close.astype(I4)
        self._day_open = np.zeros(size, I4)
        self._day_high = np.zeros(size, I4)
        self._day_low = np.zeros(size, I4)
        self._volume = np.zeros(size, I8)
        self._turnover = np.zeros(size, I8)
        self._periods = [_Period(period, size) for period in periods]

    def push(self, end: PushEnd, batches: Sequence[QuoteBatch]) -> list[BarsClosed]:
        """Close the bars whose label lies before this push, then take its quotes in."""
        second = second_of_day(end.ts_ns)
        closed = self._close_before(end, second)
        # Before 09:25 prices are virtual: the match of the auction is the day's first trade.
        if second >= S0925:
            for batch in batches:
                self._take(quotes_of(batch))
        if end.last_of_day:
            closed += self._close_before(end, S1500 + 1)
        return [replace(bars, part=part) for part, bars in enumerate(closed)]

    def _take(self, quotes: Quotes) -> None:
        traded = quotes.volume > 0
        at = quotes.index[traded]
        if len(at) == 0:
            return
        last, day_high, day_low = quotes.last[traded], quotes.high[traded], quotes.low[traded]
        # A day's high that rose since the quote before was traded in between, whatever the last price is now.
        high = np.where(day_high > self._day_high[at], day_high, last)
        known = self._day_low[at] > 0
        low = np.where(~known | (day_low < self._day_low[at]), day_low, last)
        moved = quotes.volume[traded] > self._volume[at]
        for period in self._periods:
            period.take(at[moved], last[moved], np.maximum(high, last)[moved], np.minimum(low, last)[moved])
        self._close[at] = last
        self._day_open[at] = quotes.open[traded]
        self._day_high[at] = day_high
        self._day_low[at] = day_low
        self._volume[at] = quotes.volume[traded]
        self._turnover[at] = quotes.turnover[traded]

    def _close_before(self, end: PushEnd, second: int) -> list[BarsClosed]:
        closed: list[BarsClosed] = []
        for period in self._periods:
            while period.labels and period.labels[0] < second:
                closed.append(self._close_one(end, period, period.labels.pop(0)))
        return closed

    def _close_one(self, end: PushEnd, period: _Period, label: int) -> BarsClosed:
        bars = period.open
        idle = bars.first == 0
        before = np.where(idle, self._close, bars.first)
        closed = BarsClosed(
            push=end.push,
            part=0,
            period_s=period.period_s,
            label_s=label,
            count=self._size,
            index=self._index,
            open=before.astype(I4).tobytes(),
            high=np.where(idle, self._close, bars.high).astype(I4).tobytes(),
            low=np.where(idle, self._close, bars.low).astype(I4).tobytes(),
            close=self._close.tobytes(),
            volume=(self._volume - bars.volume_before).tobytes(),
            turnover=(self._turnover - bars.turnover_before).tobytes(),
            day_open=self._day_open.tobytes(),
            day_high=self._day_high.tobytes(),
            day_low=self._day_low.tobytes(),
        )
        bars.first[:] = 0
        bars.volume_before[:] = self._volume
        bars.turnover_before[:] = self._turnover
        return closed
