"""One order through a row of snapshots, as the paper exchange works it."""

from collections.abc import Sequence
from typing import NamedTuple

from common.domain.values import Price, Shares
from common.rules.book import Book
from common.rules.matching import match_new, match_resting, taken_before
from common.rules.queue import UNSEEN, Place, arrive, shown_at, traded_at


class History(NamedTuple):
    """What became of an order after each snapshot of the tape."""

    filled: list[Shares]
    ahead: list[Shares]
    left_ahead: tuple[Shares, Shares]
    """Shares that left the queue at our price while it was shown, and how many of those by trades."""


def run_order(
    tape: Sequence[Book],
    verdict: int,
    limit: Price,
    side: int,
    shares: Shares,
    cancel_share_bp: int = 0,
    start: int = 0,
    ahead: Shares | None = None,
) -> History:
    """Send an order after snapshot `start` of checked snapshots and follow it; `ahead` in place of what is shown."""
    filled, places = [0] * start, [0] * start
    left, of_shown, at_volume, gone, traded = shares, 0, 0, 0, 0
    place = arrive(side, limit, tape[start])
    if ahead is not None:
        place = Place(ahead, place.shown)
    for number, book in enumerate(tape[start:]):
        if number == 0:
            got = of_shown = sum(deal.shares for deal in match_new(side, limit, left, book, 0))
            at_volume = book.day_volume
        else:
            taken = taken_before(of_shown, at_volume, book)
            fill = match_resting(verdict, cancel_share_bp, 10_000, side, limit, left, place, book, taken)
            now = shown_at(side, limit, book)
            if UNSEEN not in (place.shown, now):
                served = traded_at(side, limit, book)
                gone += max(place.shown - now, min(served, place.shown), 0)
                traded += min(served, place.shown)
            got, place = fill.shares, fill.place
            if fill.of_shown:
                of_shown, at_volume = taken.owed + fill.of_shown, book.day_volume
        left -= got
        filled.append(shares - left)
        places.append(place.ahead)
    return History(filled, places, (gone, traded))
