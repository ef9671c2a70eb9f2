"""Three sessions of a dozen stocks, one push every two minutes, in which everything the rules know happens.

A path is a list of (second of day, yuan) joined by straight lines. At the up limit the book shows `supply` shares for
sale, or nothing (sealed).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.domain.calendar import S0930, S1130, S1300, S1500, hms
from common.domain.values import push_id
from common.messages.kept import PlacedHandOrder
from common.messages.market import HandOrder, InstrumentFlag
from common.messages.signals import Pool, PoolRow
from services.market_data.calls import PushRead
from tests.builders import PREV_DAY, Quote, batch, day_opened, push_end, table

DAYS = (20260105, 20260106, 20260107)
INTERVAL_S = 120


@dataclass
class Stock:
    """A stock: its close before the first day, its paths, what is for sale at its up limit by day."""

    close: float
    paths: Mapping[int, Sequence[tuple[str, float]]] = field(default_factory=dict)
    supply: Mapping[int, int] = field(default_factory=dict)
    bonus_e6: Mapping[int, int] = field(default_factory=dict)
    depth: int = 50_000
    traded: int = 0
    """Shares from push to push."""


STOCKS: dict[str, Stock] = {
    # limit_up: bought on day 1, sold for each reason on day 2
    "600001.SH": Stock(10.0, {0: [("09:30", 10.2), ("10:00", 11.0), ("15:00", 10.9)],
                              1: [("09:30", 10.9), ("09:44", 10.8), ("10:20", 10.4), ("15:00", 10.3)]}, {0: 90_000}),
    "600002.SH": Stock(20.0, {0: [("09:30", 20.1), ("10:10", 22.0), ("15:00", 22.0)],
                              1: [("09:30", 22.0), ("09:46", 21.5), ("09:54", 21.4), ("15:00", 21.5)]}, {0: 3_000}),
    "600003.SH": Stock(30.0, {0: [("09:30", 30.0), ("10:30", 33.0), ("11:00", 32.5), ("15:00", 32.8)],
                              1: [("09:30", 32.9), ("15:00", 33.5)]}, {0: 50_000}),
    # touches when the rule's slots are taken on day 1, is bought on day 2, goes ex on day 3
    "600004.SH": Stock(12.0, {0: [("09:30", 12.0), ("11:00", 13.2), ("11:20", 12.6), ("15:00", 12.5)],
                              1: [("09:30", 12.5), ("13:40", 13.75), ("14:00", 13.7), ("15:00", 13.7)],
                              2: [("09:30", 6.9), ("15:00", 7.0)]},
                       {0: 10_000, 1: 60_000}, {2: 1_000_000}),
    # sealed with nothing for sale: queues until 14:56:30
    "600005.SH": Stock(15.0, {1: [("09:30", 15.1), ("13:30", 16.5), ("15:00", 16.5)], 2: [("09:30", 16.5), ("15:00", 16.4)]}),
    # one lot costs more than a slot
    "600006.SH": Stock(2100.0, {1: [("09:30", 2100.0), ("10:30", 2310.0), ("11:00", 2250.0), ("15:00", 2240.0)]}, {1: 1_000}),
    # sold by the fractal's half, then its trail
    "600011.SH": Stock(8.0, {0: [("09:30", 8.05), ("10:00", 8.3), ("15:00", 8.2)],
                             1: [("09:30", 8.3), ("10:40", 8.75), ("11:20", 8.8), ("13:30", 8.4), ("15:00", 8.4)]}),
    # the fractal's stop
    "600012.SH": Stock(9.0, {0: [("09:30", 9.05), ("10:20", 9.3), ("15:00", 9.2)],
                             1: [("09:30", 9.1), ("10:00", 8.7), ("15:00", 8.6)]}),
    # traded by hand: so thin that an order takes what is shown and waits for the rest
    "600021.SH": Stock(5.0, {0: [("09:30", 5.0), ("15:00", 5.05)], 1: [("09:30", 5.1), ("15:00", 5.1)]}, depth=100, traded=200),
    # nobody's
    "300031.SZ": Stock(40.0, {0: [("09:30", 40.0), ("15:00", 41.0)]}),
}  # fmt: skip

POOLS: dict[str, dict[str, dict[str, int]]] = {
    "limit_up": {symbol: {"float_value": 6_000_000_000_000} for symbol in list(STOCKS)[:6]},
    "bottom_fractal": {
        "600011.SH": {"float_value": 4_000_000_000_000, "k1_high": 8_400, "k1_low": 8_000, "k2_high": 8_200, "k2_low": 7_900},
        "600012.SH": {"float_value": 4_000_000_000_000, "k1_high": 9_400, "k1_low": 9_000, "k2_high": 9_200, "k2_low": 8_900},
    },
}  # fmt: skip


def pool(rule: str, day: int) -> Pool:
    """Return the pool of a rule; the fractal's names qualify on the first day only."""
    rows = POOLS[rule] if rule == "limit_up" or day == DAYS[0] else {}
    made = tuple(PoolRow(symbol, symbol[:6], context, {}) for symbol, context in rows.items())
    return Pool(rule, day, made, universe=len(STOCKS))


