"""Asking: a DEALER that goes on asking until it is answered; the key makes the repetition harmless."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import zmq

from common.bus.sockets import Socket, reconnect
from common.domain.errors import CodecError
from common.messages.codec import decode, encode_body, encode_envelope, kind_of
from common.messages.header import ENVELOPE_VERSION, Envelope, Trace
from common.messages.outputs import Message

FIRST_RESEND_NS = 150_000_000
LAST_RESEND_NS = 2_000_000_000
MEND_NS = 3_000_000_000
READ_AT_ONCE_MAX = 200


@dataclass(slots=True)
class _Pending:
    frames: list[bytes]
    due_ns: int
    wait_ns: int


class Requester:
    """One peer's `ask` socket, seen from here."""

    def __init__(
        self, socket: Socket, peer: str, sender: str, run_id: str, now_ns: Callable[[], int], address: str = ""
    ) -> None:
        self.socket = socket
        self.peer = peer
        self.counts: Counter[str] = Counter()
        """resent, bad, stale (answers nobody waits for), full (the peer is not there)."""
        self._sender, self._run_id, self._now_ns = sender, run_id, now_ns
        self._pending: dict[str, _Pending] = {}
        self._address = address
        self._full_ns = 0
        """Since when nothing could be sent; 0 = the last sending went out."""
        self._seq = 0

    @property
    def waiting(self) -> int:
        """Return the number of questions without an answer."""
        return len(self._pending)

    def ask(self, key: str, message: Message, cause_id: str = "", trace: Trace = Trace()) -> None:  # noqa: B008 - immutable
        """Ask, and go on asking until an answer to `key` comes; a key that is being asked is not asked twice."""
        if key in self._pending:
            return
        frames = self._frames(message, key, cause_id, trace)
        self._pending[key] = _Pending(frames, self._now_ns() + FIRST_RESEND_NS, FIRST_RESEND_NS)
        self._send(frames)

    def tell(self, message: Message) -> None:
        """Send once; nobody waits for an answer."""
        self._send(self._frames(message, "", "", Trace()))

    def forget(self, key: str) -> None:
        """Stop asking."""
        self._pending.pop(key, None)

    def _frames(self, message: Message, key: str, cause_id: str, trace: Trace) -> list[bytes]:
        self._seq += 1
        envelope = Envelope(
            ENVELOPE_VERSION,
            kind_of(message),
            self._sender,
            self._run_id,
            self._seq,
            self._now_ns(),
            key,
            cause_id,
            trace,
        )
        return [encode_envelope(envelope), encode_body(message)]

    def _send(self, frames: list[bytes]) -> None:
        try:
            self.socket.send_multipart(frames, zmq.NOBLOCK)
            self._full_ns = 0
        except zmq.Again:
            self.counts["full"] += 1  # the peer is away: the timer asks again
            self._mend()

    def _mend(self) -> None:
        """Connect anew where nothing has gone out for seconds: see `Links.reconnect`."""
        now = self._now_ns()
        if self._full_ns and now - self._full_ns >= MEND_NS and self._address:
            reconnect(self.socket, self._address)
            self._full_ns = 0
        self._full_ns = self._full_ns or now

    def due_ns(self) -> int | None:
        """Return when the next question is to be repeated."""
        return min((pending.due_ns for pending in self._pending.values()), default=None)

    def resend(self) -> None:
        """Repeat what is due, each time after twice the wait, two seconds at most."""
        now = self._now_ns()
        for pending in self._pending.values():
            if pending.due_ns <= now:
                pending.wait_ns = min(2 * pending.wait_ns, LAST_RESEND_NS)
                pending.due_ns = now + pending.wait_ns
                self.counts["resent"] += 1
                self._send(pending.frames)

    def read(self) -> list[tuple[Envelope, Message]]:
        """Return the answers that have arrived; each ends its question."""
        answers: list[tuple[Envelope, Message]] = []
        for _ in range(READ_AT_ONCE_MAX):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                if len(frames) != 2:
                    raise CodecError(f"{len(frames)} frames instead of 2")
                envelope, message = decode(frames[0], frames[1])
            except Exception:  # whatever hostile bytes can make Python raise: counted, dropped, never fatal
                self.counts["bad"] += 1
                continue
            if self._pending.pop(envelope.correlation_id, None) is None:
                self.counts["stale"] += 1
                continue
            answers.append((envelope, message))
        return answers
