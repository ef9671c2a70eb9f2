"""A played session: a price path for every stock, what changed in each push, and five-level books around the last price."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import S0915, S0925, S0930, S1130, S1300, S1457, S1500, hms, phase_at, ts_of
from common.domain.values import Day, push_id
from common.history.synthetic.actors import Actor, Path
from common.history.synthetic.daily import TICK, DayFacts, Stock
from common.messages.columns import batch_of, quotes_from
from common.messages.market import LEVELS, QUOTES_PER_BATCH_MAX, QuoteBatch

I64 = NDArray[np.int64]
AUCTION_DEPTH = 20_000
REOPEN_CHANCE = 0.35
"""A sealed board of the drawn stocks opens once more in the day."""


def seconds_of(interval_s: int) -> I64:
    """Return the seconds of the day at which there is a push."""
    parts = [
        np.arange(S0915, S0925, interval_s),
        np.array([S0925]),
        np.arange(S0930, S1130 + 1, interval_s),
        np.arange(S1300, S1500 + 1, interval_s),
        np.array([hms("14:56:30"), S1500]),
    ]
    return np.unique(np.concatenate(parts)).astype(np.int64)


class Session(NamedTuple):
    """All prices of a session. Shape (pushes, stocks); prices in 0.001 yuan."""

    seconds: I64
    last: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    first: NDArray[np.int32]
    """Open of the day, one element a stock."""
    volume: I64
    turnover: I64
    changed: NDArray[np.bool_]
    offered: NDArray[np.int32]
    """Shares for sale at the up limit, where the last price is there; 0 = sealed."""

    def bar(self, at: int) -> tuple[int, int, int, int, int, int]:
        """Return open, high, low, close, volume and turnover of a stock's day."""
        return (
            int(self.first[at]), int(self.high[-1, at]), int(self.low[-1, at]), int(self.last[-1, at]),
            int(self.volume[-1, at]), int(self.turnover[-1, at]),
        )  # fmt: skip


