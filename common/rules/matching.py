"""The paper exchange: what an order gets from one five-level snapshot. Pure integers, no memory between snapshots.

Matching happens in continuous trading only; the caller does not ask in any other phase (auctions fill nothing yet).

- New order, marketable part: walks the opposite levels within its limit, best first, at their prices, and takes at
  most what they show (participation 1.0). What is left rests.
- Resting order: filled at ITS OWN limit, because it stood there first. It gets the volume that is shown at or better
  than its limit on the other side; and when the stock traded THROUGH the limit (last below a buy, above a sell) it
  gets up to what was traded since the snapshot before, if that is more.
- A sealed board gives nothing: with no asks the limit-up queue does not move for us. A buy at the up limit fills only
  when the board opens (an ask at or below it is shown, or the last price is below it). The down limit is the mirror.
- All our own fills in one push and one stock count against the same volume (`taken`): never more than was shown or
  traded.
- A crossed book, and levels off the tick or outside the day's limits, give nothing.
"""

from typing import NamedTuple

from common.domain.values import Price, Shares, Side
from common.rules.kernel import kernel

LEVELS = 5
_BUY = int(Side.BUY)
_TICK = 10
Five = tuple[int, int, int, int, int]
_NONE: Five = (0, 0, 0, 0, 0)


class Book(NamedTuple):
    """One stock's snapshot, 0.001 yuan and shares; 0 = empty level, no limit."""

    last: Price
    up_limit: Price
    down_limit: Price
    traded: Shares
    """Traded since the snapshot before this one."""
    bid_price: Five = _NONE
    bid_volume: Five = _NONE
    ask_price: Five = _NONE
    ask_volume: Five = _NONE


class Deal(NamedTuple):
    """Shares at a price."""

    shares: Shares
    price: Price


EMPTY = Book(0, 0, 0, 0)


@kernel
def crossed(book: Book) -> bool:
    """Tell whether the book is no book of continuous trading: best bid at or above best ask."""
    return 0 < book.ask_price[0] <= book.bid_price[0]


@kernel
def sealed_up(book: Book) -> bool:
    """Tell whether the board is sealed at its up limit: nobody sells, and the last price is the limit."""
    return (
        book.up_limit > 0
        and book.ask_price[0] == 0
        and book.bid_price[0] == book.up_limit
        and book.last == book.up_limit
    )


@kernel
def sealed_down(book: Book) -> bool:
    """Tell whether the board is sealed at its down limit: nobody buys, and the last price is the limit."""
    return (
        book.down_limit > 0
        and book.bid_price[0] == 0
        and book.ask_price[0] == book.down_limit
        and book.last == book.down_limit
    )


@kernel
def level_volume(side: int, limit: Price, book: Book, level: int) -> Shares:
    """Return what level `level` of the other side offers an order of `side` within its limit."""
    price = book.ask_price[level] if side == _BUY else book.bid_price[level]
    volume = book.ask_volume[level] if side == _BUY else book.bid_volume[level]
    if price <= 0 or volume <= 0 or price % _TICK != 0:
        return 0
    if price < book.down_limit or (book.up_limit > 0 and price > book.up_limit):
        return 0
    within = price <= limit if side == _BUY else price >= limit
    return volume if within else 0


@kernel
def shown_within(side: int, limit: Price, book: Book) -> Shares:
    """Return the volume shown on the other side within the limit."""
    shown = 0
    for level in range(LEVELS):
        shown += level_volume(side, limit, book, level)
    return shown


@kernel
def traded_through(side: int, limit: Price, book: Book) -> bool:
    """Tell whether the stock last traded beyond the limit: whoever rested there was served before that."""
    if side == _BUY:
        return 0 < book.last < limit
    return book.last > limit


@kernel
def match_resting(side: int, limit: Price, shares: Shares, book: Book, taken: Shares) -> Shares:
    """Return how much of a resting order fills, at its limit; `taken` = filled already in this push and stock."""
    if crossed(book):
        return 0
    room = shown_within(side, limit, book)
    if traded_through(side, limit, book):
        room = max(room, book.traded)
    return max(0, min(shares, room - taken))


def match_new(side: int, limit: Price, shares: Shares, book: Book, taken: Shares) -> tuple[Deal, ...]:
    """Return the deals of a new order's marketable part, best price first; earlier takers had the best levels."""
    deals: list[Deal] = []
    if crossed(book):
        return ()
    for level in range(LEVELS):
        volume = level_volume(side, limit, book, level)
        skipped = min(taken, volume)
        taken -= skipped
        got = min(shares, volume - skipped)
        if got > 0:
            deals.append(Deal(got, book.ask_price[level] if side == _BUY else book.bid_price[level]))
            shares -= got
    return tuple(deals)
