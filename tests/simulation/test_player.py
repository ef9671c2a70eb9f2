"""The player and its readers: every reader does every push once and in order, whatever crashes in between."""

from collections.abc import Sequence

import pytest

from common.domain.values import Pace, push_id
from common.messages.columns import quotes_of
from common.messages.control import FeedState, FeedStateRequest, HandOrderPlaced, PushAck, RecordHandOrder
from common.messages.feed import FeedReader
from common.messages.header import Role
from common.messages.kept import PlacedHandOrder, PlayerPosition
from common.messages.market import BarsClosed, DayOpened, HandOrder, InstrumentTable, PushEnd, QuoteBatch
from common.messages.outputs import Message, Origin, Output, Reply, Save, Tell, Token
from common.messages.topics import FEED
from services.market_data.calls import PushRead, ReadPush, RecordPush, SeekDay, TapesFinished
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings
from tests.builders import DAY, Quote, batch, day_opened, push_end, table
from tests.simulation.world import Node, World

SYMBOLS = {"600001.SH": 10.0, "600002.SH": 20.0, "300003.SZ": 30.0}
READERS = ("order_gateway", "risk_manager")


class NoBars:
    """Builds no bars."""

    def push(self, end: PushEnd, batches: Sequence[QuoteBatch]) -> list[BarsClosed]:
        return []


class MemoryTape:
    """A tape in memory; keeps what was recorded."""

    def __init__(self, days: list[list[PushRead]], recorded: list[RecordPush]) -> None:
        self.days, self.recorded = days, recorded
        self.at: list[PushRead] = []

    def perform(self, call: Message) -> Sequence[Message]:
        if isinstance(call, SeekDay):
            self.at = [push for day in self.days if day[0].end.day >= call.day for push in day]
            return []
        if isinstance(call, ReadPush):
            return [self.at.pop(0)] if self.at else [TapesFinished()]
        assert isinstance(call, RecordPush)
        self.recorded.append(call)
        return []


def day_of_pushes(instruments: InstrumentTable, prev_day: int, count: int) -> list[PushRead]:
    day = instruments.day
    opened = day_opened(instruments, prev_day)
    pushes = [PushRead(push_end(day, 0, 9 * 3600, prev=0), opened, (), count)]
    for number in range(1, count + 1):
        second = 15 * 3600 if number == count else 9 * 3600 + 1800 + 3 * number
        symbol = list(SYMBOLS)[number % 3]
        quotes = batch(instruments, push_id(day, number), second, {symbol: Quote(10 + number / 100)})
        pushes.append(PushRead(push_end(day, number, second, parts=1, prev=0), None, (quotes,), count))
    return pushes


class Reader:
    """A consumer that writes down each push and the values it saw, with its cursor on disk."""

    def __init__(self, name: str, seen: list[tuple[int, int, tuple[int, ...]]]) -> None:
        self.name, self.seen = name, seen
        self.cursor = 0
        self.gaps = 0

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        for record in kept.values():
            assert isinstance(record, PlayerPosition)
            self.cursor = record.push
        self.reader = FeedReader(self.name, self.cursor)

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return self.reader.on_start()

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        if not isinstance(message, DayOpened | QuoteBatch | BarsClosed | PushEnd | FeedState):
            return []
        pushes, outputs = self.reader.on_message(message)
        for push in pushes:
            if push.repeat:
                if push.push <= self.cursor:
                    outputs.append(Tell("market_data", PushAck(self.name, push.push)))
                continue
            self.reader.apply(push)
            self.gaps += push.gap
            if push.push > self.cursor:
                self.cursor = push.push
                assert self.reader.table is not None
                self.seen.append((push.push, len(push.end.hand), tuple(int(x) for x in self.reader.table.last)))
                outputs.append(Save("cursor", PlayerPosition(push.push, 0, 0)))
            outputs.append(Tell("market_data", PushAck(self.name, push.push)))
        return outputs

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None


def make_world(seed: int, count: int = 40, **changes: object) -> tuple[World, dict[str, list], list[RecordPush]]:
    first = table(SYMBOLS)
    second = table({symbol: close + 1 for symbol, close in SYMBOLS.items()}, day=20260106)
    days = [day_of_pushes(first, 20251231, count), day_of_pushes(second, DAY, count)]
    recorded: list[RecordPush] = []
    seen: dict[str, list] = {name: [] for name in READERS}
    script = (PlacedHandOrder(HandOrder("k1", 1, "600001.SH", 100, 0), push_id(DAY, 7)),)
    settings = Settings(consumers=READERS, script=script, **changes)  # type: ignore[arg-type]  # forwarded by name
    world = World(seed)
    world.add(Node("market_data", lambda: (PlayerCore(settings, lambda day: NoBars()), MemoryTape(days, recorded)), {}))
    for name in READERS:
        world.add(Node(name, lambda name=name: (Reader(name, seen[name]), None), {"market_data": (FEED,)}))
    return world, seen, recorded


def finished(world: World) -> bool:
    core = world.nodes["market_data"].core
    return core is not None and core.status()[1] == "finished"  # type: ignore[attr-defined]  # a PlayerCore


def test_undisturbed_readers_see_every_push_once() -> None:
    world, seen, recorded = make_world(0)
    world.start()
    world.run(lambda: finished(world))
    assert len(seen["risk_manager"]) == 82
    assert seen["risk_manager"] == seen["order_gateway"]
    assert [row[1] for row in seen["risk_manager"]].count(1) == 1
    assert [call.push for call in recorded] == [row[0] for row in seen["risk_manager"]]


