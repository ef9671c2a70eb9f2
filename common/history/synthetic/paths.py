"""The price of one stock through a played session, push by push: written for the cast, drawn for everybody else."""

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import S0915, S0925, S0930, S1130, S1300, S1457, S1500, hms
from common.domain.values import TICK, Price
from common.history.synthetic.actors import Path
from common.history.synthetic.daily import ONE_PRICE_E6, SEALED_E6, TOUCH_DOWN_E6, TOUCH_UP_E6, on_tick
from common.history.synthetic.draws import E6, I64, Draws
from common.history.synthetic.universe import DayFacts, Stock

REOPENED_E6 = 495_000
"""Boards sealed at the close that were open again in between."""
LIVELY_E6 = 180_000
"""A stock this wide over sixty sessions is in no pool of limit_up, so the session may take it to its limit."""
QUIET_TICKS = 2
"""How far from its limits everybody else stays."""
TREMBLE_E6 = 700
"""How far a written path trembles between its ends."""
_SEEN = (S0925, S0930, S1130, S1500)


class Grid(NamedTuple):
    """The pushes of a session."""

    seconds: I64
    opened: int
    """Row of the match at 09:25; the rows before it show virtual prices."""
    virtual: NDArray[np.bool_]
    """Rows of the auctions: nothing trades."""
    seen: NDArray[np.bool_]
    """Rows in which every stock is quoted."""
    interval_s: int


def grid_of(interval_s: int) -> Grid:
    """Return the pushes of a session: auctions and continuous trading, no lunch, exact ends of every phase."""
    seconds = np.unique(np.concatenate([
        np.arange(S0915, S0925, interval_s), np.arange(S0930, S1130, interval_s), np.arange(S1300, S1500, interval_s),
        np.array([S0925, S1130, S1457, S1500, hms("14:56:30")]),
    ])).astype(np.int64)  # fmt: skip
    opened = int(np.flatnonzero(seconds == S0925)[0])
    virtual = (seconds < S0925) | ((seconds > S1457) & (seconds < S1500))
    return Grid(seconds, opened, virtual, np.isin(seconds, _SEEN), interval_s)


def lines(knots: Sequence[tuple[int, int]], at: I64) -> I64:
    """Join (place, price) by straight lines and read them at places; before and behind they go on level."""
    places = np.array([place for place, _ in knots], np.int64)
    prices = np.array([price for _, price in knots], np.int64)
    left = np.clip(np.searchsorted(places, at, side="right") - 1, 0, len(knots) - 1)
    right = np.minimum(left + 1, len(knots) - 1)
    span = np.maximum(places[right] - places[left], 1)
    gone = np.clip(at - places[left], 0, span)
    level: I64 = prices[left] + (prices[right] - prices[left]) * gone // span
    return level


