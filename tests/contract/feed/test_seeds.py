"""Days of a hostile client, drawn from a number: drops, deaf links, repeats, late and damaged pushes, deaths of our own.

Whatever happens, pushes have numbers without holes, no stock goes back, what may have been missed is said to be, and
in the end the values are the market's.
"""

import random
from typing import Any

import numpy as np
import pytest

from common.domain.calendar import hms
from common.domain.values import push_number
from common.messages.columns import quotes_of
from tests.builders import DAY, Quote
from tests.contract.feed.live import begun, values
from tests.contract.feed.rig import Rig
from tests.contract.feed.sources import CLOSES, Xt, quote
from tests.fakes.xtquant.quotes import vendor_tick

SEEDS = 8
STEPS = 60
NS = 1_000_000_000
SYMBOLS = sorted(CLOSES)


class Day:
    """One drawn day."""

    def __init__(self, xt: Xt, seed: int) -> None:
        self.xt, self.draw = xt, random.Random(seed)
        switches = xt.terminal.switches
        switches.noise, switches.pvolume = self.draw.random() < 0.5, self.draw.random() < 0.7
        switches.snapshot_pushes = self.draw.choice((0, 1, 4))
        self.truth: dict[str, Quote] = {}
        self.told: list[dict[str, Any]] = []
        self.second, self.interrupted = hms("09:30:00"), 0
        self.rig = begun(xt)

    def play(self) -> None:
        for _ in range(STEPS):
            self.second += 3
            self.xt.clock.at_ns = self._now_ns()
            self.draw.choice(
                (self.trade, self.trade, self.trade, self.trade, self.again, self.late, self.junk, self.damaged,
                 self.drop, self.deaf, self.away, self.die)
            )()  # fmt: skip
            self.rig.turn()
        self.settle()

    def settle(self) -> None:
        """Let the link come back, and have every stock trade once more."""
        self.xt.terminal.mute = False
        self.xt.terminal.addresses.add("127.0.0.1:58610")
        self.rig.turn_until(self._is_back, "the link")
        for _ in range(2):
            self.second += 3
            self.xt.clock.at_ns = self._now_ns()
            self._push({symbol: self._next(symbol) for symbol in SYMBOLS})
            self.rig.turn()

    def _is_back(self) -> bool:
        """Tell whether the feed is live; while it is lost, let the time pass that it waits."""
        word = self.xt.word(self.rig)
        if word.startswith("feed lost"):
            self.second += 16
            self.xt.clock.at_ns = self._now_ns()
        return word == "live"

    def _now_ns(self) -> int:
        return self.xt.clock.at_ns - self.xt.clock.at_ns % NS + (self.second - self._clock_s()) * NS + 100_000_000

    def _clock_s(self) -> int:
        return (self.xt.clock.at_ns // NS + 8 * 3600) % 86_400

    def _next(self, symbol: str) -> Quote:
        volume = 60_000 + 100 * (self.second - hms("09:30")) * 5
        self.truth[symbol] = quote(symbol, self.draw.randrange(9), volume)
        self.truth[symbol].second = self.second
        return self.truth[symbol]

    def _push(self, quotes: dict[str, Quote]) -> None:
        switches = self.xt.terminal.switches
        ticks = {symbol: vendor_tick(symbol, each, DAY, self.second, switches) for symbol, each in quotes.items()}
        self.told.append(ticks)
        self.xt.terminal.push(ticks)

    # ------------------------------------------------------------------ what happens

    def trade(self) -> None:
        self._push({symbol: self._next(symbol) for symbol in self.draw.sample(SYMBOLS, self.draw.randint(6, 14))})

    def again(self) -> None:
        if self.told:
            self.xt.terminal.push(self.told[-1])

    def late(self) -> None:
        if self.told:
            self.xt.terminal.push(self.draw.choice(self.told))

    def junk(self) -> None:
        self.xt.terminal.push({"000001.SH": {"lastPrice": 3000.0}, "IF00.IF": {}})

    def damaged(self) -> None:
        symbol = self.draw.choice(SYMBOLS)
        good = vendor_tick(symbol, quote(symbol, 2, 10**6), DAY, self.second, self.xt.terminal.switches)
        field, value = self.draw.choice(
            [("lastPrice", -1.0), ("time", 0), ("time", 10**14), ("askPrice", [1.0]), ("volume", "x"), ("open", None)]
        )
        self.xt.terminal.push({symbol: good | {field: value} | ({"lastPrice": 0.0} if field == "askPrice" else {})})

    def drop(self) -> None:
        self.xt.terminal.drop()
        self.rig.turn_until(lambda: "feed lost" in self.xt.word(self.rig) or self._is_new(), "the loss is seen")
        self.interrupted += 1

    def _is_new(self) -> bool:
        """Tell whether a link is being made, or was made by the vendor's layer before anybody looked."""
        made = any(each.alive for each in self.xt.terminal.connections)
        return made or self.xt.word(self.rig) == "connecting to the client"

    def deaf(self) -> None:
        self.xt.terminal.mute = True
        for _ in range(self.draw.randint(1, 6)):
            self.second += 3
            self.xt.clock.at_ns = self._now_ns()
            self._push({symbol: self._next(symbol) for symbol in SYMBOLS})
            self.rig.turn()
        self.xt.terminal.mute = False

    def away(self) -> None:
        self.xt.terminal.addresses.clear()
        self.drop()
        for _ in range(4):
            self.second += 3
            self.xt.clock.at_ns = self._now_ns()
            self.rig.turn()
        self.xt.terminal.addresses.add("127.0.0.1:58610")

    def die(self) -> None:
        self.rig.start()
        self.rig.turn_until(lambda: self.rig.core.status()[1] == "playing" or not self.rig.heard, "it has read back")


def hold(rig: Rig) -> None:
    """Check what holds at every moment."""
    numbers = [push_number(push.push) for push in rig.heard]
    assert numbers == list(range(len(numbers)))
    assert [push.end.ts_ns for push in rig.heard] == sorted(push.end.ts_ns for push in rig.heard)
    time_ms, volume = np.zeros(len(SYMBOLS), np.int64), np.zeros(len(SYMBOLS), np.int64)
    for push in rig.heard:
        for batch in push.batches:
            quotes = quotes_of(batch)
            at = quotes.index
            assert (quotes.time_ms >= time_ms[at]).all()
            assert (quotes.volume >= volume[at]).all()
            assert (quotes.last > 0).all()
            time_ms[at], volume[at] = quotes.time_ms, quotes.volume


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_hostile_day_ends_with_the_market_s_values(xt: Xt, seed: int) -> None:
    day = Day(xt, seed)
    day.play()
    hold(day.rig)
    found = values(day.rig)
    for at, symbol in enumerate(SYMBOLS):
        truth = day.truth[symbol]
        assert (found.last[at], found.high[at]) == (truth.last, truth.high), symbol
        assert found.time_ms[at] == day.second * 1000
        assert 0 <= truth.volume - found.volume[at] < 100
    gaps = sum(push.gap for push in day.rig.heard)
    assert bool(gaps) >= bool(day.interrupted), "what may have been missed is said to be"
