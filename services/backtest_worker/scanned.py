"""The compiled engine: scans tell which bars matter, the desk carries out what is decided on them.

What a host would know of stocks that are not held, the scan of the whole pool tells, the same for every verdict
(`pool_scan.py`). A stock that is held or was sold in the day is followed on its own (`_Watch`), and scanned on its own
as long as its memory is another than that of a stock that never was.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import ts_of
from common.domain.reasons import Reason
from common.domain.values import Board, Symbol
from common.rules.corporate import rescale
from common.rules.lots import lot_minimum
from common.strategies.contract import ENTER, EXIT, Decision, Rule
from services.backtest_worker.bars import DayBars
from services.backtest_worker.desk import Desk
from services.backtest_worker.pool_scan import PoolDay, PoolScan, Scans, limits_of

I64 = NDArray[np.int64]
NEVER = 1 << 30


@dataclass(slots=True)
class _Watch:
    """A stock followed on its own."""

    stock: int
    at: int
    """Its memory is of before this bar."""
    held: bool
    position: I64 = field(default_factory=lambda: np.zeros(5, np.int64))
    """Shares, sellable, cost, high since entry, sessions held."""
    exiting: bool = False
    decided: list[int] = field(default_factory=list)
    wakes: int = NEVER
    """Bar on which it decides something."""
    said: Decision | None = None
    moved: bool = True
    """It has to be scanned anew."""


class Scanned:
    """One rule over one universe."""

    def __init__(self, rule: Rule, params: Any, scans: Scans, desk: Desk, symbols: Sequence[Symbol]) -> None:
        self.desk = desk
        self._rule, self._scans = rule, scans
        self._params = np.array([int(value) for value in params], np.int64)
        count = len(symbols)
        self._initial = np.array([int(value) for value in rule.INITIAL_MEMORY], np.int64)
        self._apart: set[int] = set()
        """Stocks whose memory may be another than the shared scan's: they were held, or traded, and are in the pool."""
        self._memory, self._before = np.tile(self._initial, (2, count, 1))
        """Memory now and at the start of the day, of the stocks apart."""
        self._context = np.zeros((count, len(rule.Context._fields)), np.int64)
        """Of the stocks followed."""
        self._prices = [rule.Context._fields.index(name) for name in rule.CONTEXT_PRICES]
        self._nobody, self._known = np.zeros((2, count), np.bool_)
        """Nothing; who was in the pool or held the day before."""
        self._entered = np.full(count, NEVER, np.int64)
        self._watches: dict[int, _Watch] = {}
        self._out = np.zeros((count, 2), np.int64)
        self._hits = np.zeros(count, np.int64)
        self._found = np.zeros(5, np.int64)
        self._lots = np.array([lot_minimum(board) for board in range(max(Board) + 1)], np.int64)
        self._counts: I64 = np.zeros(0, np.int64)
        self._wanted: I64 = np.zeros(0, np.int64)
        """Bars on which the rule may want to enter something, and NEVER."""
        self._pool: PoolDay | None = None
        self._steps = 0
        self._limits: tuple[I64, ...] = ()
        self._masks, self._others = np.zeros((2, count, 4), np.uint64)

    # ------------------------------------------------------------------ days

    @property
    def pool(self) -> PoolDay:
        """Return the pool of the day in work."""
        assert self._pool is not None, "a day is opened before anything is done in it"
        return self._pool

    def run_day(self, day: DayBars, pool: PoolDay) -> None:
        """Play one session."""
        self._open(day, pool)
        full = np.zeros(self._steps, np.bool_)
        desk, at = self.desk, 0
        while at < len(day.labels):
            if desk.working:
                desk.cancel_due(at)
                for stock in desk.match(at):
                    self._moved(stock, at)
            if desk.standing:
                desk.work(at)
            if at < self._steps:
                entries = self._exits(at)
                if self._counts[at] or entries:
                    self._enter(at, entries, full)
            at = self._next(at + 1, len(day.labels), full)
        self._close(day, full)

    def _next(self, at: int, end: int, full: NDArray[np.bool_]) -> int:
        """Return the next bar, from `at` on, on which something can happen; notes the entries that no slot is left for."""
        desk = self.desk
        if desk.working or desk.standing or any(watch.moved for watch in self._watches.values()):
            return at
        stop = max(at, min((watch.wakes for watch in self._watches.values()), default=NEVER))
        if desk.slots_free() > 0:
            stop = min(stop, int(self._wanted[np.searchsorted(self._wanted, at)]))
        else:
            full[at:stop] = self._counts[at:stop] > 0
        return stop if stop < self._steps else end

    def _open(self, day: DayBars, pool: PoolDay) -> None:
        self.desk.open_day(day)
        held = self.desk.held()
        self._pool, self._steps, self._limits = pool, len(pool.labels), limits_of(day)
        self._entered[:] = NEVER
        watches = {stock: self._watches[stock] for stock in held}
        for stock, watch in watches.items():
            watch.at, watch.moved, watch.wakes = 0, True, NEVER
            self._sync(watch)
            self._go_ex(day, stock, watch)
        self._watches = dict(sorted(watches.items()))
        self._others = np.zeros_like(pool.masks)
        self._take_pool(day, pool, held)

    def _take_pool(self, day: DayBars, pool: PoolDay, held: list[int]) -> None:
        """Take the shared scan over, but for what is held, and what is apart: that is scanned with its own memory."""
        self._masks, self._counts = pool.masks, pool.counts
        was = np.array(sorted(self._apart), np.int64)
        # Who was neither in the pool nor held the day before starts anew, as everybody does.
        was = was[pool.pooled[was] & self._known[was]]
        apart = was[(self._memory[was] != pool.before[was]).any(axis=1)]
        self._apart = {*apart.tolist(), *held}
        own = np.array([stock for stock in apart.tolist() if stock not in self._watches], np.int64)
        self._before[apart] = self._memory[apart]
        self._before[held] = self._memory[held]
        self._known = pool.pooled.copy()
        self._known[held] = True
        if self._apart:
            self._masks, self._counts = pool.masks.copy(), pool.counts.copy()
            self._masks[list(self._apart)] = 0
        if len(own):
            self._scans.scan_pool(
                self._params, self._memory, pool.context, own, day.first_row, tuple(day.columns), pool.labels,
                ts_of(day.day, 0), self._limits, self._nobody, self._masks, self._counts,
            )  # fmt: skip

        self._wanted = np.append(np.flatnonzero(self._counts), NEVER)

    def _go_ex(self, day: DayBars, stock: int, watch: _Watch) -> None:
        raw, reference = int(day.facts.raw_prev_close[stock]), int(day.facts.prev_close[stock])
        if raw == reference or raw <= 0 or reference <= 0:
            return
        watch.position[3] = rescale(int(watch.position[3]), reference, raw)
        for at in self._prices:
            self._context[stock, at] = rescale(int(self._context[stock, at]), reference, raw)

    def _close(self, day: DayBars, full: NDArray[np.bool_]) -> None:
        for watch in self._watches.values():
            self._advance(watch, self._steps)
        self._watches = {stock: watch for stock, watch in self._watches.items() if watch.held}
        if full.any() or self._others.any():
            found = self._scans.first_refused(
                self._masks, self._others, day.pool.stocks, full, self._entered, self._out
            )
            self.desk.refuse_many(self._out[:found, 0].copy(), self._out[:found, 1].copy(), Reason.SLOTS_FULL)
        self.desk.close_day()

    # ------------------------------------------------------------------ stocks followed on their own

    def _row(self, stock: int) -> int:
        return int(self.desk.day.first_row[stock])

    def _scan(self, watch: _Watch, memory: I64, first: int, stop: int, *, quiet: bool) -> int:
        """Step a stock on from bar `first`; returns the bar on which it decides, `stop` for none."""
        row = self._row(watch.stock)
        if row < 0 or first >= stop:
            return stop
        day = self.desk.day
        bar: int = self._scans.scan_one(
            self._params, memory, self._context[watch.stock], watch.stock, row, tuple(day.columns), self.pool.labels,
            ts_of(day.day, 0), self._limits, watch.held, watch.position, quiet or watch.exiting,
            np.array(watch.decided, np.int64), first, stop, self._found,
        )  # fmt: skip
        return bar

    def _advance(self, watch: _Watch, stop: int) -> None:
        """Bring memory and high of a stock to before bar `stop`; nothing is decided on the way."""
        self._scan(watch, self._memory[watch.stock], watch.at, stop, quiet=True)
        watch.at, watch.moved, watch.wakes = stop, True, NEVER

    def _look_ahead(self, watch: _Watch) -> None:
        """Find the next bar on which a stock decides; its own memory stays where it is."""
        high = watch.position[3]
        watch.wakes = self._scan(watch, self._memory[watch.stock].copy(), watch.at, self._steps, quiet=False)
        watch.position[3], watch.moved = high, False
        watch.said = _decision(self._found) if watch.wakes < self._steps else None

    def _sync(self, watch: _Watch) -> None:
        position = self.desk.position(watch.stock, int(watch.position[3]))
        watch.position[:] = position

    def _moved(self, stock: int, at: int) -> None:
        """Note that a stock traded at bar `at`: bought, sold in part, or flat."""
        watch = self._watches.get(stock)
        if watch is None:
            self._follow(stock)
            watch = _Watch(stock, 0, held=False)
            self._watches[stock] = watch
            self._watches = dict(sorted(self._watches.items()))
        self._advance(watch, at)
        holds = self.desk.holding(stock) is not None
        if holds != watch.held:
            watch.held, watch.exiting = holds, False
            watch.decided.clear()
            watch.position[:] = 0
            if not holds and self.pool.pooled[stock]:
                self._context[stock] = self.pool.context[stock]
        self._sync(watch)
        if not holds and not self.pool.pooled[stock]:
            del self._watches[stock]

    def _follow(self, stock: int) -> None:
        """Take a stock out of the shared scan: its memory is that of the start of the day."""
        if stock not in self._apart:
            self._apart.add(stock)
            self._before[stock] = self.pool.before[stock]
        self._memory[stock] = self._before[stock]
        self._context[stock] = self.pool.context[stock]

    def _exits(self, at: int) -> list[tuple[int, Decision]]:
        """Let held stocks decide on bar `at`; returns the entries of stocks that were sold before today's close."""
        entries: list[tuple[int, Decision]] = []
        for watch in self._watches.values():
            if watch.moved:
                self._look_ahead(watch)
            if watch.wakes != at or watch.said is None:
                continue
            said = watch.said
            self._advance(watch, at + 1)
            if said.action == ENTER:
                entries.append((watch.stock, said))
            elif self.desk.exit(watch.stock, said, at):
                if said.action == EXIT:
                    watch.exiting = True
                else:
                    watch.decided.append(said.reason)
        return entries

    # ------------------------------------------------------------------ entries

    def _enter(self, at: int, others: list[tuple[int, Decision]], full: NDArray[np.bool_]) -> None:
        desk = self.desk
        if desk.slots_free() <= 0:
            full[at] = True
            for stock, said in others:
                desk.enter(stock, said, at)
            return
        count = self._scans.hits_at(self._masks, desk.day.pool.stocks, at, self._entered, self._hits)
        said_of = dict(others)
        stocks = np.concatenate((self._hits[:count], np.array(list(said_of), np.int64)))
        left = stocks[np.lexsort((stocks, self.pool.float_value[stocks]))]
        while len(left) and desk.slots_free() > 0:
            left = left[self._too_dear(left, at) :]
            if len(left):
                stock = int(left[0])
                self._ask(stock, said_of.get(stock) or self._said(stock, at), at)
                left = left[1:]
        self._no_slot(left.tolist(), said_of, at)

    def _ask(self, stock: int, said: Decision, at: int) -> None:
        if self.desk.enter(stock, said, at) is not Reason.NONE:
            return
        self._entered[stock] = at
        watch = self._watches.get(stock)
        if watch is not None:
            watch.exiting = True

    def _no_slot(self, stocks: list[int], said_of: dict[int, Decision], at: int) -> None:
        """Refuse the stocks for which no slot is left on bar `at`."""
        pooled = [stock for stock in stocks if stock not in said_of]
        self._others[pooled, at >> 6] |= np.uint64(1) << np.uint64(at & 63)
        for stock in stocks:
            if stock in said_of:
                self.desk.enter(stock, said_of[stock], at)

    def _too_dear(self, stocks: I64, at: int) -> int:
        """Return how many stocks from the front cost more than there is money, each refused once a day."""
        desk = self.desk
        budget = min(desk.slot_cash(at), desk.ledger.free_cash)
        day = desk.day
        count: int = self._scans.too_dear(
            stocks, day.columns.close, day.first_row, at, day.facts.board, self._lots, budget
        )
        if count:
            desk.refuse_many(stocks[:count], at, Reason.BELOW_ONE_LOT)
        return count

    def _said(self, stock: int, at: int) -> Decision:
        """Return what the rule decided about a stock of the pool on bar `at`."""
        watch = _Watch(stock, 0, held=False)
        memory = (self._before if stock in self._apart else self.pool.before)[stock].copy()
        self._context[stock] = self.pool.context[stock]
        self._scan(watch, memory, 0, at, quiet=True)
        bar = self._scan(watch, memory, at, at + 1, quiet=False)
        assert bar == at, f"{stock} was found to enter on bar {at} and does not"
        return _decision(self._found)


def _decision(found: I64) -> Decision:
    action, fraction_bp, price, cancel_at_s, reason = found.tolist()
    return Decision(action, fraction_bp, price, cancel_at_s, reason)


def play_scanned(
    rule: Rule, params: Any, scans: Scans, desks: Sequence[Desk], symbols: Sequence[Symbol], days: Iterable[DayBars],
    *, ahead: bool = True,
) -> Iterator[DayBars]:  # fmt: skip
    """Play days at several desks; yields each when every desk is through with it. `ahead`: scan days to come meanwhile."""
    pool = PoolScan(rule, params, scans, len(symbols))
    engines = [Scanned(rule, params, scans, desk, symbols) for desk in desks]
    for day, scanned in pool.ahead(days) if ahead else pool.one_by_one(days):
        for engine in engines:
            engine.run_day(day, scanned)
        yield day
