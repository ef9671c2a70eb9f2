"""The paper exchange: what an order gets from one five-level snapshot. Pure integers; what it remembers is a `Place`.

The caller checks a snapshot first (`book.check_book`) and passes one with a defect over; a suspended stock gives
nothing. In continuous trading:

- New order, marketable part: walks the opposite levels within its limit, best first, at their prices, and takes at
  most what they show (`participation_bp` 10,000). What is left rests.
- Resting order: filled at ITS OWN limit, because it stood there first. It gets the volume that is shown at or better
  than its limit on the other side, or what was traded at its price after everybody ahead of it (`queue.py`), or, when
  the stock traded THROUGH the limit, up to all that was traded since the snapshot before: the largest of these.
- All our own fills in one push, stock and side count against the same volume. What we took of the shown volume in
  earlier pushes counts as gone until as much has been traded after it: the tape goes on as if we had not been there,
  and would show us, or sell to others, the same shares once more.

An order queued at a limit of the day is the doubtful case, and `verdict` says what is believed there: PESSIMISTIC
fills it only when the board opens, EXPECTED by its place in the queue, OPTIMISTIC as soon as anything trades there.

In an auction an order better than the auction's price fills at that price; one at that price fills only when nobody
on its side is left over there, or by its place in the queue.
"""

from enum import IntEnum
from typing import NamedTuple

from common.domain.values import Price, Shares, Side
from common.rules.book import EMPTY, LEVELS, Book, Five, crossed, sealed_down, sealed_up
from common.rules.kernel import kernel
from common.rules.queue import UNSEEN, Place, move_up, shown_at, through, traded_at

__all__ = [
    "EMPTY", "EXPECTED", "LEVELS", "NOTHING_TAKEN", "OPTIMISTIC", "PESSIMISTIC", "Book", "Deal", "Fill", "FillVerdict",
    "Five", "Taken", "at_day_limit", "crossed", "level_deal", "match_auction", "match_new", "match_resting",
    "sealed_down", "sealed_up", "shown_within", "taken_before",
]  # fmt: skip

_BUY = int(Side.BUY)
_BP = 10_000


class FillVerdict(IntEnum):
    """What is believed of an order that queues at a limit of the day."""

    PESSIMISTIC = 1
    EXPECTED = 2
    OPTIMISTIC = 3


PESSIMISTIC, EXPECTED, OPTIMISTIC = (int(verdict) for verdict in FillVerdict)


class Deal(NamedTuple):
    """Shares at a price."""

    shares: Shares
    price: Price


class Taken(NamedTuple):
    """What we ourselves have had of a stock on one side, which is not there a second time."""

    now: Shares
    """Filled in this push."""
    owed: Shares
    """Taken from the shown volume before, and not traded since."""
    paid: Shares
    """Of what was traded since the snapshot before, so much are shares that we had taken."""


NOTHING_TAKEN = Taken(0, 0, 0)


class Fill(NamedTuple):
    """What a snapshot gave a resting order, and where the rest of it stands."""

    shares: Shares
    price: Price
    of_shown: Shares
    """Of the shares, so many came from the shown volume of the other side."""
    place: Place


@kernel
def taken_before(shares: Shares, at_volume: Shares, book: Book) -> Taken:
    """Return what is left of `shares` taken from the shown volume when the day's volume was `at_volume`."""
    since = max(0, book.day_volume - at_volume)
    owed = max(0, shares - since)
    return Taken(0, owed, max(0, shares - max(0, since - max(0, book.traded))) - owed)


@kernel
def _offered(side: int, limit: Price, book: Book, level: int) -> Shares:
    """Return what level `level` of the other side offers an order within its limit; UNSEEN = no level from here on."""
    price = book.ask_price[level] if side == _BUY else book.bid_price[level]
    if price <= 0 or (price > limit if side == _BUY else price < limit):
        return UNSEEN
    return max(0, book.ask_volume[level] if side == _BUY else book.bid_volume[level])


