"""Screens of many days in one go."""

from collections.abc import Iterator, Sequence

from common.domain.errors import HistoryError
from common.domain.values import Day
from common.history.cross import cross_of
from common.history.daily import History
from common.screens.screen import Screen, Screened, no_screen, run_screen


def screen_days(history: History, screens: Sequence[Screen], days: Sequence[Day]) -> Iterator[list[Screened]]:
    """Yield what the screens say of each day, in the order of the days; a day that history cannot serve lacks its data."""
    sessions = max(screen.sessions for screen in screens)
    for day in days:
        try:
            cross = cross_of(history, day, sessions)
        except HistoryError as error:
            yield [no_screen(screen, day, str(error)) for screen in screens]
        else:
            yield [run_screen(screen, cross) for screen in screens]
