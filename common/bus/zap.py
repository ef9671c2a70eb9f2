"""The doorkeeper: answers libzmq's question whether a key may come in, by domain, inside the service's own loop.

It lives in the loop and not in a thread of its own: when the loop is dead nobody gets in, and there is no second
thing to watch.
"""

from collections.abc import Mapping

import zmq
from zmq.utils import z85

from common.bus.curve import Allowed
from common.bus.sockets import Context, Socket
from common.messages.header import Role

ADDRESS = "inproc://zeromq.zap.01"
ZAP_FRAMES = 7
"""Version, request id, domain, address, routing id, mechanism, key."""


class Doorkeeper:
    """Lets the keys of the allow-list in, each by the doors of its role; everybody else is counted and refused.

    The name that libzmq then puts on each message of the connection (`User-Id`) is the key itself, because an identity
    may hold two keys and one of them may be revoked while its connection stands.
    """

    def __init__(
        self, context: Context, allowed: Mapping[bytes, Allowed], doors: Mapping[str, frozenset[Role]]
    ) -> None:
        self.socket: Socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(ADDRESS)
        self.refused = 0
        self._allowed = allowed
        self._doors = doors
        """ZAP domain to the roles that may come in there."""

    def step(self) -> None:
        """Answer everyone who waits at the door."""
        while self.socket.poll(0):
            frames = self.socket.recv_multipart()
            self.socket.send_multipart(self._answer(frames))

    def _answer(self, frames: list[bytes]) -> list[bytes]:
        version, request_id = (frames[0], frames[1]) if len(frames) > 1 else (b"1.0", b"")
        key = self._key(frames)
        if key:
            return [version, request_id, b"200", b"OK", key, b""]
        self.refused += 1
        return [version, request_id, b"400", b"unknown key", b"", b""]

    def _key(self, frames: list[bytes]) -> bytes:
        """Return the key that may come in by this door, nothing for everybody else."""
        if len(frames) != ZAP_FRAMES or frames[0] != b"1.0" or frames[5] != b"CURVE" or len(frames[6]) != 32:
            return b""
        key: bytes = z85.encode(frames[6])
        allowed = self._allowed.get(key)
        roles = self._doors.get(frames[2].decode(errors="replace"), frozenset())
        return key if allowed is not None and allowed.role in roles else b""

    def close(self) -> None:
        """Leave the door; with enforcement on, nobody gets in any more."""
        self.socket.close(0)
