"""Lots: first in first out, income to the last 0.001 yuan whatever way a sale is cut."""

import pytest

from common.domain.errors import InvariantError
from common.domain.lots import Income, Lot, Portion, added, shares_of, taken, with_income

D1, D2, D3 = 20260105, 20260106, 20260107


def test_shares_of_one_day_are_one_lot_until_a_dividend_parts_them() -> None:
    lots = added(added((), D1, 300), D1, 200)
    assert lots == (Lot(D1, 500),)
    assert added(lots, D2, 0) == lots
    paid = with_income(lots, D2, 1_000)
    assert added(paid, D2, 100) == (Lot(D1, 500, (Income(D2, 500, 1_000),)), Lot(D2, 100))
    again = added(with_income(((Lot(D2, 100)),), D2, 10), D2, 50)
    assert [lot.shares for lot in again] == [100, 50], "those got the dividend, these did not"
    assert shares_of(again) == 150


def test_a_lot_is_never_older_than_the_one_before() -> None:
    with pytest.raises(InvariantError, match="after one of"):
        added((Lot(D2, 100),), D1, 100)


def test_income_is_spread_by_shares_and_sums_to_what_was_paid() -> None:
    lots = with_income((Lot(D1, 100), Lot(D2, 100), Lot(D3, 100)), D3, 1_000)
    assert [lot.incomes[0].amount for lot in lots] == [333, 333, 334]
    assert with_income((), D3, 1_000) == ()
    assert with_income(lots, D3, 0) == lots


def test_the_oldest_go_first_with_their_income() -> None:
    lots = (Lot(D1, 300, (Income(D2, 300, 1_000),)), Lot(D2, 200))
    left, portions = taken(lots, 100)
    assert left == (Lot(D1, 200, (Income(D2, 300, 1_000),)), Lot(D2, 200))
    assert portions == (Portion(D1, D2, 333),)
    left, portions = taken(left, 300)
    assert (left, portions) == ((Lot(D2, 100),), (Portion(D1, D2, 667),))
    assert taken(left, 100) == ((), ())
    assert taken(left, 0) == (left, ())


@pytest.mark.parametrize("shares", [-1, 501])
def test_more_than_there_is_cannot_be_taken(shares: int) -> None:
    with pytest.raises(InvariantError, match="taken from lots of 500"):
        taken((Lot(D1, 500),), shares)
