"""Jobs on the queue of backtests, as the command line, a sweep and a notebook use them."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec import json

from common.backtests.tasks import Done, Task
from common.bus.endpoints import QUEUE
from common.messages.backtests import (
    ENDED,
    LIST_MAX,
    SUBMIT_MAX,
    JobList,
    JobResult,
    JobRow,
    JobsRequest,
    JobsTaken,
    JobState,
    ResultRequest,
    SubmitJobs,
)
from services.cli.link import Link, expect

POLL_S = 0.25
ANSWER_S = 60.0
Progress = Callable[["Standing"], None]


class Standing(NamedTuple):
    """How far a set of jobs is."""

    counts: dict[str, int]
    bars: int
    part: float
    """Of all of them, the share that is done; running ones count by their sessions."""

    @property
    def ended(self) -> int:
        """Return how many have ended, whatever of."""
        return sum(self.counts.get(state.name, 0) for state in ENDED)


def submit(link: Link, tasks: Sequence[Task], *, priority: int = 0, batch: str = "") -> dict[str, JobState]:
    """Put tasks on the queue; returns the state of each by key."""
    found: dict[str, JobState] = {}
    for at in range(0, len(tasks), SUBMIT_MAX):
        raw = tuple(json.encode(task) for task in tasks[at : at + SUBMIT_MAX])
        taken = expect(link.ask(QUEUE, SubmitJobs(raw, priority, batch), timeout_s=ANSWER_S), JobsTaken, QUEUE)
        found.update((key, JobState(state)) for key, state in zip(taken.keys, taken.states, strict=True))
    return found


def rows_of(link: Link, keys: Sequence[str], state: int = 0) -> list[JobRow]:
    """Return the jobs of these keys that are in a state; 0 = any."""
    rows: list[JobRow] = []
    for at in range(0, len(keys), LIST_MAX):
        asked = JobsRequest(keys=tuple(keys[at : at + LIST_MAX]), state=state, limit=LIST_MAX)
        rows += expect(link.ask(QUEUE, asked), JobList, QUEUE).rows
    return rows


def standing(link: Link, keys: Sequence[str]) -> Standing:
    """Return how far these jobs are."""
    counts: dict[str, int] = {}
    bars, running = 0, 0.0
    for at in range(0, len(keys), LIST_MAX):
        asked = JobsRequest(keys=tuple(keys[at : at + LIST_MAX]), state=JobState.RUNNING, limit=LIST_MAX)
        found = expect(link.ask(QUEUE, asked), JobList, QUEUE)
        bars += found.bars
        running += sum(row.done / row.total for row in found.rows if row.total)
        for name, count in found.counts.items():
            counts[name] = counts.get(name, 0) + count
    ended = sum(counts.get(state.name, 0) for state in ENDED)
    return Standing(counts, bars, (ended + running) / max(1, len(keys)))


def wait(link: Link, keys: Sequence[str], told: Progress, sleep: Callable[[float], None] = time.sleep) -> Standing:
    """Wait until every one of these jobs has ended; jobs that the queue forgot have."""
    while True:
        now = standing(link, keys)
        told(now)
        if now.ended == sum(now.counts.values()):
            return now
        sleep(POLL_S)


def files_of(link: Link, key: str) -> dict[str, bytes]:
    """Return the files of a result."""
    return dict(expect(link.ask(QUEUE, ResultRequest(key), timeout_s=ANSWER_S), JobResult, QUEUE).files)


def fault_of(row: JobRow) -> str:
    """Return why a job has no result."""
    return row.fault or JobState(row.state).name.lower()


class QueueExecutor:
    """An executor of the queue's workers, wherever they are."""

    def __init__(self, link: Link, batch: str = "", sleep: Callable[[float], None] = time.sleep) -> None:
        self._link, self._batch, self._sleep = link, batch, sleep

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task as it is done."""
        left = dict.fromkeys(submit(self._link, tasks, batch=self._batch))
        while left:
            ended = [row for row in rows_of(self._link, list(left)) if row.state in ENDED]
            for row in ended:
                del left[row.key]
                yield self._done(row)
            if left and not ended:
                self._sleep(POLL_S)

    def _done(self, row: JobRow) -> Done:
        if row.state == JobState.DONE:
            return Done(row.key, files_of(self._link, row.key))
        return Done(row.key, {}, fault_of(row))

    def close(self) -> None:
        """Leave the workers as they are: they are the queue's."""
