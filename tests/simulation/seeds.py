"""One seed = one small market, one counter with bad manners, one set of hazards; run to the end and checked.

What must hold at the end ("equal"): the counter has each order once and has none that the journal does not know; our
positions, cash and order states are the counter's, and, where nobody had to settle a doubt by hand, those of the run in
which nothing went wrong.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from common.domain.orders import OrderState
from common.domain.positions import EXTERNAL_RULE, Ledger, OrderRecord
from common.domain.reasons import Reason
from common.messages.codec import decode_body
from common.messages.fold import fold
from common.messages.market import DayOpened, PushEnd
from common.messages.orders import EventRow, IntentDenied, OrderInDoubt, ResolveRequest, ToldDeal, VerdictGiven
from common.messages.outputs import Message, Origin, Output, Reply
from common.messages.signals import PoolRequest
from common.runtime.config import Account, Config, Risk
from services.backtest_worker.adapters.pipeline import live_services
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings as PlayerSettings
from services.order_gateway.calls import CounterStatus
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import Settings
from tests.fakes.counter import FakeCounter
from tests.fakes.manners import SECOND
from tests.simulation.hostile import MS, Hazards, Hostile, Node
from tests.simulation.plans import CASH, SETTLE_NS, Plan, plan_of
from tests.simulation.system import CONSUMERS
from tests.simulation.test_player import MemoryTape, NoBars
from tests.simulation.tiny_market import CHEAP, DAYS, Tiny, pool_of, tiny_market

HORIZON_NS = 900 * SECOND
GATEWAY = "order_gateway"
REPLAYED = ("market_data", "screener")
"""Their disks hold where a replay is and nothing of a live day: the power cuts here spare them."""
VICTIMS = ("order_gateway", "risk_manager", "signal_engine", "market_data")
END_OF: dict[CounterStatus, OrderState] = {
    CounterStatus.FILLED: OrderState.FILLED,
    CounterStatus.CANCELLED: OrderState.CANCELLED,
    CounterStatus.REJECTED: OrderState.REJECTED,
    CounterStatus.EXPIRED: OrderState.EXPIRED,
}


class Make(NamedTuple):
    """What a wrong version puts in the place of a part (seeded bugs); the right ones by default."""

    gateway: Callable[[Settings], Any] = GatewayCore
    world: Callable[[int, Hazards], Hostile] = Hostile
    settings: Callable[[Settings], Settings] = lambda settings: settings
    unsynced: tuple[str, ...] = ()
    """Whose disks lose their last commits with the power, whatever their SPEC says."""


RIGHT = Make()


class Books(NamedTuple):
    """What a run ends with, comparable."""

    cash: int
    positions: dict[str, int]
    orders: dict[str, tuple[OrderState, int]]


class Result(NamedTuple):
    """What a seed came to."""

    bad: tuple[str, ...]
    """What does not hold; empty = all does."""
    counts: Counter[str]
    books: Books
    points: dict[str, int]


class Screener:
    """Answers with the pools of the market."""

    def __init__(self, market: Tiny) -> None:
        self._market = market

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        pass

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return []

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        if not isinstance(message, PoolRequest) or origin.token is None:
            return []
        return [Reply(origin.token, pool_of(self._market, message.rule, message.day))]

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None


@cache
def config() -> Config:
    """Return the configuration of every seed."""
    return Config(account=Account(rule_slots={"limit_up": 5}), risk=Risk(resume_at_start=True))


@cache
def undisturbed(market: int) -> Result:
    """Run a market with nothing going wrong."""
    return run(Plan(market, settings=Settings(cash=CASH, counter=True, settle_ns=SETTLE_NS, query_ns=150 * MS)))


def run_seed(seed: int, make: Make = RIGHT) -> Result:
    """Run a seed."""
    plan = plan_of(seed)
    return run(plan, make, undisturbed(plan.market))


def run(plan: Plan, make: Make = RIGHT, right: Result | None = None) -> Result:
    """Run a plan to the end and check it; `right` is the same market's undisturbed run."""
    trial = Trial(plan, make, right)
    try:
        trial.go()
    except AssertionError as fault:
        trial.bad.append(str(fault))
    except Exception as fault:
        trial.bad.append(f"{type(fault).__name__}: {fault}")
    return trial.result()


