"""Faults between the sockets of real processes: what has arrived is dropped, doubled, reordered, delayed or damaged.

`install` puts a socket of ours in the place of pyzmq's in this process, so the bus needs to know nothing. Faults sit
where a message leaves the wire, behind CURVE: every link of every service has them, each kind with its own odds.
Bits are flipped only on the link without CURVE (the quotes); on the others `proxy.py` flips the bytes on the wire,
because what CURVE lets through is what was sent.
"""

import os
import random
import time
from pathlib import Path
from typing import Any

import msgspec
import zmq

HELD_MS_MAX = 40
"""How long a delayed message is held; others overtake it."""


class Faults(msgspec.Struct, frozen=True):
    """Odds in percent, and where the wire is."""

    drop: int = 0
    double: int = 0
    reorder: int = 0
    delay: int = 0
    flip: int = 0
    seed: int = 0
    proxy_shift: int = 0
    """Not 0: peers are reached through a proxy that listens this many ports above theirs."""

    @property
    def any(self) -> bool:
        return bool(self.drop or self.double or self.reorder or self.delay or self.flip)


class Hurt:
    """Decides what becomes of each message."""

    def __init__(self, faults: Faults, salt: str) -> None:
        self.faults = faults
        self.chance = random.Random(f"{faults.seed}/{salt}")
        self.note = Path(os.environ["PANKOU_TEST_FOLDER"]) / f"{salt}.hurt"
        """Written when the first message is hurt."""
        self.noted = False

    def hits(self, kind: str) -> bool:
        percent: int = getattr(self.faults, kind)
        hit = percent > 0 and self.chance.random() * 100 < percent
        if hit and not self.noted:
            self.noted = True
            self.note.write_text(kind, encoding="utf-8")
        return hit

    def flipped(self, frames: list[bytes]) -> list[bytes]:
        """Return the message with one bit of one frame turned."""
        at = self.chance.choice([number for number, frame in enumerate(frames) if frame])
        bit = self.chance.randrange(8 * len(frames[at]))
        damaged = bytearray(frames[at])
        damaged[bit // 8] ^= 1 << bit % 8
        return [*frames[:at], bytes(damaged), *frames[at + 1 :]]


class FaultySocket(zmq.Socket):  # type: ignore[type-arg]  # as pyzmq makes them
    """A socket whose arriving messages meet faults."""

    hurt: Hurt | None = None
    own_ports: frozenset[int] = frozenset()
    shift = 0
    plain = False
    held: list[tuple[float, list[Any]]] | None = None

    def connect(self, addr: str) -> Any:
        """Go through the proxy to everybody but ourselves."""
        if addr.startswith("tcp://"):
            host, _, port = addr.rpartition(":")
            cls = type(self)
            if int(port) not in cls.own_ports:
                self.plain = self.getsockopt(zmq.MECHANISM) == zmq.NULL
                self.held = []
                addr = f"{host}:{int(port) + cls.shift}"
        return super().connect(addr)

    def disconnect(self, addr: str) -> Any:
        """Undo what `connect` did."""
        host, _, port = addr.rpartition(":")
        return super().disconnect(f"{host}:{int(port) + type(self).shift}")

    def bind(self, addr: str) -> Any:
        if addr.startswith("tcp://") and self.type == zmq.ROUTER:
            self.held = []
        return super().bind(addr)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        hurt, held = type(self).hurt, self.held
        if hurt is None or held is None:
            return super().recv_multipart(flags, copy, track)
        now = time.monotonic()
        for at, (due, frames) in enumerate(held):
            if due <= now:
                del held[at]
                return frames
        while True:
            frames = super().recv_multipart(flags, copy, track)
            if hurt.hits("drop"):
                continue
            if self.plain and hurt.hits("flip"):
                frames = hurt.flipped(frames)
            if hurt.hits("double"):
                held.append((now, frames))
            if hurt.hits("delay"):
                held.append((now + hurt.chance.random() * HELD_MS_MAX / 1000, frames))
                continue
            if hurt.hits("reorder"):
                held.append((now, frames))  # the one behind it goes first
                try:
                    return super().recv_multipart(flags, copy, track)
                except zmq.Again:
                    return held.pop()[1]
            return frames


def hurry() -> None:
    """Repeat and resend ten times as soon, or a round would last minutes: at 20 % nearly every push loses something."""
    from common.bus import requester
    from common.runtime import service
    from services.market_data import lockstep

    timers = (
        (lockstep, "FIRST_REPEAT_NS", 25_000_000), (lockstep, "LAST_REPEAT_NS", 100_000_000),
        (requester, "FIRST_RESEND_NS", 25_000_000), (requester, "LAST_RESEND_NS", 100_000_000),
        (service, "POLL_MS_MAX", 10),
    )  # fmt: skip
    for module, name, value in timers:
        assert hasattr(module, name), f"{module.__name__} has no {name}"
        setattr(module, name, value)


def install(service: str, faults: Faults) -> None:
    """Make the sockets of this process faulty."""
    if not faults.any and not faults.proxy_shift:
        return
    from common.bus.endpoints import SERVICES

    if faults.any:
        FaultySocket.hurt = Hurt(faults, service)
        hurry()
    FaultySocket.shift = faults.proxy_shift
    base = int(os.environ["PANKOU_TEST_BASE_PORT"])
    first = base + 10 * SERVICES.index(service)
    FaultySocket.own_ports = frozenset(range(first, first + 10))
    zmq.Context._socket_class = FaultySocket  # type: ignore[assignment]  # what pyzmq makes sockets of
