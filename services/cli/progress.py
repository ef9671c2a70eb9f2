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
    said: dict[str, int] = {}

    def told(what: str, done: int, of: int) -> None:
        quarter = done * QUARTERS // of if of > 0 else 0
        if said.get(what, -1) < quarter and done > 0:
            said[what] = quarter
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
