"""Publishers, subscribers and askers over in-process sockets and a clock that stands still."""

from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from common.bus.heartbeat import DOWN_NS, Liveness
from common.bus.publisher import Publisher
from common.bus.requester import FIRST_RESEND_NS, LAST_RESEND_NS, Requester
from common.bus.subscriber import Subscriber
from common.messages.codec import encode_body, encode_envelope
from common.messages.control import Beat, PushAck, StatusRequest
from common.messages.header import ENVELOPE_VERSION, Envelope
from common.runtime.clock import SimClock, SystemClock

Ends = tuple[zmq.Socket[bytes], zmq.Socket[bytes]]


@pytest.fixture
def ends() -> Iterator[Ends]:
    context: zmq.Context[Any] = zmq.Context()
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://pair")
    other.connect("inproc://pair")
    yield one, other
    context.destroy(linger=0)


def test_what_is_said_is_heard_with_its_number(ends: Ends) -> None:
    out, back = ends
    publisher = Publisher(out, "market_data", "run1", lambda: 5, plain=True)
    subscriber = Subscriber(back, "market_data", plain=True)
    for number in (1, 2):
        publisher.send("feed/", PushAck("x", number), cause_id="c")
    heard = subscriber.read()
    assert [(one.topic, one.envelope.seq, one.envelope.sent_ns, one.envelope.cause_id) for one in heard] == [
        ("feed/", 1, 5, "c"),
        ("feed/", 2, 5, "c"),
    ]
    assert publisher.seqs == {"feed/": 2}


def test_losses_are_counted_by_topic_and_run(ends: Ends) -> None:
    out, back = ends
    subscriber = Subscriber(back, "market_data", plain=True)
    publisher = Publisher(out, "market_data", "run1", lambda: 0, plain=True)
    publisher.send("a/", PushAck("x", 1))
    publisher.seqs["a/"] += 3
    publisher.send("a/", PushAck("x", 2))
    publisher.send("b/", PushAck("x", 3))
    subscriber.read()
    assert subscriber.counts["lost"] == 3
    publisher.send("beat/", Beat("market_data", {"a/": publisher.seqs["a/"] + 2}))
    subscriber.read()
    assert subscriber.counts["lost"] == 5, "a loss at the end of a burst shows in the next beat"
    Publisher(out, "market_data", "run2", lambda: 0, plain=True).send("a/", PushAck("x", 4))
    subscriber.read()
    assert (subscriber.counts["lost"], subscriber.counts["runs"]) == (5, 2)


def test_damaged_messages_are_dropped_and_not_remembered(ends: Ends) -> None:
    out, back = ends
    publisher = Publisher(out, "market_data", "run1", lambda: 0, plain=True)
    subscriber = Subscriber(back, "market_data", plain=True)
    publisher.send("a/", PushAck("x", 1))
    frames = back.recv_multipart()
    for frame in range(3):
        for bit in range(8 * len(frames[frame])):
            hurt = [bytes(part) for part in frames]
            flipped = bytearray(hurt[frame])
            flipped[bit // 8] ^= 1 << bit % 8
            hurt[frame] = bytes(flipped)
            out.send_multipart(hurt)
            assert subscriber.read() == []
    assert subscriber.counts["bad"] > 100
    out.send_multipart(frames)
    (heard,) = subscriber.read()
    assert heard.envelope.seq == 1
    assert subscriber.counts["lost"] == 0
    for odd in ([b"a/"], frames[:3], [*frames, b""], [b"\xff", *frames[1:]]):
        out.send_multipart(odd)
        assert subscriber.read() == []


def test_a_question_is_repeated_until_it_is_answered(ends: Ends) -> None:
    ours, theirs = ends
    clock = SimClock(10)
    requester = Requester(ours, "risk_manager", "cli", "run1", clock.now_ns)
    requester.ask("k", StatusRequest())
    requester.ask("k", StatusRequest())
    gaps, before = [], 10
    for _ in range(6):
        due = requester.due_ns()
        assert due is not None
        gaps.append(due - before)
        before = clock.at_ns = due
        requester.resend()
    assert gaps[0] == FIRST_RESEND_NS
    assert gaps[1:4] == [2 * FIRST_RESEND_NS, 4 * FIRST_RESEND_NS, 8 * FIRST_RESEND_NS]
    assert gaps[-1] == LAST_RESEND_NS
    sent = []
    while theirs.poll(0):
        sent.append(theirs.recv_multipart())
    assert len(sent) == 7
    assert len({tuple(frames) for frames in sent}) == 1, "the same question, byte for byte"
    answer = Envelope(ENVELOPE_VERSION, "PushAck", "risk_manager", "r", 1, 0, "k")
    theirs.send_multipart([encode_envelope(answer), encode_body(PushAck("x", 1))])
    theirs.send_multipart([encode_envelope(answer), encode_body(PushAck("x", 1))])
    theirs.send_multipart([b"junk", b"junk"])
    ((envelope, message),) = requester.read()
    assert (envelope.correlation_id, message) == ("k", PushAck("x", 1))
    assert (requester.waiting, requester.counts["stale"], requester.counts["bad"]) == (0, 1, 1)
    requester.ask("other", StatusRequest())
    requester.forget("other")
    assert requester.due_ns() is None


def test_liveness() -> None:
    alive = Liveness(("a", "b"), 0)
    assert alive.heard("a", 1)
    assert not alive.heard("a", 2)
    assert not alive.heard("nobody", 2)
    assert alive.gone(2 + DOWN_NS) == []
    assert alive.gone(3 + DOWN_NS) == ["a"]
    assert alive.gone(9 + DOWN_NS) == []
    assert alive.heard("a", 10 + DOWN_NS)


def test_the_clock_does_not_jump_back() -> None:
    clock = SystemClock()
    seen = [clock.now_ns() for _ in range(1000)]
    assert seen == sorted(seen)
    assert seen[0] > 1_700_000_000 * 10**9
