"""What a seed does: the market, the manners, the hazards, all drawn from its number."""

import random
from typing import NamedTuple

from services.order_gateway.settings import Settings
from tests.fakes.manners import GOOD, SECOND, Manners
from tests.simulation.hostile import MS, Hazards

MARKETS = 48
"""Different markets; the undisturbed run of each is kept."""
CASH = 1_000_000_000
SETTLE_NS = 1_000 * MS


class Plan(NamedTuple):
    """What a seed does."""

    market: int
    manners: Manners = GOOD
    hazards: Hazards = Hazards()
    settings: Settings = Settings()
    kills: int = 0
    power: bool = False
    full_disk: bool = False
    jumps: bool = False
    beyond: bool = False
    """The counter is slower than the settle time says: what it was given may show when it was proved absent."""
    seed: int = 0


def plan_of(seed: int) -> Plan:
    """Draw what a seed does."""
    draw = random.Random(seed * 7919 + 1)
    beyond = draw.random() < 0.12
    slow = draw.choice((0.05, 0.3, 1.0))
    # Given, taking effect, being shown and one more deal after a cancel: all of it stays within settle, or does not.
    longest = SETTLE_NS * (3 if beyond else 1)
    rates = [draw.choice((0, 0, 30, 150, 400)) for _ in range(9)]
    manners = Manners(
        order_lost=rates[0] // 2, answer_lost=rates[1], answer_timeout=rates[2], push_lost=rates[3], push_twice=rates[4],
        query_none=rates[5], query_lost=rates[6] // 2, query_parts=rates[7], cancel_lost=rates[8] // 2,
        link_lost=draw.choice((0, 0, 20, 80)), connect_fails=draw.choice((0, 300)), replays=draw.choice((0, 700)),
        remark_length=draw.choice((24, 24, 20, 16, 12)),
        arrive_ns=int(slow * 0.48 * longest), show_ns=int(slow * 0.48 * longest), answer_ns=int(slow * 300 * MS),
    )  # fmt: skip
    bad = draw.choice((0, 0, 5, 30))
    settings = Settings(
        cash=CASH, counter=True, settle_ns=SETTLE_NS, query_ns=150 * MS, compare_ns=5 * SECOND,
        park=beyond or draw.random() < 0.2,
    )  # fmt: skip
    return Plan(
        draw.randrange(MARKETS), manners, Hazards(bad, bad, 2 * bad), settings, draw.choice((0, 1, 2, 4)),
        draw.random() < 0.2, draw.random() < 0.1, draw.random() < 0.2, beyond, seed,
    )  # fmt: skip
