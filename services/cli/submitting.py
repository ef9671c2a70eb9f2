"""`backtest submit`: what was asked, checked as `backtest run` and `backtest sweep` do, as tasks for the queue."""

from collections.abc import Sequence

from msgspec.structs import replace

from common.backtests.tasks import Task
from common.domain.errors import ConfigError
from services.backtest_worker.tasks import params_of, task_of
from services.cli.backtest_run import Asked, make_job
from services.cli.faults import BadInputError
from services.cli.grids import check_size, parse_grid, sets_of
from services.cli.session import Session
from services.cli.sweep_run import check_days


def tasks_for(session: Session, asked: Asked, grids: Sequence[str]) -> list[Task]:
    """Return one task, or one for each set of a grid; every fault is one clear line and nothing is submitted."""
    job = make_job(session, asked)
    check_days(job, 0)
    task = task_of(job, candles=not grids)
    if not grids:
        return [task]
    axes = parse_grid(job.rule, grids)
    check_size(axes, search=False)
    tasks = []
    for chosen in sets_of(axes):
        params = {name: int(value) for name, value in (task.params | chosen).items()}
        try:
            params_of(job.rule, params)
        except ConfigError as error:
            raise BadInputError("bad.grid_set", why=str(error)) from None
        tasks.append(replace(task, params=params))
    return tasks
