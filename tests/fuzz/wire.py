"""Hostile peers at every socket of a running system: strangers, keys of the wrong role, keys of the right one.

After each attack: every process is the one it was, answers a question, has grown by less than 50 MB, and has written
nothing: journals are byte for byte what they were.
"""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Any, NamedTuple

import zmq

from common.bus.curve import IDENTITIES, KeyPair, load_pair, load_public
from common.bus.endpoints import SERVICES, address, port
from common.bus.links import PLAIN_PUBLISHERS
from common.bus.roles import VERBS
from common.bus.sockets import HANDSHAKE_MS, Curve, Socket, limit, secure
from common.bus.trial import Trial
from common.domain.errors import CodecError
from common.messages.codec import decode, decode_body, encode_body, encode_envelope, kind_of
from common.messages.control import Status
from common.messages.header import ENVELOPE_VERSION, Envelope
from common.messages.outputs import Message
from tests.e2e.rig import System
from tests.fuzz.damage import Damager
from tests.fuzz.frames import (
    CURVE,
    HUGE,
    KEY,
    NULL,
    NULL_READY,
    PATIENCE_S,
    Tap,
    drain,
    envelope_of,
    fate_of,
    packed_questions,
    real_questions,
    refused,
)
from tests.samples import SAMPLES

RSS_GROWTH_KIB_MAX = 50 * 1024


class Sight(NamedTuple):
    """What is seen of the running system at one moment."""

    statuses: dict[str, Status]
    disk: dict[str, str]
    """Hash of every file of a journal."""

    def of(self, service: str, name: str) -> int:
        """Return a number that a service counts."""
        return self.statuses[service].numbers.get(name, 0)


