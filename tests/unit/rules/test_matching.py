"""Matching on single snapshots, every rule with its numbers. Prices in 0.001 yuan."""

import random

import pytest

from bench.kernels import compile_kernel
from common.domain.values import Side
from common.rules.book import check_book
from common.rules.matching import (
    EXPECTED,
    NOTHING_TAKEN,
    OPTIMISTIC,
    PESSIMISTIC,
    Book,
    Deal,
    Fill,
    Taken,
    level_deal,
    match_auction,
    match_new,
    match_resting,
    sealed_down,
    sealed_up,
    taken_before,
)
from common.rules.queue import NOWHERE, Place, arrive
from tests.builders import DOWN, UP, book

BUY, SELL = int(Side.BUY), int(Side.SELL)
FRONT = Place(0, 0)


def rest(
    side: int,
    limit: int,
    shares: int,
    seen: Book,
    taken: Taken = NOTHING_TAKEN,
    place: Place = FRONT,
    verdict: int = EXPECTED,
    cancel_share_bp: int = 0,
    participation_bp: int = 10_000,
) -> Fill:
    return match_resting(verdict, cancel_share_bp, participation_bp, side, limit, shares, place, seen, taken)


def got(side: int, limit: int, shares: int, seen: Book, now: int = 0) -> int:
    return rest(side, limit, shares, seen, Taken(now, 0, 0)).shares


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
    assert got(BUY, 10_010, 1_000, NORMAL) == 700
    assert got(BUY, 10_010, 1_000, NORMAL, 600) == 100
    assert got(BUY, 10_010, 200, NORMAL) == 200
    assert got(BUY, 9_990, 1_000, NORMAL) == 0
    assert got(SELL, 9_980, 1_000, NORMAL) == 700


def test_traded_through_gives_up_to_what_was_traded() -> None:
    assert got(BUY, 10_000, 1_000, book(9_990, [], [(10_010, 100)], traded=600)) == 600
    assert got(BUY, 10_000, 1_000, book(9_990, [], [(10_010, 100)], traded=600), 500) == 100
    assert got(BUY, 10_000, 1_000, book(10_000, [], [(10_010, 100)], traded=600)) == 600, "at our price, nobody ahead"
    assert got(BUY, 10_000, 1_000, book(10_010, [], [(10_010, 100)], traded=600)) == 0
    assert got(SELL, 10_000, 1_000, book(10_010, [(9_990, 100)], [], traded=600)) == 600
    assert got(SELL, 10_000, 1_000, book(10_010, [(9_990, 100)], [], traded=0)) == 0


def test_behind_a_long_queue_sealed_boards_fill_nothing_until_they_open() -> None:
    assert sealed_up(SEALED)
    assert sealed_down(LOCKED)
    behind = Place(900_000, 900_000)
    assert rest(BUY, UP, 1_000, SEALED._replace(traded=500_000), place=behind).shares == 0
    assert match_new(BUY, UP, 1_000, SEALED, 0) == ()
    assert rest(SELL, DOWN, 1_000, LOCKED._replace(traded=500_000), place=behind).shares == 0
    opened = book(UP, [(UP - 10, 5_000)], [(UP, 400)])
    assert not sealed_up(opened)
    assert got(BUY, UP, 1_000, opened) == 400
    below = book(UP - 10, [(UP, 900)], [], traded=300)
    assert got(BUY, UP, 1_000, below) == 300
    assert got(SELL, DOWN, 1_000, book(DOWN, [(DOWN, 250)], [(DOWN + 10, 5_000)])) == 250


def test_at_a_sealed_limit_the_other_side_trades() -> None:
    assert match_new(SELL, 10_900, 1_000, SEALED, 0) == (Deal(1_000, UP),)
    assert match_new(BUY, 9_100, 1_000, LOCKED, 0) == (Deal(1_000, DOWN),)


def test_levels_without_volume_give_nothing_and_no_limits_mean_no_bounds() -> None:
    assert match_new(BUY, 10_000, 100, book(10_000, [], [(10_000, 0)]), 0) == ()
    free = Book(44_000, 0, 0, 0, ask_price=(44_000, 0, 0, 0, 0), ask_volume=(200, 0, 0, 0, 0))
    assert match_new(BUY, 44_000, 100, free, 0) == (Deal(100, 44_000),)
    assert match_new(BUY, 44_000, 100, free, 0, 2_500) == (Deal(50, 44_000),)


def test_suspension_and_crossed_books_give_nothing() -> None:
    halted = NORMAL._replace(suspended=True, traded=9_000)
    assert match_new(BUY, 10_010, 100, halted, 0) == ()
    assert rest(BUY, 10_010, 100, halted) == Fill(0, 10_010, 0, FRONT)
    assert match_auction(EXPECTED, BUY, 10_100, 100, FRONT, halted, 0).shares == 0
    assert match_new(BUY, 10_500, 100, book(10_000, [(10_010, 500)], [(10_000, 500)]), 0) == ()


