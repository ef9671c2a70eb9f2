"""ST spells from the state that a vendor tells a day. Pure.

A state is public before the open of its day (the name changes with it), its end the evening before; so a spell is known
from 08:00 of its first day, and its end from 18:00 of its last.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from common.domain.calendar import Calendar, from_date, to_date
from common.domain.values import Day
from common.history.schema import known_at_of


class Spell(NamedTuple):
    """One run of days in a state, as `schema.ST` holds it; `last_day` 0 = open-ended."""

    first_day: Day
    last_day: Day
    state: int
    known_at: int
    end_known_at: int


def eve(day: Day, calendar: Calendar) -> Day:
    """Return the session before a day; where the calendar begins, the calendar day before."""
    return calendar.previous(day) if day > calendar.first else from_date(to_date(day) - timedelta(days=1))


def spells_of(told: Sequence[tuple[Day, int]], calendar: Calendar) -> list[Spell]:
    """Return the runs of states other than 0; the last one is open-ended when it reaches the last day told.

    `told` ascends and may have holes (suspended days): a state stands until another one is told.
    """
    spells: list[Spell] = []
    state, first = 0, 0
    for day, now in told:
        if now == state:
            continue
        if state:
            last = eve(day, calendar)
            spells.append(Spell(first, last, state, known_at_of(first, 8, 0), known_at_of(last, 18, 0)))
        state, first = now, day
    if state:
        spells.append(Spell(first, 0, state, known_at_of(first, 8, 0), 0))
    return spells


def merged(old: Sequence[Spell], told: Sequence[tuple[Day, int]], calendar: Calendar, goes_on: bool) -> list[Spell]:
    """Return a stock's spells after a vendor told the states of some days; `goes_on` = old ones know later days too."""
    if not told:
        return list(old)
    begin, end = told[0][0], told[-1][0]
    left = [_until(spell, begin, calendar) for spell in old if spell.first_day < begin]
    right = [_from(spell, end, calendar) for spell in old if spell.last_day > end or (spell.last_day == 0 and goes_on)]
    middle = spells_of(told, calendar)
    if goes_on and middle and middle[-1].last_day == 0:
        last = middle.pop()
        middle.append(last._replace(last_day=end, end_known_at=known_at_of(end, 18, 0)))
    joined: list[Spell] = []
    for spell in [*left, *middle, *right]:
        before = joined[-1] if joined else None
        if before is not None and before.state == spell.state and _adjoin(before, spell, calendar):
            joined[-1] = before._replace(last_day=spell.last_day, end_known_at=spell.end_known_at)
        else:
            joined.append(spell)
    return joined


def _until(spell: Spell, day: Day, calendar: Calendar) -> Spell:
    """Return the part of a spell before a day."""
    if spell.last_day and spell.last_day < day:
        return spell
    last = eve(day, calendar)
    return spell._replace(last_day=last, end_known_at=known_at_of(last, 18, 0))


def _from(spell: Spell, day: Day, calendar: Calendar) -> Spell:
    """Return the part of a spell after a day."""
    if spell.first_day > day:
        return spell
    first = calendar.next(day)
    return spell._replace(first_day=first, known_at=known_at_of(first, 8, 0))


def _adjoin(before: Spell, after: Spell, calendar: Calendar) -> bool:
    return before.last_day != 0 and calendar.next(before.last_day) >= after.first_day
