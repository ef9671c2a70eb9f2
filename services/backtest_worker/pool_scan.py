"""The pool of a day as machine code sees it while nothing is held: one scan that every fill verdict shares.

What is not held does not depend on the books, so its memory and the bars on which the rule wants it are the same under
every verdict, and can be found ahead, on another core, while the desks are still at the day before.
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import ts_of
from common.strategies.contract import Rule
from services.backtest_worker.bars import LAST_LABEL_S, DayBars

I64 = NDArray[np.int64]
AHEAD = 8
"""Days that are scanned before the desks come to them: while machine code is loaded, days are read."""
LANES = 2
"""Threads that scan, each its own stocks: with one, a core has nothing to do while the desks wait for the scan."""
SWITCH_S = 0.000_1
SMALL = 50_000
"""Bars of a pool: fewer are scanned sooner than another thread is woken."""


class Scans(NamedTuple):
    """A rule's scans as `adapters/compiled.py` makes them."""

    scan_pool: Any
    """Steps every chosen stock through a day with nothing held; marks the bars on which the rule wants to enter."""
    scan_one: Any
    """Steps one stock on with its position; stops at the first bar that decides something not done already."""
    hits_at: Any
    """Stocks of a pool that want to enter on a bar."""
    too_dear: Any
    first_refused: Any
    digest: str
    """Of everything the machine code is made of."""


class PoolDay(NamedTuple):
    """One day of the pool, by stock of the universe; nobody writes to it once it is made."""

    labels: I64
    """Seconds of the bars that are decided on."""
    pooled: NDArray[np.bool_]
    before: I64
    """The rule's memory at the start of the day."""
    context: I64
    """With prices of today."""
    masks: NDArray[np.uint64]
    """Bars on which the rule wants to enter, a bit each."""
    counts: I64
    """Stocks that it wants to enter, by bar; at least."""
    float_value: I64
    """Of every stock: price before the open x float shares; small ones enter first."""


class _Begun(NamedTuple):
    """A day that is to be scanned."""

    day: DayBars
    pool: PoolDay
    fresh: NDArray[np.bool_]
    """Who was not in the pool the day before."""
    counts: I64
    """Of each lane."""


class PoolScan:
    """The pools of one rule, day after day."""

    def __init__(self, rule: Rule, params: Any, scans: Scans, stocks: int) -> None:
        self._params, self._scans = np.array([int(value) for value in params], np.int64), scans
        self._initial = np.array([int(value) for value in rule.INITIAL_MEMORY], np.int64)
        self._memory = np.tile(self._initial, (stocks, 1))
        self._pooled, self._nobody = np.zeros((2, stocks), np.bool_)
        self._fields = len(rule.Context._fields)
        self._prices = [rule.Context._fields.index(name) for name in rule.CONTEXT_PRICES]
        self._lanes = [stocks * lane // LANES for lane in range(LANES + 1)]

    def one_by_one(self, days: Iterable[DayBars]) -> Iterator[tuple[DayBars, PoolDay]]:
        """Yield days with their pools, each scanned when it is wanted: for a process that has one core."""
        for day in days:
            yield day, self.scan(day)

    def ahead(self, days: Iterable[DayBars]) -> Iterator[tuple[DayBars, PoolDay]]:
        """Yield days with their pools; those to come are scanned meanwhile, in threads that hold no lock."""
        waiting: deque[tuple[_Begun, list[Future[None]]]] = deque()
        with ExitStack() as threads, _quick_switches():
            lanes = [threads.enter_context(ThreadPoolExecutor(1, "scan")) for _ in range(LANES)]
            for day in days:
                begun = self._begin(day)
                idle = not waiting or all(each.done() for each in waiting[-1][1])
                if idle and len(day.pool.stocks) * len(day.labels) < SMALL:
                    self._every_lane(begun)
                    waiting.append((begun, []))
                else:
                    waiting.append((begun, [each.submit(self._lane, begun, at) for at, each in enumerate(lanes)]))
                if len(waiting) > AHEAD:
                    yield _next(waiting)
            while waiting:
                yield _next(waiting)

    def scan(self, day: DayBars) -> PoolDay:
        """Scan a day; days come in order. Who was not in the pool the day before starts anew."""
        begun = self._begin(day)
        self._every_lane(begun)
        return _done(begun)

    def _begin(self, day: DayBars) -> _Begun:
        count = len(self._memory)
        stocks = day.pool.stocks
        pooled = np.zeros(count, np.bool_)
        pooled[stocks] = True
        fresh = pooled & ~self._pooled
        self._pooled = pooled
        context = np.zeros((count, self._fields), np.int64)
        context[stocks] = day.pool.context
        rescale_pool(day, pooled, context, self._prices)
        labels = np.array([label for label in day.labels if label <= LAST_LABEL_S], np.int64)
        masks = np.zeros((count, -(-len(labels) // 64)), np.uint64)
        counts = np.zeros((LANES, len(labels)), np.int64)
        pool = PoolDay(labels, pooled, np.empty_like(self._memory), context, masks, counts[0], float_value_of(day))
        return _Begun(day, pool, fresh, counts)

    def _every_lane(self, begun: _Begun) -> None:
        for lane in range(LANES):
            self._lane(begun, lane)

    def _lane(self, begun: _Begun, lane: int) -> None:
        """Scan the stocks of a lane; days come in order."""
        day, pool, fresh, counts = begun
        own = slice(self._lanes[lane], self._lanes[lane + 1])
        memory = self._memory[own]
        memory[fresh[own]] = self._initial
        pool.before[own] = memory
        first, last = np.searchsorted(day.pool.stocks, (own.start, own.stop))
        self._scans.scan_pool(
            self._params, self._memory, pool.context, day.pool.stocks[first:last], day.first_row, tuple(day.columns),
            pool.labels, ts_of(day.day, 0), limits_of(day), self._nobody, pool.masks, counts[lane],
        )  # fmt: skip


@contextmanager
def _quick_switches() -> Iterator[None]:
    """Let the scanning thread have the interpreter soon after it asks: a day takes it less time than Python's 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _next(waiting: deque[tuple[_Begun, list[Future[None]]]]) -> tuple[DayBars, PoolDay]:
    begun, lanes = waiting.popleft()
    for lane in lanes:
        lane.result()
    return begun.day, _done(begun)


def _done(begun: _Begun) -> PoolDay:
    return begun.pool._replace(counts=begun.counts.sum(axis=0))


def float_value_of(day: DayBars) -> I64:
    """Return what a day's stocks are worth before its open, 0.001 yuan."""
    value: I64 = day.facts.prev_close * day.facts.float_shares
    return value


def limits_of(day: DayBars) -> tuple[I64, ...]:
    """Return what the scans read of a day's facts."""
    facts = day.facts
    return facts.prev_close, facts.up_limit, facts.down_limit, facts.auction


def rescale_pool(day: DayBars, pooled: NDArray[np.bool_], context: I64, prices: Iterable[int]) -> None:
    """Bring the prices in the pool's context (columns `prices`) to today where a stock goes ex; rows by stock."""
    raw, reference = day.facts.raw_prev_close, day.facts.prev_close
    moved = np.flatnonzero(pooled & (raw != reference) & (raw > 0) & (reference > 0))
    for at in prices:
        column = context[moved, at]
        now, was = reference[moved], raw[moved]
        context[moved, at] = (2 * column * now + was) // (2 * was)
