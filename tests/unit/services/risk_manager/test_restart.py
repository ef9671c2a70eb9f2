"""The risk manager killed at every one of its steps: the gateway's journal and the verdicts are those of the quiet run.

Real player, real gateway with the paper exchange; the decisions are read from a script.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pytest

from common.domain.calendar import hms
from common.domain.orders import Action, OrderState, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.control import FeedState, PushAck
from common.messages.event_feed import EventReader
from common.messages.feed import FeedReader, PushData
from common.messages.kept import KeptVerdict, PlacedHandOrder
from common.messages.market import BarsClosed, DayOpened, HandOrder, InstrumentFlag, PushEnd, QuoteBatch
from common.messages.orders import CancelSubmitted, CorporateAction, EventRow, OrderFilled, OrderRejected
from common.messages.outputs import Message, Origin, Output, Request, Save, Tell
from common.messages.signals import Signal, SignalBatch, SignalVerdicts, Verdict, VerdictStatus
from common.messages.topics import BEAT, EVENT, FEED, MATCHED, STATE, VERDICT
from services.market_data.calls import PushRead, ReadPush, SeekDay, TapesFinished
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings as PlayerSettings
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import Settings as GatewaySettings
from services.risk_manager.core import RiskCore
from services.risk_manager.settings import Settings
from tests.builders import DAY, PREV_DAY, Quote, batch, day_opened, push_end, table
from tests.simulation.world import Node, World

DAYS = (DAY, 20260106, 20260107)
A, B, C, D, E, DEAR = "600001.SH", "600002.SH", "600003.SH", "600004.SH", "600005.SH", "600006.SH"
CLOSES = {A: 10.0, B: 20.0, C: 30.0, D: 40.0, E: 5.0, DEAR: 2500.0}
TIMES = ("09:30:00", "09:30:03", "09:30:06", "09:30:09", "09:30:12", "09:30:15", "09:30:18", "14:56:30", "15:00:00")
CONSUMERS = ("order_gateway", "signal_engine", "risk_manager")


def _depth(day: int, number: int, symbol: str) -> tuple[float, int, int]:
    """Return last price, bid and ask volume of a stock at a push."""
    if symbol == A and day == 1:
        return 10.0 - 0.05 * number, 3_000, 50_000  # falls, and few buy: repriced again and again
    if symbol == B and day == 1:
        return 20.0, 1_000, 6_000  # half of it is still being sold when all of it is to go
    if symbol == C and day == 1:
        return 27.0, 0, 500_000  # locked at its down limit
    if symbol == C and day == 2:
        return 14.0, 4_000, 4_000
    if symbol == D and day == 0:
        return 44.0, 900_000, 0  # sealed at its up limit
    return CLOSES[symbol], 20_000, 6_000


def _quote(day: int, number: int, symbol: str, *, trades: bool) -> Quote:
    last, bids, asks = _depth(day, number, symbol)
    bid = [(round(last - 0.01 * (asks > 0), 2), bids)] if bids else []
    ask = [(round(last + 0.01 * (bids > 0), 2), asks)] if asks else []
    # As much is traded in each push as the thinner side shows: what we took is there again in the next one.
    return Quote(last, bid=bid, ask=ask, volume=1_000 + number * min(bids, asks) * trades)


def _session(at: int, *, trades: bool) -> list[PushRead]:
    day, ex = DAYS[at], {}
    closes = dict(CLOSES) | ({C: 27.0} if at == 2 else {})
    if at == 2:
        ex = {"references": closes | {C: 13.5}, "bonus_e6": {C: 1_000_000}, "flags": {C: InstrumentFlag.EX_DAY}}
    instruments = table(closes, day=day, **ex)
    opened = day_opened(instruments, DAYS[at - 1] if at else PREV_DAY)
    pushes = [PushRead(push_end(day, 0, hms("09:00"), prev=0), opened, (), len(TIMES))]
    for number, time in enumerate(TIMES, 1):
        quotes = {symbol: _quote(at, number, symbol, trades=trades) for symbol in CLOSES}
        made = batch(instruments, push_id(day, number), hms(time), quotes)
        pushes.append(PushRead(push_end(day, number, hms(time), parts=1, prev=0), None, (made,), len(TIMES)))
    return pushes


def _signal(at: int, number: int, symbol: str, action: Action = Action.ENTER, **fields: object) -> Signal:
    made: dict[str, object] = {
        "key": f"limit_up|{DAYS[at]}|{symbol}|{action.name.lower()}|{number}", "rule": "limit_up", "symbol": symbol,
        "push": push_id(DAYS[at], number), "ts_ns": 0, "action": action, "fraction_bp": 5_000,
        "price": PriceKind.MARKETABLE, "cancel_at_s": hms("14:56:30") if action is Action.ENTER else 0,
        "reason": Reason.LIMIT_UP_TOUCH if action is Action.ENTER else Reason.STOP_LOSS, "float_value": 1,
        "time_ms": 34_200_000,
    }  # fmt: skip
    return Signal(**(made | fields))  # type: ignore[arg-type]  # a builder forwards by name


def script() -> dict[int, tuple[Signal, ...]]:
    """Return the decisions by push."""
    made = [
        _signal(0, 2, A), _signal(0, 2, B), _signal(0, 2, C), _signal(0, 2, DEAR),
        _signal(0, 3, D, price=PriceKind.AT_UP_LIMIT), _signal(0, 4, A), _signal(0, 4, DEAR),
        _signal(1, 2, A, Action.EXIT), _signal(1, 2, B, Action.REDUCE), _signal(1, 3, B, Action.EXIT),
        _signal(1, 3, C, Action.REDUCE), _signal(1, 7, D, Action.EXIT), _signal(1, 7, D), _signal(2, 3, D),
    ]  # fmt: skip
    by_push: dict[int, list[Signal]] = {}
    for signal in made:
        by_push.setdefault(signal.push, []).append(signal)
    return {push: tuple(signals) for push, signals in by_push.items()}


HAND = (
    PlacedHandOrder(HandOrder("h1", Side.BUY, E, 1000, 0), push_id(DAYS[0], 3)),
    PlacedHandOrder(HandOrder("h2", Side.SELL, E, 0, 0), push_id(DAYS[0], 5)),
    PlacedHandOrder(HandOrder("h3", Side.BUY, E, 150, 0), push_id(DAYS[0], 5)),
    PlacedHandOrder(HandOrder("h4", Side.SELL, E, 0, 0), push_id(DAYS[1], 3)),
    PlacedHandOrder(HandOrder("h5", Side.SELL, C, 300, 0), push_id(DAYS[2], 2)),
)


class Tape:
    """The sessions in memory."""

    def __init__(self, *, trades: bool) -> None:
        self.at: list[PushRead] = []
        self.trades = trades

    def perform(self, call: Message) -> Sequence[Message]:
        if isinstance(call, SeekDay):
            self.at = [push for at in range(3) if DAYS[at] >= call.day for push in _session(at, trades=self.trades)]
        elif isinstance(call, ReadPush):
            return [self.at.pop(0)] if self.at else [TapesFinished()]
        return []


class NoBars:
    """Builds no bars."""

    def push(self, end: PushEnd, batches: Sequence[QuoteBatch]) -> list[BarsClosed]:
        return []


class ScriptedSignals:
    """Says at each push what the script says, once its events are there; acknowledges when answered."""

    def __init__(self) -> None:
        self.decisions = script()
        self.reader, self.events = FeedReader("signal_engine"), EventReader()
        self.waiting: list[PushData] = []
        self.acked = 0

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        pass

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return [*self.reader.on_start(), *self.events.on_start()]

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        if isinstance(message, SignalVerdicts):
            return self.done(message.push)
        pushes, outputs = [], []
        if isinstance(message, DayOpened | QuoteBatch | BarsClosed | PushEnd | FeedState):
            pushes, outputs = self.reader.on_message(message)
        else:
            outputs = self.events.on_message(message)
        self.waiting += [push for push in pushes if not push.repeat]
        outputs += [
            output for push in pushes if push.repeat and push.push == self.acked for output in self.done(push.push)
        ]
        while self.waiting and self.events.ready(self.waiting[0].push) is not None:
            end = self.waiting.pop(0).end
            signals = self.decisions.get(end.push, ())
            if signals or end.hand:
                batch_key = f"signals|{end.push}"
                outputs.append(Request("risk_manager", batch_key, SignalBatch(batch_key, end.push, signals)))
            else:
                outputs += self.done(end.push)
        return outputs

    def done(self, push: int) -> list[Output]:
        self.acked = push
        return [Tell("market_data", PushAck("signal_engine", push))]

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None


Books = tuple[tuple[EventRow, ...], tuple[Verdict, ...]]


def make_world(seed: int = 0, *, trades: bool = True, limits: Mapping[str, int] = MappingProxyType({})) -> World:
    """Return the services; without `trades` nobody but us trades, and what we took is not there again."""
    world = World(seed)
    player = PlayerSettings(consumers=CONSUMERS, record=False, script=HAND)
    feed: Mapping[str, Sequence[str]] = {"market_data": (FEED, BEAT)}
    events = {**feed, "order_gateway": (EVENT, MATCHED)}
    risk = Settings(rule_slots=(("limit_up", 4),), resume_at_start=True)._replace(**limits)
    world.add(Node("market_data", lambda: (PlayerCore(player, lambda *_: NoBars()), Tape(trades=trades)), {}))
    world.add(Node("order_gateway", lambda: (GatewayCore(GatewaySettings()), PaperBroker()), feed))
    world.add(Node("signal_engine", lambda: (ScriptedSignals(), None), {**events, "risk_manager": (VERDICT, STATE)}))
    world.add(Node("risk_manager", lambda: (RiskCore(risk), None), events))
    return world


def play(world: World) -> Books:
    """Play to the end; returns the gateway's journal and the verdicts."""
    world.start()

    def finished() -> bool:
        player, gateway = world.nodes["market_data"].core, world.nodes["order_gateway"].core
        return player is not None and gateway is not None and player.status()[1] == "finished"  # type: ignore[attr-defined]

    world.run(finished, 200_000)
    rows = [row for row in world.nodes["order_gateway"].disk.load()[0] if isinstance(row, EventRow)]
    kept = [record for record in world.nodes["risk_manager"].disk.load()[1].values() if isinstance(record, KeptVerdict)]
    verdicts = [record.verdict for record in sorted(kept, key=lambda record: record.number)]
    return tuple(rows), tuple(verdicts)