# ------------------------------------------------------------------ the queue


def test_what_is_traded_at_our_price_serves_those_ahead_first() -> None:
    seen = book(9_990, [(9_990, 2_000), (9_980, 400)], [(10_000, 100)], traded=700)
    assert rest(BUY, 9_990, 500, seen, place=Place(1_000, 1_500)) == Fill(0, 9_990, 0, Place(300, 2_000))
    assert rest(BUY, 9_990, 500, seen, place=Place(600, 1_500)) == Fill(100, 9_990, 0, Place(0, 2_000))
    assert rest(BUY, 9_990, 500, seen, place=Place(0, 0)) == Fill(500, 9_990, 0, Place(0, 2_000))
    assert rest(BUY, 9_990, 500, seen, place=NOWHERE) == Fill(0, 9_990, 0, Place(2_000, 2_000))


def test_our_earlier_order_in_the_same_push_is_served_before_the_later_one() -> None:
    seen = book(9_990, [(9_990, 2_000)], [(10_000, 100)], traded=700)
    first = rest(BUY, 9_990, 300, seen, place=Place(200, 200))
    assert first.shares == 300
    second = rest(BUY, 9_990, 300, seen, Taken(300, 0, 0), Place(200, 200))
    assert (second.shares, second.place) == (200, Place(0, 2_000))


def test_what_we_took_is_gone_until_as_much_has_been_traded() -> None:
    seen = book(10_000, [(9_990, 300)], [(10_000, 400)], traded=0, day_volume=5_000)
    assert taken_before(300, 5_000, seen) == Taken(0, 300, 0)
    assert rest(BUY, 10_000, 1_000, seen, taken_before(300, 5_000, seen)).shares == 100
    later = seen._replace(traded=200, turnover=200 * 10_000, day_volume=5_200)
    assert taken_before(300, 5_000, later) == Taken(0, 100, 200)
    fill = rest(BUY, 10_000, 1_000, later, taken_before(300, 5_000, later))
    assert (fill.shares, fill.of_shown) == (300, 300), "400 are shown, of which we had 100"
    much = seen._replace(traded=900, turnover=900 * 10_000, day_volume=6_100)
    assert taken_before(300, 5_000, much) == Taken(0, 0, 100)
    fill = rest(BUY, 10_000, 1_000, much, taken_before(300, 5_000, much))
    assert (fill.shares, fill.of_shown) == (800, 400), "of the 900 that were traded at our price 100 had been ours"


def test_participation_counts_for_what_is_shown_not_for_the_queue() -> None:
    seen = book(10_000, [(9_990, 300)], [(10_000, 400)])
    assert rest(BUY, 10_000, 1_000, seen, participation_bp=5_000).shares == 200
    assert rest(BUY, 9_990, 1_000, book(9_990, [(9_990, 300)], [], traded=600), participation_bp=1).shares == 600


@pytest.mark.parametrize(
    ("verdict", "shares"), [(PESSIMISTIC, 0), (EXPECTED, 200), (OPTIMISTIC, 1_000)], ids=["pess", "exp", "opt"]
)
def test_three_verdicts_at_a_sealed_limit(verdict: int, shares: int) -> None:
    up = SEALED._replace(traded=5_000, turnover=5_000 * UP)
    assert rest(BUY, UP, 1_000, up, place=Place(4_800, 9_000), verdict=verdict).shares == shares
    down = LOCKED._replace(traded=5_000, turnover=5_000 * DOWN)
    assert rest(SELL, DOWN, 1_000, down, place=Place(4_800, 9_000), verdict=verdict).shares == shares
    off = book(9_990, [(9_990, 9_000)], [(10_000, 100)], traded=5_000)
    assert rest(BUY, 9_990, 1_000, off, place=Place(4_800, 9_000), verdict=verdict).shares == 200


@pytest.mark.parametrize("verdict", [PESSIMISTIC, EXPECTED, OPTIMISTIC])
def test_an_open_board_fills_whatever_is_believed(verdict: int) -> None:
    behind = Place(800_000, 900_000)
    offered = book(UP, [(UP - 10, 5_000)], [(UP, 400)], traded=100)
    assert rest(BUY, UP, 1_000, offered, place=behind, verdict=verdict).shares == 400
    below = book(UP - 10, [(UP - 20, 900)], [(UP - 10, 100)], traded=700)
    assert rest(BUY, UP, 1_000, below, place=behind, verdict=verdict).shares == 700


