"""What is due when: every minute of three days, calendars with holidays, missed runs, failures, no sleep anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.calendar import NS, Calendar, ts_of
from services.screener.schedule import Due, Failed, Good, Step, Times, closed_session, due, next_words, refusal

# Thursday, Friday, a weekend, Monday; Tuesday is a holiday, Wednesday open.
CALENDAR = Calendar([20251231, 20260108, 20260109, 20260112, 20260114])
TIMES = Times(close_s=18 * 3600 + 1800, open_s=8 * 3600 + 3000)
MINUTE = 60 * NS


def at(day: int, clock: str) -> int:
    hour, minute = clock.split(":")
    return ts_of(day, int(hour) * 3600 + int(minute) * 60)


@pytest.mark.parametrize(
    ("day", "clock", "good", "wanted"),
    [
        (20260109, "08:49", Good(20260108, 20260108), None),
        (20260109, "08:50", Good(20260108, 20260108), Due(Step.OPEN, 20260109)),
        (20260109, "08:50", Good(20260108, 20260109), None),
        (20260109, "18:29", Good(20260108, 20260109), None),
        (20260109, "18:30", Good(20260108, 20260109), Due(Step.CLOSE, 20260109)),
        (20260109, "23:59", Good(20260109, 20260109), None),
        # the weekend makes up what Friday missed, and opens nothing
        (20260110, "00:01", Good(20260108, 20260109), Due(Step.CLOSE, 20260109)),
        (20260111, "09:00", Good(20260109, 20260109), None),
        # the morning: the close that is missing comes first, whatever the hour
        (20260112, "03:00", Good(20260108, 20260109), Due(Step.CLOSE, 20260109)),
        (20260112, "09:00", Good(20260108, 20260109), Due(Step.CLOSE, 20260109)),
        (20260112, "09:00", Good(20260109, 20260109), Due(Step.OPEN, 20260112)),
        # an open step that was missed is made up while the session lasts, not after it
        (20260112, "14:59", Good(20260109, 20260109), Due(Step.OPEN, 20260112)),
        (20260112, "15:00", Good(20260109, 20260109), None),
        # a holiday in the week
        (20260113, "09:00", Good(20260112, 20260112), None),
        (20260113, "19:00", Good(20260112, 20260112), None),
        # never run before: close first
        (20260109, "10:00", Good(), Due(Step.CLOSE, 20260108)),
        # the calendar ends: only a download helps
        (20260115, "10:00", Good(20260114, 20260114), Due(Step.CLOSE, 20260114)),
        (20240101, "10:00", Good(), None),
    ],
)  # fmt: skip
def test_what_is_due(day: int, clock: str, good: Good, wanted: Due | None) -> None:
    assert due(CALENDAR, at(day, clock), good, None, TIMES) == wanted


def test_without_a_calendar_one_is_downloaded() -> None:
    assert due(None, at(20260109, "03:00"), Good(), None, TIMES) == Due(Step.CLOSE, 20260108)


def test_a_failure_is_tried_again_politely() -> None:
    now, good = at(20260109, "18:30"), Good(20260108, 20260109)
    tried = []
    failed: Failed | None = None
    for minute in range(200):
        if due(CALENDAR, now + minute * MINUTE, good, failed, TIMES) is not None:
            tries = failed.tries + 1 if failed else 1
            failed = Failed(Step.CLOSE, 20260109, tries, now + minute * MINUTE, refused=False)
            tried.append(minute)
    assert tried == [0, 5, 15, 35, 75, 135, 195]


def test_a_refusal_is_asked_about_rarely() -> None:
    failed = Failed(Step.CLOSE, 20260109, 1, at(20260109, "18:30"), refused=True)
    good = Good(20260108, 20260109)
    assert due(CALENDAR, at(20260109, "21:29"), good, failed, TIMES) is None
    assert due(CALENDAR, at(20260109, "21:30"), good, failed, TIMES) == Due(Step.CLOSE, 20260109)


def test_a_failure_of_one_day_does_not_hold_up_another() -> None:
    failed = Failed(Step.OPEN, 20260109, 9, at(20260109, "14:59"), refused=True)
    assert due(CALENDAR, at(20260109, "18:30"), Good(20260108, 20260108), failed, TIMES) == Due(Step.CLOSE, 20260109)


@given(st.lists(st.booleans(), min_size=300, max_size=300), st.integers(1, 45))
def test_however_it_fails_every_session_is_closed_in_the_end_and_none_too_early(
    fates: list[bool], minutes: int
) -> None:
    good, failed = Good(20251231, 20251231), None
    start = at(20260108, "00:00")
    for step in range(0, 7 * 24 * 60 - 1, minutes):
        now = start + step * MINUTE
        found = due(CALENDAR, now, good, failed, TIMES)
        if found is None:
            continue
        works = fates.pop() if fates else True
        if not works:
            same = failed is not None and (failed.step, failed.day) == found
            failed = Failed(found.step, found.day, (failed.tries + 1) if same and failed else 1, now, refused=False)
            continue
        if found.step is Step.CLOSE:
            assert now >= ts_of(found.day, TIMES.close_s)
            good = good._replace(close_day=found.day)
        else:
            assert good.close_day == CALENDAR.previous(found.day)
            assert ts_of(found.day, TIMES.open_s) <= now < ts_of(found.day, 15 * 3600)
            good = good._replace(open_day=found.day)
    if not fates:
        assert good.close_day >= 20260114


def test_no_pool_without_all_it_rests_on() -> None:
    good = Good(close_day=20260109, open_day=20260112)
    assert refusal(20260108, good, "") == ""
    assert refusal(20260112, good, "") == ""
    assert "20260114" in refusal(20260114, good, "")
    assert "no answer" in refusal(20260114, good, "no answer")


def test_what_comes_next_in_words() -> None:
    good = Good(20260108, 20260108)
    assert next_words(CALENDAR, at(20260109, "07:00"), good, None, TIMES) == "open of 20260109 at 08:50:00"
    done = Good(20260108, 20260109)
    assert next_words(CALENDAR, at(20260109, "10:00"), done, None, TIMES) == "close of 20260109 at 18:30:00"
    assert (
        next_words(CALENDAR, at(20260110, "10:00"), Good(20260109, 20260109), None, TIMES)
        == "open of 20260112 at 08:50:00"
    )
    failed = Failed(Step.CLOSE, 20260109, 1, at(20260109, "18:30"), refused=False)
    assert next_words(CALENDAR, at(20260109, "18:31"), done, failed, TIMES) == "close of 20260109 again at 18:35:00"
    assert next_words(CALENDAR, at(20260114, "19:00"), Good(20260114, 20260114), None, TIMES).startswith(
        "nothing before"
    )


def test_the_newest_published_session() -> None:
    assert closed_session(CALENDAR, 20260109, TIMES.close_s - 1, TIMES) == 20260108
    assert closed_session(CALENDAR, 20260109, TIMES.close_s, TIMES) == 20260109
    assert closed_session(CALENDAR, 20251231, 0, TIMES) == 0