@kernel
def shown_within(side: int, limit: Price, book: Book) -> Shares:
    """Return the volume shown on the other side within the limit."""
    shown = 0
    for level in range(LEVELS):
        offered = _offered(side, limit, book, level)
        if offered == UNSEEN:
            break
        shown += offered
    return shown


@kernel
def level_deal(
    side: int, limit: Price, left: Shares, book: Book, level: int, taken: Shares, participation_bp: int
) -> Deal:
    """Return what a new order takes of one level; `taken` is what it and earlier ones took up to and of this level."""
    offered = _offered(side, limit, book, level)
    if offered == UNSEEN:
        return Deal(0, 0)
    price = book.ask_price[level] if side == _BUY else book.bid_price[level]
    return Deal(max(0, min(left, offered * participation_bp // _BP - taken)), price)


def match_new(
    side: int, limit: Price, shares: Shares, book: Book, taken: Shares, participation_bp: int = _BP
) -> tuple[Deal, ...]:
    """Return the deals of a new order's marketable part, best price first; earlier takers had the best levels."""
    deals: list[Deal] = []
    if book.suspended or crossed(book):
        return ()
    for level in range(LEVELS):
        deal = level_deal(side, limit, shares, book, level, taken, participation_bp)
        if deal.price == 0:
            break
        taken = max(0, taken - max(0, _offered(side, limit, book, level)) * participation_bp // _BP)
        if deal.shares > 0:
            deals.append(deal)
            shares -= deal.shares
    return tuple(deals)


@kernel
def at_day_limit(side: int, limit: Price, book: Book) -> bool:
    """Tell whether an order queues at the limit of the day that its own side seals."""
    if side == _BUY:
        return book.up_limit > 0 and limit >= book.up_limit
    return book.down_limit > 0 and limit <= book.down_limit


@kernel
def match_resting(
    verdict: int,
    cancel_share_bp: int,
    participation_bp: int,
    side: int,
    limit: Price,
    left: Shares,
    place: Place,
    book: Book,
    taken: Taken,
) -> Fill:
    """Return what a resting order of `left` shares gets from a checked snapshot, and its place after it."""
    if book.suspended:
        return Fill(0, limit, 0, place)
    now = taken.now
    served = max(0, traded_at(side, limit, book) - taken.paid - now)
    shown = max(0, shown_within(side, limit, book) * participation_bp // _BP - taken.owed)
    room = shown
    if through(side, limit, book):
        room = max(room, book.traded - taken.paid)
    elif served > 0:
        if not at_day_limit(side, limit, book) or verdict == EXPECTED:
            room = max(room, now + served - place.ahead if place.ahead != UNSEEN else 0)
        elif verdict == OPTIMISTIC:
            room = max(room, now + served)
    got = max(0, min(left, room - now))
    moved = move_up(place, side, limit, served, book, cancel_share_bp)
    return Fill(got, limit, max(0, min(got, shown - now)), moved)


@kernel
def match_auction(verdict: int, side: int, limit: Price, left: Shares, place: Place, book: Book, taken: Shares) -> Fill:
    """Return what an order gets in an auction whose snapshot shows the result: price `last`, volume `traded`."""
    price = book.last
    if book.suspended or book.traded <= 0 or price <= 0 or (price > limit if side == _BUY else price < limit):
        return Fill(0, limit, 0, place)
    room = book.traded
    if price == limit:
        over = shown_at(side, limit, book)
        doubtful = at_day_limit(side, limit, book)
        if over != 0 and not (doubtful and verdict == OPTIMISTIC):
            # Somebody at this price went without: we are served only for what came after everybody ahead of us.
            known = place.ahead != UNSEEN and not (doubtful and verdict == PESSIMISTIC)
            room = max(0, book.traded - place.ahead) if known else 0
    return Fill(max(0, min(left, room - taken)), price, 0, place)
