"""Tax on dividends by the day of the event and the time held."""

import pytest

from common.rules.dividend import dividend_tax, dividend_tax_bp, one_month_after, sold_of_lot, taxable_dividend


@pytest.mark.parametrize(
    ("ex_day", "acquired", "sold", "bp"),
    [
        # before 2013: 10 % whatever the time
        (20120615, 20120614, 20120615, 1000),
        (20121231, 20100104, 20130301, 1000),
        # 2013 to 2015-09-07: 20 %, 10 %, 5 %
        (20130104, 20121220, 20130110, 2000),
        (20130520, 20130104, 20130603, 1000),
        (20150907, 20130104, 20160105, 500),
        # from 2015-09-08: 20 %, 10 %, nothing
        (20150908, 20150901, 20150909, 2000),
        (20150908, 20150105, 20150909, 1000),
        (20150908, 20130104, 20150909, 0),
        # one month: bought 8 January, sold 8 February = held to 7 February = one month exactly
        (20240115, 20240108, 20240208, 2000),
        (20240115, 20240108, 20240209, 1000),
        # over the turn of the year
        (20231215, 20231208, 20240108, 2000),
        (20231215, 20231208, 20240109, 1000),
        # bought 31 January: the month ends with February, 28 or 29 days
        (20230215, 20230131, 20230228, 2000),
        (20230215, 20230131, 20230301, 1000),
        (20240215, 20240131, 20240229, 2000),
        # one year to the day, then more
        (20240115, 20230515, 20240515, 1000),
        (20240115, 20230515, 20240516, 0),
        # bought on 29 February: the year ends with February
        (20240611, 20240229, 20250228, 1000),
        (20240611, 20240229, 20250303, 0),
        # the tables begin in 2010
        (20091231, 20090105, 20100105, 0),
    ],
)
def test_rate_by_date_and_time_held(ex_day: int, acquired: int, sold: int, bp: int) -> None:
    assert dividend_tax_bp(ex_day, acquired, sold) == bp


def test_lots_are_sold_first_in_first_out() -> None:
    # 300 bought in January, 200 in March, 500 in June; 400 are sold in June
    lots = [(20240108, 300), (20240311, 200), (20240603, 500)]
    taken, older = [], 0
    for _, shares in lots:
        taken.append(sold_of_lot(older, shares, 400))
        older += shares
    assert taken == [300, 100, 0]
    # 0.50 yuan a share on 2024-05-20: January's 300 shares were held over a month, so were March's
    tax = sum(
        dividend_tax(taxable_dividend(part, 500_000), 20240520, acquired, 20240610)
        for (acquired, _), part in zip(lots, taken, strict=True)
        if acquired < 20240520
    )
    assert tax == 20_000  # 10 % of 400 x 0.50


def test_a_month_on() -> None:
    assert one_month_after(20240131) == 20240231
    assert one_month_after(20241231) == 20250131


def test_bonus_shares_out_of_profit_are_taxed_at_face_value() -> None:
    # 1,000 shares, 0.20 yuan and 3 bonus shares for 10: 200 + 300 x 1.00 = 500.00 yuan
    assert taxable_dividend(1_000, 200_000, 300_000) == 500_000
    assert taxable_dividend(1_000, 200_000) == 200_000
    assert taxable_dividend(333, 12_345) == 4_110  # 4.110885 -> 4.11


def test_tax_of_a_lot_rounds_half_up_to_a_cent() -> None:
    assert dividend_tax(500_000, 20240115, 20240108, 20240208) == 100_000  # 20 % of 500.00
    assert dividend_tax(4_110, 20240115, 20240108, 20240208) == 820  # 0.822 -> 0.82
    assert dividend_tax(250, 20240115, 20240108, 20240301) == 30  # 10 % of 0.25 = 0.025 -> 0.03
    assert dividend_tax(500_000, 20240115, 20220104, 20240208) == 0
