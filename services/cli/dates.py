"""Checks that need what is on disk: dates against the run's trading calendar."""

from pathlib import Path

from common.domain.calendar import Calendar
from common.domain.values import Day
from services.cli.faults import BadInputError
from services.cli.session import Session
from services.cli.show import day_text


def check_calendar(session: Session, day: Day) -> Day:
    """Refuse a day outside the run's trading calendar, or one on which nothing trades."""
    calendar = run_calendar(session)
    return day if calendar is None else check_session(calendar, day)


def check_session(calendar: Calendar, day: Day) -> Day:
    """Refuse a day outside a calendar, or one on which nothing trades."""
    if not calendar.first <= day <= calendar.last:
        raise BadInputError(
            "bad.past_calendar", day=day_text(day), first=day_text(calendar.first), last=day_text(calendar.last)
        )
    if not calendar.is_open(day):
        near = [calendar.previous(day), calendar.next(day)]
        raise BadInputError("bad.no_session", day=day_text(day), before=day_text(near[0]), after=day_text(near[1]))
    return day


def run_calendar(session: Session) -> Calendar | None:
    """Return the calendar of the newest run's history, None where the run plays tapes without history."""
    from common.history.schema import CALENDAR_FILE
    from common.history.store import read_table
    from services.cli.settings import load_run

    named = load_run(session.home).history.dir
    if not named or not (Path(named) / CALENDAR_FILE).is_file():
        return None
    return Calendar(read_table(Path(named), CALENDAR_FILE)["day"].to_list())
