"""What the nightly cycle has to do now: pure, given the calendar, the time, and what was done and failed last.

Two steps. CLOSE of a session: after it has closed, download, check and append everything up to it. OPEN of a session:
before it opens, append what is known of it by then; its screens follow. A session's OPEN waits for the CLOSE of the
session before. What was missed is made up: CLOSE at any later time, OPEN until the session has closed.
"""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from common.domain.calendar import NS, S1500, Calendar, clock, day_of, from_date, second_of_day, to_date, ts_of
from common.domain.values import Day

MINUTE_NS = 60 * NS
RETRY_MIN = (5, 10, 20, 40, 60)
"""Minutes to wait after the first, second ... failure of a step; the last one for all further ones."""
REFUSED_RETRY_MIN = 180
"""Minutes to wait after a failure that a repetition does not mend (no package, no token, no permission)."""


class Step(StrEnum):
    """A step of the cycle."""

    CLOSE = "close"
    OPEN = "open"


class Times(NamedTuple):
    """When the steps are due, in seconds of the Shanghai day."""

    close_s: int
    open_s: int


class Good(NamedTuple):
    """The newest session for which each step was done; 0 = none yet."""

    close_day: Day = 0
    open_day: Day = 0


class Failed(NamedTuple):
    """The last failure, of the step that is still due."""

    step: Step
    day: Day
    tries: int
    at_ns: int
    refused: bool
    """A repetition does not mend it: asked again only now and then."""

    @property
    def again_ns(self) -> int:
        """Return when to try again."""
        minutes = REFUSED_RETRY_MIN if self.refused else RETRY_MIN[min(self.tries, len(RETRY_MIN)) - 1]
        return self.at_ns + minutes * MINUTE_NS


class Due(NamedTuple):
    """A step to do now."""

    step: Step
    day: Day


def due(calendar: Calendar | None, now_ns: int, good: Good, failed: Failed | None, times: Times) -> Due | None:
    """Return the step to do now, None when there is none or it is too early to try it again."""
    wanted = _wanted(calendar, now_ns, good, times)
    if wanted is None or failed is None:
        return wanted
    same = failed.step is wanted.step and failed.day == wanted.day
    return None if same and now_ns < failed.again_ns else wanted


def _wanted(calendar: Calendar | None, now_ns: int, good: Good, times: Times) -> Due | None:
    today, second = day_of(now_ns), second_of_day(now_ns)
    if calendar is None or today > calendar.last:
        # Nobody knows whether today is a session; what was before it has closed, and a download brings the calendar.
        return Due(Step.CLOSE, from_date(to_date(today) - timedelta(days=1)))
    if today < calendar.first:
        return None
    closed = closed_session(calendar, today, second, times)
    if closed and good.close_day < closed:
        return Due(Step.CLOSE, closed)
    opens = calendar.is_open(today) and times.open_s <= second < S1500
    return Due(Step.OPEN, today) if opens and good.open_day < today else None


def closed_session(calendar: Calendar, today: Day, second: int, times: Times) -> Day:
    """Return the newest session whose data is published by now, 0 = none in the calendar."""
    days = calendar.window(today, 2)
    if days and days[-1] == today and second < times.close_s:
        days = days[:-1]
    return days[-1] if days else 0


def refusal(day: Day, good: Good, why: str) -> str:
    """Return why no pool may be made for a session, "" when all that it rests on is there."""
    if day <= max(good.close_day, good.open_day):
        return ""
    text = why or "its turn has not come yet"
    return f"the nightly cycle has not prepared {day} (closed up to {good.close_day}, opened {good.open_day}): {text}"


def next_words(calendar: Calendar | None, now_ns: int, good: Good, failed: Failed | None, times: Times) -> str:
    """Return in words what comes next and when, for people."""
    wanted = _wanted(calendar, now_ns, good, times)
    if wanted is not None:
        if failed is not None and (failed.step, failed.day) == wanted and now_ns < failed.again_ns:
            return f"{wanted.step} of {wanted.day} again at {clock(second_of_day(failed.again_ns))}"
        return f"{wanted.step} of {wanted.day} now"
    if calendar is None:
        return "nothing"
    today, second = day_of(now_ns), second_of_day(now_ns)
    coming = [day for day in calendar.between(today, calendar.last)[:2] if now_ns < ts_of(day, times.close_s)]
    if not coming:
        return f"nothing before the calendar goes on after {calendar.last}"
    opens = coming[0] > today or (second < times.open_s and good.open_day < coming[0])
    step, at = (Step.OPEN, times.open_s) if opens else (Step.CLOSE, times.close_s)
    return f"{step} of {coming[0]} at {clock(at)}"
