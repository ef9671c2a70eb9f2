"""Parameters: what is refused, what makes another market, which days are trading days."""

import pytest

from common.domain.calendar import to_date
from common.domain.errors import UserError
from common.history.synthetic.params import CALENDAR_FIRST, CALENDAR_LAST, PLAYED_DAYS, MarketParams, weekdays


@pytest.mark.parametrize(
    "params",
    [MarketParams(stocks=39), MarketParams(interval_s=0), MarketParams(interval_s=61), MarketParams(sessions=89), MarketParams(seed=-1)],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(params: MarketParams) -> None:
    with pytest.raises(UserError, match=r"use a number from \d+ to \d+"):
        params.check()


def test_every_parameter_makes_another_market() -> None:
    made = {MarketParams().key()} | {MarketParams()._replace(**{name: 60}).key() for name in MarketParams._fields}
    assert len(made) == 1 + len(MarketParams._fields)


def test_the_calendar_is_like_the_real_one() -> None:
    days = weekdays(CALENDAR_FIRST, CALENDAR_LAST)
    assert all(to_date(day).weekday() < 5 for day in days)
    assert sum(20250601 <= day <= 20260331 for day in days) == 202
    at = days.index(PLAYED_DAYS[0])
    assert tuple(days[at : at + 3]) == PLAYED_DAYS
    assert days[at - 1] == 20251231
    assert at >= 200
