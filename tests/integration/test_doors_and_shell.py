"""Real sockets on loopback: who gets in, who may say what, what survives garbage, what a crash leaves on disk."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from common.bus.client import Client
from common.bus.curve import KeyPair, load_pair, load_public, make_missing_keys
from common.bus.endpoints import address, port
from common.bus.sockets import Curve, dealer
from common.domain.errors import AddressInUseError, PeerSilentError
from common.domain.reasons import Reason
from common.messages.codec import encode_body, encode_envelope
from common.messages.control import Fault, Status, StatusRequest
from common.messages.header import Envelope
from common.messages.orders import AccountRequest, CancelRequest, Journalled, Positions, PositionsRequest, SubmitOrder
from common.messages.outputs import Message, Origin, Output, Reply, Save
from common.runtime.config import Config, System
from common.runtime.service import ServiceSpec, Shell
from tests.conftest import CHECKOUT
from tests.e2e.rig import free_base_port


class Echo:
    """Answers positions with nothing, keeps cancels, and writes down who asked what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Message]] = []

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        self.kept = kept

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return []

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        self.asked.append((origin.sender, message))
        assert origin.token is not None
        if isinstance(message, CancelRequest):
            return [Save(message.key, message), Reply(origin.token, Journalled(message.key, message.coid))]
        return [Reply(origin.token, Positions(()))]

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        return True, "ready", {"asked": len(self.asked)}, {}


class Rig:
    """A gateway with an echo for a core, running in a thread, and an operator's client."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys"
        make_missing_keys(self.keys)
        self.config = Config(
            system=System(
                base_port=free_base_port(), run_dir=str(folder / "run"), keys_dir=str(self.keys), log_level="error"
            )
        )
        self.base = self.config.system.base_port
        self.core = Echo()
        self.shell = Shell(self.core, ServiceSpec("order_gateway"), self.config, None, "run1")
        self.client = Client(self.base, self.keys)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop)
        self.shell.start()
        self._thread.start()

    def _loop(self) -> None:
        while not self._stop.is_set():
            self.shell.step(20)

    def close(self) -> None:
        self.client.close()
        self._stop.set()
        self._thread.join()
        self.shell.close()

    def status(self) -> Status:
        answer = self.client.ask("order_gateway", StatusRequest(), link="control")
        assert isinstance(answer, Status)
        return answer


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("rig"))
    yield made
    made.close()


def test_an_operator_is_answered(rig: Rig) -> None:
    assert rig.client.ask("order_gateway", PositionsRequest()) == Positions(())
    assert rig.core.asked[-1] == ("cli", PositionsRequest())


def test_a_bare_req_socket_is_answered_in_kind(rig: Rig) -> None:
    pair = load_pair(rig.keys, "cli")
    context = zmq.Context()
    asker = context.socket(zmq.REQ)
    asker.curve_publickey, asker.curve_secretkey = pair.public, pair.secret
    asker.curve_serverkey, asker.linger, asker.rcvtimeo = load_public(rig.keys, "order_gateway"), 0, 5000
    try:
        asker.connect(address(rig.base, "order_gateway", "ask"))
        asker.send_multipart(
            [msgpack.packb([1, "PositionsRequest", "me", "r", 1, 0, "q7"]), msgpack.packb({"type": "PositionsRequest"})]
        )
        header, body = asker.recv_multipart()
        assert msgpack.unpackb(header)[6] == "q7"
        assert msgpack.unpackb(body) == {"type": "Positions", "rows": []}
    finally:
        context.destroy(linger=0)


class Listener(Echo):
    """Writes down whose code and whose full disk it hears of."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[tuple[str, bool]] = []
        self.disks: list[tuple[str, bool]] = []

    def on_peer_disk(self, peer: str, full: bool, now_ns: int) -> Sequence[Output]:
        self.disks.append((peer, full))
        return []

    def on_version(self, peer: str, same: bool, now_ns: int) -> Sequence[Output]:
        self.versions.append((peer, same))
        return []


@pytest.mark.parametrize("same", [True, False])
def test_a_beat_tells_once_whether_the_peer_runs_the_same_code(rig: Rig, same: bool) -> None:
    core = Listener()
    shell = Shell(core, ServiceSpec("risk_manager", {"order_gateway": ()}), rig.config, None, "run2")
    shell.version = rig.shell.version if same else "0.1.0+other"
    shell.start()
    try:
        for _ in range(400):
            shell.step(20)
            if core.versions:
                break
        assert shell.status().version == shell.version
    finally:
        shell.close()
    assert core.versions == [("order_gateway", same)]
    assert rig.status().version == rig.shell.version


def test_a_beat_tells_of_a_full_disk_and_of_room_again(rig: Rig) -> None:
    core = Listener()
    shell = Shell(core, ServiceSpec("risk_manager", {"order_gateway": ()}), rig.config, None, "run2")
    shell.start()
    try:
        for full in (False, True, False):
            rig.shell.store.disk_full = full
            for _ in range(400):
                shell.step(20)
                if core.versions and bool(core.disks and core.disks[-1][1]) is full:
                    break
    finally:
        shell.close()
    assert core.disks == [("order_gateway", True), ("order_gateway", False)]