def test_a_resealed_board_keeps_our_place_for_what_was_not_cancelled() -> None:
    """900,000 stood ahead; the board opened and 300,000 of the queue were still shown; then it filled up behind us."""
    place = Place(900_000, 900_000)
    opening = book(UP, [(UP, 300_000)], [], traded=1_000)
    place = rest(BUY, UP, 1_000, opening, place=place).place
    assert place == Place(300_000, 300_000)
    resealed = book(UP, [(UP, 2_000_000)], [], traded=50_000)
    assert rest(BUY, UP, 1_000, resealed, place=place) == Fill(0, UP, 0, Place(250_000, 2_000_000))


# ------------------------------------------------------------------ auctions

CLOSING = book(10_000, [(9_990, 500)], [(10_010, 500)], traded=10_000)


@pytest.mark.parametrize(
    ("side", "limit", "place", "seen", "shares"),
    [
        (BUY, 10_010, NOWHERE, CLOSING, 1_000),
        (BUY, 9_990, FRONT, CLOSING, 0),
        (SELL, 9_990, NOWHERE, CLOSING, 1_000),
        (SELL, 10_010, FRONT, CLOSING, 0),
        (BUY, 10_000, NOWHERE, CLOSING, 1_000),  # nobody was left over at the price
        (BUY, 10_000, NOWHERE, book(10_000, [(10_000, 700)], [(10_010, 5)], traded=10_000), 0),
        (BUY, 10_000, Place(9_600, 9_600), book(10_000, [(10_000, 700)], [(10_010, 5)], traded=10_000), 400),
        (SELL, 10_000, Place(9_600, 9_600), book(10_000, [(9_990, 5)], [(10_000, 700)], traded=10_000), 400),
        (BUY, 10_010, FRONT, CLOSING._replace(traded=0), 0),
    ],
)
def test_an_auction_fills_at_its_price_by_what_is_left_over(
    side: int, limit: int, place: Place, seen: Book, shares: int
) -> None:
    fill = match_auction(EXPECTED, side, limit, 1_000, place, seen, 0)
    assert fill.shares == shares
    assert fill.price == 10_000 or not shares


@pytest.mark.parametrize(("verdict", "shares"), [(PESSIMISTIC, 0), (EXPECTED, 400), (OPTIMISTIC, 1_000)])
def test_verdicts_in_an_auction_at_the_limit(verdict: int, shares: int) -> None:
    sealed = SEALED._replace(traded=10_000)
    assert match_auction(verdict, BUY, UP, 1_000, Place(9_600, 9_600), sealed, 0).shares == shares


def test_orders_in_an_auction_share_its_volume() -> None:
    assert match_auction(EXPECTED, BUY, 10_010, 9_000, FRONT, CLOSING, 4_000).shares == 6_000


# ------------------------------------------------------------------ machine code


def test_machine_code_gives_the_same_on_random_snapshots() -> None:
    chance = random.Random(3)
    done: dict = {}
    kernels = (match_resting, match_auction, level_deal, taken_before, check_book, arrive)
    fast = {each: compile_kernel(each, done) for each in kernels}
    filled = 0
    for _ in range(3_000):
        best = chance.randint(1_080, 1_100) * 10
        bids = [(best - 10 * n, chance.randint(0, 900)) for n in range(5)]
        asks = [(best + 10 + 10 * n, chance.randint(0, 900)) for n in range(5)] if chance.random() < 0.7 else []
        last = chance.choice([best, best + 10, UP, chance.randint(1_000, 1_100) * 10 + chance.choice([0, 0, 0, 5])])
        traded = chance.randint(-20, 2_000)
        seen = book(
            last, bids, asks, traded, traded * chance.choice([0, last, best, best + 3]), chance.randint(0, 9_000)
        )
        side, limit, left = chance.choice([BUY, SELL]), chance.choice([UP, best, best + 10]), chance.randint(1, 3_000)
        place, taken = Place(chance.randint(-1, 900), chance.randint(-1, 900)), Taken(chance.randint(0, 50), 30, 20)
        for kernel, arguments in (
            (
                match_resting,
                (chance.randint(1, 3), chance.choice([0, 5_000]), 9_000, side, limit, left, place, seen, taken),
            ),
            (match_auction, (chance.randint(1, 3), side, limit, left, place, seen, 10)),
            (level_deal, (side, limit, left, seen, chance.randint(0, 4), 30, 9_000)),
            (taken_before, (chance.randint(0, 900), chance.randint(0, 9_000), seen)),
            (check_book, (seen,)),
            (arrive, (side, limit, seen)),
        ):
            plain = kernel(*arguments)
            assert fast[kernel](*arguments) == plain, (kernel, arguments)
            filled += isinstance(plain, Fill) and plain.shares > 0
    assert filled > 1_000
