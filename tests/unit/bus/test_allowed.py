"""A running service follows its allow-list: new keys come in, revoked ones are shut out of open connections too."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from common.bus.allowed import LOOK_NS, AllowList
from common.bus.curve import ALLOWED_FILE, KeyPair, KeyRow, load_pair, load_rows, make_missing_keys, write_rows
from common.bus.endpoints import address
from common.bus.links import Links
from common.bus.sockets import Curve, Socket, dealer, subscriber
from common.bus.trial import Trial
from common.domain.errors import InvariantError
from common.messages.codec import decode, encode_body, encode_envelope
from common.messages.control import Beat, Fault, StatusRequest
from common.messages.header import ENVELOPE_VERSION, Envelope, Role
from common.runtime.clock import SimClock, SystemClock
from tests.e2e.rig import free_base_port

PATIENCE_S = 20


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_missing_keys(tmp_path / "keys")
    return tmp_path / "keys"


def without(keys: Path, identity: str) -> None:
    write_rows(keys, {key: row for key, row in load_rows(keys).items() if row.identity != identity})


def test_the_list_is_looked_at_twice_a_second(keys: Path) -> None:
    clock = SimClock(10**18)
    allowed = AllowList(keys, clock.now_ns)
    viewer = load_pair(keys, "viewer").public
    held = allowed.keys
    assert allowed.refresh() == frozenset()
    without(keys, "viewer")
    assert allowed.refresh() == frozenset(), "not yet time to look"
    clock.at_ns += LOOK_NS
    assert allowed.refresh() == {viewer}
    assert viewer not in held
    assert len(held) == 9
    clock.at_ns -= 10 * LOOK_NS  # a clock that was set back is no reason to look no more
    write_rows(keys, {**load_rows(keys), viewer.decode(): KeyRow("viewer", "READ_ONLY")})
    assert allowed.refresh() == frozenset()
    assert held[viewer] == ("viewer", Role.READ_ONLY)


@pytest.mark.parametrize("fault", ["cut", "gone", "loose", "role"])
def test_a_list_that_cannot_be_used_changes_nothing(keys: Path, fault: str) -> None:
    clock = SimClock(10**18)
    allowed = AllowList(keys, clock.now_ns)
    path = keys / ALLOWED_FILE
    before = path.read_bytes()
    time.sleep(0.01)  # a file's time of change has a grain
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(before[:100] if fault == "cut" else before.replace(b"OPERATOR", b"EMPEROR"))
        path.chmod(0o644 if fault == "loose" else 0o600)
    clock.at_ns += LOOK_NS
    assert allowed.refresh() == frozenset()
    assert (allowed.bad, len(allowed.keys)) == (1, 10)
    clock.at_ns += LOOK_NS
    assert allowed.refresh() == frozenset()
    assert allowed.bad == 1, "said once"


class Rig:
    """The sockets of a gateway and a loop that a test turns by hand."""

    def __init__(self, keys: Path) -> None:
        self.keys = keys
        self.links = Links("order_gateway", free_base_port(), keys, "run1", SystemClock().now_ns)
        self.links.bind()
        self.context: zmq.Context[Any] = zmq.Context()
        self.opened: list[Socket] = []

    def dealer(self, curve: Curve) -> Socket:
        self.opened.append(dealer(self.context, self.at("ask"), curve))
        return self.opened[-1]

    def subscriber(self, curve: Curve) -> Socket:
        self.opened.append(subscriber(self.context, self.at("pub"), ("beat/",), curve))
        return self.opened[-1]

    def curve(self, pair: KeyPair) -> Curve:
        return Curve(pair, load_pair(self.keys, "order_gateway").public)

    def at(self, link: str) -> str:
        return address(self.links.base_port, "order_gateway", link)

    def turn(self) -> None:
        self.links.poll(2)
        self.links.doorkeeper.step()
        for asked in self.links.ask.read():
            assert asked.origin.token is not None
            self.links.ask.answer(asked.origin.token, Beat(asked.origin.sender))
        self.links.publisher.send("beat/", Beat("order_gateway"))

    def until(self, found: Callable[[], Any], turns_s: float = PATIENCE_S) -> Any:
        end = time.monotonic() + turns_s
        while time.monotonic() < end:
            self.turn()
            if (got := found()) is not None:
                return got
        raise AssertionError("it did not happen")

    def ask(self, asker: Socket) -> Any:
        envelope = Envelope(ENVELOPE_VERSION, "StatusRequest", "x", "r", 1, 0, "q")
        self.until(lambda: asker.poll(0, zmq.POLLOUT) or None)
        asker.send_multipart([encode_envelope(envelope), encode_body(StatusRequest())])
        return decode(*self.until(lambda: asker.recv_multipart() if asker.poll(0) else None))[1]

    def close(self) -> None:
        self.context.destroy(linger=0)
        self.links.close()


@pytest.fixture
def rig(keys: Path) -> Iterator[Rig]:
    made = Rig(keys)
    yield made
    made.close()


def test_a_revoked_key_is_shut_out_of_open_connections(rig: Rig) -> None:
    viewer, cli = (rig.curve(load_pair(rig.keys, name)) for name in ("viewer", "cli"))
    asker = rig.dealer(viewer)
    hearer, other = (rig.subscriber(curve) for curve in (viewer, cli))
    assert rig.ask(asker) == Beat("viewer")
    for socket in (hearer, other):
        rig.until(lambda socket=socket: socket.recv_multipart() if socket.poll(0) else None)
    without(rig.keys, "viewer")
    answer = rig.until(lambda: found if isinstance(found := rig.ask(asker), Fault) else None)
    assert "a stranger may not send StatusRequest" in answer.text
    # Whoever is still allowed comes back by himself; the revoked one hears nothing any more.
    for socket in (hearer, other):
        while socket.poll(0):
            socket.recv_multipart()
    rig.until(lambda: other.recv_multipart() if other.poll(0) else None)
    for _ in range(100):
        rig.turn()
    while hearer.poll(0):
        hearer.recv_multipart()  # what was on its way
    for _ in range(20):
        rig.turn()
    assert not hearer.poll(50)
    assert rig.links.doorkeeper.refused > 0


def test_a_new_key_comes_in_without_a_restart(rig: Rig) -> None:
    pair = KeyPair(*zmq.curve_keypair())
    asker = rig.dealer(rig.curve(pair))
    rig.until(lambda: rig.links.doorkeeper.refused or None)
    asker.close(0)
    write_rows(rig.keys, {**load_rows(rig.keys), pair.public.decode(): KeyRow("desk", "WEB")})
    rig.until(lambda: pair.public in rig.links.allowed.keys or None)
    assert rig.ask(rig.dealer(rig.curve(pair))) == Beat("desk")


def test_the_trial_at_the_start_ends_when_nobody_answers_at_the_door(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.bus.links.DOOR_TEST_MS", 300)
    monkeypatch.setattr(rig.links.doorkeeper, "step", lambda: None)
    with pytest.raises(InvariantError, match="pub: an unknown key was not refused: nobody answers at the door"):
        rig.links.check_doors()


def test_with_a_dead_doorkeeper_nobody_comes_in(rig: Rig) -> None:
    rig.links.doorkeeper.close()
    trial = Trial(rig.context, rig.at("ask"), zmq.DEALER, rig.curve(load_pair(rig.keys, "cli")))
    try:
        for _ in range(10):
            trial.look(30)
        assert not trial.entered
    finally:
        trial.close()


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps access in ACLs")
def test_a_key_folder_behind_a_link_is_judged_by_what_it_leads_to(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(keys)
    assert load_pair(tmp_path / "link", "cli") == load_pair(keys, "cli")
    keys.chmod(0o750)
    with pytest.raises(Exception, match="readable by others"):
        load_pair(tmp_path / "link", "cli")


def test_a_secret_is_not_printed_by_accident(keys: Path) -> None:
    pair = load_pair(keys, "cli")
    assert pair.secret.decode() not in f"{pair} {pair!r} {[pair]}"
    secret = json.loads((keys / "cli.key").read_text(encoding="utf-8"))["secret"]
    (keys / "cli.key").write_text(json.dumps({"public": 7, "secret": secret}), encoding="utf-8")
    with pytest.raises(Exception, match=r"cli\.key") as caught:
        load_pair(keys, "cli")
    assert secret not in str(caught.value)
