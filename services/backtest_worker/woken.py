"""The compiled engine for a rule of plain Python: machine code finds the bars it wakes on, Python decides on those.

A rule whose `decide` is outside the compiled subset names a kernel `wake`. A stock that is not held cannot change
anything while it sleeps, so whole days of whole markets are passed over without calling Python; what is held, or was
traded today, is stepped bar by bar. Everything else is the host and the desk that backtrader drives.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import ts_of
from common.domain.values import Symbol
from common.strategies.contract import Rule
from services.backtest_worker.bars import LAST_LABEL_S, Bar, DayBars
from services.backtest_worker.desk import Desk
from services.backtest_worker.hosted import Hosted
from services.backtest_worker.pool_scan import I64, rescale_pool

Wakes = Callable[..., Any]


class Woken(Hosted):
    """One rule with a wake-up, one desk, over the universe `symbols`."""

    def __init__(self, rule: Rule, params: Any, wakes: Wakes, desk: Desk, symbols: Sequence[Symbol]) -> None:
        super().__init__(rule, params, desk, symbols)
        self._wakes = wakes
        self._params = np.array([int(value) for value in params], np.int64)
        self._context = np.zeros((len(symbols), len(rule.Context._fields)), np.int64)
        self._no_memory = np.zeros((0, 0), np.int64)
        self._prices = [rule.Context._fields.index(name) for name in rule.CONTEXT_PRICES]
        self._followed: set[int] = set()
        """Stocks stepped on every bar of today: held at its start, or traded in it."""
        self._masks: NDArray[np.uint64] = np.zeros((0, 0), np.uint64)
        self._counts: I64 = np.zeros(0, np.int64)
        self.calls = 0
        """Steps that were given to the host."""

    def run_day(self, day: DayBars) -> None:
        """Play one session."""
        self.open_day(day)
        self._followed = set(self.desk.held())
        self._scan(day)
        for at in range(len(day.labels)):
            self.trade(at)
            # As many as there are orders: a stock that trades is followed from this bar on.
            self._followed.update(order.stock for order in self.desk.working)
            self._followed.update(self.desk.held())
            self.decide(at, self._bars(day, at))
        self.close_day()

    def _scan(self, day: DayBars) -> None:
        stocks = day.pool.stocks
        self._context[stocks] = day.pool.context
        pooled = np.zeros(len(self._context), np.bool_)
        pooled[stocks] = True
        rescale_pool(day, pooled, self._context, self._prices)
        labels = np.array([label for label in day.labels if label <= LAST_LABEL_S], np.int64)
        facts = day.facts
        limits = (facts.prev_close, facts.up_limit, facts.down_limit, facts.auction)
        self._masks = np.zeros((len(pooled), -(-len(labels) // 64)), np.uint64)
        self._counts = np.zeros(len(day.labels), np.int64)
        self._wakes(
            self._params, self._no_memory, self._context, stocks, day.first_row, tuple(day.columns), labels,
            ts_of(day.day, 0), limits, np.zeros(len(pooled), np.bool_), self._masks, self._counts,
        )  # fmt: skip

    def _bars(self, day: DayBars, at: int) -> list[tuple[int, Bar]]:
        awake = self._followed
        if self._counts[at]:
            woken = np.flatnonzero(self._masks[:, at >> 6] >> np.uint64(at & 63) & np.uint64(1))
            awake = self._followed.union(woken.tolist())
        bars = ((stock, self.desk.bars.bar(day, stock, at)) for stock in sorted(awake))
        found = [(stock, bar) for stock, bar in bars if bar is not None]
        self.calls += len(found)
        return found

    def _run(self, stock: int, bar: Bar) -> None:
        """Bring the open, high and low of the day so far to the bar in work: the ones slept through count."""
        day, at = self.desk.day, self._at
        row = int(day.first_row[stock])
        traded = np.flatnonzero(day.columns.volume[row : row + at + 1] > 0) + row
        if not len(traded):
            return
        auction = int(day.facts.auction[stock])
        opened = auction or int(day.columns.open[traded[0]])
        high, low = int(day.columns.high[traded].max()), int(day.columns.low[traded].min())
        self._running[stock] = (opened, max(high, auction), min(low, auction) if auction else low)
