"""Matching over random books and tapes: never more than shown or traded, verdicts inside each other, no overtaking."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.one_order import History, run_order
from common.domain.values import Side
from common.rules.book import Book, check_book, crossed, usable
from common.rules.matching import (
    EXPECTED,
    OPTIMISTIC,
    PESSIMISTIC,
    Taken,
    match_new,
    match_resting,
    shown_within,
)
from common.rules.queue import Place, arrive, shown_at
from tests.builders import DOWN, UP, five

prices = st.integers(890, 1110).map(lambda ticks: ticks * 10)
near = st.integers(1_085, 1_100).map(lambda ticks: ticks * 10)
volumes = st.integers(0, 2_000)
sides = st.sampled_from([int(Side.BUY), int(Side.SELL)])
shares_of = st.integers(1, 10_000)
cancel_shares = st.sampled_from([0, 3_000, 10_000])


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Draw any book: sealed, empty, crossed, out of order, beyond the limits."""
    sides_drawn = [five([draw(prices) if draw(st.integers(0, 3)) else 0 for _ in range(5)]) for _ in range(2)]
    amounts = [five([draw(st.integers(-5, 2_000)) for _ in range(5)]) for _ in range(2)]
    last = draw(st.sampled_from([UP, DOWN, draw(prices)]))
    traded = draw(st.integers(-10, 2_000))
    turnover = draw(st.sampled_from([0, traded * last, traded * draw(prices)]))
    return Book(
        last, UP, DOWN, traded, sides_drawn[0], amounts[0], sides_drawn[1], amounts[1], turnover, False,
        max(0, traded) + draw(volumes),
    )  # fmt: skip


@st.composite
def good_books(draw: st.DrawFn) -> Book:
    """Draw a checked book near the up limit: open, or sealed."""
    traded = draw(volumes)
    if draw(st.booleans()):
        bids = five([UP - 10 * n for n in range(5)])
        volume = five([draw(st.integers(1, 9_000))] + [draw(volumes) for _ in range(4)])
        return Book(UP, UP, DOWN, traded, bids, volume, turnover=traded * UP)
    best = min(draw(near), UP - 10)
    gap = draw(st.integers(1, 2)) * 10
    bids = five([best - 10 * n for n in range(5)])
    asks = five([price for n in range(5) if (price := best + gap + 10 * n) <= UP])
    last = draw(st.sampled_from([best, min(best + gap, UP)]))
    mean = draw(st.integers(best - 5, min(best + gap, UP)))
    amounts = [five([draw(volumes) for _ in range(5)]) for _ in range(2)]
    return Book(last, UP, DOWN, traded, bids, amounts[0], asks, amounts[1], traded * mean)


class Plan(NamedTuple):
    """An order and what follows."""

    tape: list[Book]
    limit: int
    side: int
    shares: int
    cancel_share_bp: int


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a tape with running volumes, and an order near its prices."""
    volume, tape = 0, []
    for seen in draw(st.lists(good_books(), min_size=3, max_size=25)):
        assert usable(check_book(seen))
        volume += seen.traded
        tape.append(seen._replace(day_volume=volume))
    limit = draw(st.sampled_from([UP, UP, draw(near)]))
    return Plan(tape, limit, draw(sides), draw(shares_of), draw(cancel_shares))


@settings(max_examples=300)
@given(books(), sides, prices, shares_of, volumes)
def test_a_new_order_never_gets_more_than_shown_nor_a_worse_price(
    book: Book, side: int, limit: int, shares: int, taken: int
) -> None:
    deals = match_new(side, limit, shares, book, taken)
    total = sum(deal.shares for deal in deals)
    assert total <= shares
    assert total == 0 or total + taken <= shown_within(side, limit, book)
    assert all(deal.shares > 0 and deal.price > 0 for deal in deals)
    assert all(deal.price <= limit if side == Side.BUY else deal.price >= limit for deal in deals)
    if usable(check_book(book)):
        assert all(deal.price % 10 == 0 and DOWN <= deal.price <= UP for deal in deals)
        ordered = [deal.price for deal in deals]
        assert ordered == sorted(ordered, reverse=side == Side.SELL)
    if crossed(book):
        assert not deals


@settings(max_examples=300)
@given(books(), sides, prices, shares_of, volumes, volumes, st.integers(0, 5_000), cancel_shares)
def test_a_resting_order_never_gets_more_than_shown_or_traded(
    book: Book, side: int, limit: int, shares: int, now: int, owed: int, ahead: int, cancel_share_bp: int
) -> None:
    for verdict in (PESSIMISTIC, EXPECTED, OPTIMISTIC):
        fill = match_resting(
            verdict, cancel_share_bp, 10_000, side, limit, shares, Place(ahead, ahead), book, Taken(now, owed, 0)
        )
        assert 0 <= fill.of_shown <= fill.shares <= shares
        assert fill.price == limit
        assert fill.shares == 0 or fill.shares + now <= max(shown_within(side, limit, book), book.traded)
        assert fill.place.ahead >= 0
        shown = shown_at(side, limit, book)
        assert shown < 0 or fill.place.ahead <= shown


@settings(max_examples=200)
@given(plans())
def test_verdicts_lie_inside_each_other(plan: Plan) -> None:
    runs = [run_order(plan.tape, verdict, *plan[1:]) for verdict in (PESSIMISTIC, EXPECTED, OPTIMISTIC)]
    for low, middle, high in zip(*(run.filled for run in runs), strict=True):
        assert low <= middle <= high <= plan.shares


@settings(max_examples=200)
@given(plans(), st.integers(1, 10), st.sampled_from([PESSIMISTIC, EXPECTED, OPTIMISTIC]))
def test_a_later_arrival_at_our_price_never_fills_earlier(plan: Plan, later: int, verdict: int) -> None:
    early = run_order(plan.tape, verdict, *plan[1:])
    late = run_order(plan.tape, verdict, *plan[1:], start=min(later, len(plan.tape) - 1))
    assert all(a >= b for a, b in zip(early.filled, late.filled, strict=True))


@settings(max_examples=200)
@given(plans())
def test_an_order_never_has_more_than_the_tape_traded_or_offered(plan: Plan) -> None:
    run = run_order(plan.tape, EXPECTED, *plan[1:])
    shown = sum(shown_within(plan.side, plan.limit, book) for book in plan.tape)
    traded = sum(book.traded for book in plan.tape[1:])
    assert run.filled[-1] <= shown + traded
    assert all(ahead >= -1 for ahead in run.ahead)
    assert isinstance(run, History)


@settings(max_examples=100)
@given(books(), sides, prices)
def test_on_arrival_nobody_overtakes_what_is_shown(book: Book, side: int, limit: int) -> None:
    place = arrive(side, limit, book)
    assert place.ahead == shown_at(side, limit, book)
