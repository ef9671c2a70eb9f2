"""What a desk refused before it was sized: kept as arrays, because a whole market's pool leaves it by the thousand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.backtests.result import Refused
from common.domain.reasons import Reason
from common.domain.values import Day, Symbol

I64 = NDArray[np.int64]


class Refusals:
    """The refusals of one rule over a universe of stocks, once a stock, day and reason."""

    def __init__(self, rule: str, symbols: Sequence[Symbol]) -> None:
        self._rule, self._symbols = rule, symbols
        self._rank = np.argsort(np.argsort(np.array(symbols, np.str_), kind="stable"), kind="stable")
        """Places of the stocks in the order of their symbols."""
        self._day: Day = 0
        self._labels: I64 = np.zeros(0, np.int64)
        self._told: dict[Reason, NDArray[np.bool_]] = {}
        """Stocks refused today already, by reason."""
        self._kept: dict[tuple[Day, Reason], list[tuple[I64, I64]]] = {}
        """Seconds and stocks, by day and reason."""

    def open_day(self, day: Day, labels: Sequence[int]) -> None:
        """Begin a session whose bars end at `labels`, seconds of the day."""
        self._day, self._labels = day, np.array(labels, np.int64)
        self._told.clear()

    def add(self, stocks: I64, bars: int | I64, reason: Reason) -> None:
        """Note refusals on `bars`: one for all, or one for each stock."""
        told = self._told.get(reason)
        if told is None:
            told = self._told[reason] = np.zeros(len(self._symbols), np.bool_)
        fresh = ~told[stocks]
        if fresh.any():
            told[stocks] = True
            seconds = np.full(len(stocks), self._labels[bars])
            self._kept.setdefault((self._day, reason), []).append((seconds[fresh], stocks[fresh]))

    def rows(self) -> tuple[Refused, ...]:
        """Return what was refused, by day and reason."""
        found = []
        for (day, reason), parts in sorted(self._kept.items()):
            seconds, stocks = map(np.concatenate, zip(*parts, strict=True))
            order = np.lexsort((self._rank[stocks], seconds))
            symbols = tuple(map(self._symbols.__getitem__, stocks[order].tolist()))
            found.append(Refused(day, reason, self._rule, symbols, tuple(seconds[order].tolist())))
        return tuple(found)
