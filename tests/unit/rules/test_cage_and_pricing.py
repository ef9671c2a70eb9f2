"""The price cage by board and date, and prices of marketable orders inside all that bounds them."""

import pytest

from common.domain.values import Board
from common.rules.cage import Cage, cage_base, cage_bounds
from common.rules.pricing import marketable_buy_price, marketable_sell_price, reach_high, reach_low

BUY, SELL = 1, 2
DAY = 20260105


@pytest.mark.parametrize(
    ("board", "day", "side", "bid", "ask", "expected"),
    [
        (Board.MAIN, DAY, BUY, 19_990, 20_000, Cage(0, 20_400)),
        (Board.MAIN, DAY, SELL, 20_000, 20_010, Cage(19_600, 0)),
        (Board.MAIN, DAY, BUY, 2_000, 2_010, Cage(0, 2_110)),  # ten ticks are more than 2 %
        (Board.MAIN, 20230407, BUY, 19_990, 20_000, Cage(0, 0)),  # no cage yet
        (Board.CHINEXT, 20230407, BUY, 2_000, 2_010, Cage(0, 2_050)),  # 2 % alone
        (Board.CHINEXT, 20230410, BUY, 2_000, 2_010, Cage(0, 2_110)),
        (Board.STAR, DAY, BUY, 2_000, 2_010, Cage(0, 2_050)),
        (Board.BSE, DAY, BUY, 2_000, 20_010, Cage(0, 21_010)),  # 21.0105 rounded inwards
        (Board.BSE, DAY, SELL, 20_010, 0, Cage(19_010, 0)),  # 19.0095 rounded inwards
        (Board.MAIN, DAY, SELL, 50, 60, Cage(10, 0)),  # never below one tick
    ],
)
def test_cage(board: int, day: int, side: int, bid: int, ask: int, expected: Cage) -> None:
    assert cage_bounds(board, day, side, bid, ask, 15_000, 14_000) == expected


def test_cage_is_built_on_the_next_best_price_there_is() -> None:
    assert cage_base(BUY, 10, 20, 30, 40) == 20
    assert cage_base(BUY, 10, 0, 30, 40) == 10
    assert cage_base(SELL, 10, 20, 30, 40) == 10
    assert cage_base(SELL, 0, 20, 30, 40) == 20
    assert cage_base(SELL, 0, 0, 30, 40) == 30
    assert cage_base(SELL, 0, 0, 0, 40) == 40
    assert cage_bounds(Board.MAIN, DAY, BUY, 0, 0, 0, 0) == Cage(0, 0)


def test_reach_is_two_percent_rounded_inwards_and_at_least_a_tick() -> None:
    assert (reach_high(10_030), reach_low(10_030)) == (10_230, 9_830)
    assert (reach_high(100), reach_low(100)) == (110, 90)
    assert reach_low(10) == 10


def test_buy_price_stops_at_the_first_bound() -> None:
    def price(last: int, bid: int, ask: int, up: int, down: int = 9_000) -> int:
        return marketable_buy_price(Board.MAIN, DAY, last, bid, ask, 10_000, up, down)

    assert price(10_000, 9_990, 10_000, 11_000) == 10_200  # 2 % from last
    assert price(10_900, 10_890, 10_900, 11_000) == 11_000  # the up limit
    assert price(10_000, 9_600, 9_700, 11_000) == 9_890  # the cage around the best ask
    assert price(9_000, 0, 9_000, 11_000) == 9_180
    assert price(0, 0, 0, 0, 0) == 10_200  # nothing traded: around the previous close


def test_sell_price_stops_at_the_first_bound_and_rests_at_a_locked_down_limit() -> None:
    def price(last: int, bid: int, ask: int, up: int = 11_000, down: int = 9_000) -> int:
        return marketable_sell_price(Board.MAIN, DAY, last, bid, ask, 10_000, up, down)

    assert price(10_000, 10_000, 10_010) == 9_800
    assert price(9_050, 9_050, 9_060) == 9_000  # the down limit
    assert price(9_000, 0, 9_000) == 9_000  # locked: rests there
    assert price(10_000, 10_300, 10_310) == 10_090  # the cage under the best bid
    assert price(12_000, 12_000, 0, 11_000) == 11_000
