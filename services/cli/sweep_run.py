"""`backtest sweep`: a grid checked and counted, run by whatever executor, its rows ranked and kept."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from common.backtests.addressed import AddressedResults
from common.backtests.sweep_report import write_sweep
from common.backtests.sweeps import Executor, Found, SetRow, Sweep, ranked, run_all, split_tasks
from common.backtests.tasks import Task, key_of
from common.domain.errors import ConfigError, ResultError
from common.domain.values import Day
from common.history.daily import History
from common.history.schema import minutes_folder, part_of
from services.backtest_worker.job import Job, Told
from services.backtest_worker.tasks import params_of, task_of
from services.cli.backtest_run import FOLDER, Asked, make_job
from services.cli.faults import BadInputError, CliError
from services.cli.grids import Axis, check_size, parse_grid, sets_of
from services.cli.session import Session
from services.cli.show import day_text

GRID = "grid"
SWEEP_BATCH = "sweep"
"""What its jobs are listed under on the queue."""
EXECUTORS = ("local", "dask", "queue")


class Wanted(NamedTuple):
    """Options of `backtest sweep`."""

    asked: Asked
    grids: tuple[str, ...]
    by: str = "sharpe"
    split: Day = 0
    executor: str = "local"
    workers: int | None = None
    """None = one for each core."""
    scheduler: str = ""
    search: str = GRID
    trials: int = 100
    """Of a search."""
    seed: int = 0


class Swept(NamedTuple):
    """What came of it."""

    sweep: Sweep
    folder: Path


class _Plan(NamedTuple):
    wanted: Wanted
    job: Job
    axes: dict[str, Axis]
    tasks: tuple[Task, ...]
    """With the rule's default parameters: of the days to rank by, and of those after the split."""
    kept: AddressedResults
    executor: Callable[[], Executor]


def prepare(session: Session, wanted: Wanted) -> Callable[[Told], Swept]:
    """Check everything that was asked for and return what runs it."""
    job = make_job(session, wanted.asked)
    job = job._replace(verdicts=job.verdicts[:1])
    axes = parse_grid(job.rule, wanted.grids)
    check_size(axes, search=wanted.search != GRID)
    after = check_days(job, wanted.split)
    task = task_of(job)
    plan = _Plan(
        wanted, job, axes, split_tasks(task, wanted.split, after) if wanted.split else (task,),
        AddressedResults(session.home.root / FOLDER / "results"), _executor(session, wanted, job),
    )  # fmt: skip
    return lambda told: _sweep(session, plan, told)


def check_days(job: Job, split: Day) -> Day:
    """Refuse days without data, and a split that leaves one side without any; returns the session after the split."""
    calendar = History(job.history).calendar()
    sessions = calendar.between(job.first, job.last)
    span = {"first": day_text(job.first), "last": day_text(job.last)}
    if not sessions:
        raise BadInputError("bad.no_days", **span, begin=day_text(calendar.first), end=day_text(calendar.last))
    folder = minutes_folder(job.interval)
    if not any((job.history / part_of(folder, day)).is_file() for day in sessions):
        raise BadInputError("bad.no_minutes", **span, minutes=job.interval, path=str(job.history))
    if not split:
        return 0
    after = [day for day in sessions if day > split]
    if not after or len(after) == len(sessions):
        raise BadInputError("bad.split", split=day_text(split), **span)
    return after[0]


def _executor(session: Session, wanted: Wanted, job: Job) -> Callable[[], Executor]:
    """Return what makes the executor: only a sweep that has something to run needs one."""
    if wanted.executor == "dask":
        from services.backtest_worker.adapters.dask_cluster import DaskCluster

        if not wanted.scheduler:
            raise BadInputError("bad.no_scheduler")
        return lambda: DaskCluster(wanted.scheduler, job.cache)
    if wanted.scheduler:
        raise BadInputError("bad.scheduler_alone")
    if wanted.executor == "queue":
        from services.cli.jobs import QueueExecutor

        return lambda: QueueExecutor(session.link, SWEEP_BATCH)
    from services.backtest_worker.adapters.pool import LocalPool

    return lambda: LocalPool(wanted.workers or os.cpu_count() or 1, job.cache)


# ------------------------------------------------------------------ running


class _Runner:
    """Runs sets of parameters; the executor is made when the first one has no result yet."""

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._executor: Executor | None = None

    def _get(self) -> Executor:
        self._executor = self._executor or self._plan.executor()
        return self._executor

    def tasks(self, tasks: Sequence[Task], told: Told) -> dict[str, Found]:
        """Return what came of tasks by key."""
        try:
            return run_all(tasks, self._plan.kept, self._get, told)
        except ResultError as error:
            raise BadInputError("bad.kept_result", why=error.detail) from None

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()


