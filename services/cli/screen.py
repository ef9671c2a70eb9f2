"""Two ways to show a run: a progress bar on a terminal, plain lines anywhere else."""

import sys
from typing import Any

import click

from common.domain.values import Day
from services.cli.books import Deal
from services.cli.follow import Place, Screen
from services.cli.render import deal_line
from services.cli.show import day_text, time_text
from services.cli.texts import say

TENTHS = 10
"""Plain output says where it is every tenth of a session."""


class PlainScreen:
    """Lines without control codes."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._said: tuple[Day, int, str] = (0, -1, "")

    def place(self, place: Place, rate: float) -> None:
        """Say where the player is when it has gone on a good way."""
        tenth = place.push * TENTHS // place.pushes if place.pushes > 0 else 0
        mark = (place.day, tenth, place.state)
        if place.day and mark != self._said:
            self._said = mark
            click.echo(f"{day_text(place.day)} {place_line(self._lang, place, rate)}")

    def deal(self, deal: Deal) -> None:
        """Print a deal."""
        click.echo(deal_line(self._lang, deal))

    def close(self) -> None:
        """Nothing is held open."""


class BarScreen:
    """A progress bar with the fills scrolling above it."""

    def __init__(self, lang: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._lang = lang
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[where]}"), TimeElapsedColumn()
        )
        self._task: Any = self._bar.add_task(say(lang, "follow.waiting"), total=None, where="")
        self._bar.start()

    def place(self, place: Place, rate: float) -> None:
        """Move the bar."""
        if not place.day:
            return
        total = place.pushes if place.pushes > 0 else None
        where = place_line(self._lang, place, rate)
        self._bar.update(self._task, description=day_text(place.day), completed=place.push, total=total, where=where)

    def deal(self, deal: Deal) -> None:
        """Print a deal above the bar."""
        self._bar.console.print(deal_line(self._lang, deal), highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()


def place_line(lang: str, place: Place, rate: float) -> str:
    """Return where the player is in words."""
    of = str(place.pushes) if place.pushes > 0 else "?"
    return say(
        lang,
        "follow.place",
        time=time_text(place.ts_ns),
        push=place.push,
        of=of,
        rate=f"{rate:.0f}",
        state=say(lang, f"player.{place.state}") if f"player.{place.state}" in PLAYER_STATES else place.state,
    )


PLAYER_STATES = frozenset(f"player.{state}" for state in ("waiting", "rebuilding", "playing", "finished", "held"))


def choose(lang: str) -> Screen:
    """Return a progress bar on a terminal, else plain lines."""
    return BarScreen(lang) if sys.stdout.isatty() else PlainScreen(lang)