class Trial:
    """One run."""

    def __init__(self, plan: Plan, make: Make, right: Result | None) -> None:
        self.plan, self.right = plan, right
        self.market = tiny_market(plan.market)
        self.draw = random.Random(plan.seed * 31 + 7)
        self.bad: list[str] = []
        self.counts: Counter[str] = Counter()
        self.world = make.world(plan.seed, plan.hazards)
        self.counter = FakeCounter(
            lambda: self.world.now_ns, cash=CASH, manners=plan.manners, seed=plan.seed, salt=str(plan.market)
        )
        self._doubts: dict[str, int] = {}
        """When each order in doubt was journalled."""
        self._asked: dict[str, int] = {}
        self._next_look_ns = self.world.now_ns
        self._denied_first = 0
        self._said: set[tuple[int, str]] = set()
        settings = make.settings(plan.settings)
        parts = {
            "market_data": lambda: (
                PlayerCore(PlayerSettings(consumers=CONSUMERS, script=self.market.script), lambda day: NoBars()),
                MemoryTape(self.market.days, []),
            ),
            "screener": lambda: (Screener(self.market), None),
            GATEWAY: lambda: (make.gateway(settings), self.counter.adapter()),
        }
        for spec, parts_of in live_services(config(), parts):  # type: ignore[arg-type]  # parts by name
            synced = (spec.full or spec.name in REPLAYED) and spec.name not in make.unsynced
            self.world.add(Node(spec.name, parts_of, spec.subscriptions, synced=synced))
        self.gateway = self.world.nodes[GATEWAY]
        self._misfortunes()

    def _misfortunes(self) -> None:
        """Draw who dies where; the undisturbed run says how many places there are."""
        self.world.on_publish = self._heard
        self._power_ns: list[int] = []
        self._jump_ns: list[int] = []
        self._cut_ns: list[int] = []
        if self.right is None:
            return
        start, length = self.world.now_ns, 2 * self.right.counts["virtual_ms"] * MS
        for _ in range(self.plan.kills):
            victim = self.draw.choice((*VICTIMS, GATEWAY))
            self.world.deaths.setdefault(victim, []).append(self.draw.randrange(1, 2 + self.right.points[victim]))
        for deaths in self.world.deaths.values():
            deaths.sort(reverse=True)
        if self.plan.power:
            self._power_ns = [start + int(self.draw.random() * length)]
        if self.plan.jumps:
            self._jump_ns = sorted(start + int(self.draw.random() * length) for _ in range(3))
        if self.plan.full_disk:
            at = start + int(self.draw.random() * length)
            self.world.full_disk = (at, at + int(self.draw.random() * 3 * SECOND))

    # ------------------------------------------------------------------ the world outside

    def _heard(self, node: str, message: Message) -> None:
        """Let the counter's day follow the tape, and others trade at known moments."""
        if isinstance(message, DayOpened) and self.counter.day < message.day:
            self.counter.roll(message.day)
            if self.plan.market % 2 and message.day == DAYS[1]:
                self.counter.external(CHEAP, 1, 300, 5_000, traded=300)
                self.counter.external(CHEAP, 1, 500, 4_900)
        elif isinstance(message, PushEnd) and message.last_of_day and message.day == self.counter.day:
            if message.day not in self._asked:
                self._asked[str(message.day)] = 1
                self.counter.close()
        elif isinstance(message, EventRow) and isinstance(message.event, OrderInDoubt):
            self._doubts.setdefault(message.event.coid, self.world.now_ns)

    def _others(self) -> int | None:
        times = [*self._power_ns[:1], *self._jump_ns[:1], self._next_look_ns]
        at = self.counter.next_ns()
        return min(times if at is None else [*times, at])

    def _step(self) -> None:
        """Let the counter move, and misfortune strike."""
        world = self.world
        if self.counter._later:
            self.counter.run()
        if self.counter._out and self.gateway.core is not None:
            world.poll(self.gateway)
        if self._power_ns and world.now_ns >= self._power_ns[0]:
            self._power_ns.pop()
            world.cut_power()
        if self._jump_ns and world.now_ns >= self._jump_ns[0]:
            self._jump_ns.pop(0)
            self.counts["clock_jumps"] += 1
            world.wall_ns += self.draw.choice((-86_400, -3_600, -60, 60, 3_600, 86_400)) * SECOND
        if world.now_ns >= self._next_look_ns:
            self._next_look_ns = world.now_ns + SECOND
            self._operator()

    def _operator(self) -> None:
        """Look at the status once a second as a person does; settle doubts by a call once nothing can be under way."""
        if self.gateway.core is None:
            return
        _, _, numbers, words = self.gateway.core.status()
        shown = words.get("in_doubt", "")
        for record in list(self.gateway.core.books.ledger.open_orders()):
            if record.state is not OrderState.IN_DOUBT:
                continue
            coid = record.coid
            since_ns = self._doubts.setdefault(coid, self.world.now_ns)
            if coid not in shown or not numbers["in_doubt"]:
                self.bad.append(f"order {coid} is in doubt and not shown")
            if self.world.now_ns >= since_ns + 6 * SETTLE_NS:
                self._resolve(coid)

    def _resolve(self, coid: str) -> None:
        """Tell the gateway what the broker's own books say of an order."""
        key, entries = f"resolve|{coid}", self.counter.of(coid)
        request = ResolveRequest(key, coid, "asked the broker by telephone")
        if entries and entries[0].day < self.counter.day:
            entry = entries[0]
            deals = [d for d, _ in self.counter.deals if (d.day, d.broker_id) == (entry.day, entry.broker_id)]
            told = tuple(ToldDeal(deal.deal_id, deal.shares, deal.price) for deal in deals)
            request = ResolveRequest(key, coid, "read in the statement", entry.broker_id, told)
        elif entries:
            return  # the broker shows it today: the machine finds it by itself
        self.world.ask(GATEWAY, request, key)
        self.counts["resolved"] += 1

    # ------------------------------------------------------------------ running

    def go(self) -> None:
        """Run to the end and check."""
        world = self.world
        world.start()
        world.run(self._done, others=self._others, step=self._step)
        self._check()

    def _done(self) -> bool:
        if self.world.now_ns > self.world_end_ns:
            raise AssertionError("not done in time: " + self.world.describe())
        player, core = self.world.nodes["market_data"].core, self.gateway.core
        if core is None or core._market.push < self.market.days[-1][-1].end.push or player is None:
            return False
        if player.status()[1] != "finished":
            return False
        desk = core._broker
        return bool(
            desk._settled() and not desk.in_doubt() and not self.counter._later and not core._pushes._waiting
            and all(node.core is not None for node in self.world.nodes.values())
        )  # fmt: skip

    @property
    def world_end_ns(self) -> int:
        """Return when a run has taken too long."""
        return 1_800_000_000 * SECOND + HORIZON_NS

    # ------------------------------------------------------------------ checks

    def _check(self) -> None:
        ledger: Ledger = self.gateway.core.books.ledger
        self._check_orders(ledger)
        theirs = {symbol: held.shares for symbol, held in self.counter.positions.items() if held.shares}
        ours = {symbol: holding.shares for symbol, holding in ledger.positions.items()}
        if theirs != ours:
            self.bad.append(f"positions: the counter has {theirs}, we {ours}")
        if self.counter.cash != ledger.cash:
            self.bad.append(f"cash: the counter has {self.counter.cash}, we {ledger.cash}")
        rows = [decode_body(raw) for raw in self.gateway.disk.rows]
        again = Ledger()
        for row in rows:
            assert isinstance(row, EventRow)
            fold(again, row.event)
        if again != ledger:
            self.bad.append("the journal gives other books than the gateway has")
        self._check_others(ledger)
        if self.right is not None and self._comparable(rows):
            self.counts["compared"] += 1
            if self._books() != self.right.books:
                self.bad.append(f"not the undisturbed books: {_difference(self._books(), self.right.books)}")

    def _check_orders(self, ledger: Ledger) -> None:
        for record in ledger.orders.values():
            if record.rule == EXTERNAL_RULE:
                continue
            entries = self.counter.of(record.coid)
            if len(entries) > 1:
                self.bad.append(f"order {record.coid} is {len(entries)} times at the counter")
                self.counts["duplicates"] += 1
            for entry in entries:
                state = END_OF.get(entry.status, _state(record))
                same = record.filled == entry.traded and (_state(record) is state or record.ended in _BY_HAND)
                if not same:
                    self.bad.append(
                        f"order {record.coid}: {entry.status.name} {entry.traded} there, "
                        f"{record.state.name} {record.filled} here"
                    )
            if not entries and (record.filled or record.open):
                self.bad.append(f"order {record.coid} is {record.state.name} here and nothing there")
        for entry in self.counter.orders.values():
            if entry.coid and entry.coid not in ledger.orders:
                self.bad.append(f"order {entry.coid} is at the counter without a row in the journal")

    def _check_others(self, ledger: Ledger) -> None:
        risk = self.world.nodes["risk_manager"].core._outbox.portfolio.ledger
        seq = self.world.nodes["risk_manager"].core._events.have
        again = Ledger()
        for row in self.gateway.core.books.rows[:seq]:
            fold(again, row.event)
        if again != risk:
            self.bad.append("risk's books are not the gateway's")

    def _comparable(self, rows: Sequence[Message]) -> bool:
        """Tell whether nothing was refused for want of a broker or of a disk, and nothing settled by hand."""
        events = [row.event for row in rows if isinstance(row, EventRow)]
        reasons = {event.reason for event in events if isinstance(event, IntentDenied)}
        reasons |= {event.verdict.reason for event in events if isinstance(event, VerdictGiven)}
        return not self._doubts and not reasons & {Reason.NOT_RECONCILED, Reason.DISK_FULL}

    def _books(self) -> Books:
        ledger = self.gateway.core.books.ledger
        orders = {coid: (_state(record), record.filled) for coid, record in ledger.orders.items()}
        return Books(ledger.cash, {s: h.shares for s, h in ledger.positions.items()}, orders)

    def _denied_by_risk(self) -> int:
        risk = self.world.nodes["risk_manager"].core
        return sum(risk._verdicts.denials.values()) if risk is not None else 0

    def result(self) -> Result:
        """Return what came of it."""
        counts, core = self.counts, self.gateway.core
        counts.update(self.world.counts)
        counts["in_doubt"] = len(self._doubts)
        counts["late_fills"], counts["links_lost"] = self.counter.counts.lates, self.counter.counts.links_lost
        counts["nones"], counts["virtual_ms"] = (
            self.counter.counts.nones,
            (self.world.now_ns - 1_800_000_000 * SECOND) // MS,
        )
        books = Books(0, {}, {})
        if core is not None:
            books = self._books()
            counts["orders"] = len(core.books.submitted)
            counts["denials"] = len(core.books.denied) + self._denied_by_risk()
            counts["cancels"] = len(core.books.cancels)
            counts["sent_again"] = sum(attempt - 1 for attempt in core.books.attempts.values())
            counts["externals"] = len(core.books.ledger.orders) - len(core.books.submitted)
            counts["fills"] = len(core.books.ledger.deals)
        return Result(tuple(self.bad), counts, books, {name: node.points for name, node in self.world.nodes.items()})


_BY_HAND = frozenset({Reason.RESOLVED_ABSENT, Reason.RESOLVED_ADOPTED})


def _state(record: OrderRecord) -> OrderState:
    """Return the state; an order that was filled after its cancel is filled, whichever was heard of first."""
    return record.state if record.left else OrderState.FILLED


def _difference(ours: Books, right: Books) -> str:
    orders = {
        coid: (ours.orders.get(coid), right.orders.get(coid))
        for coid in ours.orders.keys() | right.orders.keys()
        if ours.orders.get(coid) != right.orders.get(coid)
    }
    return f"cash {ours.cash - right.cash:+d}, positions {ours.positions} / {right.positions}, orders {orders}"