@pytest.fixture(scope="module")
def quiet() -> Books:
    return play(make_world())


def test_the_script_meets_what_it_should(quiet: Books) -> None:
    rows, verdicts = quiet
    gateway = GatewayCore(GatewaySettings())
    gateway.restore(rows, {})
    orders = gateway.books.ledger.orders.values()
    reasons = {verdict.reason for verdict in verdicts if verdict.status is VerdictStatus.DENIED}
    wanted = {Reason.BELOW_ONE_LOT, Reason.SLOTS_FULL, Reason.ALREADY_HELD, Reason.T1_UNSELLABLE, Reason.ODD_LOT,
              Reason.NO_POSITION}  # fmt: skip
    assert reasons >= wanted
    ended = {order.ended for order in orders}
    assert ended >= {Reason.REPRICE, Reason.CANCEL_AT_TIME, Reason.REPLACED_BY_EXIT, Reason.DAY_END}
    assert sum(isinstance(row.event, OrderFilled) for row in rows) >= 20
    assert any(isinstance(row.event, CorporateAction) for row in rows)
    assert not [row for row in rows if isinstance(row.event, OrderRejected)]
    assert any(order.filled and order.ended is not Reason.NONE for order in orders), "a partial fill that was given up"
    assert all(order.state is not OrderState.IN_DOUBT for order in orders)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_links_changes_nothing(quiet: Books, seed: int) -> None:
    assert play(make_world(seed)) == quiet


