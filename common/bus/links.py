"""All sockets of one service: what it binds, whom it hears, whom it asks, and the doorkeeper."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from common.bus import sockets
from common.bus.allowed import AllowList
from common.bus.curve import KeyPair, load_pair, load_public
from common.bus.endpoints import EVERYWHERE, HOST, LINKS, address
from common.bus.publisher import Publisher
from common.bus.requester import Requester
from common.bus.responder import Responder
from common.bus.roles import roles_at
from common.bus.sockets import ORDER_BYTES_MAX, Curve, Socket, dealer
from common.bus.subscriber import Subscriber
from common.bus.trial import Trial
from common.bus.zap import Doorkeeper
from common.domain.errors import AddressInUseError, InvariantError

PLAIN_PUBLISHERS = frozenset({"market_data"})
"""Quotes are no secret and cannot order anything: a checksum is enough."""
DOOR_TEST_MS = 5_000
"""How long a door may take to refuse a stranger at the start; usually it takes a few milliseconds."""
ODD = ("_bad", "_denied", "_refused")
COMPLAIN_NS = 10_000_000_000
"""However many strangers knock, the log gets one line in ten seconds."""
REBIND_TRIES = 400
REBIND_WAIT_S = 0.005


class Links:
    """The sockets of a service, made after its process started."""

    def __init__(
        self,
        service: str,
        base_port: int,
        keys: Path,
        run_id: str,
        now_ns: Callable[[], int],
        *,
        bytes_max: int = ORDER_BYTES_MAX,
        listen: str = "",
    ) -> None:
        """`bytes_max` of a question's frame; `listen`: an address beside loopback, for peers on other machines."""
        self.service, self.base_port, self.keys = service, base_port, keys
        self._bytes_max, self._listen = bytes_max, listen
        self._run_id, self._now_ns = run_id, now_ns
        self._context: zmq.Context[Any] = zmq.Context()
        self._pair = load_pair(keys, service)
        self.allowed = AllowList(keys, now_ns)
        self._domains = {link: f"{service}/{link}" for link in LINKS}
        doors = {self._domains[link]: roles_at(service, link) for link in LINKS}
        self.doorkeeper = Doorkeeper(self._context, self.allowed.keys, doors)
        self.subscribers: dict[str, Subscriber] = {}
        self.requesters: dict[str, Requester] = {}
        self._complained: dict[str, int] = {}
        self._complained_ns = 0
        self._poller = zmq.Poller()
        self._poller.register(self.doorkeeper.socket, zmq.POLLIN)
        self.publisher: Publisher
        self.ask: Responder
        self.control: Responder

    def bind(self) -> None:
        """Bind the three sockets; raises AddressInUseError with the address that is taken."""
        plain = self.service in PLAIN_PUBLISHERS
        self.publisher = Publisher(self._pub(), self.service, self._run_id, self._now_ns, plain=plain)
        self.ask = self._responder("ask")
        self.control = self._responder("control")

    def _pub(self) -> Socket:
        curve = None if self.service in PLAIN_PUBLISHERS else self._server("pub")
        return self._further(sockets.publisher(self._context, self._bound("pub"), curve), "pub")

    def _address_of(self, peer: str) -> str:
        return address(self.base_port, peer, "ask")

    def _address(self, link: str) -> str:
        return address(self.base_port, self.service, link)

    def _bound(self, link: str) -> str:
        """Return the first address that a socket binds: every interface's holds loopback too."""
        return address(self.base_port, self.service, link, self._listen if self._listen == EVERYWHERE else HOST)

    def _further(self, socket: Socket, link: str) -> Socket:
        if self._listen not in ("", HOST, EVERYWHERE):
            sockets.bind(socket, address(self.base_port, self.service, link, self._listen))
        return socket

    def _server(self, link: str) -> Curve:
        return Curve(self._pair, domain=self._domains[link])

    def _responder(self, link: str) -> Responder:
        if link == "ask":
            socket = sockets.router(self._context, self._bound(link), self._server(link), self._bytes_max)
            self._further(socket, link)
        else:
            socket = sockets.router(self._context, self._address(link), self._server(link), ORDER_BYTES_MAX)
        self._poller.register(socket, zmq.POLLIN)
        most = self._bytes_max if link == "ask" else ORDER_BYTES_MAX
        return Responder(socket, self.service, link, self._run_id, self.allowed.keys, self._now_ns, most)

    def check_doors(self) -> None:
        """Try to come in as a stranger and with no key at all; raises InvariantError unless each is refused.

        A door that answers nobody is as bad as one that lets everybody in: without a doorkeeper no peer comes back.
        """
        links = [link for link in LINKS if link != "pub" or self.service not in PLAIN_PUBLISHERS]
        trials = [self._trial(link, key) for link in links for key in (True, False)]
        try:
            with_doors = [trial for trial in trials if not trial.refused]
            until_ns = self._now_ns() + DOOR_TEST_MS * 1_000_000
            while with_doors and self._now_ns() < until_ns:
                self.doorkeeper.socket.poll(5)
                self.doorkeeper.step()
                for trial in with_doors:
                    trial.look()
                    if trial.entered:
                        raise InvariantError(f"{self.service}/{trial.name} gets through the door")
                with_doors = [trial for trial in with_doors if not trial.refused]
        finally:
            for trial in trials:
                trial.close()
        if with_doors:
            raise InvariantError(f"{self.service}/{with_doors[0].name} was not refused: nobody answers at the door")
        if self.doorkeeper.refused < len(links):
            raise InvariantError(f"{self.service}: the doorkeeper was not asked about strangers")
        self.doorkeeper.refused = 0

    def _trial(self, link: str, with_key: bool) -> "Trial":
        curve = Curve(KeyPair(*zmq.curve_keypair()), self._pair.public) if with_key else None
        name = f"{link}: {'an unknown key' if with_key else 'no key'}"
        return Trial(self._context, self._address(link), zmq.SUB if link == "pub" else zmq.DEALER, curve, name)

    def refresh_keys(self) -> None:
        """Take over a changed allow-list. A revoked key that listens is cut off by opening the socket anew.

        Its questions are refused from the next one on, because each is looked up; of a PUB socket nothing is asked.
        """
        if not self.allowed.refresh() or self.service in PLAIN_PUBLISHERS:
            return
        self.publisher.socket.close(0)
        for _ in range(REBIND_TRIES):
            try:
                self.publisher.socket = self._pub()
            except AddressInUseError:
                time.sleep(REBIND_WAIT_S)  # the old socket is closed by a thread of the library
            else:
                return
        raise AddressInUseError(f"{self._address('pub')} was taken while the keys were changed")

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
        self.requesters[peer] = Requester(
            socket, peer, self.service, self._run_id, self._now_ns, self._address_of(peer)
        )

    def reconnect(self, publisher: str) -> None:
        """Connect anew to a publisher that is silent.

        libzmq gives a connection up for good when the other side breaks the protocol, and damaged bytes look like
        that: only connection losses and timeouts make it try again by itself.
        """
        sockets.reconnect(self.subscribers[publisher].socket, address(self.base_port, publisher, "pub"))

    def watch(self, fileno: int) -> None:
        """End the sleep of `poll` whenever something can be read there."""
        self._poller.register(fileno, zmq.POLLIN)

    def poll(self, wait_ms: int) -> None:
        """Sleep until something arrives or the time is over; look at the allow-list now and then."""
        self._poller.poll(wait_ms)
        self.refresh_keys()

    def counts(self) -> dict[str, int]:
        """Return what the sockets counted, by link and kind, without the zeros."""
        found: dict[str, int] = {"door_refused": self.doorkeeper.refused, "allow_list_bad": self.allowed.bad}
        for link in (self.ask, self.control):
            found.update({f"{link.link}_{name}": count for name, count in link.counts.items()})
        for subscriber in self.subscribers.values():
            found.update({f"{subscriber.publisher}_{name}": count for name, count in subscriber.counts.items()})
        for requester in self.requesters.values():
            found.update({f"{requester.peer}_{name}": count for name, count in requester.counts.items()})
        return {name: count for name, count in found.items() if count}

    def complaints(self) -> dict[str, int]:
        """Return what was refused or damaged since the last complaint, at most once in ten seconds."""
        now = self._now_ns()
        if abs(now - self._complained_ns) < COMPLAIN_NS:
            return {}
        self._complained_ns = now
        counts = {name: count for name, count in self.counts().items() if name.endswith(ODD)}
        grown = {name: count - self._complained.get(name, 0) for name, count in counts.items()}
        self._complained = counts
        return {name: count for name, count in grown.items() if count > 0}

    def close(self) -> None:
        """Close every socket."""
        self._context.destroy(linger=0)