def hand_script() -> tuple[PlacedHandOrder, ...]:
    """Return the hand orders of the run: a T+1 refusal and two trades."""
    second, third = DAYS[1], DAYS[2]
    return (
        PlacedHandOrder(HandOrder("hand-1", 1, "600021.SH", 1000, 0), push_id(second, 33)),
        PlacedHandOrder(HandOrder("hand-2", 2, "600021.SH", 0, 0), push_id(second, 40)),
        PlacedHandOrder(HandOrder("hand-3", 2, "600021.SH", 0, 0), push_id(third, 4)),
    )


def _at(path: Sequence[tuple[str, float]], second: int) -> float:
    times = [hms(text) for text, _ in path]
    at = bisect_right(times, second)
    if at == 0:
        return path[0][1]
    if at == len(path):
        return path[-1][1]
    (t0, p0), (t1, p1) = (times[at - 1], path[at - 1][1]), (times[at], path[at][1])
    return p0 + (p1 - p0) * (second - t0) / (t1 - t0)


def _quote(
    stock: Stock, day: int, last: float, up: float, down: float, day_so_far: tuple[float, float, float], volume: int
) -> Quote:
    levels = range(1, 6)
    bid = [(round(last - level / 100, 2), stock.depth) for level in levels if last - level / 100 >= down]
    ask = [(round(last + level / 100, 2), stock.depth) for level in levels if last + level / 100 <= up]
    if last >= up:
        # Who sells at the limit is bought from, so with something for sale the queue shows one tick lower.
        supply = stock.supply.get(day, 0)
        queue = [(round(up - level / 100, 2), 400_000) for level in range(1 if supply else 0, 5)]
        bid, ask = queue, ([(up, supply)] if supply else [])
    first, high, low = day_so_far
    return Quote(last, bid=bid, ask=ask, open_=first, high=high, low=low, volume=volume)


def sessions() -> list[list[PushRead]]:
    """Return the three sessions as pushes read from a tape."""
    closes = {symbol: stock.close for symbol, stock in STOCKS.items()}
    days = []
    for number, day in enumerate(DAYS):
        references, bonus = dict(closes), {}
        for symbol, stock in STOCKS.items():
            if number in stock.bonus_e6:
                bonus[symbol] = stock.bonus_e6[number]
                references[symbol] = round(closes[symbol] / (1 + bonus[symbol] / 1e6) + 1e-9, 2)
        instruments = table(
            closes, day=day, references=references, bonus_e6=bonus, flags=dict.fromkeys(bonus, InstrumentFlag.EX_DAY)
        )
        prev_day = DAYS[number - 1] if number else PREV_DAY
        days.append(_session(number, day, prev_day, instruments, references, closes))
    return days


def _session(number, day, prev_day, instruments, references, closes):  # type: ignore[no-untyped-def]  # test data
    limits = {s: (round(ref * 1.1 + 1e-9, 2), round(ref * 0.9 + 1e-9, 2)) for s, ref in references.items()}
    seconds = [
        s for s in range(S0930, S1500 + 1, INTERVAL_S) if s <= S1130 or s > S1300
    ]  # the push of 11:30:00 closes the morning
    seconds = sorted({*seconds, hms("14:56:30"), S1500})
    pushes = [PushRead(push_end(day, 0, hms("09:00"), prev=0), day_opened(instruments, prev_day), (), len(seconds))]
    seen: dict[str, tuple[float, float, float]] = {}
    for count, second in enumerate(seconds, 1):
        quotes = {}
        for symbol, stock in STOCKS.items():
            up, down = limits[symbol]
            path = stock.paths.get(number, [("09:30", references[symbol])])
            last = min(max(round(_at(path, second), 2), down), up)
            first, high, low = seen.get(symbol, (last, last, last))
            seen[symbol] = first, max(high, last), min(low, last)
            quotes[symbol] = _quote(stock, number, last, up, down, seen[symbol], 1000 + count * stock.traded)
            closes[symbol] = last
        made = batch(instruments, push_id(day, count), second, quotes)
        pushes.append(PushRead(push_end(day, count, second, parts=1, prev=0), None, (made,), len(seconds)))
    return pushes
