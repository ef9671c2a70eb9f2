"""Ex-days and T+1."""

from common.rules.corporate import cost_left, dividend, ex_right_reference, rescale, rescale_cost, shares_after
from common.rules.settlement import sellable


def test_reference_of_a_real_ex_day() -> None:
    # 600000.SH 2017-05-25: 10 shares get 3 and 2.00 yuan; (15.47 - 0.20) / 1.3 = 11.7462 -> 11.75
    assert ex_right_reference(15_470, 200_000, 300_000) == 11_750


def test_reference_with_rights() -> None:
    # (10.00 + 6.00 x 0.3) / 1.3 = 9.0769 -> 9.08
    assert ex_right_reference(10_000, 0, 0, 300_000, 6_000) == 9_080


def test_a_dividend_above_the_price_leaves_no_reference() -> None:
    assert ex_right_reference(1_000, 1_000_000, 0) == 0


def test_rescale_rounds_half_up_to_a_thousandth() -> None:
    assert rescale(10_001, 9_000, 10_000) == 9_001  # 9000.9
    assert rescale(10_005, 1, 2) == 5_003  # 5002.5
    assert rescale(10_000, 0, 10_000) == 10_000
    assert rescale(10_000, 9_000, 0) == 10_000


def test_an_ex_day_is_no_loss_and_no_gain() -> None:
    shares, close, cost = 1_300, 15_470, 20_000_000
    reference = ex_right_reference(close, 200_000, 300_000)
    after = shares_after(shares, 300_000)
    assert after == 1_690
    before_bp = close * shares * 10_000 / cost
    after_bp = reference * after * 10_000 / rescale_cost(cost, reference, close, shares, after)
    assert abs(before_bp - after_bp) < 0.01
    assert dividend(shares, 200_000) == 260_000


def test_a_fraction_of_a_share_is_dropped() -> None:
    assert shares_after(333, 100_000) == 366
    assert dividend(333, 12_345) == 4_110  # 333 x 0.012345 = 4.110885 -> 4.11


def test_cost_without_a_ratio_stays() -> None:
    assert rescale_cost(1_000, 0, 10_000, 100, 100) == 1_000
    assert rescale_cost(1_000, 9_000, 10_000, 0, 0) == 1_000


def test_a_partial_sale_takes_its_floored_part_of_the_cost() -> None:
    assert cost_left(10_000, 100, 300) == 6_667  # falls by 3333
    assert cost_left(10_000, 300, 300) == 0
    assert cost_left(10_000, 1, 0) == 0


def test_bought_today_and_frozen_are_not_sellable() -> None:
    assert sellable(500, 200, 100) == 200
    assert sellable(500, 500, 0) == 0
    assert sellable(100, 0, 200) == 0


def test_the_cost_of_a_large_position_is_rescaled_exactly() -> None:
    # 10 million shares for 100 million yuan, 3 for 10 and 0.20 yuan: one product of all four numbers needs 70 bits
    cost, close, before, after = 100_000_000_000, 15_470, 10_000_000, 13_000_000
    assert rescale_cost(cost, 11_750, close, before, after) == (2 * cost * 11_750 * after + close * before) // (
        2 * close * before
    )
    assert cost * after < 2**63
    assert cost * 11_750 * after > 2**63
