"""The holding period against the calendar, and FIFO against single shares."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.rules.dividend import dividend_tax, dividend_tax_bp, sold_of_lot

DAYS = st.dates(date(2010, 1, 1), date(2030, 12, 31))


def number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def clipped(year: int, month: int, day: int) -> date:
    """Return a date, the last one of the month where it has no such day."""
    while True:
        try:
            return date(year + (month - 1) // 12, (month - 1) % 12 + 1, day)
        except ValueError:
            day -= 1


@given(acquired=DAYS, held=st.integers(1, 900))
def test_a_period_ends_the_day_before_its_own_day_comes_round(acquired: date, held: int) -> None:
    sold = acquired + timedelta(days=held)
    last_held = sold - timedelta(days=1)
    month_full = clipped(acquired.year, acquired.month + 1, acquired.day) - timedelta(days=1)
    year_full = clipped(acquired.year + 1, acquired.month, acquired.day) - timedelta(days=1)
    expected = 2000 if last_held <= month_full else 1000 if last_held <= year_full else 0
    assert dividend_tax_bp(20240603, number(acquired), number(sold)) == expected


@given(acquired=DAYS, ex_day=DAYS, held=st.integers(1, 900), longer=st.integers(0, 400), taxable=st.integers(0, 10**12))
def test_holding_longer_never_costs_more(acquired: date, ex_day: date, held: int, longer: int, taxable: int) -> None:
    soon, late = (number(acquired + timedelta(days=days)) for days in (held, held + longer))
    first = dividend_tax(taxable, number(ex_day), number(acquired), soon)
    assert 0 <= dividend_tax(taxable, number(ex_day), number(acquired), late) <= first <= taxable // 5 + 10


@given(lots=st.lists(st.integers(1, 500), max_size=6), sold=st.integers(0, 2_000))
def test_first_in_first_out_is_share_by_share(lots: list[int], sold: int) -> None:
    shares = [at for at, lot in enumerate(lots) for _ in range(lot)]
    gone = shares[:sold]
    for at, lot in enumerate(lots):
        assert sold_of_lot(sum(lots[:at]), lot, sold) == gone.count(at)
