"""Our columns as backtrader feeds: lines filled in bulk, minutes and days side by side. Prices in yuan.

A day's bar is labelled 15:00, when the session ends: all day long the newest one is yesterday's, and nothing of today
leaks into the morning.
"""

import warnings
from array import array
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import S1500, to_date
from common.domain.errors import UserError
from common.domain.values import MILLI, Day
from common.history.daily import History
from services.backtest_worker.bars import DayBars

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its docstrings hold escapes that Python warns of when it first compiles them
    import backtrader as bt

F64 = NDArray[np.float64]
_DAY_S = 86_400
SESSION_END = time(15, 0)
EXTRA_LINES = ("up_limit", "down_limit", "float_cap", "is_st", "adj_close")
"""Beside open, high, low, close and volume; `openinterest` holds the turnover in 0.001 yuan."""


class _Line(bt.LineBuffer):  # type: ignore[misc]  # backtrader ships no types
    """A line that shows what has been: backtrader's own, filled whole, gives bars of the future to whoever asks."""

    def __getitem__(self, ago: int) -> float:
        if ago > 0:
            raise IndexError("a bar that has not come yet")
        at = self.idx + ago
        # Before its first bar an array would be read from its end, which is the future.
        return float(self.array[at]) if at >= 0 else float("nan")


class ColumnFeed(bt.feed.DataBase):  # type: ignore[misc]  # backtrader ships no types
    """A feed whose lines are given whole: `columns` by line name, as float64, all of one length."""

    lines = EXTRA_LINES
    params: Any = (("columns", None), ("sessionend", SESSION_END))
    _buffers: Sequence[Any] = ()
    _times: Any = None

    # The bar is the tick: the broker of backtrader reads the lines where these are None.
    tick_open = tick_high = tick_low = tick_close = tick_volume = tick_openinterest = tick_last = None

    def preload(self) -> None:
        """Fill every line at once instead of bar by bar."""
        if self.p.fromdate is not None or self.p.todate is not None or self._filters:
            raise UserError("these feeds hold the days they were made for: choose others where they are made")
        columns: Mapping[str, F64] = self.p.columns
        length = len(columns["datetime"])
        buffers = []
        for name in self.getlinealiases():
            line = getattr(self.lines, name)
            values = columns.get(name)
            line.array = array("d", (values if values is not None else np.zeros(length)).tobytes())
            line.lencount, line.idx = length, length - 1
            line.__class__ = _Line
            buffers.append(line)
            # An attribute of its own is found at once; backtrader's way to a line is three look-ups long.
            setattr(self, name, line)
        self._buffers = buffers
        self._times = buffers[self.getlinealiases().index("datetime")]
        self._last()
        self.home()

    def _load(self) -> bool:
        if not self._buffers:
            raise UserError("these feeds are filled whole: run Cerebro with preload=True and without exactbars")
        return False

    # What backtrader asks of every feed at every bar, without the look-ups by name it makes for feeds of any kind.

    def __len__(self) -> int:
        return int(self._times.lencount) if self._buffers else super().__len__()

    def advance_peek(self) -> float:
        """Return the time of the next bar, infinity after the last."""
        at = self._times.idx + 1
        return float(self._times.array[at]) if at < len(self._times.array) else float("inf")

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        """Move on; bars are whole, so there are no ticks inside them to keep."""
        if datamaster is not None:
            super().advance(size, datamaster, ticks)
            return
        for line in self._buffers:
            line.idx += size
            line.lencount += size

    def _tick_nullify(self) -> None:
        pass  # there are no ticks inside a bar

    def _tick_fill(self, force: bool = False) -> None:
        pass  # as above


def numbers_of(day: int, labels: Sequence[int]) -> F64:
    """Return the bars of a day in backtrader's time: days since year 1, ends of bars."""
    return to_date(day).toordinal() + np.array(labels, np.float64) / _DAY_S


def columns_of(days: Sequence[DayBars], stock: int) -> dict[str, F64]:
    """Return a stock's lines over all days; days without bars are left out."""
    there = [day for day in days if day.first_row[stock] >= 0]
    if not there:
        return {"datetime": np.zeros(0)}

    def column(name: str) -> F64:
        parts = []
        for day in there:
            row = int(day.first_row[stock])
            parts.append(getattr(day.columns, name)[row : row + len(day.labels)])
        return np.concatenate(parts).astype(np.float64)

    def fact(name: str, scale: float) -> F64:
        return np.concatenate([np.full(len(day.labels), getattr(day.facts, name)[stock] / scale) for day in there])

    prices = {name: column(name) / MILLI for name in ("open", "high", "low", "close")}
    return {
        "datetime": np.concatenate([numbers_of(day.day, day.labels) for day in there]),
        **prices,
        "volume": column("volume"),
        # Turnover rides in a line that stocks have no use for otherwise.
        "openinterest": column("turnover"),
        "up_limit": fact("up_limit", MILLI),
        "down_limit": fact("down_limit", MILLI),
        "is_st": fact("st", 1),
        "float_cap": fact("prev_close", MILLI) * fact("float_shares", 1),
        "adj_close": prices["close"] * _factors(days, there, stock),
    }


def _factors(days: Sequence[DayBars], there: Sequence[DayBars], stock: int) -> F64:
    """Return what multiplies each bar's close to make it comparable with the first day's: adjusted as of that bar."""
    factor, found = 1.0, {}
    for day in days:
        raw, reference = int(day.facts.raw_prev_close[stock]), int(day.facts.prev_close[stock])
        if raw > 0 and reference > 0:
            factor *= raw / reference
        found[day.day] = factor
    return np.concatenate([np.full(len(day.labels), found[day.day]) for day in there])


class DailyFeed(ColumnFeed):
    """A stock's days: each is delivered at 15:00 of its own session, never before."""

    params: Any = (("timeframe", bt.TimeFrame.Days),)


def daily_columns_of(history: History, stocks: Sequence[int], first: Day, last: Day) -> dict[int, dict[str, F64]]:
    """Return the lines of some stocks' daily bars from `first` to `last`, days without trading left out.

    The calendar must go on by a day after `last`. `adj_close` is comparable with the first day's.
    """
    rows = history.traded(history.calendar().next(last), first)
    found: dict[int, dict[str, F64]] = {}
    for stock in stocks:
        chosen = rows.take((rows.symbol == stock) & (rows.columns["close"] > 0))
        if not len(chosen.day):
            continue
        columns = {name: values.astype(np.float64) for name, values in chosen.columns.items()}
        factor = columns["factor_e9"]
        found[stock] = {
            "datetime": np.concatenate([numbers_of(day, [S1500]) for day in chosen.day.tolist()]),
            **{name: columns[name] / MILLI for name in ("open", "high", "low", "close", "up_limit", "down_limit")},
            "volume": columns["volume"],
            "openinterest": columns["turnover"],
            "float_cap": columns["prev_close"] / MILLI * columns["float_shares"],
            "adj_close": columns["close"] / MILLI * factor / factor[0],
        }
    return found
