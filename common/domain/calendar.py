"""Trading days and the clock of a day. All times are Asia/Shanghai, a fixed UTC+8 without summer time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone

from common.domain.errors import PastCalendarError
from common.domain.trading_days import CLOSED, FIRST_DAY, LAST_DAY
from common.domain.values import Day, Phase

SHANGHAI = timezone(timedelta(hours=8))
NS = 1_000_000_000
_OFFSET_S = 8 * 3600
_DAY_S = 86_400

S0915 = 9 * 3600 + 15 * 60
S0920 = S0915 + 300
S0925 = S0915 + 600
S0930 = S0915 + 900
S1130 = 11 * 3600 + 30 * 60
S1300 = 13 * 3600
S1457 = 14 * 3600 + 57 * 60
S1500 = 15 * 3600


def hms(text: str) -> int:
    """Return the second of the day of a time written HH:MM or HH:MM:SS."""
    parts = [int(part) for part in text.split(":")]
    return parts[0] * 3600 + parts[1] * 60 + (parts[2] if len(parts) > 2 else 0)


def clock(second: int) -> str:
    """Write a second of the day as HH:MM:SS."""
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def second_of_day(ts_ns: int) -> int:
    """Return the second of the Shanghai day of a Unix time in nanoseconds."""
    return (ts_ns // NS + _OFFSET_S) % _DAY_S


def day_of(ts_ns: int) -> Day:
    """Return the Shanghai calendar day of a Unix time in nanoseconds."""
    moment = datetime.fromtimestamp(ts_ns // NS, UTC).astimezone(SHANGHAI)
    return from_date(moment.date())


def ts_of(day: Day, second: int) -> int:
    """Return the Unix time in nanoseconds of a second of a Shanghai day."""
    epoch_days = to_date(day).toordinal() - date(1970, 1, 1).toordinal()
    return (epoch_days * _DAY_S + second - _OFFSET_S) * NS


def to_date(day: Day) -> date:
    """Convert yyyymmdd to a date."""
    return date(day // 10_000, day // 100 % 100, day % 100)


def from_date(value: date) -> Day:
    """Convert a date to yyyymmdd."""
    return value.year * 10_000 + value.month * 100 + value.day


def months_before(day: Day, months: int) -> Day:
    """Return the day `months` calendar months earlier; month ends are clipped (31 Aug - 6 months = 28 or 29 Feb)."""
    value = to_date(day)
    index = value.year * 12 + value.month - 1 - months
    year, month = index // 12, index % 12 + 1
    next_month = date(year + month // 12, month % 12 + 1, 1)
    last = (next_month - timedelta(days=1)).day
    return from_date(date(year, month, min(value.day, last)))


def phase_at(second: int) -> Phase:
    """Return the phase of a second of a trading day (rules since 2018-08-20).

    A snapshot stamped 11:30:00, 14:57:00 or 15:00:00 exactly still shows the phase it ends, but belongs to the next
    one: nothing may be entered in the old phase any more.
    """
    if second < S0915:
        return Phase.PRE_OPEN
    if second < S0925:
        return Phase.OPEN_AUCTION
    if second < S0930:
        return Phase.PRE_CONTINUOUS
    if second < S1130 or S1300 <= second < S1457:
        return Phase.CONTINUOUS
    if second < S1300:
        return Phase.LUNCH
    return Phase.CLOSE_AUCTION if second < S1500 else Phase.CLOSED


def weekdays(first: Day, last: Day) -> list[Day]:
    """Return the days from Monday to Friday from `first` to `last`, both included."""
    begin, end = to_date(first).toordinal(), to_date(last).toordinal()
    return [from_date(date.fromordinal(at)) for at in range(begin, end + 1) if date.fromordinal(at).weekday() < 5]


def exchange_days(until: Day = LAST_DAY, closed: Iterable[Day] = ()) -> list[Day]:
    """Return the trading days of the built-in table, extended.

    Args:
        until: last day for which all closed weekdays are known; not before the end of the table.
        closed: weekdays without trading that the table does not have: those past its end, and closures since.
    """
    if until < LAST_DAY:
        raise PastCalendarError(
            f"the built-in calendar goes to {LAST_DAY}; a file that extends it cannot end on {until}"
        )
    gone = {year * 10_000 + day for year, days in CLOSED.items() for day in days} | set(closed)
    return [day for day in weekdays(FIRST_DAY, until) if day not in gone]


class Calendar:
    """The dated table of trading days. A date past its end is refused, never guessed."""

    def __init__(self, days: Iterable[Day]) -> None:
        self._days = sorted(set(days))
        if not self._days:
            raise PastCalendarError("the trading calendar is empty; import one: pankou data import")

    @property
    def first(self) -> Day:
        """First day of the table."""
        return self._days[0]

    @property
    def last(self) -> Day:
        """Last day of the table."""
        return self._days[-1]

    def check(self, day: Day) -> None:
        """Raise `PastCalendarError` when `day` lies outside the table."""
        if not self.first <= day <= self.last:
            raise PastCalendarError(
                f"{day} is outside the trading calendar ({self.first}..{self.last}); extend the calendar file first"
            )

    def is_open(self, day: Day) -> bool:
        """Tell whether the exchanges trade on `day`."""
        self.check(day)
        at = bisect_left(self._days, day)
        return at < len(self._days) and self._days[at] == day

    def previous(self, day: Day) -> Day:
        """Return the last trading day before `day`."""
        at = bisect_left(self._days, day)
        if at == 0 or day > self.last + 100:
            raise PastCalendarError(f"no trading day before {day} in the calendar ({self.first}..{self.last})")
        return self._days[at - 1]

    def next(self, day: Day) -> Day:
        """Return the first trading day after `day`."""
        at = bisect_right(self._days, day)
        if at == len(self._days):
            raise PastCalendarError(f"no trading day after {day} in the calendar (ends {self.last})")
        return self._days[at]

    def window(self, last: Day, count: int) -> list[Day]:
        """Return the `count` trading days that end with `last` (fewer at the start of the table)."""
        at = bisect_right(self._days, last)
        return self._days[max(0, at - count) : at]

    def between(self, first: Day, last: Day) -> list[Day]:
        """Return the trading days from `first` to `last`, both included."""
        return self._days[bisect_left(self._days, first) : bisect_right(self._days, last)]
