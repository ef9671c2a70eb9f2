"""A warm process that can say how many bars the last task played."""

from common.backtests.tasks import Task
from services.backtest_worker.job import Job, SomeDays
from services.backtest_worker.tasks import Warm

MINUTES_A_DAY = 240


class CountingWarm(Warm):
    """As `Warm`."""

    _played: SomeDays | None = None
    _interval = 1

    def _days_of(self, task: Task, job: Job) -> SomeDays:
        self._interval = task.interval
        self._played = super()._days_of(task, job)
        return self._played

    def bars(self) -> int:
        """Return the bars of all stocks over all sessions of the last task."""
        played = self._played.had if self._played is not None else ()
        return sum(day.had for day in played) * (MINUTES_A_DAY // self._interval)
