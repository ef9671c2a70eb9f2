"""ST states a day become spells, and spells of several downloads one row of them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from common.domain.calendar import Calendar
from common.history.sources.spells import Spell, merged, spells_of

DAYS = [20260105, 20260106, 20260107, 20260108, 20260109, 20260112, 20260113, 20260114, 20260115, 20260116]
CALENDAR = Calendar([20260102, *DAYS, 20260119])


def told(states: str, first: int = 0) -> list[tuple[int, int]]:
    """One letter a day: 0, 1, or - for a day that nothing is told of."""
    return [(DAYS[first + at], int(letter)) for at, letter in enumerate(states) if letter != "-"]


def covered(spells: list[Spell], last: int) -> str:
    return "".join(
        str(max((s.state for s in spells if s.first_day <= day <= (s.last_day or 99999999)), default=0))
        for day in DAYS
        if day <= last
    )


def test_a_run_begins_and_ends() -> None:
    assert spells_of(told("0110000000"), CALENDAR) == [Spell(20260106, 20260107, 1, 202601060800, 202601071800)]


def test_the_last_run_is_open() -> None:
    assert spells_of(told("0000000011"), CALENDAR) == [Spell(20260115, 0, 1, 202601150800, 0)]


def test_suspended_days_do_not_end_a_run() -> None:
    assert spells_of(told("01--1--000"), CALENDAR) == [Spell(20260106, 20260113, 1, 202601060800, 202601131800)]


def test_a_later_download_goes_on_with_an_open_spell() -> None:
    old = spells_of(told("011"), CALENDAR)
    assert merged(old, told("110", 3), CALENDAR, goes_on=False) == [
        Spell(20260106, 20260109, 1, 202601060800, 202601091800)
    ]


def test_an_earlier_download_joins_a_later_one() -> None:
    old = spells_of(told("110000", 4), CALENDAR)
    assert merged(old, told("0011"), CALENDAR, goes_on=True) == [
        Spell(20260107, 20260112, 1, 202601070800, 202601121800)
    ]


def test_a_correction_cuts_a_spell_in_two() -> None:
    old = spells_of(told("1111111111"), CALENDAR)
    found = merged(old, told("0", 4), CALENDAR, goes_on=True)
    assert covered(found, DAYS[-1]) == "1111011111"
    assert found[-1].last_day == 0


def test_nothing_told_changes_nothing() -> None:
    old = spells_of(told("0110"), CALENDAR)
    assert merged(old, [], CALENDAR, goes_on=False) == old


@given(st.text("01", min_size=10, max_size=10), st.text("01", min_size=1, max_size=10), st.integers(0, 9))
def test_the_newest_word_counts_for_each_day(first: str, second: str, at: int) -> None:
    second = second[: len(DAYS) - at]
    goes_on = at + len(second) < len(DAYS)
    spells = merged(spells_of(told(first), CALENDAR), told(second, at), CALENDAR, goes_on)
    assert covered(spells, DAYS[-1]) == first[:at] + second + first[at + len(second) :]
    assert all(before.last_day and before.last_day < after.first_day for before, after in pairwise(spells))


@given(st.text("01", min_size=10, max_size=10), st.integers(1, 9))
def test_two_downloads_say_what_one_says(states: str, cut: int) -> None:
    whole = spells_of(told(states), CALENDAR)
    forward = merged(spells_of(told(states[:cut]), CALENDAR), told(states[cut:], cut), CALENDAR, goes_on=False)
    backward = merged(spells_of(told(states[cut:], cut), CALENDAR), told(states[:cut]), CALENDAR, goes_on=True)
    assert forward == whole
    assert backward == whole
