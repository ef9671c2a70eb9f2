"""Every cell on real sockets: each role's key at each door says each verb of the whole system."""

import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zmq

from common.bus import keyring
from common.bus.curve import IDENTITIES, KeyPair, KeyRow, load_pair, load_rows, make_missing_keys, make_pair, write_rows
from common.bus.endpoints import LINKS, SERVICES, address
from common.bus.links import PLAIN_PUBLISHERS, Links
from common.bus.roles import VERBS, verb_of
from common.bus.sockets import Curve, dealer
from common.bus.trial import Trial
from common.domain.values import TradingState
from common.messages.codec import decode, encode_body, encode_envelope, kind_of
from common.messages.control import Beat, Fault, StateRequest, StatusRequest
from common.messages.header import ENVELOPE_VERSION, Envelope, Role
from common.runtime.clock import SystemClock
from tests.e2e.rig import free_base_port
from tests.roles.matrix import COLUMNS, by_hand
from tests.samples import SAMPLES

PATIENCE_MS = 20_000


class Figures(NamedTuple):
    """What was tried."""

    verbs: int
    doors: int
    dead: int
    wrong: tuple[str, ...]
    seconds: float

    def line(self) -> str:
        """Return the closing line."""
        return (
            f"roles: {self.verbs:,} cells of role x socket x verb, {self.doors} of key x door (an unknown key and no key "
            f"among them), {self.dead} at doors whose keeper is dead; {len(self.wrong)} wrong; {self.seconds:.0f} s"
        )


class Doors:
    """The sockets of all services, answering whatever is let through, in a thread."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys"
        make_missing_keys(self.keys)
        rows = load_rows(self.keys)
        for role in COLUMNS:
            if role not in IDENTITIES.values():
                name = role.name.lower()
                rows[make_pair(keyring.key_path(self.keys, name)).public.decode()] = KeyRow(name, role.name)
        write_rows(self.keys, rows)
        self.pairs = {Role[row.role]: load_pair(self.keys, row.identity) for row in rows.values()}
        self.context: zmq.Context[Any] = zmq.Context()
        base = free_base_port()
        self.services = [Links(service, base, self.keys, "run1", SystemClock().now_ns) for service in SERVICES]
        for links in self.services:
            links.bind()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._turn)
        self._thread.start()

    def _turn(self) -> None:
        while not self._stop.is_set():
            for links in self.services:
                links.poll(1)
                if not links.doorkeeper.socket.closed:
                    links.doorkeeper.step()
                for responder in (links.ask, links.control):
                    for asked in responder.read():
                        assert asked.origin.token is not None
                        responder.answer(asked.origin.token, Beat("let through"))
                links.publisher.send("beat/", Beat(links.service))

    def curve(self, service: str, pair: KeyPair) -> Curve:
        """Return the client's end of a link."""
        return Curve(pair, load_pair(self.keys, service).public)

    def at(self, service: str, link: str) -> str:
        """Return the address of a socket."""
        return address(self.services[0].base_port, service, link)

    def trial(self, service: str, link: str, pair: KeyPair | None) -> Trial:
        """Knock at a door; at a plain one without a key, as everybody does there."""
        plain = link == "pub" and service in PLAIN_PUBLISHERS
        curve = None if pair is None or plain else self.curve(service, pair)
        return Trial(self.context, self.at(service, link), zmq.SUB if link == "pub" else zmq.DEALER, curve)

    def stop_turning(self) -> None:
        """Stop answering."""
        self._stop.set()
        self._thread.join()

    def close(self) -> None:
        """Let go of everything."""
        self.stop_turning()
        self.context.destroy(linger=0)
        for links in self.services:
            links.close()


def questions() -> list[msgspec.Struct]:
    """Return one message of every verb that any socket knows."""
    kinds = {kind for verbs in VERBS.values() for kind in verbs} - {"StateRequest", "KillRequest"}
    return [
        StatusRequest(),
        *(SAMPLES[kind] for kind in sorted(kinds)),
        *(StateRequest(state, "x") for state in TradingState),
    ]


def try_verbs(doors: Doors, role: Role, service: str, link: str) -> list[tuple[str, bool]]:
    """Say every verb at a socket with the key of a role; return which were let through."""
    asked = questions()
    with zmq_socket(doors, service, link, role) as socket:
        assert socket.poll(PATIENCE_MS, zmq.POLLOUT), f"{role.name} does not get in at {service}/{link}"
        for message in asked:
            envelope = Envelope(ENVELOPE_VERSION, kind_of(message), "roles", "r", 1, 0, verb_of(message))
            socket.send_multipart([encode_envelope(envelope), encode_body(message)])
        found = []
        for _ in asked:
            assert socket.poll(PATIENCE_MS), f"{role.name} gets no answer at {service}/{link}"
            answered, answer = decode(*socket.recv_multipart())
            found.append((answered.correlation_id, not isinstance(answer, Fault)))
    return found


def zmq_socket(doors: Doors, service: str, link: str, role: Role) -> Any:
    """Return a DEALER with the key of a role."""
    return dealer(doors.context, doors.at(service, link), doors.curve(service, doors.pairs[role]))


def try_all(doors: Doors) -> Figures:
    """Try every cell, then every door with its keeper dead."""
    start, hand, wrong, verbs = time.perf_counter(), by_hand(), [], 0
    for service in SERVICES:
        for link in ("ask", "control"):
            for role in COLUMNS:
                for verb, through in try_verbs(doors, role, service, link):
                    verbs += 1
                    if through is not (role in hand.get((f"{service}/{link}", verb), ())):
                        wrong.append(f"{role.name} {service}/{link} {verb}: {'let through' if through else 'refused'}")
    keys: dict[str, KeyPair | None] = {role.name: doors.pairs[role] for role in COLUMNS}
    keys |= {"an unknown key": KeyPair(*zmq.curve_keypair()), "no key": None}
    places = [(service, link) for service in SERVICES for link in LINKS]
    knocks = {(who, *place): doors.trial(*place, pair) for who, pair in keys.items() for place in places}
    for (who, service, link), trial in knocks.items():
        end = time.monotonic() + PATIENCE_MS / 1000
        while not trial.look(20) and time.monotonic() < end:
            pass
        role = Role.__members__.get(who)
        may = link != "pub" and role is not None
        may = may or (link == "pub" and (service in PLAIN_PUBLISHERS or role in hand[f"{service}/pub", "listen"]))
        if trial.entered is not may or trial.refused is may:
            wrong.append(f"{who} {service}/{link}: {'gets in' if trial.entered else 'is kept out'}")
        trial.close()
    dead = try_dead(doors, keys, places, wrong)
    return Figures(verbs, len(knocks), dead, tuple(wrong), time.perf_counter() - start)


def try_dead(doors: Doors, keys: dict[str, KeyPair | None], places: list[tuple[str, str]], wrong: list[str]) -> int:
    """Knock at every door while nobody keeps it: not even a good key gets in."""
    doors.stop_turning()
    for links in doors.services:
        links.doorkeeper.close()
    guarded = [place for place in places if place[1] != "pub" or place[0] not in PLAIN_PUBLISHERS]
    knocks = {(who, *place): doors.trial(*place, pair) for who, pair in keys.items() for place in guarded}
    time.sleep(0.5)
    for (who, service, link), trial in knocks.items():
        trial.look()
        if trial.entered:
            wrong.append(f"{who} {service}/{link}: gets in without a doorkeeper")
        trial.close()
    return len(knocks)
