"""The paper exchange on real five-level books, and its assumptions on real minutes and the vendor's list of seals."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fills import (
    StockDay,
    bar_fills,
    book_fills,
    queue_ratios,
    seal_agreement,
    stock_days,
    tick_books,
)
from bench.one_order import run_order
from common.domain.values import Side
from common.rules.bar_matching import QUEUE_TURNOVER_BP
from common.rules.book import Book, check_book, usable
from common.rules.matching import EXPECTED, OPTIMISTIC, PESSIMISTIC, shown_within

pytestmark = pytest.mark.real_data
REACH = 150
"""Snapshots that an order is followed."""


@pytest.fixture(scope="module")
def stocks(shared_data: Path) -> list[list[Book]]:
    """The snapshots of continuous trading of each stock-day."""
    paths = sorted((shared_data / "ticks").glob("*.parquet"))
    return [books for path in paths for _, books in tick_books(path) if len(books) > REACH + 1]


@pytest.fixture(scope="module")
def minutes(shared_data: Path) -> list[StockDay]:
    return list(stock_days(shared_data))


def test_real_books_have_no_defect(stocks: list[list[Book]]) -> None:
    assert sum(len(books) for books in stocks) > 30_000
    assert not [book for books in stocks for book in books if not usable(check_book(book))]


@settings(max_examples=150)
@given(st.data())
def test_no_order_ever_gets_more_than_was_there_and_verdicts_lie_inside_each_other(
    stocks: list[list[Book]], data: st.DataObject
) -> None:
    books = data.draw(st.sampled_from(stocks))
    start = data.draw(st.integers(0, len(books) - REACH))
    tape = books[start : start + REACH]
    side = data.draw(st.sampled_from([Side.BUY, Side.SELL]))
    away = data.draw(st.integers(-3, 6)) * 10
    best = tape[0].bid_price[0] if side == Side.BUY else tape[0].ask_price[0]
    limit = best - away if side == Side.BUY else best + away
    at_limit = data.draw(st.booleans())
    if at_limit:  # make our price the limit of the day for the verdicts to differ
        end = max(book.last for book in tape) if side == Side.BUY else min(book.last for book in tape)
        limit = min(end, limit) if side == Side.BUY else max(end, limit)
        tape = [b._replace(up_limit=limit) if side == Side.BUY else b._replace(down_limit=limit) for b in tape]
    shares = data.draw(st.integers(1, 200)) * 100
    share_bp = data.draw(st.sampled_from([0, 5_000, 10_000]))
    runs = [run_order(tape, verdict, limit, side, shares, share_bp) for verdict in (PESSIMISTIC, EXPECTED, OPTIMISTIC)]
    for low, middle, high in zip(*(run.filled for run in runs), strict=True):
        assert 0 <= low <= middle <= high <= shares
    for run in runs:
        assert min(run.ahead) >= -1
        for number in range(1, REACH):
            got = run.filled[number] - run.filled[number - 1]
            assert got <= max(tape[number].traded, shown_within(side, limit, tape[number]))
    late = run_order(tape, EXPECTED, limit, side, shares, share_bp, start=data.draw(st.integers(1, REACH - 1)))
    assert all(a >= b for a, b in zip(runs[1].filled, late.filled, strict=True))


def test_queues_away_from_the_limit_are_mostly_left_by_trades(shared_data: Path) -> None:
    """What `cancel_share` could change is small; that somebody stands ahead of us is not."""
    found = book_fills(
        stock for path in sorted((shared_data / "ticks").glob("*.parquet")) for stock in tick_books(path)
    )
    assert found["orders"] > 1_000
    filled = found["filled"]
    assert filled["cancel_share_0"] <= filled["cancel_share_5000"] <= filled["cancel_share_10000"]
    assert filled["cancel_share_10000"] < filled["nobody_ahead"]
    assert filled["cancel_share_10000"] - filled["cancel_share_0"] < 0.02
    assert 0.6 < found["left_the_queue_by_trades"] < 0.95


def test_our_touch_fires_in_the_minute_of_the_vendors_first_seal(minutes: list[StockDay]) -> None:
    found = seal_agreement(minutes)
    assert found["listed"] > 1_200
    assert found["never_touched"] == 0
    assert found["sealed_at_once"] > 800
    assert found["sealed_at_once_same"] >= 0.99 * found["sealed_at_once"]
    assert found["closed_at_limit_same"] >= 0.96 * found["closed_at_limit"]
    assert found["fell_back_vendor_same_or_later"] == found["fell_back"], "a seal is never before its touch"


def test_the_assumed_queue_is_the_median_of_boards_that_never_opened(minutes: list[StockDay]) -> None:
    found = queue_ratios(minutes)
    assert found["never_opened"] > 500
    middle = found["queue_to_turnover"][2]
    assert abs(middle * 10_000 - QUEUE_TURNOVER_BP) < 500


def test_expected_lies_between_the_other_two_on_real_minutes(minutes: list[StockDay]) -> None:
    rows = bar_fills(minutes)
    sealed, open_ = rows["ended_sealed"], rows["ended_open"]
    assert sealed["stock_days"] > 1_000
    assert sealed["pessimistic"] < sealed["expected_10000"] < sealed["expected_3000"] < sealed["expected_0"]
    assert sealed["expected_0"] <= sealed["optimistic"]
    assert open_["stock_days"] > 100
    assert open_["pessimistic"] > 0.97, "a board that opens serves whoever queued"
