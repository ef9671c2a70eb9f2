"""The event protocol of supervisord, as its side of it: what an event listener is sent, and when. Pure.

The listener says READY, gets one event, says RESULT with its answer, says READY again.
"""

from collections import deque

from deploy.windows.runner.program import Change

READY = b"READY\n"
HEAD = "ver:3.0 server:supervisor serial:{serial} pool:{pool} poolserial:{number} eventname:{name} len:{size}\n"
UNREAD_BYTES_MAX = 65_536
SIZE_DIGITS_MAX = 4


class ProtocolError(Exception):
    """A listener that says what the protocol does not know."""


class Listener:
    """The events one listener has not answered yet."""

    def __init__(self, pool: str, wanted: tuple[str, ...], size: int) -> None:
        self._pool, self._wanted = pool, wanted
        self._events: deque[bytes] = deque(maxlen=max(1, size))
        self._serial = 0
        self._ready = False
        self._sent: bytes | None = None
        self._heard = b""
        self.dropped = 0

    def reset(self) -> None:
        """Forget what the last process of the listener said; the event it did not answer is sent again."""
        if self._sent is not None and len(self._events) < (self._events.maxlen or 0):
            self._events.appendleft(self._sent)
        self._sent, self._ready, self._heard = None, False, b""

    def put(self, change: Change) -> None:
        """Keep an event for the listener; the oldest one goes when there are too many."""
        name = f"PROCESS_STATE_{change.state}"
        if not any(name == wanted or name.startswith(f"{wanted}_") for wanted in self._wanted):
            return
        self.dropped += len(self._events) == self._events.maxlen
        self._serial += 1
        body = f"processname:{change.name} groupname:{change.group} from_state:{change.before} {change.facts}".encode()
        head = HEAD.format(serial=self._serial, pool=self._pool, number=self._serial, name=name, size=len(body))
        self._events.append(head.encode() + body)

    def take(self) -> bytes | None:
        """Return what to send now, None while the listener is not ready or nothing happened."""
        if not self._ready or not self._events:
            return None
        self._ready, self._sent = False, self._events.popleft()
        return self._sent

    def said(self, raw: bytes) -> None:
        """Take what the listener writes; raises ProtocolError."""
        self._heard += raw
        while self._heard:
            head, found, rest = self._heard.partition(b"\n")
            if not found:
                if len(self._heard) > UNREAD_BYTES_MAX:
                    raise ProtocolError("no end of line")
                return
            if head + b"\n" == READY and self._sent is None:
                self._ready, self._heard = True, rest
                continue
            size = head.removeprefix(b"RESULT ")
            if size == head or not size.isdigit() or len(size) > SIZE_DIGITS_MAX or self._sent is None:
                raise ProtocolError(f"unexpected: {head[:60]!r}")
            if len(rest) < int(size):
                return
            self._heard = rest[int(size) :]
            # Anything but OK asks for the event once more.
            if rest[: int(size)] != b"OK":
                self._events.appendleft(self._sent)
            self._sent = None
