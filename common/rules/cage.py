"""The price cage of limit orders in continuous trading, by board and date."""

from typing import NamedTuple

from common.domain.values import Board, Day, Price, Side
from common.rules.kernel import kernel
from common.rules.tables import CAGES

_BUY = int(Side.BUY)
_BSE = int(Board.BSE)
_TICK = 10
_UNIT = 10_000 * _TICK


class Cage(NamedTuple):
    """Lowest and highest price an order may have, 0.001 yuan; 0 = open on that side."""

    low: Price
    high: Price


@kernel
def cage_base(side: int, best_bid: Price, best_ask: Price, last: Price, prev_close: Price) -> Price:
    """Return the price the cage is built on: the opposite best, else the own best, else last, else previous close."""
    near, far = (best_ask, best_bid) if side == _BUY else (best_bid, best_ask)
    if near > 0:
        return near
    if far > 0:
        return far
    return last if last > 0 else prev_close


@kernel
def cage_bounds(
    board: int, day: Day, side: int, best_bid: Price, best_ask: Price, last: Price, prev_close: Price
) -> Cage:
    """Return the cage of an order: buys have a highest price, sells a lowest one, both rounded to the tick.

    Shanghai and Shenzhen round half up. How Beijing rounds is not known, so it is rounded inwards there.
    """
    base = cage_base(side, best_bid, best_ask, last, prev_close)
    if base <= 0:
        return Cage(0, 0)
    for row in CAGES:
        if row.board == board and row.first <= day <= row.last:
            if side == _BUY:
                extra = 0 if board == _BSE else _UNIT // 2
                high = (base * (10_000 + row.bp) + extra) // _UNIT * _TICK
                return Cage(0, max(high, base + row.ticks * _TICK))
            extra = _UNIT - 1 if board == _BSE else _UNIT // 2
            low = (base * (10_000 - row.bp) + extra) // _UNIT * _TICK
            return Cage(max(min(low, base - row.ticks * _TICK), _TICK), 0)
    return Cage(0, 0)
