"""The built-in calendar is the library's and the vendor's, and goes no further than they do."""

from datetime import date
from pathlib import Path

import exchange_calendars
import polars as pl
import pytest

from common.domain.calendar import Calendar, exchange_days, from_date, weekdays
from common.domain.errors import PastCalendarError
from common.domain.trading_days import CLOSED, FIRST_DAY, LAST_DAY


# the library reads pandas' own values in a way that the newest pandas warns of
@pytest.mark.filterwarnings("ignore:Series.values returning:DeprecationWarning")
def test_the_table_equals_the_library() -> None:
    calendar = exchange_calendars.get_calendar("XSHG", start="2010-01-01")
    known = [int(day.strftime("%Y%m%d")) for day in calendar.sessions]
    ours = exchange_days()
    assert [day for day in known if day <= LAST_DAY] == ours
    assert len(ours) > 4_000
    assert known[-1] <= LAST_DAY, "the library knows more by now: extend the table"


@pytest.mark.real_data
def test_the_table_equals_the_vendor(shared_data: Path) -> None:
    table = pl.read_parquet(shared_data / "calendar.parquet").filter("is_open")
    known = [from_date(day) for day in table["date"].sort().to_list()]
    assert known == [day for day in exchange_days() if known[0] <= day <= known[-1]]
    assert len(known) > 2_000


def test_every_closed_day_is_a_weekday_of_the_table() -> None:
    for year, days in CLOSED.items():
        for day in days:
            value = date(year, day // 100, day % 100)
            assert value.weekday() < 5, value
            assert FIRST_DAY <= from_date(value) <= LAST_DAY
        assert list(days) == sorted(set(days))


def test_an_extension_goes_on_where_the_table_ends() -> None:
    longer = exchange_days(20270131, [20270101, 20261230])
    assert longer[-21:] == [20261231, *weekdays(20270104, 20270129)]
    assert 20261230 not in longer
    with pytest.raises(PastCalendarError, match="cannot end on 20251231"):
        exchange_days(20251231)


def test_days_past_the_end_are_refused_in_one_line() -> None:
    calendar = Calendar(exchange_days())
    for day in (20270104, 20091231):
        with pytest.raises(PastCalendarError, match="outside the trading calendar") as refused:
            calendar.is_open(day)
        assert "\n" not in str(refused.value)
    with pytest.raises(PastCalendarError, match="no trading day after 20261231"):
        calendar.next(20261231)
