"""The tax of a sale: each income at its own rate, rounded once for the whole order."""

from common.domain.lots import Portion
from common.rules.dividend import dividend_tax
from common.rules.withholding import added_tax, withheld

EX = 20260110


def test_each_income_has_its_rate_and_the_sum_is_rounded() -> None:
    month, year, longer = Portion(20260105, EX, 1_025), Portion(20250601, EX, 2_000), Portion(20250105, EX, 9_999)
    # 0.205 + 0.200 + 0
    assert withheld((month, year, longer), 20260120) == 410
    assert withheld((month,), 20260120) == dividend_tax(1_025, EX, 20260105, 20260120) == 210
    assert withheld((), 20260120) == 0


def test_deals_add_up_to_their_order() -> None:
    piece = Portion(20260105, EX, 1_025)
    before: tuple[Portion, ...] = ()
    taxes = []
    for _ in range(4):
        taxes.append(added_tax(before, (piece,), 20260120))
        before += (piece,)
    # 0.205 -> 0.21, 0.41, 0.615 -> 0.62, 0.82: four times 0.21 would be 0.84
    assert taxes == [210, 200, 210, 200]
    assert sum(taxes) == withheld(before, 20260120) == 820
