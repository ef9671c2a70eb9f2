"""Two sessions of a few pushes and five stocks, drawn from a number: small enough for thousands of seeds.

On the first day stocks touch their limit and are bought; on the second they are sold for one of the rule's reasons, or
more of them are bought; a hand order is refused by T+1 on the first and goes through on the second.
"""

import random
from functools import cache
from typing import NamedTuple

from common.domain.calendar import S1500, hms
from common.domain.values import push_id
from common.messages.kept import PlacedHandOrder
from common.messages.market import HandOrder, InstrumentTable
from common.messages.signals import Pool, PoolRow
from services.market_data.calls import PushRead
from tests.builders import PREV_DAY, Quote, batch, day_opened, push_end, table

DAYS = (20260105, 20260106)
FIRST = ("09:30:03", "09:45:00", "10:30:00", "13:30:00", "14:56:30", "14:56:40", "15:00:00")
SECOND = ("09:30:03", "09:50:00", "14:30:00", "14:30:10", "14:56:30", "14:56:40", "15:00:00")
"""The push before each close decides nothing: what was given before it has ended or stands when the close comes."""
HAND = "600900.SH"
"""Bought and sold by hand only."""
CHEAP = "601398.SH"
"""Traded by others only."""
FLOAT_VALUE = 6_000_000_000_000


class Tiny(NamedTuple):
    """A market that every seed of its number shares."""

    days: list[list[PushRead]]
    pool: tuple[PoolRow, ...]
    script: tuple[PlacedHandOrder, ...]


def _paths(draw: random.Random, close: float) -> tuple[list[float], list[float]]:
    """Return the last prices of both days: up to the limit at one push of the first, then somewhere on the second."""
    up = round(close * 1.1 + 1e-9, 2)
    touch = draw.choice((1, 2, 3, 9))
    first = [up if number >= touch else round(close * (1.02 + number / 200), 2) for number in range(len(FIRST))]
    last = first[-1]
    kind = draw.choice(("stop", "weak", "open", "sealed", "again"))
    drift = {"stop": -0.06, "weak": -0.025, "open": -0.005, "sealed": 0.1, "again": 0.02}[kind]
    start = 1.0 if kind == "weak" else 1 + drift / 4
    second = [round(last * start, 2)] + [round(last * (1 + drift), 2)] * (len(SECOND) - 1)
    if kind in ("stop", "open"):
        # It falls on: what rests unfilled is cancelled and asked for again, lower.
        second[2:] = [round(price * 0.99, 2) for price in second[2:]]
        second[3:] = [round(price * 0.995, 2) for price in second[3:]]
    if kind == "sealed":
        second = [round(last * 1.03, 2), *[round(last * 1.1 + 1e-9, 2)] * (len(SECOND) - 1)]
    return first, second


def _quote(last: float, up: float, down: float, day: list[float]) -> Quote:
    bid = [(round(last - level / 100, 2), 50_000) for level in range(1, 4) if last - level / 100 >= down]
    ask = [(round(last + level / 100, 2), 50_000) for level in range(1, 4) if last + level / 100 <= up]
    if last >= up:
        bid, ask = [(up, 400_000)], []
    return Quote(last, bid=bid, ask=ask, open_=day[0], high=max(day), low=min(day))


@cache
def tiny_market(number: int) -> Tiny:
    """Return market `number`."""
    draw = random.Random(number)
    codes = draw.sample(range(1, 800), 4)
    closes = {f"600{code:03d}.SH": round(draw.uniform(4, 40), 2) for code in sorted(codes)}
    closes["600999.SH"] = 2100.0  # one lot costs more than a slot
    pool = tuple(PoolRow(symbol, symbol[:6], {"float_value": FLOAT_VALUE + n}, {}) for n, symbol in enumerate(closes))
    paths = {symbol: _paths(draw, close) for symbol, close in closes.items()}
    paths |= {symbol: ([5.0] * len(FIRST), [5.05] * len(SECOND)) for symbol in (HAND, CHEAP)}
    closes |= {HAND: 5.0, CHEAP: 5.0}
    days = [_day(0, closes, paths)]
    days.append(_day(1, {symbol: path[0][-1] for symbol, path in paths.items()}, paths))
    first, second = DAYS
    script = (
        PlacedHandOrder(HandOrder("hand-1", 1, HAND, 1000, 0), push_id(first, 2)),
        PlacedHandOrder(HandOrder("hand-2", 2, HAND, 0, 0), push_id(first, 3)),
        PlacedHandOrder(HandOrder("hand-3", 2, HAND, 0, 0), push_id(second, 2)),
    )
    return Tiny(days, pool, script)


def _day(number: int, closes: dict[str, float], paths: dict[str, tuple[list[float], list[float]]]) -> list[PushRead]:
    day, times = DAYS[number], (FIRST, SECOND)[number]
    instruments: InstrumentTable = table(closes, day=day)
    limits = {symbol: (round(close * 1.1 + 1e-9, 2), round(close * 0.9 + 1e-9, 2)) for symbol, close in closes.items()}
    opened = day_opened(instruments, (PREV_DAY, DAYS[0])[number])
    pushes = [PushRead(push_end(day, 0, hms("09:00"), prev=0), opened, (), len(times))]
    for count, at in enumerate(times, 1):
        second = hms(at)
        quotes = {}
        for symbol, path in paths.items():
            up, down = limits[symbol]
            seen = [min(max(price, down), up) for price in path[number][:count]]
            quotes[symbol] = _quote(seen[-1], up, down, seen)
        made = batch(instruments, push_id(day, count), second, quotes)
        end = push_end(day, count, second, parts=1, prev=0)
        assert end.last_of_day == (second >= S1500)
        pushes.append(PushRead(end, None, (made,), len(times)))
    return pushes


def pool_of(market: Tiny, rule: str, day: int) -> Pool:
    """Return the pool of a rule: all of the market's touching stocks, for the limit-up rule only."""
    rows = market.pool if rule == "limit_up" else ()
    return Pool(rule, day, rows, universe=len(market.pool))
