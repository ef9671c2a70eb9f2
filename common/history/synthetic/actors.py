"""The cast: stocks whose three played sessions are written down, so that the standard run meets everything it must.

The rest of the market is drawn from the seed and stays out of the cast's way: none of it gets into the pool of
bottom_fractal in the played sessions, none that touches its limit is in the pool of limit_up. A path is a row of
(time, yuan) joined by lines that tremble between their ends; `offers` says what is for sale at the up limit when the
path reaches it and for how many pushes; after that, while the path stays at the limit, the board is sealed. Whoever
was there when something was for sale stands at the head of the queue and is served by what trades while it is sealed;
`seal` is what stands ahead of whoever comes later.

The slots of the standard run (3 limit_up, 2 bottom_fractal, 5 in the account):

day 1  09:35 FRAC-A and FRAC-B bought; 10:00 STOPPED, 10:10 WEAK (a part only, the rest cancelled 14:56:30) and 10:30
       FADES bought: five; 11:00 LATE touches: SLOTS_FULL; FRAC-E is in the pool and never confirms
day 2  09:50 WEAK sold (WEAK_AT_0950); 09:55 FRAC-B and 10:13 STOPPED sold (STOP_LOSS); FRAC-A half out at +5 %, the
       rest 3 % off its high at 10:55; 10:40 HAND bought by hand, its sale the same day refused (T+1); 11:10 DEAR:
       BELOW_ONE_LOT; ONEWORD opens at its limit and never triggers; 13:10 QUEUE is sealed with nothing for sale, the
       buy queues until 14:56:30; 13:40 BONUS bought; 13:50 LATE: RULE_SLOTS_FULL; 14:05 FRAC-C bought;
       14:30 FADES sold (NOT_SEALED_AT_1430)
day 3  BONUS goes ex (10 for 10) and is not stopped, sold at 14:30; FRAC-C half out at +5 %, then the rest; 09:45
       HAND sold by hand; 10:05 EARLY is sealed, the buy queues and fills when the board opens at 10:40; 10:35 FRAC-D
       and 13:15 SECOND bought, both and EARLY held over night
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Path = Sequence[tuple[str, float]]
YuanBar = tuple[float, float, float, float]


@dataclass(frozen=True)
class Offer:
    """What is for sale at the up limit."""

    shares: int
    pushes: int = 1


@dataclass(frozen=True)
class Actor:
    """One stock of the cast."""

    role: str
    symbol: str
    close: float
    """Close of the last session before the played ones, yuan."""
    float_shares: int
    paths: Mapping[int, Path]
    """Played day (0, 1, 2) to path; other days it stays near its close."""
    offers: Mapping[int, Offer] = field(default_factory=dict)
    ex: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Played day to (cash a share in 0.000001 yuan, new shares for one old share x 1,000,000)."""
    depth: int = 5_000
    """Shares at each level of its book."""
    seal: int = 0
    """Shares that queue at the up limit while the board is sealed; 0 = a multiple of `depth`."""
    dry: bool = False
    """Nobody sells while the board is sealed, so that not a share trades there."""
    tail: tuple[YuanBar, ...] = ()
    """Open, high, low, close of its last sessions before the played ones; it has fallen towards them."""
    shadows: tuple[int, ...] = ()
    """Played days whose bar has a long lower shadow."""


_BOTTOM = ((10.2, 10.3, 10.1, 10.15), (10.15, 10.2, 10.0, 10.05), (9.95, 10.0, 9.8, 9.96))
"""K1, and K2 with its long lower shadow."""