def _ticks(path: I64) -> I64:
    ticks: I64 = np.maximum((path + TICK // 2) // TICK, 1) * TICK
    return ticks


def written(path: Path, facts: DayFacts, grid: Grid, draws: Draws) -> I64:
    """Return a written path: it trembles, but never beyond the ends of its line nor to a limit before its time."""
    knots = [(hms(time), round(price * 1000)) for time, price in path]
    level = lines(knots, grid.seconds)
    places = np.array([place for place, _ in knots], np.int64)
    prices = np.array([price for _, price in knots], np.int64)
    left = np.clip(np.searchsorted(places, grid.seconds, side="right") - 1, 0, len(knots) - 1)
    right = np.minimum(left + 1, len(knots) - 1)
    trembling = level + level * (draws.bells(len(level)) * TREMBLE_E6 // E6) // E6
    bounded = np.clip(trembling, np.minimum(prices[left], prices[right]), np.maximum(prices[left], prices[right]))
    exact = np.isin(grid.seconds, places) | (grid.seconds < places[0])
    moved = _ticks(np.where(exact, level, bounded))
    if facts.up:
        below = _ticks(level) < facts.up
        moved = np.where(below, np.minimum(moved, facts.up - TICK), facts.up)
        moved = np.maximum(moved, facts.down)
    moved[: grid.opened] = _virtual(facts, int(moved[grid.opened]), grid, draws)
    return moved


def _virtual(facts: DayFacts, opened: Price, grid: Grid, draws: Draws) -> I64:
    """Return the virtual prices of the opening auction: wide at first, closing in on the open."""
    rows = grid.opened
    left = rows - np.arange(rows, dtype=np.int64)
    level = lines([(0, facts.prev_close), (rows, opened)], np.arange(rows, dtype=np.int64))
    prices = _ticks(level + level * (draws.bells(rows) * 3 // 1000 * left // max(rows, 1)) // E6)
    return np.clip(prices, facts.down, facts.up) if facts.up else prices


def drawn(stock: Stock, facts: DayFacts, lively: bool, grid: Grid, draws: Draws) -> I64:
    """Return a drawn path; only a `lively` stock may reach a limit."""
    rows = len(grid.seconds)
    chance = draws.whole(0, E6)
    noise = draws.bells(4)
    sigma = stock.sigma_e6 if facts.up else max(stock.sigma_e6, 60_000)
    first = facts.prev_close + facts.prev_close * int(sigma * noise[0] // E6) // E6 * 3 // 10
    if not facts.up and facts.prev_close == stock.base:
        first = facts.prev_close * draws.whole(150, 260) // 100  # a new listing opens far above its issue price
    last = first + facts.prev_close * int(sigma * noise[1] // E6) // E6
    wander = _wander(rows, first * sigma // E6, draws)
    if lively and facts.up and chance < TOUCH_UP_E6[stock.board]:
        path = _limit_day(facts.up, -1, on_tick(first), last, wander, draws)
    elif lively and facts.up and chance >= E6 - TOUCH_DOWN_E6[stock.board]:
        path = _limit_day(facts.down, 1, on_tick(first), last, wander, draws)
    else:
        path = lines([(0, first), (rows - 1, last)], np.arange(rows, dtype=np.int64)) + wander
        room = QUIET_TICKS * TICK
        if stock.calm:
            reach = stock.base * 2 // 100
            path = np.clip(path, stock.base - reach, stock.base + reach)
        if facts.up:
            path = np.clip(path, min(facts.down + room, facts.prev_close), max(facts.up - room, facts.prev_close))
    path = _ticks(path)
    if facts.up:
        path = np.clip(path, facts.down, facts.up)
    path[: grid.opened] = _virtual(facts, int(path[grid.opened]), grid, draws)
    return path


def _wander(rows: int, spread: Price, draws: Draws) -> I64:
    """Return a random walk of `rows` steps that begins and ends at 0 and strays about `spread`."""
    walk = np.cumsum(draws.bells(rows))
    bridge = walk - walk[-1] * np.arange(1, rows + 1, dtype=np.int64) // rows
    strayed: I64 = bridge // (isqrt(rows) * 1000) * spread // 1000
    return strayed


def _limit_day(limit: Price, away: int, first: Price, last: int, wander: I64, draws: Draws) -> I64:
    """Return a path that reaches a limit; `away` (-1 or 1) is the side on which the other prices lie."""
    rows = len(wander)
    at = np.arange(rows, dtype=np.int64)
    if draws.happens(ONE_PRICE_E6):
        return np.full(rows, limit, np.int64)
    touch = rows * draws.whole(50, 850) // 1000
    knots = [(0, first), (touch, limit)]
    if draws.happens(SEALED_E6):
        openings = draws.whole(1, 4) if draws.happens(REOPENED_E6) else 0
        for _ in range(openings):
            begin = knots[-1][0] + max(2, rows * draws.whole(1, 60) // 1000)
            width = max(2, rows * draws.whole(1, 20) // 1000)
            depth = limit * draws.whole(2, 20) // 1000
            if begin + 2 * width + 2 < rows * 95 // 100:
                knots += [(begin, limit), (begin + width, limit + away * depth), (begin + 2 * width, limit)]
        knots.append((rows - 1, limit))
    else:
        stay = min(touch + max(1, rows * draws.whole(1, 60) // 1000), rows - 2)
        closes = limit + away * (abs(limit - last) // 3 + limit * draws.whole(5, 40) // 1000)
        knots += [(stay, limit), (rows - 1, closes)]
    level = lines(knots, at)
    at_limit = _ticks(level) * away <= limit * away
    strayed = level + wander // 4
    shy = limit + away * TICK
    strayed = np.minimum(strayed, shy) if away < 0 else np.maximum(strayed, shy)
    return np.where(at_limit, limit, strayed)
