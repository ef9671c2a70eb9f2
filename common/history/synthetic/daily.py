"""Daily bars before the played sessions: returns, gaps, limits touched, sealed and left again."""

from collections.abc import Sequence
from typing import NamedTuple

from common.domain.values import TICK, Board, Price, Shares
from common.history.synthetic.actors import YuanBar
from common.history.synthetic.draws import E6, Draws
from common.history.synthetic.universe import DayFacts, Stock

MARKET_SIGMA_E6 = 9_000
FALL_E6 = 250_000
"""How far a stock with a written tail has fallen over the history."""
AWAY_MAX_E6 = 18_000
SETTLES = 5
"""Sessions in which a stock of the cast comes to its written close."""
TAIL_E6 = 60_000
"""Chance of a session that moves twice as far."""
SEALED_E6 = 685_000
"""Touches of a limit that close there, besides those whose ordinary return ends at it."""
ONE_PRICE_E6 = 35_000
"""Touches that open at the limit and never leave it."""
TOUCH_UP_E6 = {Board.MAIN: 27_500, Board.CHINEXT: 4_800, Board.STAR: 5_500}
TOUCH_DOWN_E6 = {Board.MAIN: 10_500, Board.CHINEXT: 600, Board.STAR: 700}
LIFT_E6 = 1_600
"""What limit days add to the mean return of the main board, taken off its other days."""
NOISES = 6


class Bar(NamedTuple):
    """A session of one stock."""

    open: Price
    high: Price
    low: Price
    close: Price
    volume: Shares
    turnover: int


def on_tick(price: int) -> Price:
    """Round to the tick; one tick at least."""
    return max((price + TICK // 2) // TICK, 1) * TICK


def inside(price: int, facts: DayFacts) -> Price:
    """Round to the tick within the day's limits."""
    ticks = on_tick(price)
    return min(max(ticks, facts.down), facts.up) if facts.up else ticks


def short_shadow_floor(opened: Price, high: Price, close: Price) -> Price:
    """Return the lowest price that leaves the day's bar without a long lower shadow."""
    body = min(opened, close)
    return body - (high - body) * 4 // 5 // TICK * TICK


def written_bar(bar: YuanBar) -> tuple[Price, Price, Price, Price]:
    """Return a bar written in yuan."""
    first, high, low, last = (round(price * 1000) for price in bar)
    return first, high, low, last


def draw_bar(
    stock: Stock, facts: DayFacts, market_e6: int, noise: Sequence[int], draws: Draws, left: int, tail: int = 0
) -> Bar:
    """Draw a session; `left` sessions remain before the played ones, the last `tail` of the history are written."""
    if stock.actor is not None and left < tail:
        prices = written_bar(stock.actor.tail[tail - 1 - left])
    elif stock.calm:
        prices = _calm_bar(stock, facts, noise, left)
    else:
        prices = _free_bar(stock, facts, market_e6, noise, draws)
        if left == 0:
            # The pool of the first played session belongs to the cast.
            first, high, low, last = prices
            prices = first, high, max(low, short_shadow_floor(first, high, last)), last
    lots = stock.float_shares * stock.turnover_e6 // E6 * (E6 + abs(noise[4]) - noise[5] // 4) // E6 // 100
    volume = max(lots, 1) * 100
    middle = (prices[1] + prices[2]) // 2
    return Bar(*prices, volume, volume * middle)


def _calm_bar(stock: Stock, facts: DayFacts, noise: Sequence[int], left: int) -> tuple[Price, Price, Price, Price]:
    """Draw a session of a stock that is pulled back to its base, so that sixty of them stay within the screen."""
    away = stock.away_e6 * 6 // 10 + noise[0] * 6_000 // E6
    away = min(max(away, -AWAY_MAX_E6), AWAY_MAX_E6)
    base = stock.base
    if stock.actor is not None:
        away = away * min(left, SETTLES) // SETTLES
        if stock.actor.tail:
            base += base * FALL_E6 // E6 * left // (left + 60)
    stock.away_e6 = away
    last = inside(base + base * away // E6, facts)
    prev = facts.prev_close
    first = inside((prev + last) // 2 + prev * noise[1] // E6 * 2 // 1000, facts)
    high = inside(max(first, last) + prev * abs(noise[2]) // E6 * 3 // 1000, facts)
    low = inside(min(first, last) - prev * abs(noise[3]) // E6 * 3 // 1000, facts)
    return first, high, (low if left else max(low, short_shadow_floor(first, high, last))), last


def _free_bar(
    stock: Stock, facts: DayFacts, market_e6: int, noise: Sequence[int], draws: Draws
) -> tuple[Price, Price, Price, Price]:
    prev, sigma = facts.prev_close, stock.sigma_e6
    if not facts.up:
        sigma = max(sigma, 60_000)  # first sessions of a listing
    lift = LIFT_E6 * TOUCH_UP_E6[stock.board] // TOUCH_UP_E6[Board.MAIN]
    own = sigma * noise[0] // E6 * (2 if draws.happens(TAIL_E6) else 1)
    last = inside(prev + prev * (market_e6 + stock.drift_e6 - lift + own) // E6, facts)
    first = prev + (last - prev) // 4 + prev * (sigma * noise[1] // E6) // E6 * 3 // 10
    high = max(first, last) + prev * (sigma * abs(noise[2]) // E6) // E6 * 6 // 10
    low = min(first, last) - prev * (sigma * abs(noise[3]) // E6) // E6 * 6 // 10
    chance = draws.whole(0, E6)
    if facts.up and chance < TOUCH_UP_E6[stock.board]:
        return _touch(facts.up, facts.down, facts, first, low, draws)
    if facts.up and chance >= E6 - TOUCH_DOWN_E6[stock.board]:
        return _touch(facts.down, facts.up, facts, first, high, draws)
    first, high, low = inside(first, facts), inside(high, facts), inside(low, facts)
    if facts.up and last < facts.up:
        high = min(high, facts.up - TICK)
        first = min(first, high)
    if facts.down and last > facts.down:
        low = max(low, facts.down + TICK)
        first = max(first, low)
    return first, max(high, first, last), min(low, first, last), last


def _touch(
    limit: Price, other: Price, facts: DayFacts, first: int, far: int, draws: Draws
) -> tuple[Price, Price, Price, Price]:
    """Draw a session that touches a limit; `far` is its other end."""
    sealed = draws.happens(SEALED_E6)
    if draws.happens(ONE_PRICE_E6):
        return limit, limit, limit, limit
    away = abs(limit - facts.prev_close)
    back = 0 if sealed else away * draws.whole(50, 600) // 1000 + TICK
    toward = 1 if other > limit else -1
    last = inside(limit + toward * back, facts)
    opened = inside(first, facts)
    ends = (inside(far, facts), opened, last)
    return (opened, limit, min(ends), last) if toward < 0 else (opened, max(ends), limit, last)