@pytest.mark.parametrize("seed", range(30))
def test_crashes_change_nothing(seed: int) -> None:
    world, seen, _ = make_world(seed)
    plain, wanted, _ = make_world(0)
    plain.start()
    plain.run(lambda: finished(plain))
    world.start()
    moments = iter(sorted(world.random.sample(range(80), 8)))
    due = next(moments, None)

    def crash_now_and_then() -> bool:
        nonlocal due
        if due is not None and len(seen["risk_manager"]) > due:
            world.crash(world.random.choice([*READERS, "market_data"]))
            due = next(moments, None)
        return due is None and finished(world)

    world.run(crash_now_and_then)
    assert world.crashes == 8
    assert seen == wanted
    assert not any(world.nodes[name].core.gaps for name in READERS)  # type: ignore[union-attr]  # Readers


def test_hand_order_enters_with_the_next_push_and_survives_a_crash() -> None:
    world, seen, recorded = make_world(3)
    world.start()
    world.run(lambda: len(seen["risk_manager"]) > 10)
    world.ask("market_data", RecordHandOrder(HandOrder("mine", 1, "600002.SH", 200, 0)), "q1")
    world.run(lambda: "q1" in world.answers)
    placed = world.answers["q1"][0]
    assert isinstance(placed, HandOrderPlaced)
    assert placed.push > seen["risk_manager"][-1][0] - 1
    world.crash("market_data")
    world.run(lambda: finished(world))
    assert [row[0] for row in seen["risk_manager"] if row[1]] == [push_id(DAY, 7), placed.push]
    hand = {call.push: call.messages[-1].hand for call in recorded if call.messages[-1].hand}
    assert [order.key for order in hand[placed.push]] == ["mine"]


def test_no_session_no_hand_order() -> None:
    world, _, _ = make_world(3)
    world.start()
    world.run(lambda: finished(world))
    world.ask("market_data", RecordHandOrder(HandOrder("late", 1, "600002.SH", 200, 0)), "q1")
    world.run(lambda: "q1" in world.answers)
    assert world.answers["q1"] == [HandOrderPlaced("late", 0)]


def test_real_time_does_not_wait_and_reports_who_was_late() -> None:
    world, seen, _ = make_world(5, pace=Pace.REAL_TIME, speed_milli=60_000)
    world.start()
    world.run(lambda: len(seen["risk_manager"]) > 20)
    world.crash("order_gateway", away_ms=400)
    world.run(lambda: finished(world) and len(seen["risk_manager"]) == 82)
    core = world.nodes["market_data"].core
    assert core is not None
    assert core.status()[2]["late_order_gateway"] > 0  # type: ignore[attr-defined]  # a PlayerCore
    reader = world.nodes["order_gateway"].core
    assert isinstance(reader, Reader)
    assert reader.gaps == 1


def test_a_slice_starts_with_all_values_and_says_the_gap() -> None:
    world, _, recorded = make_world(1, start_second=9 * 3600 + 1860, end_second=9 * 3600 + 1890)
    world.nodes["risk_manager"].make = world.nodes["order_gateway"].make = lambda: (Reader("risk_manager", []), None)
    core, adapter = world.nodes["market_data"].make()
    core.restore([], {})
    said: list[PushEnd] = []
    queue = list(core.on_start(0))
    for name in READERS:
        queue += core.on_message(PushAck(name, 1), Origin(name), 0)
    now = 0
    while not said or not said[-1].last_of_day:
        while queue:
            output = queue.pop(0)
            call = getattr(output, "call", None)
            if call is not None:
                for result in adapter.perform(call):  # type: ignore[union-attr]  # the player has one
                    queue += core.on_message(result, Origin("local"), now)
            message = getattr(output, "message", None)
            if isinstance(message, PushEnd):
                said.append(message)
                for name in READERS:
                    queue += core.on_message(PushAck(name, message.push), Origin(name), now)
        deadline = core.next_deadline_ns()
        if not said or not said[-1].last_of_day:
            assert deadline is not None
            now = max(now, deadline)
            queue += core.on_deadline(now)
    day_one = [end for end in said if end.day == DAY]
    assert [end.push % 100_000 for end in day_one] == [0, *range(20, 30), 40]
    assert [end.gap for end in day_one][:3] == [False, True, False]
    whole = next(call for call in recorded if call.push == day_one[1].push).messages[0]
    assert isinstance(whole, QuoteBatch)
    assert len(quotes_of(whole).index) == 3


def test_a_consumer_speaks_for_itself_only() -> None:
    world, _, _ = make_world(1)
    core, _ = world.nodes["market_data"].make()
    core.restore([], {})
    core.on_start(0)
    liar = Origin("viewer", Role.READ_ONLY, Token("ask", b"v", "q"))
    for name in READERS:
        answer = core.on_message(FeedStateRequest(name, 0), liar, 0)
        assert [type(output) for output in answer] == [Reply], "answered, and not registered"
        assert list(core.on_message(PushAck(name, 1), liar, 0)) == []
        origin = Origin(name, Role.RISK, Token("ask", b"r", "q"))
        assert any(isinstance(output, Save) for output in core.on_message(FeedStateRequest(name, 0), origin, 0))
