"""Where a resting order stands among the others at its price, snapshot by snapshot. Pure integers.

Shares ahead are what the book shows at our price when we arrive. What is traded there later eats them. What is
cancelled is not known to have stood ahead or behind: `cancel_share_bp` says how much of it is taken to have stood
ahead (0 = none of it), and never can more stand ahead than the book still shows. So a board that opens and is sealed
again leaves ahead of us only what stood there and was not cancelled.
"""

from typing import NamedTuple

from common.domain.values import Price, Shares, Side
from common.rules.book import LEVELS, Book
from common.rules.kernel import kernel

UNSEEN = -1
"""Our price lies deeper than the five levels: nobody knows who stands there."""
_BUY = int(Side.BUY)
_TICK = 10
_LOT = 100
_BP = 10_000


class Place(NamedTuple):
    """A place in the queue."""

    ahead: Shares
    """Shares that are served before us; UNSEEN = not known yet, which means all of them."""
    shown: Shares
    """Shares at our price in the last snapshot that showed it; UNSEEN = none did."""


NOWHERE = Place(UNSEEN, UNSEEN)


@kernel
def shown_at(side: int, price: Price, book: Book) -> Shares:
    """Return the volume on our side at our price; UNSEEN when the price is deeper than what the book shows."""
    if book.bid_price[0] <= 0 and book.ask_price[0] <= 0:
        return UNSEEN
    for level in range(LEVELS):
        there = book.bid_price[level] if side == _BUY else book.ask_price[level]
        if there == price:
            return book.bid_volume[level] if side == _BUY else book.ask_volume[level]
        if there <= 0 or (there < price if side == _BUY else there > price):
            return 0
    return UNSEEN


@kernel
def arrive(side: int, price: Price, book: Book) -> Place:
    """Return the place of an order that comes to rest at `price` after this snapshot."""
    shown = shown_at(side, price, book)
    return Place(shown, shown)


@kernel
def through(side: int, price: Price, book: Book) -> bool:
    """Tell whether the stock last traded beyond our price: whoever rested there was served before that."""
    if book.traded <= 0:
        return False
    return 0 < book.last < price if side == _BUY else book.last > price


@kernel
def traded_at(side: int, price: Price, book: Book) -> Shares:
    """Return how much of what was traded since the snapshot before met the queue at `price`.

    A snapshot gives only the total and its turnover. Traded no worse than our price on average: all of it. Else, when
    our price was reached (it was the last one, or it is the best of our side), the total is split between our price
    and the first tick beyond the average: the smallest share that explains the turnover with prices that near. That
    share is an estimate, so it comes in whole lots, rounded down.
    """
    traded, turnover, last = book.traded, book.turnover, book.last
    if traded <= 0:
        return 0
    if 0 < last < price if side == _BUY else last > price:
        return traded
    best = book.bid_price[0] if side == _BUY else book.ask_price[0]
    if turnover <= 0:
        return traded if last == price else 0
    if side == _BUY:
        if turnover <= price * traded:
            return traded
        if price not in (last, best):
            return 0
        far = (turnover + traded * _TICK - 1) // (traded * _TICK) * _TICK
        return (far * traded - turnover) // ((far - price) * _LOT) * _LOT
    if turnover >= price * traded:
        return traded
    if price not in (last, best):
        return 0
    far = turnover // (traded * _TICK) * _TICK
    return (turnover - far * traded) // ((price - far) * _LOT) * _LOT


@kernel
def move_up(place: Place, side: int, price: Price, served: Shares, book: Book, cancel_share_bp: int) -> Place:
    """Return our place after a snapshot in which `served` shares of the queue at our price were traded."""
    now = shown_at(side, price, book)
    if now == UNSEEN:
        if place.ahead == UNSEEN:
            return place
        return Place(max(0, place.ahead - served), UNSEEN)
    if place.ahead == UNSEEN:
        return Place(now, now)
    ahead = place.ahead - served
    if place.shown != UNSEEN and cancel_share_bp > 0:
        gone = place.shown - served - now
        if gone > 0:
            ahead -= gone * cancel_share_bp // _BP
    return Place(max(0, min(ahead, now)), now)
