"""From money to lots."""

import pytest

from common.domain.reasons import Reason
from common.domain.values import Board
from common.rules.sizing import Sizing, buy_need, reduce_shares, size_buy, size_reduce, size_sell

DAY = 20260105


def buy(slot: int, free: int, price: int, board: int = Board.MAIN) -> Sizing:
    return size_buy(slot, free, price, board, DAY, 1, 1500, 5000)


def test_whole_lots_with_fees() -> None:
    # 200,000 / 10.00 = 20,000 shares, but their fees (30.00 + 2.00) do not fit any more
    assert buy(200_000_000, 900_000_000, 10_000) == Sizing(19_900, Reason.NONE)
    assert buy_need(20_000, 10_000, DAY, 1, 1500, 5000) == 200_032_000


def test_cut_to_free_cash() -> None:
    assert buy(200_000_000, 50_000_000, 10_000) == Sizing(4_900, Reason.NONE)


@pytest.mark.parametrize(
    ("slot", "free", "price", "board"),
    [
        (200_000_000, 900_000_000, 2_000_010, Board.MAIN),  # a lot costs 200,001 yuan
        (200_000_000, 900_000_000, 2_000_000, Board.MAIN),  # a lot fits, its fees do not
        (200_000_000, 1_000, 10_000, Board.MAIN),
        (200_000_000, 0, 10_000, Board.MAIN),
        (200_000_000, -5_000, 10_000, Board.MAIN),
        (200_000_000, 900_000_000, 1_000_010, Board.STAR),  # at least 200 shares there
        (200_000_000, 900_000_000, 0, Board.MAIN),
        (200_000_000, 900_000_000, 10_000, 0),
    ],
)
def test_below_one_lot(slot: int, free: int, price: int, board: int) -> None:
    assert buy(slot, free, price, board) == Sizing(0, Reason.BELOW_ONE_LOT)


def test_star_goes_by_single_shares_above_two_hundred() -> None:
    assert buy(10_000_000, 900_000_000, 49_000, Board.STAR) == Sizing(203, Reason.NONE)


def test_the_largest_order_caps_it() -> None:
    assert buy(2_000_000_000, 2_000_000_000, 1_000, Board.STAR) == Sizing(100_000, Reason.NONE)


@pytest.mark.parametrize(
    ("shares", "board", "sold"),
    [
        (1000, Board.MAIN, 500),
        (900, Board.MAIN, 400),
        (300, Board.MAIN, 100),
        (200, Board.MAIN, 100),
        (150, Board.MAIN, 100),  # half rounds to nothing: at least one lot
        (100, Board.MAIN, 100),  # one lot left: all
        (50, Board.MAIN, 50),
        (300, Board.STAR, 200),
        (501, Board.STAR, 250),
        (200, Board.STAR, 200),
    ],
)
def test_half_of_what_is_held(shares: int, board: int, sold: int) -> None:
    assert reduce_shares(shares, 5000, board) == sold
    assert size_reduce(shares, shares, 5000, board) == Sizing(sold, Reason.NONE)


def test_a_reduce_sells_no_more_than_is_free() -> None:
    assert size_reduce(1000, 250, 5000, Board.MAIN) == Sizing(250, Reason.NONE)
    assert size_reduce(1000, 0, 5000, Board.MAIN) == Sizing(0, Reason.T1_UNSELLABLE)


def test_an_order_that_cannot_be_whole_is_denied() -> None:
    assert size_sell(50, 300, Board.MAIN) == Sizing(0, Reason.BELOW_ONE_LOT)
    assert size_sell(2_000_000, 2_000_000, Board.MAIN, DAY) == Sizing(1_000_000, Reason.NONE)
