"""A service's own sockets on loopback: the doors are tried before anybody is served, and answers find their way back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from common.bus import sockets
from common.bus.curve import load_allowed, load_public, make_missing_keys
from common.bus.links import COMPLAIN_NS, Links
from common.bus.responder import READ_AT_ONCE_MAX, Responder
from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from common.messages.codec import decode, encode_body, encode_envelope
from common.messages.control import Fault, Status, StatusRequest
from common.messages.header import ENVELOPE_VERSION, Envelope
from common.messages.orders import PositionsRequest
from common.runtime.clock import SimClock, SystemClock
from tests.e2e.rig import free_base_port

Ends = tuple[Responder, zmq.Socket[bytes]]


@pytest.fixture
def links(tmp_path: Path) -> Iterator[Links]:
    make_missing_keys(tmp_path / "keys")
    made = Links("order_gateway", free_base_port(), tmp_path / "keys", "run1", SystemClock().now_ns)
    yield made
    made.close()


def test_closed_doors_pass_the_trial_and_strangers_are_not_counted_as_visitors(links: Links) -> None:
    links.bind()
    links.check_doors()
    assert links.counts() == {}


def test_a_door_without_its_lock_is_found_out(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "secure", lambda socket, _: socket)
    links.bind()
    monkeypatch.undo()
    with pytest.raises(InvariantError, match="no key gets through the door"):
        links.check_doors()


def test_a_doorkeeper_who_lets_everybody_in_is_found_out(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    links.bind()
    monkeypatch.setattr(links.doorkeeper, "_key", lambda _: b"k" * 40)
    with pytest.raises(InvariantError, match="an unknown key gets through the door"):
        links.check_doors()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    make_missing_keys(tmp_path / "keys")
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.bind("inproc://asked")
    asker = context.socket(zmq.DEALER)
    asker.connect("inproc://asked")
    yield Responder(socket, "order_gateway", "ask", "run1", load_allowed(tmp_path / "keys"), lambda: 7), asker
    context.destroy(linger=0)


def question(key: str, message: object) -> list[bytes]:
    envelope = Envelope(ENVELOPE_VERSION, type(message).__name__, "me", "r", 1, 0, key)
    return [encode_envelope(envelope), encode_body(message)]  # type: ignore[arg-type]  # any message may be asked


@pytest.mark.parametrize("delimiter", [[], [b""]], ids=["dealer", "req"])
def test_an_answer_goes_back_the_way_its_question_came(ends: Ends, delimiter: list[bytes]) -> None:
    responder, asker = ends
    asker.send_multipart([*delimiter, *question("q1", StatusRequest())])
    # No CURVE, no name: a stranger may not even ask how the service is.
    assert responder.read() == []
    *lead, header, body = asker.recv_multipart()
    envelope, message = decode(header, body)
    assert lead == delimiter
    assert (envelope.correlation_id, envelope.sender, envelope.sent_ns) == ("q1", "order_gateway", 7)
    assert isinstance(message, Fault)
    assert message.reason is Reason.NOT_ALLOWED
    assert responder.counts == {"denied": 1}


def test_a_question_from_a_known_key_keeps_its_way_back(
    ends: Ends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    responder, asker = ends
    key = load_public(tmp_path / "keys", "cli").decode()
    monkeypatch.setattr(zmq.Frame, "get", lambda *_: key)
    for number in range(READ_AT_ONCE_MAX + 3):
        asker.send_multipart(question(f"q{number}", PositionsRequest()))
    asked = [*responder.read()]
    assert len(asked) == READ_AT_ONCE_MAX, "one link does not starve the others"
    assert len(responder.read()) == 3
    assert (asked[0].message, asked[0].origin.sender, asked[0].origin.correlation_id) == (
        PositionsRequest(),
        "cli",
        "q0",
    )
    token = asked[0].origin.token
    assert token is not None
    status = Status("order_gateway", True, "ready", "0", "run1", 0, {}, {})
    responder.answer(token, status)
    header, body = asker.recv_multipart()
    assert decode(header, body)[1] == status
    assert decode(header, body)[0].correlation_id == "q0"
    asker.close(0)
    responder.answer(token._replace(route=b"\x00nobody"), status)
    assert responder.counts == {"gone": 1}


def test_what_is_no_question_is_counted(ends: Ends) -> None:
    responder, asker = ends
    good = question("q", PositionsRequest())
    for frames in ([b""], [b"x", *good], [b"", b"", *good], [good[0], b"\xc1"], [b"\x80", good[1]]):
        asker.send_multipart(frames)
    assert responder.read() == []
    assert responder.counts == {"bad": 5}


def test_the_log_hears_of_refusals_once_in_ten_seconds(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    links.bind()
    clock = SimClock(10**18)
    monkeypatch.setattr(links, "_now_ns", clock.now_ns)
    assert links.complaints() == {}
    links.doorkeeper.refused, links.ask.counts["bad"], links.ask.counts["gone"] = 3, 10_000, 5
    assert links.complaints() == {}
    clock.at_ns += COMPLAIN_NS
    assert links.complaints() == {"door_refused": 3, "ask_bad": 10_000}
    links.ask.counts["bad"] += 1
    clock.at_ns += COMPLAIN_NS
    assert links.complaints() == {"ask_bad": 1}
    clock.at_ns += COMPLAIN_NS
    assert links.complaints() == {}


def test_a_person_is_told_what_is_wrong_with_a_message_and_a_service_is_not(
    ends: Ends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    responder, asker = ends
    for identity in ("risk_manager", "cli"):
        assert not asker.poll(0), "a service is told nothing"
        key = load_public(tmp_path / "keys", identity).decode()
        monkeypatch.setattr(zmq.Frame, "get", lambda *_, key=key: key)
        header, _ = question("q", PositionsRequest())
        asker.send_multipart([header, encode_body(StatusRequest())])
        assert responder.read() == []
    fault = decode(*asker.recv_multipart())[1]
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.BAD_MESSAGE
    assert "PositionsRequest" in fault.text
    assert responder.counts["bad"] == 2
