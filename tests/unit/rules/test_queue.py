"""The place in the queue, number by number."""

import pytest

from common.domain.values import Side
from common.rules.book import Book
from common.rules.queue import NOWHERE, UNSEEN, Place, arrive, move_up, shown_at, through, traded_at
from tests.builders import book

BUY, SELL = int(Side.BUY), int(Side.SELL)
BIDS = [(9_990, 300), (9_980, 400), (9_960, 500), (9_950, 600), (9_940, 700)]
ASKS = [(10_000, 310), (10_010, 410), (10_030, 510), (10_040, 610), (10_050, 710)]
SEEN = book(10_000, BIDS, ASKS)


@pytest.mark.parametrize(
    ("side", "price", "shown"),
    [
        (BUY, 9_990, 300), (BUY, 9_940, 700), (BUY, 9_970, 0), (BUY, 9_930, UNSEEN), (BUY, 9_995, 0),
        (SELL, 10_000, 310), (SELL, 10_050, 710), (SELL, 10_020, 0), (SELL, 10_060, UNSEEN), (SELL, 9_990, 0),
    ],
)  # fmt: skip
def test_the_volume_at_our_price(side: int, price: int, shown: int) -> None:
    assert shown_at(side, price, SEEN) == shown
    assert arrive(side, price, SEEN) == Place(shown, shown)


def test_a_book_that_ends_early_shows_that_nobody_is_deeper_and_an_empty_one_shows_nothing() -> None:
    assert shown_at(BUY, 9_900, book(10_000, BIDS[:2], ASKS)) == 0
    assert shown_at(BUY, 9_000, book(9_000, [], [(9_000, 500)])) == 0
    assert shown_at(BUY, 9_900, book(10_000)) == UNSEEN


@pytest.mark.parametrize(
    ("side", "price", "last", "traded", "mean", "served"),
    [
        (BUY, 9_990, 9_990, 1_000, 9_990, 1_000),  # all of it at our price
        (BUY, 9_990, 9_980, 1_000, 9_995, 1_000),  # traded through
        (BUY, 9_990, 10_000, 1_000, 9_989, 1_000),  # no worse than our price on average
        (BUY, 9_990, 10_000, 1_000, 9_993, 700),  # 700 at 9.99 and 300 at 10.00 explain 9.993
        (BUY, 9_990, 9_990, 1_000, 10_005, 200),  # 250 at 9.99 and 750 at 10.01, in whole lots
        (BUY, 9_990, 10_000, 1_000, 10_000, 0),
        (BUY, 9_980, 10_000, 1_000, 9_995, 0),  # nothing says that 9.98 was reached
        (BUY, 9_990, 9_990, 0, 0, 0),
        (BUY, 9_990, 9_990, 1_000, 0, 1_000),  # turnover not known: the last price tells
        (BUY, 9_990, 10_000, 1_000, 0, 0),
        (SELL, 10_000, 10_000, 1_000, 10_000, 1_000),
        (SELL, 10_000, 10_010, 1_000, 9_995, 1_000),
        (SELL, 10_000, 9_990, 1_000, 9_997, 700),
        (SELL, 10_000, 10_000, 1_000, 9_985, 200),
        (SELL, 10_010, 9_990, 1_000, 9_995, 0),
        (SELL, 10_000, 9_990, 1_000, 0, 0),
    ],
)
def test_what_was_traded_at_our_price(side: int, price: int, last: int, traded: int, mean: int, served: int) -> None:
    seen = SEEN._replace(last=last, traded=traded, turnover=traded * mean)
    assert traded_at(side, price, seen) == served


def test_through_needs_a_trade() -> None:
    assert through(BUY, 10_010, SEEN._replace(traded=1))
    assert not through(BUY, 10_010, SEEN)
    assert not through(BUY, 10_000, SEEN._replace(traded=1))
    assert through(SELL, 9_990, SEEN._replace(traded=1))
    assert not through(BUY, 10_010, Book(0, 0, 0, 5))


@pytest.mark.parametrize(
    ("place", "served", "cancel_share_bp", "after"),
    [
        (Place(250, 300), 100, 0, Place(150, 300)),
        (Place(250, 300), 400, 0, Place(0, 300)),
        (Place(900, 1_000), 0, 0, Place(300, 300)),  # no more can stand ahead than is shown
        (Place(250, 1_000), 100, 0, Place(150, 300)),  # 600 were cancelled, none of them ahead
        (Place(250, 1_000), 100, 1_000, Place(90, 300)),  # a tenth of them ahead
        (Place(250, 1_000), 100, 10_000, Place(0, 300)),
        (Place(250, UNSEEN), 100, 10_000, Place(150, 300)),
        (NOWHERE, 100, 0, Place(300, 300)),
    ],
)
def test_moving_up(place: Place, served: int, cancel_share_bp: int, after: Place) -> None:
    assert move_up(place, BUY, 9_990, served, SEEN, cancel_share_bp) == after


def test_what_is_not_shown_changes_only_by_trades() -> None:
    assert move_up(Place(250, 300), BUY, 9_900, 100, SEEN, 0) == Place(150, UNSEEN)
    assert move_up(NOWHERE, BUY, 9_900, 100, SEEN, 0) == NOWHERE
