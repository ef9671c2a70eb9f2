"""Calendar days as numbers, held against the calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.rules.dates import days_before, days_in_month


@pytest.mark.parametrize(
    ("year", "month", "days"),
    [(2024, 2, 29), (2023, 2, 28), (2000, 2, 29), (2100, 2, 28), (2026, 4, 30), (2026, 12, 31)],
)
def test_days_in_month(year: int, month: int, days: int) -> None:
    assert days_in_month(year, month) == days


@given(day=st.dates(date(2010, 1, 1), date(2040, 12, 31)), days=st.integers(0, 500))
def test_days_before(day: date, days: int) -> None:
    earlier = day - timedelta(days=days)
    assert days_before(int(day.strftime("%Y%m%d")), days) == int(earlier.strftime("%Y%m%d"))