def _crash_at(number: int, *, only: Callable[[Sequence[Output]], bool]) -> Callable[[str, Sequence[Output]], bool]:
    seen = 0

    def crash(name: str, outputs: Sequence[Output]) -> bool:
        nonlocal seen
        if name != "risk_manager" or not only(outputs):
            return False
        seen += 1
        return seen == number

    return crash


def _writes(outputs: Sequence[Output]) -> bool:
    return any(isinstance(output, Save) for output in outputs)


def _speaks(outputs: Sequence[Output]) -> bool:
    return bool(outputs)


def _count(only: Callable[[Sequence[Output]], bool]) -> int:
    world, seen = make_world(), 0

    def count(name: str, outputs: Sequence[Output]) -> bool:
        nonlocal seen
        seen += name == "risk_manager" and only(outputs)
        return False

    world.after_commit = count
    play(world)
    return seen


@pytest.mark.parametrize("where", ["before_commit", "after_commit"])
def test_a_crash_around_every_commit_changes_nothing(quiet: Books, where: str) -> None:
    commits = _count(_writes)
    assert commits >= 15
    for number in range(1, commits + 1):
        world = make_world()
        setattr(world, where, _crash_at(number, only=_writes))
        assert play(world) == quiet, f"crash {where} {number} of {commits}"
        assert world.crashes == 1


