"""Progress of something long: a bar on a terminal, a line every quarter anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Told = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""
QUARTERS = 4


@contextmanager
def progress(title: str) -> Iterator[Told]:
    """Give a callback that shows how far the work inside the block has come."""
    if sys.stdout.isatty():
        with _bar(title) as told:
            yield told
    else:
        click.echo(title)
        yield _lines()


@contextmanager
def silent() -> Iterator[Told]:
    """Give a callback that shows nothing: for output that a program reads."""
    yield lambda _what, _done, _of: None


def _lines() -> Told:
    quarter = -1
    before = (0, 0)

    def told(what: str, done: int, of: int) -> None:
        # What is named may change at every step (a day, a file): a new piece of work is one of another size, or one
        # that begins again.
        nonlocal quarter, before
        if of != before[1] or done < before[0]:
            quarter = -1
        before = (done, of)
        now = done * QUARTERS // of if of > 0 else 0
        if quarter < now and done > 0:
            quarter = now
            click.echo(f"  {what} {done}/{of}")

    return told


@contextmanager
def _bar(title: str) -> Iterator[Told]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[what]}"), TimeElapsedColumn()
    ) as bar:
        task = bar.add_task(title, total=None, what="")

        def told(what: str, done: int, of: int) -> None:
            bar.update(task, completed=done, total=of if of > 0 else None, what=what)

        yield told
