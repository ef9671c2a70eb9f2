"""Wakes a loop that sleeps in a poller, from any thread."""

import socket
from contextlib import suppress


class Waker:
    """A pair of sockets: `ring` makes one readable, `hear` takes it back. Windows polls nothing but sockets."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._rung = False

    def fileno(self) -> int:
        """Return what a poller watches."""
        return self._near.fileno()

    def ring(self) -> None:
        """Wake the loop; rung already, it costs nothing."""
        if not self._rung:
            self._rung = True
            with suppress(OSError):  # full is awake, closed needs no more
                self._far.send(b"!")

    def hear(self) -> None:
        """Be awake; call it before looking at what was put where the loop looks, or a ring gets lost."""
        with suppress(OSError):
            while self._near.recv(64):
                pass
        self._rung = False

    def close(self) -> None:
        """Let go of both ends."""
        self._near.close()
        self._far.close()
