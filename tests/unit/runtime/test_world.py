"""The world in one thread: messages once and in order, questions asked until answered, effects performed at once."""

from collections.abc import Sequence

import pytest

from common.domain.errors import InvariantError
from common.messages.control import Beat, Status, StatusRequest
from common.messages.kept import RegisteredConsumer
from common.messages.outputs import (
    Append,
    Effect,
    Forget,
    Log,
    Message,
    Origin,
    Output,
    Publish,
    Reply,
    Request,
    Save,
    Tell,
)
from common.runtime.world import RESEND_NS, Node, NoDisk, World


class Plays:
    """A core that answers each kind of message with what the test gives it."""

    def __init__(self, at_start: Sequence[Output] = (), answers: bool = True) -> None:
        self.at_start, self.answers = at_start, answers
        self.heard: list[tuple[Message, Origin, int]] = []
        self.due: int | None = None

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        assert not rows
        assert not kept

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return self.at_start

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        self.heard.append((message, origin, now_ns))
        if origin.token is not None and self.answers:
            return [Reply(origin.token, Status("x", True, "ready", "", "", 0, {}, {}))]
        return []

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        self.due = None
        return [Tell("order_gateway", Beat("late", {}))]

    def next_deadline_ns(self) -> int | None:
        return self.due


class Echo:
    def perform(self, call: Message) -> Sequence[Message]:
        return [call, call]


def run(world: World, ticks: int = 0) -> None:
    world.start()
    for _ in range(ticks + 1):
        while world.deliver():
            pass
        if ticks:
            world.tick()


def world_of(**cores: Plays) -> World:
    world = World()
    for name, core in cores.items():
        world.add(Node(name, lambda core=core: (core, Echo()), {"market_data": ("feed/",)}, NoDisk()))
    return world


def test_what_is_published_comes_to_those_who_subscribed_by_prefix() -> None:
    beats = [Beat(str(number), {}) for number in range(3)]
    said = [Publish("feed/a/", beats[0]), Publish("other/", beats[1]), Publish("feed/", beats[2])]
    player, reader = Plays(said), Plays()
    world = world_of(order_gateway=reader, market_data=player)
    topics: list[str] = []
    world.on_publish = lambda topic, message: topics.append(topic)
    run(world)
    assert [message for message, _, _ in reader.heard] == [beats[0], beats[2]]
    assert [origin.topic for _, origin, _ in reader.heard] == ["feed/a/", "feed/"]
    assert topics == ["feed/a/", "other/", "feed/"]


def test_a_question_is_asked_again_until_it_is_answered_or_forgotten() -> None:
    asker, silent = Plays([Request("order_gateway", "q", StatusRequest())]), Plays(answers=False)
    world = world_of(market_data=asker, order_gateway=silent)
    run(world, ticks=2)
    assert [now - silent.heard[0][2] for _, _, now in silent.heard] == [0, RESEND_NS, 2 * RESEND_NS][
        : len(silent.heard)
    ]
    assert len(silent.heard) >= 2
    silent.answers = True
    world.tick()
    while world.deliver():
        pass
    assert isinstance(asker.heard[0][0], Status)
    assert asker.heard[0][1].correlation_id == "q"
    assert world.nodes["market_data"].asking == {}
    given_up = world_of(market_data=Plays([Request("order_gateway", "q", StatusRequest()), Forget("q")]),
                        order_gateway=Plays())  # fmt: skip
    run(given_up)
    assert given_up.nodes["market_data"].core.heard == []  # type: ignore[union-attr]  # a Plays


def test_the_operator_is_answered() -> None:
    world = world_of(order_gateway=Plays())
    world.start()
    world.ask("order_gateway", StatusRequest(), "mine")
    while world.deliver():
        pass
    assert isinstance(world.answers["mine"][0], Status)


def test_effects_come_back_as_messages_and_logs_are_heard() -> None:
    call = RegisteredConsumer("x")
    core = Plays([Append(call), Save("k", call), Effect(call), Log("warning", "odd", {"a": 1})])
    world = world_of(market_data=core)
    lines: list[tuple[str, str]] = []
    world.on_log = lambda name, log: lines.append((name, log.event))
    run(world)
    assert [message for message, _, _ in core.heard] == [call, call]
    assert lines == [("market_data", "odd")]
    bare = World()
    bare.add(Node("market_data", lambda: (Plays([Effect(call)]), None), {}, NoDisk()))
    with pytest.raises(InvariantError, match="no adapter"):
        bare.start()


def test_time_moves_only_when_nothing_is_on_its_way() -> None:
    late, reader = Plays(), Plays()
    world = world_of(market_data=late, order_gateway=reader)
    world.start()
    assert not world.tick(), "nothing is due"
    late.due = world.now_ns + 5
    began = world.now_ns
    assert world.tick()
    assert world.now_ns == began + 5
    assert world.deliver()
    assert [message for message, _, _ in reader.heard] == [Beat("late", {})]
