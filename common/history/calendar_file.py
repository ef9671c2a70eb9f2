"""The operator's calendar file: days past the built-in table, and closures that came later.

    until = 2027-12-31              # all closed weekdays up to here are listed
    closed = [2027-01-01, 2027-02-08]

It lies as calendar.toml in $PANKOU_HOME or in the folder of history.
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from common.domain.calendar import exchange_days, from_date, to_date
from common.domain.errors import HistoryError, PastCalendarError
from common.domain.trading_days import LAST_DAY
from common.domain.values import Day

CALENDAR_TOML = "calendar.toml"


def days_with_file(path: Path | None) -> list[Day]:
    """Return the trading days: the built-in table, extended by a file where there is one."""
    if path is None or not path.is_file():
        return exchange_days()
    try:
        with path.open("rb") as file:
            told = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HistoryError(f"{path} cannot be read ({error})") from error
    unknown = sorted(set(told) - {"until", "closed"})
    if unknown:
        raise HistoryError(f"{path}: unknown key {unknown[0]}; there are until and closed")
    until = _day(path, "until", told.get("until", to_date(LAST_DAY)))
    closed = told.get("closed", [])
    if not isinstance(closed, list):
        raise HistoryError(f"{path}: closed is a list of days, like [2027-01-01]")
    listed = [_day(path, "closed", day) for day in closed]
    late = [day for day in listed if day > until]
    if late:
        raise HistoryError(f"{path}: closed names {late[0]}, but until is {until}; say up to when the list is whole")
    try:
        return exchange_days(until, listed)
    except PastCalendarError as error:
        raise HistoryError(f"{path}: {error}") from error


def _day(path: Path, key: str, value: Any) -> Day:
    if isinstance(value, date):
        return from_date(value)
    text = str(value).replace("-", "")
    try:
        return from_date(date(int(text[:4]), int(text[4:6]), int(text[6:])))
    except ValueError as error:
        raise HistoryError(f"{path}: {key} holds {value!r}, which is no day; write 2027-01-01") from error
