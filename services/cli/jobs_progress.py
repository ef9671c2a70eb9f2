"""The progress of jobs that somebody waits for: jobs, bars a second, time left."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from common.runtime.clock import SystemClock
from services.cli.jobs import Progress, Standing
from services.cli.session import Session

QUARTERS = 4


class Pace:
    """How fast it goes, over the whole time of waiting; what was done before does not count."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._first: tuple[int, Standing] | None = None

    def look(self, now: Standing) -> tuple[float, float | None]:
        """Return bars a second and the seconds that are left; None while nobody can tell."""
        at_ns = self._now_ns()
        if self._first is None:
            self._first = at_ns, now
        begun_ns, first = self._first
        seconds, moved = (at_ns - begun_ns) / 1e9, now.part - first.part
        bars = max(0, now.bars - first.bars) / seconds if seconds > 0 else 0.0
        return bars, seconds / moved * (1 - now.part) if moved > 0 else None


def line(session: Session, count: int, now: Standing, pace: tuple[float, float | None]) -> str:
    """Return how far it is in words."""
    bars, left = pace
    time_left = "-" if left is None else f"{int(left) // 60}:{int(left) % 60:02d}"
    return session.say("job.progress", ended=now.ended, jobs=count, rate=f"{bars:,.0f}", left=time_left)


@contextmanager
def watching(session: Session, count: int, *, quiet: bool) -> Iterator[Progress]:
    """Give what shows how far `count` jobs are: a live bar on a terminal, a line every quarter anywhere else."""
    pace = Pace(SystemClock().now_ns)
    if quiet:
        yield lambda _now: None
    elif sys.stdout.isatty():
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        with Bar(BarColumn(), TextColumn("{task.fields[what]}")) as bar:
            task = bar.add_task("", total=1.0, what="")
            yield lambda now: bar.update(task, completed=now.part, what=line(session, count, now, pace.look(now)))
    else:
        quarter = -1

        def told(now: Standing) -> None:
            nonlocal quarter
            found = pace.look(now)
            if int(now.part * QUARTERS) > quarter:
                quarter = int(now.part * QUARTERS)
                click.echo(line(session, count, now, found))

        yield told
