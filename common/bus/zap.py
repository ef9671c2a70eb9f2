"""The doorkeeper: answers libzmq's question whether a key may come in, by domain, inside the service's own loop.

It lives in the loop and not in a thread of its own: when the loop is dead nobody gets in, and there is no second
thing to watch.
"""

from collections.abc import Mapping

import zmq
from zmq.utils import z85

from common.bus.curve import Allowed
from common.bus.sockets import Context, Socket

ADDRESS = "inproc://zeromq.zap.01"


class Doorkeeper:
    """Lets the keys of the allow-list in; everybody else is counted and refused."""

    def __init__(self, context: Context, allowed: Mapping[bytes, Allowed], domains: frozenset[str]) -> None:
        self.socket: Socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(ADDRESS)
        self.refused = 0
        self._allowed = allowed
        self._domains = domains

    def step(self) -> None:
        """Answer everyone who waits at the door."""
        while self.socket.poll(0):
            frames = self.socket.recv_multipart()
            self.socket.send_multipart(self._answer(frames))

    def _answer(self, frames: list[bytes]) -> list[bytes]:
        version, request_id = (frames[0], frames[1]) if len(frames) > 1 else (b"1.0", b"")
        identity = self._identity(frames)
        if identity:
            return [version, request_id, b"200", b"OK", identity, b""]
        self.refused += 1
        return [version, request_id, b"400", b"unknown key", b"", b""]

    def _identity(self, frames: list[bytes]) -> bytes:
        if len(frames) != 7 or frames[5] != b"CURVE" or len(frames[6]) != 32:
            return b""
        if frames[2].decode(errors="replace") not in self._domains:
            return b""
        allowed = self._allowed.get(z85.encode(frames[6]))
        return allowed.identity.encode() if allowed else b""

    def close(self) -> None:
        """Leave the door; with enforcement on, nobody gets in any more."""
        self.socket.close(0)