class Wire:
    """A system under attack."""

    def __init__(self, system: System, seed: int) -> None:
        self.system = system
        self.keys = system.home / "keys"
        self.context: zmq.Context[Any] = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 4_000)
        self.damager = Damager(packed_questions(), seed)
        self.messages = 0
        """Messages, connections and subscriptions sent."""
        self.attacks = 0
        self.grown_kib = 0
        """Most that a service grew by."""
        self.before = self.look()

    def close(self) -> None:
        """Let go of all sockets."""
        self.context.destroy(linger=0)

    def port(self, service: str, link: str) -> int:
        """Return the port of a socket."""
        return port(self.system.base_port, service, link)

    def key(self, who: str) -> KeyPair | None:
        """Return the keys of somebody: an identity's, a stranger's, or none."""
        if who == "no key":
            return None
        return KeyPair(*zmq.curve_keypair()) if who == "stranger" else load_pair(self.keys, who)

    @contextmanager
    def open(self, kind: int, who: str, service: str, link: str, route: bytes = b"", at: int = 0) -> Iterator[Socket]:
        """Connect as somebody, by a port of one's own choice where `at` says one; does not wait."""
        pair = self.key(who)
        curve = None if pair is None else Curve(pair, load_public(self.keys, service))
        made = secure(limit(self.context.socket(kind), 1 << 24, 2_000), curve)
        made.setsockopt(zmq.IMMEDIATE, 1)
        made.setsockopt(zmq.SNDTIMEO, round(1000 * PATIENCE_S))
        if route:
            made.setsockopt(zmq.ROUTING_ID, route)
        try:
            made.connect(f"tcp://127.0.0.1:{at or self.port(service, link)}")
            yield made
        finally:
            made.close(0)

    @contextmanager
    def asker(self, who: str, service: str, link: str) -> Iterator[Socket]:
        """Connect a DEALER and come in."""
        with self.open(zmq.DEALER, who, service, link) as made:
            assert made.poll(round(1000 * PATIENCE_S), zmq.POLLOUT), f"{who} does not get in at {service}/{link}"
            yield made

    def raw(self, service: str, link: str) -> socket.socket:
        """Open a bare connection."""
        self.messages += 1
        made = socket.create_connection(("127.0.0.1", self.port(service, link)), PATIENCE_S)
        made.settimeout(PATIENCE_S)
        return made

    # ------------------------------------------------------------------ looking

    def look(self) -> Sight:
        """Ask every service how it is, and read what is on disk."""
        statuses = {service: self.system.status(service) for service in SERVICES}
        files = sorted(self.system.run_folder().glob("*.db*"))
        disk = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if not path.name.endswith("-shm")
        }
        return Sight(statuses, disk)

    def check(self, what: str, *, quiet: bool = True) -> Sight:
        """Hold the system to what it was before the attack; `quiet`: nothing may have been written."""
        self.attacks += 1
        now = self.look()
        for service, status in now.statuses.items():
            was = self.before.statuses[service]
            assert status.run_id == was.run_id, f"{what}: {service} died"
            assert status.state == was.state, f"{what}: {service} is {status.state}, was {was.state}"
            grown = now.of(service, "rss_kib") - self.before.of(service, "rss_kib")
            self.grown_kib = max(self.grown_kib, grown)
            assert grown < RSS_GROWTH_KIB_MAX, f"{what}: {service} grew by {grown // 1024} MB"
        if quiet:
            assert now.disk == self.before.disk, f"{what}: something was written"
        return now

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.01)

    # ------------------------------------------------------------------ attacks

    def damaged_questions(self, who: str, service: str, link: str, count: int) -> None:
        """Send damaged questions and wait until each is counted as bad or denied: none is lost, none is fatal."""
        role = IDENTITIES[who]
        kinds = [*VERBS.get((service, link), {}), "StatusRequest", "SubmitOrder", "Beat"]
        status = self.system.status(service)
        before = refused(status, link)
        sent = 0
        with self.asker(who, service, link) as asker:
            for number in range(count):
                frames = self._question(kinds[number % len(kinds)])
                fate = fate_of(frames, service, link, role)
                if fate == "done":
                    continue
                asker.send_multipart(frames)
                self.messages += 1
                sent += fate == "refused"
                if number % 200 == 199:
                    drain(asker)
            self.wait(
                lambda: drain(asker) or refused(self.system.status(service), link) - before >= sent,
                f"{service}/{link} lost messages of {who}",
            )
        assert refused(self.system.status(service), link) - before == sent

    def odd_orders(self, service: str, link: str, each: int) -> None:
        """Send good messages with numbers and texts at their edges, with the key that may: denied or done, never fatal."""
        chance = self.damager.chance
        for kind, roles in VERBS[service, link].items():
            who = next(name for name, role in IDENTITIES.items() if role in roles)
            with self.asker(who, service, link) as asker:
                for frames in self._good(kind, each):
                    asker.send_multipart(frames)
                    self.messages += 1
                    if chance.random() < 0.1:
                        drain(asker)
                self.flush(asker)
            self.look_alive(f"odd {kind} of {who} at {service}/{link}")

    def flush(self, asker: Socket) -> None:
        """Wait until everything that was sent has been read: an answer to a last question says so."""
        asker.send_multipart([envelope_of("StatusRequest", "last"), encode_body(SAMPLES["StatusRequest"])])
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if asker.poll(100) and decode(*asker.recv_multipart())[0].correlation_id == "last":
                return
        raise AssertionError("the last question was not answered")

    def _good(self, kind: str, count: int) -> Iterator[list[bytes]]:
        """Yield messages that damage happened to leave good, each with a key of its own."""
        damager = Damager({kind: encode_body(self.real.get(kind, SAMPLES[kind]))}, self.damager.chance.getrandbits(32))
        made = 0
        for raw in damager.variants(kind, 400 * count):
            fresh = raw.replace(KEY, b"%08d" % self.messages)
            try:
                message = decode_body(fresh)
            except CodecError:
                continue
            if kind_of(message) == kind and made < count:
                made += 1
                yield [envelope_of(kind, f"odd-{kind}-{self.messages}"), fresh]

    @cached_property
    def real(self) -> dict[str, Message]:
        """Messages that this system can carry out: damage leaves them close to that."""
        return real_questions(self.system)

    def look_alive(self, what: str) -> None:
        """Hold every service to its run: it may have done what it was asked."""
        self.attacks += 1
        for service in SERVICES:
            assert self.system.status(service).run_id == self.before.statuses[service].run_id, f"{what}: {service} died"

    def _question(self, kind: str) -> list[bytes]:
        chance = self.damager.chance
        envelope, body = envelope_of(kind), self.damager._samples[kind]
        if chance.random() < 0.6:
            (body,) = self.damager.variants(kind, 1)
        if chance.random() < 0.3:
            (envelope,) = self.damager.variants("envelope", 1)
        frames = [envelope, body]
        way = chance.randrange(12)
        if way == 0:
            frames = frames[: chance.randrange(2)] or [b""]
        elif way == 1:
            frames.insert(chance.randrange(3), chance.choice((b"", b"x", body)))
        elif way == 2:
            frames += [body] * chance.randint(1, 6)
        return frames

    def oversized(self, who: str, service: str, link: str) -> None:
        """Send more than a frame may hold: the connection ends, nothing else."""
        with self.asker(who, service, link) as asker:
            asker.send_multipart([envelope_of("StatusRequest"), b"\x90" * 70_000])
            self.messages += 1

    def strangers(self, service: str, link: str) -> None:
        """Come with an unknown key and with none: nobody gets in, but to listen to quotes, which are no secret."""
        public = service in PLAIN_PUBLISHERS and link == "pub"
        for who in ("stranger", "no key"):
            pair = self.key(who)
            curve = None if pair is None else Curve(pair, load_public(self.keys, service))
            kind = zmq.SUB if link == "pub" else zmq.DEALER
            trial = Trial(self.context, address(self.system.base_port, service, link), kind, curve)
            try:
                self.wait(partial(trial.look, 20), f"{who}: no answer")
                assert trial.entered is (public and who == "no key"), f"{who} gets in at {service}/{link}"
            finally:
                trial.close()
            self.messages += 1

    def raw_garbage(self, service: str, link: str, count: int) -> None:
        """Say what is no ZMTP, half of a handshake, and frames that claim a gigabyte."""
        chance = self.damager.chance
        pieces = (
            b"GET / HTTP/1.1\r\n\r\n" * 20, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, b"\xff" * 300, b"\x00",
            NULL, NULL[:11], CURVE[:40], NULL + NULL_READY, NULL + b"\x04\xff" * 40,
            NULL + NULL_READY + b"\x02" + HUGE + b"x" * 1_000, NULL + b"\x06" + HUGE + b"x" * 1_000,
            CURVE + b"\x06" + HUGE + b"x" * 1_000, CURVE + b"\x04\xc8\x05HELLO\x01\x00" + b"\x00" * 192,
            CURVE + b"\x04\xc8\x05HELLO\x01\x00" + bytes(range(192)), CURVE + b"\x04\x0a\x08INITIATE" + b"\x01" * 40,
            CURVE + b"\x04\x06\x05READY" + b"\x02" + HUGE, CURVE + b"\x02" + b"\xff" * 8,
        )  # fmt: skip
        for number in range(count):
            piece = pieces[number % len(pieces)]
            with self.raw(service, link) as made:
                try:
                    made.sendall(piece if chance.random() < 0.7 else self.damager.flip("", piece))
                    if chance.random() < 0.3:
                        made.sendall(chance.randbytes(500))
                except OSError:
                    continue  # it has hung up on us already

    def pings(self, service: str, rounds: int) -> None:
        """Mix pings of the protocol among very many subscriptions and hang up: once this aborted the publisher."""
        piece = b"\x00\x07\x01hello!" + b"\x04\x07\x04PING\x00\x00"
        for _ in range(rounds):
            with self.raw(service, "pub") as made:
                made.sendall(NULL + NULL_READY)
                made.recv(64)
                with suppress(OSError):
                    made.sendall(piece * 3_000)

    @contextmanager
    def silence(self, service: str, link: str, count: int) -> Iterator[None]:
        """Hold many connections that say nothing: what is done meanwhile goes on, and in the end all are cut off."""
        held: list[socket.socket] = []
        try:
            for _ in range(count):
                held.append(self.raw(service, link))
            yield
            for made in held:  # the server cuts off whoever has not come through the handshake in time
                made.settimeout(PATIENCE_S + HANDSHAKE_MS / 1000)
                with suppress(ConnectionError):
                    while made.recv(256):
                        pass
        finally:
            for made in held:
                made.close()

    def subscriptions(self, who: str, service: str, count: int) -> None:
        """Subscribe to very many topics, and to one that is longer than any may be."""
        with self.open(zmq.XSUB, who, service, "pub") as hearer:
            hearer.setsockopt(zmq.SNDHWM, 0)
            hearer.send(b"\x01beat/")
            assert hearer.poll(round(1000 * PATIENCE_S)), f"{who} does not hear {service}"
            for number in range(count):
                hearer.send(b"\x01%06d" % number)
            self.messages += count
            hearer.send(b"\x01last/")
            time.sleep(0.2)
            self.check(f"{count} subscriptions of {who} at {service}")
        with self.open(zmq.XSUB, who, service, "pub") as hearer:
            hearer.send(b"\x01beat/")
            assert hearer.poll(round(1000 * PATIENCE_S))
            hearer.send(b"\x01" + b"x" * 100_000)  # more than a subscription may hold: the connection ends
            self.messages += 1

    def forged_sender(self) -> None:
        """Say that one is the risk manager: what counts is the key."""
        before = refused(self.system.status("order_gateway"), "ask")
        envelope = Envelope(ENVELOPE_VERSION, "SubmitOrder", "risk_manager", "r1", 1, 0, "forged")
        with self.asker("cli", "order_gateway", "ask") as asker:
            asker.send_multipart([encode_envelope(envelope), encode_body(SAMPLES["SubmitOrder"])])
            self.messages += 1
            assert asker.poll(round(1000 * PATIENCE_S))
            header, body = asker.recv_multipart()
        assert decode(header, body)[0].kind == "Fault"
        assert refused(self.system.status("order_gateway"), "ask") == before + 1

    def stolen_route(self) -> None:
        """Take the routing id of somebody who is connected: he keeps it, and his answers do not go to the thief."""
        with self.open(zmq.DEALER, "cli", "order_gateway", "ask", b"me") as owner:
            assert self._asked(owner)
            with self.open(zmq.DEALER, "viewer", "order_gateway", "ask", b"me") as thief:
                for _ in range(5):
                    assert self._asked(owner), "the owner is not answered any more"
                assert not thief.poll(100), "the thief got an answer of somebody else"

    def replayed(self) -> None:
        """Say again what was overheard: in the same session and in another one; nothing of it is read twice."""
        before = refused(self.system.status("order_gateway"), "ask")
        with Tap(self.port("order_gateway", "ask")) as tap:
            with self.open(zmq.DEALER, "cli", "order_gateway", "ask", at=tap.port) as asker:
                assert asker.poll(round(1000 * PATIENCE_S), zmq.POLLOUT)
                tap.mark()
                asker.send_multipart([b"bad", b"bad"])
                self.wait(lambda: refused(self.system.status("order_gateway"), "ask") == before + 1, "not heard once")
                tap.say_again()  # in the same session: the nonce is used up
                time.sleep(0.1)
            overheard = tap.everything()
        for _ in range(3):  # in a session of its own: the cookie is of another one
            with self.raw("order_gateway", "ask") as made:
                made.sendall(overheard)
                time.sleep(0.05)
        self.messages += 4
        assert refused(self.system.status("order_gateway"), "ask") == before + 1, "an overheard message was read again"

    def _asked(self, asker: Socket) -> bool:
        asker.send_multipart([envelope_of("StatusRequest"), encode_body(SAMPLES["StatusRequest"])])
        self.messages += 1
        return bool(asker.poll(round(1000 * PATIENCE_S))) and decode(*asker.recv_multipart())[0].kind == "Status"
