"""One-shot questions of the CLI: a fresh socket for every try, the same key each time."""

from pathlib import Path
from types import TracebackType
from typing import Any

import zmq

from common.bus.curve import load_pair, load_public
from common.bus.endpoints import address
from common.bus.sockets import Curve, Socket, dealer, subscriber
from common.domain.errors import PeerSilentError
from common.messages.codec import decode, encode_body, encode_envelope, kind_of
from common.messages.header import ENVELOPE_VERSION, Envelope
from common.messages.outputs import Message

TRY_MS = 1_000
READ_AT_ONCE_MAX = 200
"""Odd answers that are passed over before a try counts as silent."""


class Client:
    """Asks the services of one running system with one key."""

    def __init__(self, base_port: int, keys_dir: Path, identity: str = "cli") -> None:
        self._base_port, self._keys_dir, self._identity = base_port, keys_dir, identity
        self._pair = load_pair(keys_dir, identity)
        self._context: zmq.Context[Any] = zmq.Context()
        self._questions = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all sockets."""
        self._context.destroy(linger=0)

    def ask(
        self, service: str, message: Message, *, link: str = "ask", timeout_s: float = 5.0, key: str = ""
    ) -> Message:
        """Ask and return the answer; raises PeerSilentError when none comes in time.

        Each try has a fresh socket and the same key, so that a question that was heard twice is answered once.
        """
        self._questions += 1
        correlation = key or f"{self._identity}-{self._questions}"
        left_ms = round(timeout_s * 1000)
        while left_ms > 0:
            wait_ms = min(TRY_MS, left_ms)
            left_ms -= wait_ms
            socket = self._dealer(service, link)
            try:
                answer = self._once(socket, message, correlation, wait_ms)
            finally:
                socket.close(0)
            if answer is not None:
                return answer
        raise PeerSilentError(f"{service} does not answer ({timeout_s:g} s)")

    def _dealer(self, service: str, link: str) -> Socket:
        curve = Curve(self._pair, load_public(self._keys_dir, service))
        return dealer(self._context, address(self._base_port, service, link), curve)

    def _once(self, socket: Socket, message: Message, correlation: str, wait_ms: int) -> Message | None:
        envelope = Envelope(ENVELOPE_VERSION, kind_of(message), self._identity, "", 1, 0, correlation)
        if not socket.poll(wait_ms, zmq.POLLOUT):
            return None
        socket.send_multipart([encode_envelope(envelope), encode_body(message)])
        for _ in range(READ_AT_ONCE_MAX):
            if not socket.poll(wait_ms):
                return None
            frames = socket.recv_multipart()
            try:
                found, answer = decode(*frames)
            except Exception:  # what is no answer is passed over, whatever it makes Python raise
                continue
            if found.correlation_id == correlation:
                return answer
        return None

    def subscribe(self, service: str, topics: tuple[str, ...]) -> Socket:
        """Return a connected SUB socket of a service's publications."""
        curve = None if service == "market_data" else Curve(self._pair, load_public(self._keys_dir, service))
        return subscriber(self._context, address(self._base_port, service, "pub"), topics, curve)
