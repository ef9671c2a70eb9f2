"""Whole lots and odd remainders."""

import pytest

from common.domain.reasons import Reason
from common.domain.values import Board
from common.rules.lots import (
    check_buy_lots,
    check_sell_lots,
    lot_minimum,
    lot_step,
    market_order_cap,
    order_cap,
    round_buy,
    round_sell,
    st_daily_cap,
)

OK, ODD, BAD = Reason.NONE, Reason.ODD_LOT, Reason.BAD_QUANTITY


@pytest.mark.parametrize(
    ("board", "shares", "reason", "rounded"),
    [
        (Board.MAIN, 100, OK, 100),
        (Board.MAIN, 150, ODD, 100),
        (Board.MAIN, 99, ODD, 0),
        (Board.MAIN, 0, BAD, 0),
        (Board.MAIN, -100, BAD, 0),
        (Board.CHINEXT, 250, ODD, 200),
        (Board.STAR, 199, ODD, 0),
        (Board.STAR, 200, OK, 200),
        (Board.STAR, 201, OK, 201),
        (Board.BSE, 100, OK, 100),
        (Board.BSE, 101, OK, 101),
        (Board.BSE, 99, ODD, 0),
        (0, 100, ODD, 0),
    ],
)
def test_buys(board: int, shares: int, reason: Reason, rounded: int) -> None:
    assert check_buy_lots(board, shares) is reason
    assert round_buy(board, shares) == rounded


@pytest.mark.parametrize(
    ("board", "shares", "sellable", "reason"),
    [
        (Board.MAIN, 100, 250, OK),
        (Board.MAIN, 250, 250, OK),  # the odd 50 goes with the rest
        (Board.MAIN, 50, 250, OK),  # or alone, but whole
        (Board.MAIN, 30, 250, ODD),
        (Board.MAIN, 150, 300, ODD),
        (Board.MAIN, 0, 300, BAD),
        (Board.MAIN, 130, 30, ODD),  # more than there is
        (Board.STAR, 200, 500, OK),
        (Board.STAR, 333, 500, OK),
        (Board.STAR, 150, 500, ODD),
        (Board.STAR, 150, 150, OK),
        (Board.BSE, 99, 100, ODD),
        (Board.BSE, 99, 99, OK),
        (0, 100, 100, ODD),
    ],
)
def test_sells(board: int, shares: int, sellable: int, reason: Reason) -> None:
    assert check_sell_lots(board, shares, sellable) is reason


@pytest.mark.parametrize(
    ("board", "wanted", "sellable", "shares"),
    [
        (Board.MAIN, 250, 250, 250),
        (Board.MAIN, 250, 240, 240),
        (Board.MAIN, 150, 250, 100),
        (Board.MAIN, 50, 250, 0),
        (Board.MAIN, 100, 0, 0),
        (Board.MAIN, 3_000_050, 3_000_050, 1_000_000),
        (Board.STAR, 150, 500, 0),
        (Board.STAR, 250, 500, 250),
        (Board.STAR, 150, 150, 150),
        (0, 100, 100, 0),
    ],
)
def test_round_sell(board: int, wanted: int, sellable: int, shares: int) -> None:
    assert round_sell(board, wanted, sellable) == shares


def test_order_cap_is_dated() -> None:
    assert order_cap(Board.CHINEXT, 20200821) == 1_000_000
    assert order_cap(Board.CHINEXT, 20200824) == 300_000
    assert order_cap(Board.STAR, 20190719) == 0


def test_a_board_has_no_lots_before_it_opens() -> None:
    assert (lot_minimum(Board.STAR, 20190719), lot_step(Board.STAR, 20190719)) == (0, 0)
    assert (lot_minimum(Board.STAR, 20190722), lot_step(Board.STAR, 20190722)) == (200, 1)
    assert check_buy_lots(Board.BSE, 100, 20211112) is ODD
    assert check_sell_lots(Board.BSE, 100, 100, 20211112) is ODD
    assert check_buy_lots(Board.BSE, 100, 20211115) is OK
    assert round_buy(Board.BSE, 101, 20211112) == 0


def test_largest_orders_by_date() -> None:
    assert (order_cap(Board.CHINEXT, 20200821), market_order_cap(Board.CHINEXT, 20200821)) == (1_000_000, 1_000_000)
    assert (order_cap(Board.CHINEXT, 20200824), market_order_cap(Board.CHINEXT, 20200824)) == (300_000, 150_000)
    assert (order_cap(Board.STAR, 20260105), market_order_cap(Board.STAR, 20260105)) == (100_000, 50_000)
    assert market_order_cap(Board.STAR, 20190719) == 0


def test_what_an_account_may_buy_of_one_st_stock_in_a_day() -> None:
    assert st_daily_cap(Board.MAIN, 20121231) == 0
    assert st_daily_cap(Board.MAIN, 20130104) == 500_000
    assert (st_daily_cap(Board.BSE, 20260828), st_daily_cap(Board.BSE, 20260831)) == (0, 200_000)
    assert st_daily_cap(Board.CHINEXT) == 0
