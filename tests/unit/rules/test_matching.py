"""Matching on single snapshots, every rule with its numbers. Prices in 0.001 yuan."""

import pytest

from common.domain.values import Side
from common.rules.matching import Book, Deal, Five, crossed, match_new, match_resting, sealed_down, sealed_up

BUY, SELL = int(Side.BUY), int(Side.SELL)
UP, DOWN = 11_000, 9_000


def levels(*pairs: tuple[int, int]) -> tuple[Five, Five]:
    padded = [*pairs, *[(0, 0)] * (5 - len(pairs))]
    a, b, c, d, e = padded
    return (a[0], b[0], c[0], d[0], e[0]), (a[1], b[1], c[1], d[1], e[1])


def book(
    last: int, bids: list[tuple[int, int]] | None = None, asks: list[tuple[int, int]] | None = None, traded: int = 0
) -> Book:
    bid, ask = levels(*(bids or [])), levels(*(asks or []))
    return Book(last, UP, DOWN, traded, bid[0], bid[1], ask[0], ask[1])


ASKS = [(10_000, 300), (10_010, 400), (10_020, 500)]
BIDS = [(9_990, 300), (9_980, 400), (9_970, 500)]
NORMAL = book(10_000, BIDS, ASKS)
SEALED = book(UP, [(UP, 900_000)], [])
LOCKED = book(DOWN, [], [(DOWN, 900_000)])


@pytest.mark.parametrize(
    ("side", "limit", "shares", "taken", "deals"),
    [
        (BUY, 10_010, 1_000, 0, [(300, 10_000), (400, 10_010)]),
        (BUY, 10_010, 350, 0, [(300, 10_000), (50, 10_010)]),
        (BUY, 10_010, 1_000, 350, [(350, 10_010)]),
        (BUY, 9_990, 1_000, 0, []),
        (SELL, 9_980, 1_000, 0, [(300, 9_990), (400, 9_980)]),
        (SELL, 9_970, 5_000, 0, [(300, 9_990), (400, 9_980), (500, 9_970)]),
        (SELL, 9_970, 5_000, 1_200, []),
        (SELL, 10_000, 1_000, 0, []),
    ],
)
def test_a_new_order_walks_the_levels_within_its_limit(
    side: int, limit: int, shares: int, taken: int, deals: list[tuple[int, int]]
) -> None:
    assert match_new(side, limit, shares, NORMAL, taken) == tuple(Deal(*deal) for deal in deals)


def test_a_resting_order_gets_the_shown_volume_within_its_limit_less_what_was_taken() -> None:
    assert match_resting(BUY, 10_010, 1_000, NORMAL, 0) == 700
    assert match_resting(BUY, 10_010, 1_000, NORMAL, 600) == 100
    assert match_resting(BUY, 10_010, 200, NORMAL, 0) == 200
    assert match_resting(BUY, 9_990, 1_000, NORMAL, 0) == 0
    assert match_resting(SELL, 9_980, 1_000, NORMAL, 0) == 700


def test_traded_through_gives_up_to_what_was_traded() -> None:
    assert match_resting(BUY, 10_000, 1_000, book(9_990, [], [(10_010, 100)], traded=600), 0) == 600
    assert match_resting(BUY, 10_000, 1_000, book(9_990, [], [(10_010, 100)], traded=600), 500) == 100
    assert match_resting(BUY, 10_000, 1_000, book(10_000, [], [(10_010, 100)], traded=600), 0) == 0
    assert match_resting(SELL, 10_000, 1_000, book(10_010, [(9_990, 100)], [], traded=600), 0) == 600
    assert match_resting(SELL, 10_000, 1_000, book(10_010, [(9_990, 100)], [], traded=0), 0) == 0


def test_sealed_boards_fill_nothing_at_the_limit_until_they_open() -> None:
    assert sealed_up(SEALED)
    assert sealed_down(LOCKED)
    assert match_resting(BUY, UP, 1_000, SEALED._replace(traded=500_000), 0) == 0
    assert match_new(BUY, UP, 1_000, SEALED, 0) == ()
    assert match_resting(SELL, DOWN, 1_000, LOCKED._replace(traded=500_000), 0) == 0
    opened = book(UP, [(UP - 10, 5_000)], [(UP, 400)])
    assert not sealed_up(opened)
    assert match_resting(BUY, UP, 1_000, opened, 0) == 400
    below = book(UP - 10, [(UP, 900)], [], traded=300)
    assert match_resting(BUY, UP, 1_000, below, 0) == 300
    assert match_resting(SELL, DOWN, 1_000, book(DOWN, [(DOWN, 250)], [(DOWN + 10, 5_000)]), 0) == 250


def test_at_a_sealed_limit_the_other_side_trades() -> None:
    assert match_new(SELL, 10_900, 1_000, SEALED, 0) == (Deal(1_000, UP),)
    assert match_new(BUY, 9_100, 1_000, LOCKED, 0) == (Deal(1_000, DOWN),)


@pytest.mark.parametrize(
    "nonsense",
    [
        book(10_000, [(10_010, 500)], [(10_000, 500)], traded=9_999),
        book(10_000, [(10_000, 500)], [(10_000, 500)], traded=9_999),
    ],
)
def test_a_crossed_book_gives_nothing(nonsense: Book) -> None:
    assert crossed(nonsense)
    assert match_new(BUY, 10_500, 100, nonsense, 0) == ()
    assert match_resting(BUY, 10_500, 100, nonsense, 0) == 0


@pytest.mark.parametrize("price", [0, -10, 10_005, DOWN - 10, UP + 10])
def test_levels_at_nonsense_prices_give_nothing(price: int) -> None:
    assert match_new(BUY, 12_000, 100, book(10_000, [], [(price, 500)]), 0) == ()


def test_levels_without_volume_give_nothing_and_no_limits_mean_no_bounds() -> None:
    assert match_new(BUY, 10_000, 100, book(10_000, [], [(10_000, 0), (10_000, -5)]), 0) == ()
    free = Book(44_000, 0, 0, 0, ask_price=(44_000, 0, 0, 0, 0), ask_volume=(200, 0, 0, 0, 0))
    assert match_new(BUY, 44_000, 100, free, 0) == (Deal(100, 44_000),)
