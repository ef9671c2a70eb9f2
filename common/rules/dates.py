"""Arithmetic of calendar days as numbers yyyymmdd, for kernels."""

from common.domain.values import Day
from common.rules.kernel import kernel

_LONG = 31
_FEBRUARY = 2


@kernel
def days_in_month(year: int, month: int) -> int:
    """Return how many days a month has."""
    if month == _FEBRUARY:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else _LONG


@kernel
def days_before(day: Day, days: int) -> Day:
    """Return the calendar day that many days before another."""
    year, month, of_month = day // 10_000, day // 100 % 100, day % 100 - days
    while of_month < 1:
        month -= 1
        if month == 0:
            year, month = year - 1, 12
        of_month += days_in_month(year, month)
    return year * 10_000 + month * 100 + of_month
