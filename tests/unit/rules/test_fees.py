"""Fees by date: worked examples, and the minimum commission of an order dealt in parts."""

import pytest

from common.rules.fees import Charges, Fees, commission_cap_e7, deal_fees, exchange_charges, fees, order_fees

BUY, SELL = 1, 2
SSE, SZSE, BSE = 1, 2, 3
YUAN = 1000


@pytest.mark.parametrize(
    ("side", "day", "exchange", "turnover", "shares", "rate_e7", "expected"),
    [
        # 10,000 x 0.00015 = 1.50 -> the minimum of 5.00; transfer 10,000 x 0.00001 = 0.10
        (BUY, 20260105, SSE, 10_000 * YUAN, 1000, 1500, Fees(5000, 0, 100)),
        # 200,000 x 0.00015 = 30.00; stamp 200,000 x 0.0005 = 100.00; transfer 2.00
        (SELL, 20260105, SZSE, 200_000 * YUAN, 1000, 1500, Fees(30_000, 100_000, 2000)),
        # last day of 0.1 %: stamp 200,000 x 0.001 = 200.00
        (SELL, 20230827, SSE, 200_000 * YUAN, 1000, 1500, Fees(30_000, 200_000, 2000)),
        (SELL, 20230828, SSE, 200_000 * YUAN, 1000, 1500, Fees(30_000, 100_000, 2000)),
        # transfer 0.002 % until 2022-04-28, 0.001 % from 2022-04-29
        (BUY, 20220428, SZSE, 200_000 * YUAN, 1000, 1500, Fees(30_000, 0, 4000)),
        (BUY, 20220429, SZSE, 200_000 * YUAN, 1000, 1500, Fees(30_000, 0, 2000)),
        (BUY, 20220428, BSE, 200_000 * YUAN, 1000, 1500, Fees(30_000, 0, 5000)),
        # before 2015-08-01: Shanghai by face value, 20,000 x 1.00 x 0.0006 = 12.00; Shenzhen none
        (BUY, 20150731, SSE, 200_000 * YUAN, 20_000, 3000, Fees(60_000, 0, 12_000)),
        (BUY, 20150731, SZSE, 200_000 * YUAN, 20_000, 3000, Fees(60_000, 0, 0)),
        (BUY, 20150801, SSE, 200_000 * YUAN, 20_000, 3000, Fees(60_000, 0, 4000)),
        # 500 x 1.00 x 0.001 = 0.50 -> the minimum of 1.00
        (BUY, 20100104, SSE, 5_000 * YUAN, 500, 8000, Fees(5000, 0, 1000)),
        # half up to 0.01: 33,340.00 x 0.00015 = 5.001 -> 5.00; stamp 16.67; transfer 0.3334 -> 0.33
        (SELL, 20260105, SSE, 33_340 * YUAN, 1000, 1500, Fees(5000, 16_670, 330)),
        # 33,500 x 0.00001 = 0.335 -> 0.34 (a tie goes up)
        (BUY, 20260105, SSE, 33_500 * YUAN, 1000, 1500, Fees(5030, 0, 340)),
        (BUY, 20260105, SSE, 0, 0, 1500, Fees(0, 0, 0)),
    ],
)
def test_worked_examples(
    side: int, day: int, exchange: int, turnover: int, shares: int, rate_e7: int, expected: Fees
) -> None:
    assert order_fees(side, day, exchange, turnover, rate_e7, 5000, shares) == expected


def test_the_first_deal_bears_the_minimum_and_the_next_ones_only_what_goes_beyond() -> None:
    def added(turnover: int, before: int) -> Fees:
        return deal_fees(BUY, 20260105, SSE, turnover, before, 1500, 5000)

    assert added(10_000 * YUAN, 0) == Fees(5000, 0, 100)
    assert added(20_000 * YUAN, 10_000 * YUAN) == Fees(0, 0, 200)  # 30,000 x 0.00015 = 4.50, still the minimum
    assert added(20_000 * YUAN, 30_000 * YUAN) == Fees(2500, 0, 200)  # 50,000 x 0.00015 = 7.50
    assert order_fees(BUY, 20260105, SSE, 50_000 * YUAN, 1500, 5000) == Fees(7500, 0, 500)


def test_fees_is_the_sum_of_the_kinds() -> None:
    assert fees(SELL, 20260105, SZSE, 200_000 * YUAN, 0, 1500, 5000) == 132_000


def test_charges_follow_the_date_and_the_exchange() -> None:
    assert exchange_charges(BUY, 20260105, SSE, 1_000_000 * YUAN) == Charges(34_100, 20_000)
    assert exchange_charges(SELL, 20230825, SZSE, 1_000_000 * YUAN) == Charges(48_700, 20_000)
    assert exchange_charges(BUY, 20211115, BSE, 1_000_000 * YUAN) == Charges(500_000, 20_000)
    assert exchange_charges(BUY, 20211112, BSE, 1_000_000 * YUAN) == Charges(0, 0)  # not open yet
    assert exchange_charges(BUY, 20260105, SSE, 0) == Charges(0, 0)


def test_the_highest_commission() -> None:
    assert commission_cap_e7(20260105) == 30_000  # 3 per mille
    assert commission_cap_e7(20091231) == 0
