"""What the fake counter is made of: how bad its manners are, what becomes of an order, what it keeps."""

from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

from common.domain.values import Cash, Day, Price, Shares, Symbol
from services.order_gateway.calls import (
    CounterOrder,
    CounterStatus,
)

COMMISSION_E7, COMMISSION_MIN = 1500, 5_000
SECOND = 1_000_000_000


class Manners(NamedTuple):
    """How bad it gets. Rates are per mille of the occasions, times are the longest in ns."""

    order_lost: int = 0
    """It never arrives, and nothing is said."""
    answer_lost: int = 0
    answer_timeout: int = 0
    """"Unanswered" instead of the answer."""
    push_lost: int = 0
    push_twice: int = 0
    query_none: int = 0
    query_lost: int = 0
    query_parts: int = 0
    """An answer that lacks a part, and says so."""
    cancel_lost: int = 0
    link_lost: int = 0
    """At each call."""
    connect_fails: int = 0
    replays: int = 0
    """At each connection, of pushes of older days and of today."""
    late_fills: bool = True
    """Orders whose fate is LATE trade once more after their cancel."""
    remark_length: int = 24
    arrive_ns: int = 0
    show_ns: int = 0
    """From taking effect to being seen in answers and pushes."""
    answer_ns: int = 0
    """Of answers, pushes and queries on their way back."""


GOOD = Manners()


class Fate(IntEnum):
    """What becomes of an order."""

    FILLED = 0
    PARTIAL = 1
    """Some of it trades, the rest stands."""
    RESTS = 2
    REJECTED = 3
    LATE = 4
    """It rests; after its cancel one more deal comes."""


class Outcome(NamedTuple):
    """What an order will see, by its remark."""

    fate: Fate
    deals: int
    """Into which what trades is cut."""


def outcome_of(salt: str, coid: str) -> Outcome:
    """Return what becomes of an order: the same whenever and however often it is asked."""
    digest = blake2b(f"{salt}|{coid}".encode(), digest_size=4).digest()
    fates = (
        (46, Fate.FILLED), (58, Fate.PARTIAL), (76, Fate.RESTS), (86, Fate.REJECTED), (100, Fate.LATE),
    )  # fmt: skip
    place = digest[0] * 100 // 256
    return Outcome(next(fate for below, fate in fates if place < below), 1 + digest[1] % 3)


@dataclass
class Entry:
    """An order in the counter's books."""

    broker_id: str
    coid: str
    """The remark as it was given; what is shown of it may be cut."""
    day: Day
    symbol: Symbol
    side: int
    shares: Shares
    price: Price
    status: CounterStatus = CounterStatus.WORKING
    traded: Shares = 0
    turnover: Cash = 0
    late: Shares = 0
    """Trades once more after it was cancelled."""
    shown_ns: int = 0
    remark: str = ""

    @property
    def alive(self) -> bool:
        """Tell whether it may still trade."""
        return self.status is CounterStatus.WORKING

    def seen(self) -> CounterOrder:
        """Return it as the counter shows it."""
        return CounterOrder(
            self.broker_id, self.remark, self.day, self.symbol, self.side, self.shares, self.price, self.status,
            self.traded,
        )  # fmt: skip


@dataclass
class Held:
    """A position."""

    shares: Shares = 0
    today: Shares = 0
    cost: Cash = 0


@dataclass
class Counts:
    """What was done to us, for assertions."""

    asked: int = 0
    lost: int = 0
    strange: int = 0
    links_lost: int = 0
    nones: int = 0
    lates: int = 0
    by_fate: dict[str, int] = field(default_factory=dict)
