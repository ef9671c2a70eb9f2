"""Every option of every kind of socket, against the table of the protocol written out once more by hand."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from common.bus import sockets
from common.bus.curve import KeyPair
from common.bus.sockets import Context, Curve, Socket
from tests.conftest import CHECKOUT

EVERY = {
    "LINGER": 0, "SNDHWM": 500, "RCVHWM": 500, "HANDSHAKE_IVL": 2000, "RECONNECT_IVL": 10, "RECONNECT_IVL_MAX": 1000,
    "HEARTBEAT_IVL": 0, "TCP_KEEPALIVE": 1, "TCP_KEEPALIVE_IDLE": 1, "TCP_KEEPALIVE_INTVL": 1, "TCP_KEEPALIVE_CNT": 3,
    "TCP_MAXRT": 1500,
}  # fmt: skip
SERVER = {"CURVE_SERVER": 1, "ZAP_ENFORCE_DOMAIN": 1, "ZAP_DOMAIN": b"svc/door", "MECHANISM": zmq.CURVE}
CLIENT = {"CURVE_SERVER": 0, "MECHANISM": zmq.CURVE}
TABLE: dict[str, dict[str, Any]] = {
    "publisher": {**EVERY, **SERVER, "MAXMSGSIZE": 1 << 10, "RCVHWM": 0},
    "subscriber": {**EVERY, **CLIENT, "MAXMSGSIZE": 1 << 20},
    "router": {**EVERY, **SERVER, "MAXMSGSIZE": 64 << 10},
    "dealer": {**EVERY, **CLIENT, "MAXMSGSIZE": 16 << 20, "IMMEDIATE": 1},
}


@pytest.fixture
def context() -> Iterator[Context]:
    made: Context = zmq.Context()
    yield made
    made.destroy(linger=0)


def socket_of(context: Context, kind: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Socket, dict[int, Any]]:
    """Make a socket and note what was set on it that cannot be read back."""
    server, client = KeyPair(*zmq.curve_keypair()), KeyPair(*zmq.curve_keypair())
    told: dict[int, Any] = {}
    plain = zmq.Socket.setsockopt

    def note(self: Socket, option: int, value: Any) -> None:
        told[option] = value
        plain(self, option, value)

    monkeypatch.setattr(zmq.Socket, "setsockopt", note)
    if kind == "publisher":
        made = sockets.publisher(context, "tcp://127.0.0.1:*", Curve(server, domain="svc/door"))
    elif kind == "router":
        made = sockets.router(context, "tcp://127.0.0.1:*", Curve(server, domain="svc/door"))
    elif kind == "subscriber":
        made = sockets.subscriber(context, "tcp://127.0.0.1:9", ("a/",), Curve(client, server.public))
    else:
        made = sockets.dealer(context, "tcp://127.0.0.1:9", Curve(client, server.public))
    monkeypatch.undo()
    return made, told


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_every_option_is_set(context: Context, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, told = socket_of(context, kind, monkeypatch)
    try:
        for name, value in TABLE[kind].items():
            option = getattr(zmq, name)
            found = told[option] if name == "ZAP_ENFORCE_DOMAIN" else made.getsockopt(option)
            found = found.rstrip(b"\0") if isinstance(found, bytes) else found
            assert found == value, name
        if kind == "router":
            assert told[zmq.ROUTER_MANDATORY] == 1
            assert zmq.ROUTER_HANDOVER not in told, "nobody takes over the way to somebody else"
        assert zmq.CONFLATE not in told, "it breaks messages of several frames"
    finally:
        made.close(0)


def test_any_key_is_allowed_nowhere() -> None:
    word = "CURVE" + "_ALLOW" + "_ANY"
    found = [
        path
        for folder in ("common", "services")
        for path in (CHECKOUT / folder).rglob("*.py")
        if word in path.read_text(encoding="utf-8") or "REQ)" in path.read_text(encoding="utf-8")
    ]
    assert found == [], "no CURVE_ALLOW_ANY, and no bare REQ in the system itself"


FLOODED = """
import sys, time, zmq
from common.bus import sockets
kind = sys.argv[1]
made = getattr(sockets, kind)(zmq.Context(), "tcp://127.0.0.1:*", None)
print(made.getsockopt(zmq.LAST_ENDPOINT).decode().strip(chr(0)), flush=True)
for seconds in (2.0, 0.3):
    time.sleep(seconds)  # the loop is busy, and what was sent waits
    if kind == "router":
        while made.poll(0):
            made.recv_multipart()
    else:
        made.send(b"x")
print("alive", flush=True)
"""


@pytest.mark.parametrize("kind", ["router", "publisher"])
def test_who_floods_and_hangs_up_does_not_abort_the_library(context: Context, kind: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FLOODED, kind], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        talker = context.socket(zmq.DEALER if kind == "router" else zmq.XSUB)
        talker.setsockopt(zmq.SNDHWM, 0)
        talker.setsockopt(zmq.IMMEDIATE, 1)
        talker.connect(process.stdout.readline().strip())
        assert talker.poll(20_000, zmq.POLLOUT)
        for number in range(20_000):
            talker.send(b"\x01%06d" % number + b"x" * 200)
        talker.poll(300, zmq.POLLIN)
        talker.close(0)
        assert process.stdout.read().strip() == "alive", "docs/adr/0021"
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
