"""Matching over random books: never more than shown or traded, never worse than the limit, sealed boards give nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from common.domain.values import Side
from common.rules.matching import Book, crossed, match_new, match_resting, sealed_down, sealed_up, shown_within

UP, DOWN = 11_000, 9_000
prices = st.integers(890, 1110).map(lambda ticks: ticks * 10)
volumes = st.integers(0, 2_000)
sides = st.sampled_from([int(Side.BUY), int(Side.SELL)])
shares_of = st.integers(1, 10_000)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Draw a book that may be sealed, empty or crossed."""
    best_bid, best_ask = draw(prices), draw(prices)
    step = draw(st.integers(1, 3)) * 10
    bids = tuple(max(0, best_bid - step * n) if draw(st.booleans()) or n == 0 else 0 for n in range(5))
    asks = tuple(best_ask + step * n for n in range(5))
    if draw(st.booleans()):
        asks = (0, 0, 0, 0, 0)
        bids = (UP, *bids[1:]) if draw(st.booleans()) else bids
    if draw(st.integers(0, 3)) == 0:
        bids = (0, 0, 0, 0, 0)
        asks = (DOWN, *(DOWN + step * n for n in range(1, 5)))
    last = draw(st.sampled_from([UP, DOWN, draw(prices)]))
    bid_volume = tuple(draw(volumes) for _ in range(5))
    ask_volume = tuple(draw(volumes) for _ in range(5))
    return Book(last, UP, DOWN, draw(volumes), bids, bid_volume, asks, ask_volume)  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None)
@given(books(), sides, prices, shares_of, volumes)
def test_a_new_order_never_gets_more_than_shown_nor_a_worse_price(
    book: Book, side: int, limit: int, shares: int, taken: int
) -> None:
    deals = match_new(side, limit, shares, book, taken)
    total = sum(deal.shares for deal in deals)
    assert total <= shares
    assert total == 0 or total + taken <= shown_within(side, limit, book)
    assert all(deal.shares > 0 and DOWN <= deal.price <= UP for deal in deals)
    assert all(deal.price <= limit if side == Side.BUY else deal.price >= limit for deal in deals)
    ordered = [deal.price for deal in deals]
    assert ordered == sorted(ordered, reverse=side == Side.SELL)


@settings(max_examples=300, deadline=None)
@given(books(), sides, prices, shares_of, volumes)
def test_a_resting_order_never_gets_more_than_shown_or_traded(
    book: Book, side: int, limit: int, shares: int, taken: int
) -> None:
    got = match_resting(side, limit, shares, book, taken)
    assert 0 <= got <= shares
    assert got == 0 or got + taken <= max(shown_within(side, limit, book), book.traded)
    if crossed(book):
        assert got == 0


@settings(max_examples=200, deadline=None)
@given(books(), shares_of)
def test_sealed_boards_never_fill_whoever_queues_at_the_limit(book: Book, shares: int) -> None:
    if sealed_up(book):
        assert match_resting(Side.BUY, UP, shares, book, 0) == 0
        assert match_new(Side.BUY, UP, shares, book, 0) == ()
    if sealed_down(book):
        assert match_resting(Side.SELL, DOWN, shares, book, 0) == 0
        assert match_new(Side.SELL, DOWN, shares, book, 0) == ()


@settings(max_examples=200, deadline=None)
@given(books(), sides, prices, st.lists(shares_of, min_size=2, max_size=4))
def test_orders_of_one_push_together_never_get_more_than_was_there(
    book: Book, side: int, limit: int, orders: list[int]
) -> None:
    taken = 0
    for shares in orders:
        taken += match_resting(side, limit, shares, book, taken)
    assert taken <= max(shown_within(side, limit, book), book.traded)
