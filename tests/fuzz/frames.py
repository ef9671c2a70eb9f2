"""What attacks on sockets are made of: questions, bytes of the protocol, and somebody who listens in."""

import socket
import threading
from contextlib import suppress

from common.bus.endpoints import LINKS, SERVICES
from common.bus.roles import VERBS, may_say, verb_of
from common.bus.sockets import Socket
from common.domain.errors import CodecError
from common.domain.ids import client_order_id
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.messages.codec import decode, encode_body, encode_envelope, kind_of
from common.messages.control import RecordHandOrder, Status
from common.messages.header import ENVELOPE_VERSION, Envelope, Role, Trace
from common.messages.market import HandOrder
from common.messages.orders import (
    CancelExitRequest,
    CancelOrder,
    CancelRequest,
    CloseRequest,
    EventsRequest,
    FillsRequest,
    OpenRequest,
    OrdersRequest,
    SubmitOrder,
)
from common.messages.outputs import Message
from common.messages.signals import ExplainRequest, PoolRequest, Signal, SignalBatch
from tests.e2e.rig import System
from tests.samples import SAMPLES

PATIENCE_S = 30.0
KEY = b"KEY00000"
"""Stands in a message where its key goes."""
READS = frozenset(
    {"PositionsRequest", "AccountRequest", "OrdersRequest", "FillsRequest", "EventsRequest", "VerdictsRequest"}
    | {"SignalsRequest", "StatusRequest", "FeedStateRequest", "ExplainRequest", "SafeguardsRequest"}
)
"""Good messages that change nothing. Others that damage happens to make are not sent: they would be orders."""
ASKED = tuple((service, link) for service in SERVICES for link in LINKS if link != "pub")
GREETING = b"\xff" + b"\x00" * 8 + b"\x7f\x03\x01"
"""ZMTP 3.1 up to the name of the mechanism."""
NULL, CURVE = (GREETING + name.ljust(20, b"\x00") + b"\x00" * 32 for name in (b"NULL", b"CURVE"))
NULL_READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"
HUGE = (1 << 30).to_bytes(8, "big")


def packed_questions() -> dict[str, bytes]:
    """Return one packed message of every kind that may be sent to a service, and an envelope."""
    kinds = {kind for verbs in VERBS.values() for kind in verbs} | {"StatusRequest", "Beat"}
    envelope = encode_envelope(Envelope(ENVELOPE_VERSION, "StatusRequest", "x", "r", 1, 0, "q", "c", Trace(1)))
    return {kind: encode_body(SAMPLES[kind]) for kind in sorted(kinds)} | {"envelope": envelope}


def envelope_of(kind: str, key: str = "fuzz") -> bytes:
    """Return the envelope of a question."""
    return encode_envelope(Envelope(ENVELOPE_VERSION, kind, "fuzz", "r1", 1, 0, key))


def fate_of(frames: list[bytes], service: str, link: str, role: Role) -> str:
    """Return what must become of a question: refused (bad or denied), read (nothing changes), or done."""
    inner = frames[1:] if len(frames) == 3 and not frames[0] else frames
    if len(inner) != 2:
        return "refused"
    try:
        envelope, message = decode(*inner)
    except CodecError:
        return "refused"
    if not may_say(service, link, verb_of(message), role):
        return "refused"
    return "read" if envelope.kind in READS else "done"


def refused(status: Status, link: str) -> int:
    """Return how many messages a service refused on a link."""
    return status.numbers.get(f"{link}_bad", 0) + status.numbers.get(f"{link}_denied", 0)


def drain(asker: Socket) -> bool:
    """Read what waits; False, so that a condition may begin with it."""
    while asker.poll(0):
        asker.recv_multipart()
    return False


class Tap:
    """Stands between a client and a service and writes down what the client says."""

    def __init__(self, to_port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._to = socket.create_connection(("127.0.0.1", to_port))
        self._said = bytearray()
        self._mark = 0
        self._threads = [threading.Thread(target=self._forth, daemon=True)]
        self._client: socket.socket | None = None
        self._threads[0].start()

    def __enter__(self) -> "Tap":
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._client, self._to, self._server):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _forth(self) -> None:
        with suppress(OSError):
            self._client, _ = self._server.accept()
            back = threading.Thread(target=self._back, args=(self._client,), daemon=True)
            self._threads.append(back)
            back.start()
            while said := self._client.recv(65_536):
                self._said += said
                self._to.sendall(said)

    def _back(self, client: socket.socket) -> None:
        with suppress(OSError):
            while said := self._to.recv(65_536):
                client.sendall(said)

    def mark(self) -> None:
        """Remember this moment: the handshake is over."""
        self._mark = len(self._said)

    def say_again(self) -> None:
        """Repeat in the same session what was said since the mark."""
        with suppress(OSError):
            self._to.sendall(bytes(self._said[self._mark :]))

    def everything(self) -> bytes:
        """Return all that the client said."""
        return bytes(self._said)


def real_questions(system: System) -> dict[str, Message]:
    """Return questions that a system can carry out: damage leaves them close to that."""
    books = system.books()
    held, order = books["positions"][0].symbol, books["orders"][-1]
    push, ts_ns, key = order.push, order.ts_ns, KEY.decode()
    coid = client_order_id(20260105, key)
    submit = SubmitOrder(coid, key, held, 2, 100, order.price, push, ts_ns, ts_ns, "limit_up", Reason.STOP_LOSS)
    entry = Signal(
        key, "limit_up", held, push, ts_ns, Action.EXIT, 10_000, PriceKind.MARKETABLE, 0, Reason.STOP_LOSS, 10**12
    )
    made = (
        OpenRequest(key, held, 100), CloseRequest(key, held, 100), CancelRequest(key, order.coid), CancelExitRequest(key, held),
        submit, CancelOrder(key, order.coid, push, Reason.REPRICE), SignalBatch(key, push, (entry, entry)),
        PoolRequest("limit_up", 20260105, (held,)), ExplainRequest(held, 20260105), EventsRequest(1, 10),
        OrdersRequest(20260105), FillsRequest(20260105), RecordHandOrder(HandOrder(key, 1, held, 100, 0)),
    )  # fmt: skip
    return {kind_of(message): message for message in made}
