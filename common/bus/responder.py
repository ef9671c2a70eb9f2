"""Being asked: a ROUTER that decodes, checks the role for every message, and remembers the way back."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import zmq

from common.bus.curve import Allowed
from common.bus.roles import may_say, verb_of
from common.bus.sockets import ORDER_BYTES_MAX, Socket
from common.domain.errors import CodecError
from common.domain.reasons import Reason
from common.messages.codec import decode_envelope, decode_kind, encode_body, encode_envelope, kind_of
from common.messages.control import Fault
from common.messages.header import ENVELOPE_VERSION, Envelope, Role, Trace
from common.messages.outputs import Message, Origin, Token

READ_AT_ONCE_MAX = 200
ROUTE_FRAMES_MAX = 4
FAULT_TEXT_MAX = 300
PEOPLE = frozenset({Role.OPERATOR, Role.WEB, Role.READ_ONLY})
STRANGER = Allowed("", Role.STRANGER)


class Asked(NamedTuple):
    """A question and where it came from."""

    message: Message
    origin: Origin


class Responder:
    """A service's `ask` or `control` socket. REQ clients (with the empty frame) and DEALERs are answered in kind."""

    def __init__(
        self,
        socket: Socket,
        service: str,
        link: str,
        run_id: str,
        allowed: Mapping[bytes, Allowed],
        now_ns: Callable[[], int],
        bytes_max: int = ORDER_BYTES_MAX,
    ) -> None:
        self.socket = socket
        self._bytes_max = bytes_max
        self.service, self.link = service, link
        self.counts: Counter[str] = Counter()
        """bad: undecodable; denied: role may not; gone: asker was gone when the answer came."""
        self._run_id, self._now_ns = run_id, now_ns
        self._allowed = allowed
        self._seq = 0

    def read(self) -> list[Asked]:
        """Return the questions that have arrived; what is no question is counted and dropped."""
        asked: list[Asked] = []
        for _ in range(READ_AT_ONCE_MAX):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            try:
                question = self._take(frames)
            except Exception:  # whatever hostile bytes can make Python raise: counted, dropped, never fatal
                self.counts["bad"] += 1
                continue
            if question is not None:
                asked.append(question)
        return asked

    def _take(self, frames: list[zmq.Frame]) -> Asked | None:
        if not 3 <= len(frames) <= ROUTE_FRAMES_MAX:
            raise CodecError(f"{len(frames)} frames")
        route = frames[0].bytes
        delimited = len(frames) == ROUTE_FRAMES_MAX
        if delimited and len(frames[1]):
            raise CodecError("no empty frame behind the route")
        if any(len(frame) > self._bytes_max for frame in frames):
            raise CodecError("a frame too large")
        who = self._who(frames[-1])
        envelope = decode_envelope(frames[-2].bytes)
        mark = b"\x01" if delimited else b"\x00"
        token = Token(self.link, mark + route, envelope.correlation_id)
        try:
            message = decode_kind(envelope.kind, frames[-1].bytes)
        except CodecError as error:
            if who.role in PEOPLE:  # somebody writes a client of his own: silence would teach him nothing
                self.answer(token, Fault(Reason.BAD_MESSAGE, str(error)[:FAULT_TEXT_MAX]))
            raise
        if not may_say(self.service, self.link, verb_of(message), who.role):
            self.counts["denied"] += 1
            text = f"{who.identity or 'a stranger'} may not send {verb_of(message)} to {self.service}/{self.link}"
            self.answer(token, Fault(Reason.NOT_ALLOWED, text))
            return None
        origin = Origin(
            who.identity, who.role, token, "", envelope.seq, envelope.correlation_id, envelope.cause_id, envelope.trace
        )
        return Asked(message, origin)

    def _who(self, frame: zmq.Frame) -> Allowed:
        """Return whose key the connection of a frame was opened with, as the allow-list says at this moment."""
        try:
            key = str(frame.get("User-Id"))
        except zmq.ZMQError:  # a link without CURVE
            return STRANGER
        return self._allowed.get(key.encode(), STRANGER)

    def answer(self, token: Token, message: Message, trace: Trace = Trace()) -> None:  # noqa: B008 - immutable
        """Answer the holder of a token; one who has gone asks again."""
        self._seq += 1
        envelope = Envelope(
            ENVELOPE_VERSION, kind_of(message), self.service, self._run_id, self._seq, self._now_ns(),
            token.correlation_id, "", trace,
        )  # fmt: skip
        delimiter = [b""] if token.route[:1] == b"\x01" else []
        frames = [token.route[1:], *delimiter, encode_envelope(envelope), encode_body(message)]
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError:
            self.counts["gone"] += 1