CAST: tuple[Actor, ...] = (
    Actor("STOPPED", "600101.SH", 10.0, 500_000_000, {
        0: [("09:30", 10.15), ("10:00", 11.0), ("10:02", 10.95), ("15:00", 10.9)],
        1: [("09:30", 10.9), ("09:52", 10.75), ("10:20", 10.5), ("15:00", 10.4)],
    }, {0: Offer(90_000)}),
    Actor("WEAK", "600102.SH", 20.0, 300_000_000, {
        0: [("09:30", 20.2), ("10:10", 22.0), ("15:00", 22.0)],
        1: [("09:30", 22.0), ("09:46", 21.5), ("09:54", 21.4), ("15:00", 21.5)],
    }, {0: Offer(3_000)}, dry=True),
    Actor("FADES", "600103.SH", 30.0, 200_000_000, {
        0: [("09:30", 30.1), ("10:30", 33.0), ("10:34", 32.8), ("15:00", 32.6)],
        1: [("09:30", 32.7), ("15:00", 33.3)],
    }, {0: Offer(50_000)}, depth=2_000),
    Actor("LATE", "600104.SH", 12.0, 450_000_000, {
        0: [("09:30", 12.05), ("11:00", 13.2), ("11:04", 12.9), ("15:00", 12.6)],
        1: [("09:30", 12.6), ("13:50", 13.86), ("13:54", 13.7), ("15:00", 13.5)],
    }, {0: Offer(10_000), 1: Offer(10_000)}),
    Actor("DEAR", "600105.SH", 2100.0, 3_000_000, {
        1: [("09:30", 2102.0), ("11:10", 2310.0), ("11:12", 2290.0), ("15:00", 2280.0)],
    }, {1: Offer(500)}, depth=200),
    Actor("QUEUE", "000106.SZ", 15.0, 400_000_000, {
        1: [("09:30", 15.1), ("13:10", 16.5), ("15:00", 16.5)], 2: [("09:30", 16.4), ("15:00", 16.3)],
    }, seal=20_000_000),
    Actor("BONUS", "000107.SZ", 12.5, 420_000_000, {
        1: [("09:30", 12.6), ("13:40", 13.75), ("13:42", 13.7), ("15:00", 13.7)],
        2: [("09:30", 6.9), ("15:00", 7.0)],
    }, {1: Offer(60_000)}, ex={2: (0, 1_000_000)}),
    Actor("EARLY", "600108.SH", 8.0, 700_000_000, {
        2: [("09:30", 8.05), ("10:05", 8.8), ("10:40", 8.8), ("10:42", 8.75), ("10:50", 8.8), ("15:00", 8.8)],
    }, seal=30_000_000),
    Actor("SECOND", "300109.SZ", 25.0, 250_000_000, {
        2: [("09:30", 25.5), ("13:15", 30.0), ("13:17", 29.8), ("15:00", 29.5)],
    }, {2: Offer(20_000)}, depth=1_500),
    Actor("ONEWORD", "600113.SH", 9.0, 500_000_000, {
        1: [("09:30", 9.9), ("15:00", 9.9)], 2: [("09:30", 10.2), ("15:00", 10.1)],
    }),
    Actor("FRAC-A", "600110.SH", 9.96, 270_000_000, {
        0: [("09:30", 9.98), ("09:33", 10.06), ("15:00", 10.02)],
        1: [("09:30", 10.05), ("10:20", 10.75), ("10:36", 10.7), ("11:00", 10.3), ("15:00", 10.2)],
    }, tail=_BOTTOM, depth=4_000),
    Actor("FRAC-B", "000111.SZ", 9.96, 265_000_000, {
        0: [("09:30", 9.98), ("09:33", 10.05), ("15:00", 10.0)],
        1: [("09:30", 9.95), ("10:00", 9.55), ("15:00", 9.5)],
    }, tail=_BOTTOM, depth=4_000),
    Actor("FRAC-C", "300114.SZ", 8.0, 500_000_000, {
        0: [("09:30", 7.95), ("11:00", 7.62), ("14:00", 7.92), ("15:00", 7.94)],
        1: [("09:30", 7.9), ("14:00", 7.86), ("14:03", 8.02), ("15:00", 8.05)],
        2: [("09:30", 8.08), ("10:30", 8.52), ("11:00", 8.56), ("13:30", 8.25), ("15:00", 8.2)],
    }, tail=((8.2, 8.25, 8.08, 8.12), (8.1, 8.15, 7.98, 8.0)), shadows=(0,), depth=8_000),
    Actor("FRAC-D", "600115.SH", 14.0, 300_000_000, {
        0: [("09:30", 13.95), ("14:00", 13.75), ("15:00", 13.78)],
        1: [("09:30", 13.6), ("10:30", 13.1), ("14:30", 13.65), ("15:00", 13.62)],
        2: [("09:30", 13.55), ("10:28", 13.5), ("10:33", 13.75), ("15:00", 13.9)],
    }, tail=((14.3, 14.5, 14.2, 14.25), (14.2, 14.3, 13.9, 14.0)), shadows=(1,)),
    Actor("FRAC-E", "000116.SZ", 9.96, 280_000_000, {
        0: [("09:30", 9.9), ("15:00", 9.93)], 1: [("09:30", 9.9), ("15:00", 9.8)], 2: [("09:30", 9.8), ("15:00", 9.7)],
    }, tail=_BOTTOM),
    Actor("HAND", "600112.SH", 5.0, 600_000_000, {
        0: [("09:30", 5.0), ("15:00", 5.02)], 1: [("09:30", 5.03), ("15:00", 5.08)], 2: [("09:30", 5.1), ("15:00", 5.15)],
    }),
)  # fmt: skip


@dataclass(frozen=True)
class HandOrder:
    """A hand order of the standard run."""

    key: str
    day: int
    at: str
    """It enters with the first push at or after this time."""
    side: int
    role: str
    shares: int


HAND_ORDERS: tuple[HandOrder, ...] = (
    HandOrder("hand-buy", 1, "10:40", 1, "HAND", 20_000),
    HandOrder("hand-sell-too-early", 1, "11:00", 2, "HAND", 0),
    HandOrder("hand-sell", 2, "09:45", 2, "HAND", 0),
)