@pytest.mark.parametrize("kind", ["stranger", "no key"])
def test_nobody_else_gets_in(rig: Rig, kind: str) -> None:
    curve = Curve(KeyPair(*zmq.curve_keypair()), load_public(rig.keys, "order_gateway")) if kind == "stranger" else None
    context: zmq.Context[Any] = zmq.Context()
    intruder = dealer(context, address(rig.base, "order_gateway", "ask"), curve)
    before = len(rig.core.asked)
    try:
        assert not intruder.poll(400, zmq.POLLOUT)
        with pytest.raises(zmq.Again):
            intruder.send(b"x", zmq.NOBLOCK)
    finally:
        context.destroy(linger=0)
    assert len(rig.core.asked) == before
    assert rig.client.ask("order_gateway", PositionsRequest()) == Positions(())


def test_a_known_key_says_no_more_than_its_role(rig: Rig) -> None:
    order = SubmitOrder("c" * 20, "k", "600000.SH", 1, 100, 10_000, 1, 1, 1, "hand", Reason.HAND_OPEN)
    before = len(rig.core.asked)
    answer = rig.client.ask("order_gateway", order)
    assert isinstance(answer, Fault)
    assert answer.reason is Reason.NOT_ALLOWED
    with Client(rig.base, rig.keys, "viewer") as viewer:
        assert viewer.ask("order_gateway", PositionsRequest()) == Positions(())
        refused = viewer.ask("order_gateway", CancelRequest("k", "c"))
        assert isinstance(refused, Fault)
    assert [kind for _, kind in rig.core.asked[before:]] == [PositionsRequest()]
    assert rig.status().numbers["ask_denied"] >= 2


def test_garbage_is_counted_and_the_service_answers_on(rig: Rig) -> None:
    pair = load_pair(rig.keys, "cli")
    context: zmq.Context[Any] = zmq.Context()
    talker = dealer(
        context, address(rig.base, "order_gateway", "ask"), Curve(pair, load_public(rig.keys, "order_gateway"))
    )
    good = [encode_envelope(Envelope(1, "AccountRequest", "x", "r", 1, 0, "k")), encode_body(AccountRequest())]
    junk = [
        [b""], [b"a"], [b"a", b"b"], [b"", b"", b"", b"", b""], [good[0], b"\x91" * 5000], [good[0], b"\xc1"], [b"\xff" * 100, good[1]],
        [good[0], encode_body(PositionsRequest())], [b"x", *good], [good[0] + b"\x00", good[1]], [b"\x80", b"\x80"],
    ]  # fmt: skip
    try:
        assert talker.poll(3000, zmq.POLLOUT)
        for frames in junk:
            talker.send_multipart(frames)
        raw = socket.create_connection(("127.0.0.1", port(rig.base, "order_gateway", "ask")))
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 50)
        raw.close()
        assert rig.client.ask("order_gateway", PositionsRequest()) == Positions(())
        assert rig.status().numbers["ask_bad"] >= len(junk) - 1
    finally:
        context.destroy(linger=0)


def test_an_oversized_message_ends_its_connection_only(rig: Rig) -> None:
    pair = load_pair(rig.keys, "cli")
    context: zmq.Context[Any] = zmq.Context()
    talker = dealer(
        context, address(rig.base, "order_gateway", "ask"), Curve(pair, load_public(rig.keys, "order_gateway"))
    )
    try:
        assert talker.poll(3000, zmq.POLLOUT)
        talker.send_multipart([b"x" * 100_000, b"y"])
        assert rig.client.ask("order_gateway", PositionsRequest()) == Positions(())
    finally:
        context.destroy(linger=0)


def test_a_taken_port_is_named(rig: Rig) -> None:
    with pytest.raises(AddressInUseError, match=str(port(rig.base, "order_gateway", "pub"))):
        Shell(Echo(), ServiceSpec("order_gateway"), rig.config, None, "run2")


def test_silence_is_an_error_with_a_name(rig: Rig) -> None:
    with pytest.raises(PeerSilentError, match="screener does not answer"):
        rig.client.ask("screener", StatusRequest(), link="control", timeout_s=0.2)


CRASHING = """
import sys
from pathlib import Path
from common.runtime.config import load_config
from common.runtime.service import ServiceSpec, Shell
from tests.integration.test_doors_and_shell import Echo
shell = Shell(Echo(), ServiceSpec("order_gateway"), load_config(Path(sys.argv[1])), None, "r")
shell.start()
print("up", flush=True)
while True:
    shell.step()
"""


@pytest.mark.parametrize(("point", "kept"), [("received", False), ("committed", True)])
def test_a_crash_point_kills_where_it_says(tmp_path: Path, point: str, kept: bool) -> None:
    import os

    keys = tmp_path / "keys"
    make_missing_keys(keys)
    base = free_base_port()
    config = tmp_path / "config.toml"
    config.write_text(
        f'[system]\nbase_port = {base}\nrun_dir = "{tmp_path / "run"}"\nkeys_dir = "{keys}"\n', encoding="utf-8"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(config)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PANKOU_CRASH": f"{point}:1", "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert process.stdout is not None
    while process.stdout.readline().strip() != "up":
        pass
    with Client(base, keys) as client, pytest.raises(PeerSilentError):
        client.ask("order_gateway", CancelRequest("k", "c"), timeout_s=0.5)
    assert process.wait(10) == 137
    process.stdout.close()
    shell = Shell(
        Echo(),
        ServiceSpec("order_gateway"),
        Config(system=System(base_port=base, run_dir=str(tmp_path / "run"), keys_dir=str(keys))),
        None,
        "r",
    )
    try:
        assert bool(shell.store.load()[1]) is kept
    finally:
        shell.close()
