"""Trying a door from outside: a connection that tells what became of its handshake."""

import zmq
from zmq.utils.monitor import parse_monitor_message

from common.bus.sockets import ORDER_BYTES_MAX, Context, Curve, Socket, limit, secure

REFUSED = frozenset(
    {zmq.Event.HANDSHAKE_FAILED_AUTH, zmq.Event.HANDSHAKE_FAILED_PROTOCOL, zmq.Event.HANDSHAKE_FAILED_NO_DETAIL}
)
HIGH_WATER = 10


class Trial:
    """One attempt to come in by a door."""

    def __init__(self, context: Context, address: str, kind: int, curve: Curve | None, name: str = "") -> None:
        self.name = name
        """Which door, and with what."""
        self.entered = False
        """The handshake was finished."""
        self.refused = False
        """The other side said no."""
        self.socket: Socket = secure(limit(context.socket(kind), ORDER_BYTES_MAX, HIGH_WATER), curve)
        if kind == zmq.SUB:
            self.socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._monitor = self.socket.get_monitor_socket()
        self.socket.connect(address)

    def look(self, wait_ms: int = 0) -> bool:
        """Take note of what has happened since the last look; True once it is decided."""
        while self._monitor.poll(wait_ms):
            event = parse_monitor_message(self._monitor.recv_multipart())["event"]
            self.entered = self.entered or event == zmq.Event.HANDSHAKE_SUCCEEDED
            self.refused = self.refused or event in REFUSED
            wait_ms = 0
        return self.entered or self.refused

    def close(self) -> None:
        """Go away."""
        self.socket.disable_monitor()
        self._monitor.close(0)
        self.socket.close(0)