def make_session(
    stocks: list[Stock], facts: list[DayFacts], number: int, interval_s: int, rng: np.random.Generator
) -> Session:
    """Draw a session; the cast follows its script for played day `number`."""
    seconds = seconds_of(interval_s)
    size, count = len(seconds), len(stocks)
    last = np.zeros((size, count), np.int32)
    offered = np.zeros((size, count), np.int32)
    changed = np.zeros((size, count), np.bool_)
    trading = (seconds >= S0930) & (seconds < S1457) | (seconds == S0925) | (seconds == S1500)
    for at, (stock, fact) in enumerate(zip(stocks, facts, strict=True)):
        active = rng.random(size) < stock.liquidity
        active[np.isin(seconds, (S0925, S0930, S1130, S1500))] = True
        path = (
            _scripted(stock.actor, stock.close, number, seconds)
            if stock.actor
            else _drawn_path(stock, fact, seconds, rng)
        )
        prices = _on_ticks(path, fact)
        offered[:, at] = _offers(stock, fact, number, prices, rng)
        prices = _held(prices, active)
        last[:, at] = prices
        changed[:, at] = active & (not fact.suspended)
    # In the closing auction prices are virtual and nothing trades before 15:00.
    quiet = ~trading
    traded = changed & trading[:, None]
    liquidity = np.array([stock.float_shares for stock in stocks], np.int64)
    sizes = rng.integers(1, 60, (size, count)) * 100 * np.maximum(1, liquidity // 150_000_000)[None, :]
    volume = np.cumsum(np.where(traded, sizes, 0), axis=0)
    turnover = np.cumsum(np.where(traded, sizes * last.astype(np.int64), 0), axis=0)
    opened = int(np.flatnonzero(seconds == S0925)[0])
    high, low = _extremes(last, traded, quiet, opened)
    return Session(seconds, last, high, low, last[opened].copy(), volume, turnover, changed, offered)


def _extremes(
    last: NDArray[np.int32], traded: NDArray[np.bool_], quiet: NDArray[np.bool_], opened: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return day high and day low after each push; before the open both are the virtual price."""
    counted = traded & ~quiet[:, None]
    high = np.maximum.accumulate(np.where(counted, last, 0), axis=0)
    low = np.minimum.accumulate(np.where(counted, last, np.iinfo(np.int32).max), axis=0)
    high[:opened], low[:opened] = last[:opened], last[:opened]
    return high.astype(np.int32), low.astype(np.int32)


def _held(prices: I64, active: NDArray[np.bool_]) -> I64:
    """Hold the price between changes."""
    index = np.where(active, np.arange(len(prices)), 0)
    return prices[np.maximum.accumulate(index)]


def _on_ticks(path: NDArray[np.float64], facts: DayFacts) -> I64:
    ticks = np.maximum(1, np.rint(path / TICK)).astype(np.int64) * TICK
    if facts.up:
        ticks = np.clip(ticks, facts.down, facts.up)
    return ticks


def _scripted(actor: Actor, close: int, number: int, seconds: I64) -> NDArray[np.float64]:
    path: Path = actor.paths.get(number, [("09:30", close / 1000)])
    times = [hms(time) for time, _ in path]
    return np.interp(seconds, times, [price * 1000 for _, price in path])


def _drawn_path(stock: Stock, facts: DayFacts, seconds: I64, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a path from a drawn open to a drawn close, with noise between them; some end the day at a limit."""
    size = len(seconds)
    prev = facts.prev_close
    sigma = 0.004 if stock.calm else stock.sigma
    draws = rng.standard_normal(size + 3)
    limit_day = not stock.calm and facts.up > 0 and rng.random() < 0.02
    start = prev * (1 + 0.25 * sigma * draws[0])
    end = prev * (1 + sigma * draws[1])
    if stock.calm:
        end = min(max(end, stock.base * 0.985), stock.base * 1.015)
    share = np.linspace(0, 1, size)
    walk = np.cumsum(draws[3:]) / np.sqrt(size)
    bridge = (walk - share * walk[-1]) * prev * sigma * (0.5 if stock.calm else 0.8)
    path = start + (end - start) * share + bridge
    if limit_day:
        touch = int(size * (0.1 + 0.7 * rng.random()))
        path[:touch] += np.linspace(0, facts.up * 1.002 - path[touch], touch)
        path[touch:] = facts.up * 1.002
        if rng.random() < REOPEN_CHANCE and touch < size - 80:
            away = int(rng.integers(touch + 20, size - 40))
            path[away : away + 30] = facts.up * 0.985
    bound = 0.02 if stock.calm else 0.097
    if not limit_day:
        path = np.clip(path, prev * (1 - bound), prev * (1 + bound))
    path[0] = start
    return np.asarray(path, np.float64)


def _offers(stock: Stock, facts: DayFacts, number: int, prices: I64, rng: np.random.Generator) -> I64:
    """Return what is for sale at the up limit at each push: the script's offers, or the first pushes of a touch."""
    shown = np.zeros(len(prices), np.int64)
    if not facts.up:
        return shown
    at_limit = prices >= facts.up
    arrivals = np.flatnonzero(at_limit & ~np.concatenate(([False], at_limit[:-1])))
    for arrival in arrivals:
        if stock.actor is not None:
            offer = stock.actor.offers.get(number)
            if offer is not None:
                shown[arrival : arrival + offer.pushes] = offer.shares
        else:
            shown[arrival : arrival + int(rng.integers(1, 4))] = int(rng.integers(50, 900)) * 100
    return shown * at_limit


def pushes_of(
    session: Session, stocks: list[Stock], facts: list[DayFacts], day: Day, rng: np.random.Generator
) -> Iterator[tuple[int, list[QuoteBatch]]]:
    """Give the pushes of a session: second of the day and its batches."""
    up = np.array([fact.up for fact in facts], np.int64)
    down = np.array([fact.down for fact in facts], np.int64)
    prev = np.array([fact.prev_close for fact in facts], np.int32)
    depth = np.array([stock.actor.depth if stock.actor else 0 for stock in stocks], np.int64)
    scale = np.maximum(1, np.array([stock.float_shares for stock in stocks], np.int64) // 50_000_000)
    steps = np.arange(LEVELS)[:, None] * TICK
    for number, second in enumerate(session.seconds, 1):
        at = np.flatnonzero(session.changed[number - 1])
        last = session.last[number - 1, at].astype(np.int64)
        top, bottom = up[at], down[at]
        volumes = rng.integers(1, 300, (2 * LEVELS, len(at))) * 100 * scale[at]
        fixed = depth[at] > 0
        volumes[:, fixed] = depth[at][fixed]
        sealed = (top > 0) & (last >= top)
        floored = (bottom > 0) & (last <= bottom)
        bid = np.where(sealed, last, last - TICK)[None, :] - steps
        ask = np.where(floored, last, last + TICK)[None, :] + steps
        bid = np.where((bid >= np.maximum(bottom, TICK)[None, :]) & ~floored[None, :], bid, 0)
        ask = np.where(((top == 0)[None, :] | (ask <= top[None, :])) & ~sealed[None, :], ask, 0)
        bid_volume = np.where(bid > 0, volumes[:LEVELS], 0)
        ask_volume = np.where(ask > 0, volumes[LEVELS:], 0)
        bid_volume[0, sealed] *= 40
        offered = session.offered[number - 1, at]
        open_board = sealed & (offered > 0)
        ask[0, open_board], ask_volume[0, open_board] = last[open_board], offered[open_board]
        # Both sides cannot stand at the limit: who sells there is bought from, so the queue shows one tick lower.
        bid[:, open_board] -= TICK
        columns = (
            at, np.full(len(at), second * 1000), last, prev[at], session.first[at], session.high[number - 1, at],
            session.low[number - 1, at], session.volume[number - 1, at], session.turnover[number - 1, at],
            bid, bid_volume, ask, ask_volume,
        )  # fmt: skip
        quotes = quotes_from(columns)
        ts_ns, phase, push = ts_of(day, int(second)), phase_at(int(second)), push_id(day, number)
        yield (
            int(second),
            [
                batch_of(push, part, ts_ns, phase, quotes.cut(start, start + QUOTES_PER_BATCH_MAX))
                for part, start in enumerate(range(0, len(at), QUOTES_PER_BATCH_MAX))
            ],
        )
