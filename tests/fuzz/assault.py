"""A whole round of attacks on a running system, and what it did."""

import os
import signal
import time
from typing import NamedTuple

from common.bus.endpoints import LINKS, SERVICES
from common.bus.links import PLAIN_PUBLISHERS
from common.bus.roles import VERBS
from tests.e2e.rig import System
from tests.fuzz.frames import ASKED, refused
from tests.fuzz.wire import Wire

HELD_AT = 2026010500100
SMALLEST = ("--stocks", "40", "--interval", "60", "--until-push", str(HELD_AT))
"""A market of few stocks and pushes, held in the first morning: books that hold something, and stand still."""
PERSONS = {"viewer": "wrong role", "market_data": "wrong role", "cli": "right role", "risk_manager": "right role"}


class Figures(NamedTuple):
    """What a round did."""

    messages: int
    attacks: int
    refused: int
    seconds: float
    grown_kib: int

    def line(self) -> str:
        """Return the closing line."""
        return (
            f"wire fuzz: {self.messages:,} messages, connections and subscriptions in {self.attacks} attacks on "
            f"{len(SERVICES) * len(LINKS)} sockets, {self.refused:,} refused one by one, all processes alive, "
            f"memory +{self.grown_kib / 1024:.1f} MB at most, journals unchanged, {self.seconds:.0f} s"
        )


def attack(system: System, messages: int, seed: int) -> Figures:
    """Attack every socket of a running system with about so many messages."""
    wire, start = Wire(system, seed), time.perf_counter()
    few = max(17, min(2_000, messages // 800))
    many = min(200_000, messages // 4)
    try:
        with wire.silence("order_gateway", "ask", 1_000), wire.silence("market_data", "pub", 100):
            damaged(wire, max(20, messages // 2 // (len(ASKED) * len(PERSONS))))
        for service in SERVICES:
            for link in LINKS:
                wire.raw_garbage(service, link, few)
                wire.strangers(service, link)
            wire.check(f"garbage and strangers at {service}")
        for service in sorted(PLAIN_PUBLISHERS):
            wire.pings(service, max(5, min(500, messages // 2_000)))
        wire.forged_sender()
        wire.stolen_route()
        wire.replayed()
        wire.check("forged, stolen, overheard")
        wire.subscriptions("no key", "market_data", many)
        wire.subscriptions("viewer", "order_gateway", many)
        last = wire.check("subscriptions")
        total = sum(
            refused(last.statuses[service], link) - refused(wire.before.statuses[service], link)
            for service, link in ASKED
        )
        odd(wire, max(5, messages // 2_000))
        return Figures(wire.messages, wire.attacks, total, time.perf_counter() - start, wire.grown_kib)
    finally:
        wire.close()


def damaged(wire: Wire, each: int) -> None:
    """Ask damaged questions at every socket, with keys that may and keys that may not."""
    for service, link in ASKED:
        for who in PERSONS:
            wire.damaged_questions(who, service, link, each)
        wire.oversized("cli", service, link)
        wire.check(f"damaged questions at {service}/{link}")


def odd(wire: Wire, each: int) -> None:
    """Ask odd but good questions, prove that the check of the disk sees them, and read everything again after a kill."""
    for service, link in sorted(VERBS, key=lambda door: door[0] == "market_data"):
        wire.odd_orders(service, link, each)
    assert wire.look().disk != wire.before.disk, "orders were written, and the look at the disk did not see them"
    before = {service: wire.system.status(service) for service in SERVICES}
    for status in before.values():
        os.kill(status.numbers["pid"], signal.SIGKILL)
    for service, status in before.items():
        again = wire.system.status(service)
        assert again.run_id != status.run_id, f"{service} was not killed"
