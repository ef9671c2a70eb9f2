"""The book of jobs: which there are, in what order they wait, what has to be on disk of each. Pure."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

from msgspec.structs import replace

from common.backtests.tasks import Task
from common.messages.backtests import ENDED, JobRow, JobState
from common.messages.kept import KeptLease, KeptTask
from common.messages.outputs import Drop, Message, Output, Save

ENDED_MAX = 20_000
"""Jobs that have ended and are still listed; older ones are forgotten, their results are not."""
JOB, TASK, LEASE = "job/", "task/", "lease/"


class Book:
    """Every job by key. What changes comes back as outputs that have to be committed."""

    def __init__(self, ended_max: int = ENDED_MAX) -> None:
        self.rows: dict[str, JobRow] = {}
        self.tasks: dict[str, bytes] = {}
        """Of those that have not ended."""
        self.counts: Counter[int] = Counter()
        """By state."""
        self.task_bytes = 0
        self._ended_max = ended_max
        self._waiting: list[tuple[int, int, int, str]] = []
        """A heap; one that is no longer so is passed over when it comes up."""
        self._ended: deque[tuple[int, str]] = deque()
        self._seq = 0

    # ------------------------------------------------------------------ disk

    def restore(self, kept: Mapping[str, Message]) -> dict[str, KeptLease]:
        """Take the jobs back and return the leases there were, in the order they were given."""
        rows = [record for record in kept.values() if isinstance(record, JobRow)]
        for row in sorted(rows, key=lambda row: row.seq):
            task = kept.get(TASK + row.key)
            if isinstance(task, KeptTask):
                self._hold(row.key, task.task)
            self._put(row)
        found = {key.removeprefix(LEASE): record for key, record in kept.items() if isinstance(record, KeptLease)}
        held = sorted(found.items(), key=lambda item: item[1].place)
        return {key: lease for key, lease in held if key in self.tasks}

    def save(self, row: JobRow) -> Iterator[Output]:
        """Note a job as it is now; yields what has to be on disk."""
        self._put(row)
        yield Save(JOB + row.key, row)
        if row.state in ENDED:
            self.task_bytes -= len(self.tasks.pop(row.key, b""))
            yield Drop(TASK + row.key)
            yield from self._forget_old()

    def _put(self, row: JobRow) -> None:
        before = self.rows.get(row.key)
        if before is not None:
            self.counts[before.state] -= 1
        self.counts[row.state] += 1
        self.rows[row.key] = row
        self._seq = max(self._seq, row.seq)
        if row.state == JobState.WAITING:
            heappush(self._waiting, _place(row))
        elif row.state in ENDED:
            self._ended.append((row.seq, row.key))

    def _hold(self, key: str, task: bytes) -> None:
        self.task_bytes += len(task) - len(self.tasks.get(key, b""))
        self.tasks[key] = task

    def _forget_old(self) -> Iterator[Output]:
        while len(self._ended) > self._ended_max:
            seq, key = self._ended.popleft()
            row = self.rows.get(key)
            if row is not None and row.seq == seq and row.state in ENDED:
                del self.rows[key]
                self.counts[row.state] -= 1
                yield Drop(JOB + key)

    # ------------------------------------------------------------------ coming in

    def add(
        self, key: str, task: Task, raw: bytes, *, priority: int, batch: str, now_ns: int, done: bool
    ) -> Iterator[Output]:
        """Take a job that is new, or that ended without a result; `done`: its result is there already."""
        self._seq += 1
        state = JobState.DONE if done else JobState.WAITING
        row = JobRow(
            key, self._seq, state, task.rule, task.first, task.last, task.engine, task.params, priority, batch,
            submitted_ns=now_ns, ended_ns=now_ns if done else 0,
        )  # fmt: skip
        if not done:
            self._hold(key, raw)
            yield Save(TASK + key, KeptTask(raw))
        yield from self.save(row)

    # ------------------------------------------------------------------ waiting

    def take(self, now_ns: int, worker: str) -> str | None:
        """Take the next waiting job for a worker; None where nothing waits."""
        while self._waiting:
            place = heappop(self._waiting)
            row = self.rows.get(place[-1])
            if row is not None and row.state == JobState.WAITING and _place(row) == place:
                self.run(row.key, now_ns, worker)
                return row.key
        return None

    def run(self, key: str, now_ns: int, worker: str) -> None:
        """Note that a worker has a job; that needs no disk beside the lease."""
        self._put(replace(self.rows[key], state=JobState.RUNNING, started_ns=now_ns, worker=worker, done=0, total=0))

    def move(self, key: str, done: int, total: int, bars: int) -> JobRow:
        """Note how far a running job is."""
        row = self.rows[key] = replace(self.rows[key], done=done, total=total, bars=bars)
        return row

    @property
    def waiting(self) -> int:
        """Return how many jobs wait."""
        return self.counts[JobState.WAITING]

    @property
    def unfinished(self) -> int:
        """Return how many jobs wait or run."""
        return self.counts[JobState.WAITING] + self.counts[JobState.RUNNING]

    # ------------------------------------------------------------------ looking

    def find(self, key: str, batch: str, keys: Sequence[str] = ()) -> list[JobRow]:
        """Return the jobs of which all of this is true, the newest first; what is empty is true of every one."""
        among = [self.rows[each] for each in keys if each in self.rows] if keys else self.rows.values()
        rows = [row for row in among if row.key.startswith(key) and (not batch or row.batch == batch)]
        return sorted(rows, key=lambda row: -row.seq)


def _place(row: JobRow) -> tuple[int, int, int, str]:
    """Return a job's place in the queue: by priority; what was begun once before goes first; then as it came."""
    return -row.priority, 0 if row.deaths + row.losses else 1, row.seq, row.key