def test_a_crash_after_any_step_changes_nothing(quiet: Books) -> None:
    steps = _count(_speaks)
    for number in range(1, steps + 1):
        world = make_world()
        world.after_commit = _crash_at(number, only=_speaks)
        assert play(world) == quiet, f"crash after step {number} of {steps}"
        assert world.crashes == 1


def test_a_hand_sale_just_sent_does_not_bring_a_reprice_forward() -> None:
    """Exits are worked before the decisions of a push: evaluated again, they must not see what those sent."""
    quiet = play(make_world(trades=False))
    reprices = [row for row in quiet[0] if isinstance(row.event, CancelSubmitted) and row.push == push_id(DAYS[2], 3)]
    assert [row.event.reason for row in reprices] == [Reason.REPRICE], "the sale of push 2 is met in push 3"
    for number in range(1, _count(_writes) + 1):
        world = make_world(trades=False)
        world.after_commit = _crash_at(number, only=_writes)
        assert play(world) == quiet, f"crash after commit {number}"
        assert world.crashes == 1


TIGHT = {"day_loss_bp": 50, "drawdown_bp": 100, "stop_losses": 2, "stop_sessions": 2, "lock_sessions": 2}
LOCKED = {Reason.DAY_LOSS, Reason.DRAWDOWN, Reason.STOP_LOSS_CLUSTER}


def test_a_crash_around_a_lock_changes_nothing() -> None:
    """The script loses money and stops out more than these limits let it."""
    quiet = play(make_world(limits=TIGHT))
    denied = [verdict.reason for verdict in quiet[1] if verdict.status is VerdictStatus.DENIED]
    assert LOCKED & set(denied)
    for where in ("before_commit", "after_commit"):
        for number in range(1, _count(_writes) + 1):
            world = make_world(limits=TIGHT)
            setattr(world, where, _crash_at(number, only=_writes))
            assert play(world) == quiet, f"crash {where} {number}"
            assert world.crashes == 1


@pytest.mark.parametrize("seed", range(30))
def test_many_crashes_also_during_recovery_change_nothing(quiet: Books, seed: int) -> None:
    world = make_world(seed)
    luck = random.Random(seed)

    def crash(name: str, outputs: Sequence[Output]) -> bool:
        return name == "risk_manager" and bool(outputs) and luck.random() < 0.15

    world.before_commit = world.after_commit = crash
    assert play(world) == quiet
    assert world.crashes > 3


@pytest.mark.parametrize("seed", range(15))
def test_the_others_may_die_too(quiet: Books, seed: int) -> None:
    world = make_world(seed)
    luck = random.Random(seed)
    victims = {"risk_manager", "order_gateway", "signal_engine"}

    def crash(name: str, outputs: Sequence[Output]) -> bool:
        return name in victims and bool(outputs) and luck.random() < 0.04

    world.before_commit = world.after_commit = crash
    assert play(world) == quiet
    assert world.crashes > 3
