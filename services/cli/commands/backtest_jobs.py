"""`backtest submit`, `list`, `show`, `cancel`: jobs on the queue."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from common.messages.backtests import (
    ENDED,
    PRIORITY_MAX,
    CancelJobs,
    JobList,
    JobRow,
    JobsCancelled,
    JobsRequest,
    JobState,
)
from services.cli import faults, show
from services.cli.bilingual import command, json_option, option
from services.cli.commands.backtest_options import alone, asked_of, settings, span
from services.cli.faults import BadInputError
from services.cli.render import heads
from services.cli.session import Session, pass_session

QUEUE = "backtest_queue"
KEY_SHOWN = 12
"""Letters of a key in a table: enough to tell a million jobs apart, and to type."""
STATES = [state.name.lower() for state in JobState]


@command("submit", "cmd.backtest.submit")
@span
@option("--grid", "grids", metavar="K=V,V|A:B:STEP", multiple=True, help_key="opt.grid")
@option("--wait", "wait", is_flag=True, help_key="opt.job_wait")
@option("--priority", type=click.IntRange(-PRIORITY_MAX, PRIORITY_MAX), default=0, help_key="opt.job_priority")
@option("--batch", metavar="NAME", default="", help_key="opt.job_batch")
@option("--engine", type=click.Choice(["compiled", "backtrader"]), default="compiled", help_key="opt.sweep_engine")
@settings
@alone
@json_option
@pass_session
def submit(
    session: Session,
    /,
    as_json: bool,
    first: str,
    last: str,
    grids: tuple[str, ...],
    wait: bool,
    priority: int,
    batch: str,
    minutes: str | None,
    **given: Any,
) -> int:
    """Put a backtest, or one for each set of a grid, on the queue."""
    from services.cli import jobs
    from services.cli.submitting import tasks_for

    asked = asked_of(first, last, minutes, **given)
    tasks = tasks_for(session, asked, grids)
    states = jobs.submit(session.link, tasks, priority=priority, batch=batch)
    done = sum(state is JobState.DONE for state in states.values())
    if not as_json:
        session.tell("job.submitted", jobs=len(states), done=done, rule=asked.rule)
        if len(states) == 1:
            session.tell("job.key", key=next(iter(states)))
    if not wait:
        if as_json:
            show.echo_json({"jobs": {key: state.name for key, state in states.items()}})
        return faults.OK
    return _wait(session, list(states), as_json)


def _wait(session: Session, keys: list[str], as_json: bool) -> int:
    """Show how far the jobs are until they have ended; returns the exit code."""
    from services.cli import jobs
    from services.cli.jobs_progress import watching

    with watching(session, len(keys), quiet=as_json) as told:
        end = jobs.wait(session.link, keys, told)
    failed = [row for row in jobs.rows_of(session.link, keys) if row.state != JobState.DONE]
    if as_json:
        told_rows = [row_json(row) for row in jobs.rows_of(session.link, keys)]
        show.echo_json({"counts": _some(end.counts), "bars": end.bars, "jobs": told_rows})
    else:
        session.tell("job.ended", counts=_counts_text(session, end.counts), bars=f"{end.bars:,}")
        for row in failed[:5]:
            session.warn("job.failed", key=row.key[:KEY_SHOWN], why=jobs.fault_of(row))
        if len(keys) == 1 and not failed:
            session.tell("job.report", key=keys[0][:KEY_SHOWN])
    return faults.REFUSED if failed else faults.OK


@command("list", "cmd.backtest.list")
@option("--state", type=click.Choice(STATES), default=None, help_key="opt.job_state")
@option("--batch", metavar="NAME", default="", help_key="opt.job_batch_list")
@option("--limit", type=click.IntRange(1, 1000), default=30, help_key="opt.job_limit")
@json_option
@pass_session
def list_jobs(session: Session, state: str | None, batch: str, limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    number = JobState[state.upper()] if state else 0
    found = session.ask(QUEUE, JobsRequest(batch=batch, state=number, limit=limit), JobList)
    if as_json:
        workers = [{"worker": row.worker, "held": row.held, "running": row.running} for row in found.workers]
        show.echo_json(
            {"counts": _some(found.counts), "jobs": [row_json(row) for row in found.rows], "workers": workers}
        )
        return
    if not found.rows:
        session.tell("none.jobs")
    else:
        click.echo(jobs_table(session, found.rows))
    workers_text = ", ".join(row.worker for row in found.workers) or session.say("word.none_at_work")
    session.tell("job.listed", counts=_counts_text(session, found.counts), workers=workers_text)


@command("show", "cmd.backtest.show")
@click.argument("key")
@json_option
@pass_session
def show_job(session: Session, key: str, as_json: bool) -> None:
    """Show one job, and the statistics of its result."""
    from services.cli import jobs

    row = find(session, key)
    if as_json:
        metrics = summary_of(jobs.files_of(session.link, row.key)) if row.state == JobState.DONE else None
        show.echo_json({**row_json(row), "metrics": metrics})
        return
    click.echo(jobs_table(session, [row]))
    session.tell("job.params", params=", ".join(f"{name}={value}" for name, value in row.params.items()) or "-")
    if row.fault:
        session.tell("job.fault", why=row.fault)
    if row.state == JobState.DONE:
        from common.backtests.codec import decode_files
        from common.backtests.statistics import statistics_of
        from services.cli import backtests

        files = jobs.files_of(session.link, row.key)
        result, _ = decode_files({name: data for name, data in files.items() if "/" not in name})
        click.echo(backtests.statistics_text(session.lang, result, statistics_of(result), sys.stdout.isatty()))
        session.tell("job.report", key=row.key[:KEY_SHOWN])


@command("cancel", "cmd.backtest.cancel")
@click.argument("keys", nargs=-1)
@option("--batch", metavar="NAME", default="", help_key="opt.job_batch_cancel")
@json_option
@pass_session
def cancel(session: Session, keys: tuple[str, ...], batch: str, as_json: bool) -> None:
    """End jobs that are not done; those that run are stopped."""
    if not keys and not batch:
        raise BadInputError("bad.no_jobs")
    whole = tuple(find(session, key).key for key in keys)
    said = session.ask(QUEUE, CancelJobs(whole, batch), JobsCancelled)
    if as_json:
        show.echo_json({"cancelled": said.cancelled, "ended": said.ended})
    else:
        session.tell("job.cancelled", cancelled=said.cancelled, ended=said.ended)


def find(session: Session, key: str) -> JobRow:
    """Return the job whose key begins so; it must be one."""
    text = key.strip().lower()
    if not text or not set(text) <= set("0123456789abcdef") or len(text) > 32:
        raise BadInputError("bad.job_key", key=key)
    rows = session.ask(QUEUE, JobsRequest(key=text, limit=2), JobList).rows
    if not rows:
        raise BadInputError("bad.no_job", key=key)
    if len(rows) > 1:
        raise BadInputError("bad.job_twice", key=key, one=rows[0].key, other=rows[1].key)
    return rows[0]


def summary_of(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the metrics of a result."""
    from common.backtests.summary import SUMMARY, decode_summary

    return dict(decode_summary(files[SUMMARY]).metrics)