def _sweep(session: Session, plan: _Plan, told: Told) -> Swept:
    runner = _Runner(plan)
    try:
        return _swept(session, plan, runner, told)
    except OSError as error:  # a full disk; what was kept before stays, and is not run again
        path, why = str(session.home.root / FOLDER), error.strerror or str(error)
        raise CliError("bad.cannot_keep", path=path, why=why) from None
    finally:
        runner.close()


def _swept(session: Session, plan: _Plan, runner: _Runner, told: Told) -> Swept:
    if plan.wanted.search == GRID:
        sets: Iterable[dict[str, int]] = sets_of(plan.axes)
    else:
        sets = _searched(session, plan, runner, told)
    rows = run_sets(plan.job, plan.tasks, sets, lambda tasks: runner.tasks(tasks, told))
    if not any(row.key for row in rows):
        raise BadInputError("bad.no_set", why=rows[0].fault)
    by = plan.wanted.by
    job = plan.job
    task = plan.tasks[0]
    sweep = Sweep(
        job.rule.NAME, job.first, job.last, plan.wanted.split, by, job.verdicts[0], plan.wanted.search,
        {name: list(values) for name, values in plan.axes.items()}, task.data_hash, task.code_hash, task.rulebook_hash,
        ranked(rows, by),
    )  # fmt: skip
    return Swept(sweep, keep_sweep(session, sweep))


def _searched(session: Session, plan: _Plan, runner: _Runner, told: Told) -> list[dict[str, int]]:
    """Return the sets that a search tries, each once; it never sees a day after the split."""
    from services.cli.search import ROUND, OptunaSearch

    wanted, (task, *_) = plan.wanted, plan.tasks
    fixed = replace(task, params={name: value for name, value in task.params.items() if name not in plan.axes})
    what = json.dumps([key_of(fixed), {name: list(axis) for name, axis in plan.axes.items()}, wanted.by, wanted.seed])
    name = hashlib.sha256(what.encode()).hexdigest()[:20]
    search = OptunaSearch(session.home.root / FOLDER / "searches" / f"{name}.log", name, plan.axes, wanted.seed)
    tried = search.past()[: wanted.trials]
    while len(tried) < wanted.trials:
        sets = search.ask(min(ROUND, wanted.trials - len(tried)))
        rows = run_sets(plan.job, (task,), sets, lambda tasks: runner.tasks(tasks, lambda *_: None))
        worth = {tuple(row.params.values()): row.metrics.get(wanted.by) for row in rows}
        search.tell([worth[tuple(chosen.values())] for chosen in sets])
        tried += sets
        told("", len(tried), wanted.trials)
    return list({tuple(chosen.values()): chosen for chosen in tried}.values())


def run_sets(
    job: Job,
    tasks: tuple[Task, ...],
    sets: Iterable[dict[str, int]],
    run: Callable[[Sequence[Task]], dict[str, Found]],
) -> list[SetRow]:
    """Return the row of every set; a set that the rule refuses is a row with its words, and is not run."""
    wanted: list[tuple[dict[str, int], list[Task]]] = []
    refused: list[SetRow] = []
    base = job.params._asdict()
    for chosen in sets:
        params = {name: int(value) for name, value in (base | chosen).items()}
        try:
            params_of(job.rule, params)
        except ConfigError as error:
            refused.append(SetRow(chosen, "", {}, str(error)))
            continue
        wanted.append((chosen, [replace(task, params=params) for task in tasks]))
    # One side of the split after the other: a process keeps the days of one.
    found = run([each[side] for side in range(len(tasks)) for _, each in wanted])
    return [_row(chosen, [(key_of(task), found[key_of(task)]) for task in each]) for chosen, each in wanted] + refused


def _row(chosen: dict[str, int], sides: list[tuple[str, Found]]) -> SetRow:
    (key, here), *after = sides
    row = SetRow(chosen, key, dict(here.metrics), here.fault)
    if after:
        row = replace(row, key_after=after[0][0], after=dict(after[0][1].metrics), fault_after=after[0][1].fault)
    return row


def keep_sweep(session: Session, sweep: Sweep) -> Path:
    """Write a sweep with its report into a folder of its own, sweeps/1, sweeps/2 ...; returns it."""
    root = session.home.root / FOLDER / "sweeps"
    root.mkdir(parents=True, exist_ok=True)
    number = max((int(path.name) for path in root.iterdir() if path.name.isdigit()), default=0) + 1
    while True:
        try:
            write_sweep(root / str(number), sweep)
        except OSError:
            if not (root / str(number)).exists():
                raise
            number += 1  # another sweep that ended now was first
        else:
            return root / str(number)


def json_of(swept: Swept) -> dict[str, Any]:
    """Return a sweep as JSON data for programs."""
    import msgspec

    from common.backtests.sweep_report import told_of

    found: dict[str, Any] = msgspec.to_builtins(swept.sweep)
    return {**found, "told": told_of(swept.sweep)._asdict(), "folder": str(swept.folder)}
