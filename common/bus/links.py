"""All sockets of one service: what it binds, whom it hears, whom it asks, and the doorkeeper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from common.bus import sockets
from common.bus.curve import KeyPair, load_allowed, load_pair, load_public
from common.bus.endpoints import address
from common.bus.publisher import Publisher
from common.bus.requester import Requester
from common.bus.responder import Responder
from common.bus.sockets import ORDER_BYTES_MAX, Curve, dealer
from common.bus.subscriber import Subscriber
from common.bus.zap import Doorkeeper
from common.domain.errors import InvariantError

PLAIN_PUBLISHERS = frozenset({"market_data"})
"""Quotes are no secret and cannot order anything: a checksum is enough."""
DOOR_TEST_MS = 150


class Links:
    """The sockets of a service, made after its process started."""

    def __init__(self, service: str, base_port: int, keys: Path, run_id: str, now_ns: Callable[[], int]) -> None:
        self.service, self.base_port, self.keys = service, base_port, keys
        self._run_id, self._now_ns = run_id, now_ns
        self._context: zmq.Context[Any] = zmq.Context()
        self._pair = load_pair(keys, service)
        self._allowed = load_allowed(keys)
        self._domains = {link: f"{service}/{link}" for link in ("pub", "ask", "control")}
        self.doorkeeper = Doorkeeper(self._context, self._allowed, frozenset(self._domains.values()))
        self.subscribers: dict[str, Subscriber] = {}
        self.requesters: dict[str, Requester] = {}
        self._poller = zmq.Poller()
        self._poller.register(self.doorkeeper.socket, zmq.POLLIN)
        self.publisher: Publisher
        self.ask: Responder
        self.control: Responder

    def bind(self) -> None:
        """Bind the three sockets; raises AddressInUseError with the address that is taken."""
        plain = self.service in PLAIN_PUBLISHERS
        curve = None if plain else self._server("pub")
        socket = sockets.publisher(self._context, self._address("pub"), curve)
        self.publisher = Publisher(socket, self.service, self._run_id, self._now_ns, plain=plain)
        self.ask = self._responder("ask")
        self.control = self._responder("control")

    def _address(self, link: str) -> str:
        return address(self.base_port, self.service, link)

    def _server(self, link: str) -> Curve:
        return Curve(self._pair, domain=self._domains[link])

    def _responder(self, link: str) -> Responder:
        socket = sockets.router(self._context, self._address(link), self._server(link), ORDER_BYTES_MAX)
        self._poller.register(socket, zmq.POLLIN)
        return Responder(socket, self.service, link, self._run_id, self._allowed, self._now_ns)

    def check_doors(self) -> None:
        """Try to come in as a stranger and with no key at all; raises InvariantError when either gets through.

        Getting in means: being able to send, which takes a finished handshake.
        """
        stranger = Curve(KeyPair(*zmq.curve_keypair()), self._pair.public)
        trials = {
            dealer(self._context, self._address(link), curve): f"{self.service}/{link}: {kind} gets through the door"
            for link in ("ask", "control")
            for kind, curve in (("an unknown key", stranger), ("no key", None))
        }
        poller = zmq.Poller()
        poller.register(self.doorkeeper.socket, zmq.POLLIN)
        for socket in trials:
            poller.register(socket, zmq.POLLOUT)
        until_ns = self._now_ns() + DOOR_TEST_MS * 1_000_000
        try:
            while self._now_ns() < until_ns:
                events = dict(poller.poll(20))
                self.doorkeeper.step()
                for socket, fault in trials.items():
                    if socket in events:
                        raise InvariantError(fault)
        finally:
            for socket in trials:
                socket.close(0)
        if self.doorkeeper.refused < 2:
            raise InvariantError(f"{self.service}: the doorkeeper was not asked about strangers")
        self.doorkeeper.refused = 0

    def subscribe(self, publisher: str, topics: tuple[str, ...]) -> None:
        """Listen to a publisher."""
        plain = publisher in PLAIN_PUBLISHERS
        curve = None if plain else Curve(self._pair, load_public(self.keys, publisher))
        socket = sockets.subscriber(self._context, address(self.base_port, publisher, "pub"), topics, curve)
        self._poller.register(socket, zmq.POLLIN)
        self.subscribers[publisher] = Subscriber(socket, publisher, plain=plain)

    def connect(self, peer: str) -> None:
        """Make ready to ask a peer."""
        curve = Curve(self._pair, load_public(self.keys, peer))
        socket = dealer(self._context, address(self.base_port, peer, "ask"), curve)
        self._poller.register(socket, zmq.POLLIN)
        self.requesters[peer] = Requester(socket, peer, self.service, self._run_id, self._now_ns)

    def poll(self, wait_ms: int) -> None:
        """Sleep until something arrives or the time is over."""
        self._poller.poll(wait_ms)

    def counts(self) -> dict[str, int]:
        """Return what the sockets counted, by link and kind, without the zeros."""
        found: dict[str, int] = {"door_refused": self.doorkeeper.refused}
        for link in (self.ask, self.control):
            found.update({f"{link.link}_{name}": count for name, count in link.counts.items()})
        for subscriber in self.subscribers.values():
            found.update({f"{subscriber.publisher}_{name}": count for name, count in subscriber.counts.items()})
        for requester in self.requesters.values():
            found.update({f"{requester.peer}_{name}": count for name, count in requester.counts.items()})
        return {name: count for name, count in found.items() if count}

    def close(self) -> None:
        """Close every socket."""
        self._context.destroy(linger=0)