def jobs_table(session: Session, rows: Sequence[JobRow]) -> str:
    """Return one row a job."""
    lines = [
        (
            row.key[:KEY_SHOWN], session.say(f"job_state.{JobState(row.state).name}"), _far(row), row.rule, row.engine,
            show.day_text(row.first), show.day_text(row.last), row.batch, row.priority or "",
            f"{row.bars:,}" if row.bars else "", row.worker,
        )
        for row in rows
    ]  # fmt: skip
    titles = heads(
        session.lang,
        "key",
        "state",
        "progress",
        "rule",
        "engine",
        "first",
        "to",
        "batch",
        "priority",
        "bars",
        "worker",
    )
    return show.table(titles, lines, (2, 8, 9))


def _far(row: JobRow) -> str:
    if row.state in ENDED or not row.total:
        return ""
    return f"{row.done}/{row.total}"


def row_json(row: JobRow) -> dict[str, Any]:
    """Return a job as JSON data."""
    found: dict[str, Any] = {name: getattr(row, name) for name in row.__struct_fields__}
    return {**found, "state": JobState(row.state).name}


def _some(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _counts_text(session: Session, counts: dict[str, int]) -> str:
    return ", ".join(f"{session.say(f'job_state.{name}')} {count}" for name, count in _some(counts).items()) or "0"
