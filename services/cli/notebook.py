"""Backtests from a notebook: `submit` puts one on the queue, `result` brings it back as DataFrames.

from services.cli.notebook import result, submit
job = submit("bottom_fractal", 20250101, 20251231, stop_bp=300)
found = result(job)
found.statistics["sharpe"], found.fills, found.equity
"""

import io
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from common.messages.backtests import JobState
from services.cli import jobs
from services.cli.backtest_run import Asked
from services.cli.faults import CliError
from services.cli.session import Session
from services.cli.submitting import tasks_for
from services.cli.texts import say

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".parquet"
Kind = TypeVar("Kind")


class JobError(Exception):
    """What was asked cannot be done, or a job has no result; says what and why."""


class Frames(NamedTuple):
    """A result."""

    key: str
    statistics: dict[str, int | float | None]
    """Metrics by name; amounts in 0.001 yuan, shares of one (0.01 = 1 %)."""
    tables: "dict[str, pd.DataFrame]"
    """equity, fills, trades and whatever else the result holds, by name of file; amounts in 0.001 yuan."""

    @property
    def equity(self) -> "pd.DataFrame":
        """The account at each close."""
        return self.tables["equity"]

    @property
    def fills(self) -> "pd.DataFrame":
        """Every deal."""
        return self.tables["fills"]

    @property
    def trades(self) -> "pd.DataFrame":
        """Positions from flat to flat."""
        return self.tables["trades"]


def submit(
    rule: str,
    first: int,
    last: int,
    *,
    engine: str = "compiled",
    minutes: int | None = None,
    history: str | None = None,
    priority: int = 0,
    batch: str = "notebook",
    session: Session | None = None,
    **params: int,
) -> str:
    """Put a backtest on the queue of the running system; returns its key at once. The same one costs nothing again."""
    sets = tuple(f"{name}={value}" for name, value in params.items())
    asked = Asked(rule, first, last, sets, engine=engine, interval=minutes, history=history)

    def do(session: Session) -> str:
        tasks = tasks_for(session, asked, ())
        return next(iter(jobs.submit(session.link, tasks, priority=priority, batch=batch)))

    return _within(session, do)


def result(
    key: str, *, wait: bool = True, session: Session | None = None, sleep: Callable[[float], None] = time.sleep
) -> Frames:
    """Return the result of a job, waiting for it unless told otherwise; raises JobError where there is none."""

    def do(session: Session) -> Frames:
        if wait:
            jobs.wait(session.link, [key], lambda _now: None, sleep)
        rows = jobs.rows_of(session.link, [key])
        if rows and rows[0].state != JobState.DONE:
            raise JobError(f"{key}: {jobs.fault_of(rows[0])}")
        return frames_of(key, jobs.files_of(session.link, key))

    return _within(session, do)


def frames_of(key: str, files: dict[str, bytes]) -> Frames:
    """Return the files of a result as DataFrames."""
    import pandas as pd
    import polars as pl

    from common.backtests.summary import SUMMARY, decode_summary

    tables = {
        name.removesuffix(SUFFIX): pd.DataFrame(pl.read_parquet(io.BytesIO(data)).to_dict(as_series=False))
        for name, data in files.items()
        if name.endswith(SUFFIX)
    }
    return Frames(key, dict(decode_summary(files[SUMMARY]).metrics), tables)


def _within(given: Session | None, do: Callable[[Session], Kind]) -> Kind:
    """Do something in a session; a fault of the command line is one exception with its sentence."""
    session = given or Session.of_environment(os.environ)
    try:
        return do(session)
    except CliError as error:
        raise JobError(say(session.lang, error.key, **error.facts)) from None
    finally:
        if given is None:
            session.close()
