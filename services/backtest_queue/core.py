"""The queue of backtest jobs: lends them to workers, takes back what is lost, keeps each result once. Pure.

Nothing is told before it is on disk. A worker's death is charged to the job it was running and to no other: workers run
their leases in the order in which they got them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from common.backtests.tasks import Task, key_of
from common.domain.reasons import Reason
from common.messages.backtests import (
    ENDED,
    CancelJobs,
    JobChanged,
    JobDone,
    JobList,
    JobResult,
    JobRow,
    JobsCancelled,
    JobsRequest,
    JobsTaken,
    JobState,
    JobStored,
    JobsWaiting,
    Lease,
    ResultRequest,
    SubmitJobs,
    Work,
    WorkRequest,
)
from common.messages.control import Fault
from common.messages.kept import KeptLease
from common.messages.outputs import Drop, Effect, Log, Message, Origin, Output, Publish, Reply, Save, Token
from common.messages.topics import JOB as JOB_TOPIC
from common.messages.topics import WORK
from services.backtest_queue.book import LEASE, Book
from services.backtest_queue.calls import FilesRead, LookedUp, LookUp, ReadFiles, ResultStored, StoreResult
from services.backtest_queue.sessions import Session, Sessions

DEATHS_MAX = 3
"""Processes that a job may kill before it is put aside."""
LOSSES_MAX = 6
"""Workers that may go away with it: that is rarely a job's fault (docs/adr/0030)."""
TASK_BYTES_MAX = 64 << 20
"""Of all tasks that wait or run: they are in memory."""


class _Asked(msgspec.Struct, frozen=True):
    """A submission whose results are being looked up."""

    message: SubmitJobs
    token: Token
    keys: tuple[str, ...]
    tasks: tuple[Task, ...]


class QueueCore:
    """Jobs, leases and what people ask about them."""

    def __init__(self, waiting_max: int, lease_ns: int) -> None:
        self.book = Book()
        self.sessions = Sessions(lease_ns)
        self._waiting_max = waiting_max
        self._questions = 0
        self._asked: dict[int, _Asked] = {}
        self._storing: dict[str, tuple[JobDone, Token | None]] = {}
        self._full = False
        self._place = 0
        self.stored = 0

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: Mapping[str, Message]) -> None:
        """Take jobs and leases back."""
        for key, lease in self.book.restore(kept).items():
            self.book.run(key, 0, lease.worker)
            self._place = max(self._place, lease.place)
            self.sessions.of(lease.worker, lease.session).leases[key] = None

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Give everybody who had a lease the time of one to be heard."""
        self.sessions.all_heard(now_ns)
        return [Publish(WORK, JobsWaiting(self.book.waiting))]

    def on_disk(self, full: bool, now_ns: int) -> Sequence[Output]:
        """Begin nothing while the disk is full."""
        self._full = full
        return [] if full else [Publish(WORK, JobsWaiting(self.book.waiting))]

    def next_deadline_ns(self) -> int | None:
        """Return when the first worker has been silent for too long."""
        return self.sessions.due_ns()

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Take back what silent workers hold."""
        out: list[Output] = []
        for session in self.sessions.silent(now_ns):
            out += self._lose(session, "silent", now_ns)
        return out

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle one message."""
        token = origin.token
        match message:
            case LookedUp():
                return self._on_looked_up(message, now_ns)
            case ResultStored():
                return self._on_stored(message, now_ns)
            case FilesRead():
                return [Reply(message.token, _result(message))]
            case WorkRequest() if token is not None:
                return self._on_work(message, token, now_ns)
            case JobDone():
                return self._on_done(message, token, now_ns)
            case SubmitJobs() if token is not None:
                return self._on_submit(message, token)
            case CancelJobs() if token is not None:
                return self._on_cancel(message, token, now_ns)
            case JobsRequest() if token is not None:
                return [Reply(token, self._list(message))]
            case ResultRequest() if token is not None:
                return [Effect(ReadFiles(message.key, token))]
            case _:
                return []

    # ------------------------------------------------------------------ people

    def _on_submit(self, message: SubmitJobs, token: Token) -> Sequence[Output]:
        if self._full:
            return [_fault(token, Reason.DISK_FULL, "the queue's disk is full: make room, then submit again")]
        tasks, keys = [], []
        for number, raw in enumerate(message.tasks, 1):
            try:
                task = msgspec.json.decode(raw, type=Task)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                return [_fault(token, Reason.BAD_MESSAGE, f"task {number} is none: {error}")]
            tasks.append(task)
            keys.append(key_of(task))
        new = [at for at, key in enumerate(keys) if self._is_new(key)]
        if refusal := self._refusal(len({keys[at] for at in new}), sum(len(message.tasks[at]) for at in new)):
            return [_fault(token, Reason.NOT_READY, refusal)]
        self._questions += 1
        self._asked[self._questions] = _Asked(message, token, tuple(keys), tuple(tasks))
        wanted = tuple(dict.fromkeys(key for key in keys if not self._is_open(key)))
        return [Effect(LookUp(self._questions, wanted))]

    def _is_open(self, key: str) -> bool:
        return key in self.book.rows and self.book.rows[key].state not in ENDED

    def _is_new(self, key: str) -> bool:
        row = self.book.rows.get(key)
        return row is None or row.state in ENDED - {JobState.DONE}

    def _refusal(self, count: int, size: int) -> str:
        """Return why so many more jobs are not taken, "" when they are."""
        there = self.book.unfinished
        if count and there + count > self._waiting_max:
            return f"{count} jobs more than {there} are over backtests.waiting_max = {self._waiting_max}: wait or cancel some"
        if count and self.book.task_bytes + size > TASK_BYTES_MAX:
            return f"the tasks on the queue take {self.book.task_bytes >> 20} of {TASK_BYTES_MAX >> 20} MiB: wait or cancel some"
        return ""

    def _on_looked_up(self, found: LookedUp, now_ns: int) -> Sequence[Output]:
        asked = self._asked.pop(found.question)
        message, there = asked.message, set(found.there)
        out: list[Output] = [
            Log("warning", "result damaged", {"key": key, "done": "put aside, the job runs again"})
            for key in found.damaged
        ]
        fresh: list[str] = []
        for key, task, raw in zip(asked.keys, asked.tasks, message.tasks, strict=True):
            row = self.book.rows.get(key)
            if self._is_open(key):
                out += self._hurry(self.book.rows[key], message.priority)
            elif row is None or row.state != JobState.DONE or key not in there:
                out += self.book.add(
                    key, task, raw, priority=message.priority, batch=message.batch, now_ns=now_ns, done=key in there
                )
                fresh.append(key)
        states = tuple(int(self.book.rows[key].state) for key in asked.keys)
        out.append(Reply(asked.token, JobsTaken(asked.keys, states)))
        if self.book.waiting:
            out.append(Publish(WORK, JobsWaiting(self.book.waiting)))
        return [*out, Log("info", "jobs taken", {"jobs": len(asked.keys), "new": len(fresh), "batch": message.batch})]

    def _hurry(self, row: JobRow, priority: int) -> Iterable[Output]:
        """Let a job that waits go as far ahead as whoever wants it most says."""
        if row.state == JobState.WAITING and priority > row.priority:
            return self.book.save(replace(row, priority=priority))
        return ()

    def _on_cancel(self, message: CancelJobs, token: Token, now_ns: int) -> Sequence[Output]:
        rows = self.book.find("", message.batch) if message.batch else ()
        wanted = {row.key: None for row in rows} | dict.fromkeys(key for key in message.keys if key in self.book.rows)
        unknown = tuple(key for key in message.keys if key not in self.book.rows)
        open_keys = [key for key in wanted if self._is_open(key)]
        out: list[Output] = []
        for key in open_keys:
            out += self._end(key, JobState.CANCELLED, "", now_ns)
        out.append(Reply(token, JobsCancelled(len(open_keys), len(wanted) - len(open_keys), unknown)))
        return [*out, Log("info", "jobs cancelled", {"jobs": len(open_keys)})]

    def _list(self, asked: JobsRequest) -> JobList:
        rows = self.book.find(asked.key, asked.batch, asked.keys)
        counts = {state.name: 0 for state in JobState}
        for row in rows:
            counts[JobState(row.state).name] += 1
        shown = [
            row
            for row in rows
            if (not asked.before or row.seq < asked.before) and (not asked.state or row.state == asked.state)
        ]
        bars = sum(row.bars for row in rows)
        return JobList(tuple(shown[: asked.limit]), counts, bars, self.sessions.rows())

    # ------------------------------------------------------------------ workers

    def _on_work(self, asked: WorkRequest, token: Token, now_ns: int) -> Sequence[Output]:
        out: list[Output] = []
        before = self.sessions.known.get(asked.worker)
        if before is not None and before.name != asked.session:
            out += self._lose(before, "restarted", now_ns)
        session = self.sessions.of(asked.worker, asked.session)
        session.heard_ns = now_ns
        if asked.turn < session.turn:
            return out
        if asked.turn > session.turn:
            session.turn, session.running = asked.turn, asked.running
            out += self._compare(session, asked.held, now_ns)
            out += self._progress(session, asked)
            session.given = () if self._full else tuple(self._lend(session, asked.room, now_ns))
            out += self._leased(session, session.given)
        given = [Lease(key, self.book.tasks[key]) for key in session.given if key in session.leases]
        gone = tuple(key for key in asked.held if key not in session.leases)
        return [*out, Reply(token, Work(tuple(given), gone))]

    def _compare(self, session: Session, held: Sequence[str], now_ns: int) -> Iterator[Output]:
        """Bring both sides to the same leases: a lost answer frees them, a worker that still holds a free job keeps it."""
        there = set(held)
        for key in [key for key in session.leases if key not in there]:
            yield from self._requeue(session, key)
        for key in held:
            row = self.book.rows.get(key)
            if key not in session.leases and row is not None and row.state == JobState.WAITING:
                self.book.run(key, now_ns, session.worker)
                yield from self._leased(session, (key,))

    def _progress(self, session: Session, asked: WorkRequest) -> Iterator[Output]:
        if asked.running in session.leases:
            yield _changed(self.book.move(asked.running, asked.done, asked.total, asked.bars))

    def _lend(self, session: Session, room: int, now_ns: int) -> Iterator[str]:
        size = 0
        for _ in range(room):
            key = self.book.take(now_ns, session.worker)
            if key is None:
                return
            yield key
            size += len(self.book.tasks[key])
            if size > TASK_BYTES_MAX // 64:
                return

    def _leased(self, session: Session, keys: Iterable[str]) -> Iterator[Output]:
        for key in keys:
            self._place += 1
            session.leases[key] = None
            yield Save(LEASE + key, KeptLease(session.worker, session.name, self._place))
            yield _changed(self.book.rows[key])

    def _requeue(self, session: Session, key: str) -> Iterator[Output]:
        del session.leases[key]
        yield Drop(LEASE + key)
        yield from self.book.save(replace(self.book.rows[key], state=JobState.WAITING, done=0, total=0))
        yield _changed(self.book.rows[key])

    def _lose(self, session: Session, why: str, now_ns: int) -> Iterator[Output]:
        """Take back everything a worker held that is gone; what it was running is charged with that."""
        self.sessions.forget(session)
        held = list(session.leases)
        if held:
            yield Log("warning", "worker lost", {"worker": session.worker, "why": why, "held": len(held)})
        for place, key in enumerate(held):
            if place == 0:
                row = self.book.rows[key]
                self.book.rows[key] = replace(row, losses=row.losses + 1)
            if place == 0 and self.book.rows[key].losses >= LOSSES_MAX:
                session.leases.pop(key)
                yield from self._end(key, JobState.QUARANTINED, f"{LOSSES_MAX} workers went away with it", now_ns)
            else:
                yield from self._requeue(session, key)
        if held:
            yield Publish(WORK, JobsWaiting(self.book.waiting))

    # ------------------------------------------------------------------ what comes of jobs

    def _on_done(self, done: JobDone, token: Token | None, now_ns: int) -> Sequence[Output]:
        if not self._is_open(done.key):
            return _answer(token, done.key)
        if done.fault:
            session = self.sessions.holder(done.key)
            if session is None or (session.worker, session.name) != (done.worker, done.session):
                return _answer(token, done.key)  # it is somebody else's by now, who may do better
            out = (
                self._died(session, done, now_ns)
                if done.died
                else self._end(done.key, JobState.FAILED, done.fault, now_ns)
            )
            return [*out, *_answer(token, done.key)]
        begun = done.key in self._storing
        self._storing[done.key] = (done, token)
        return [] if begun else [Effect(StoreResult(done.key, done.files))]

    def _died(self, session: Session, done: JobDone, now_ns: int) -> Iterator[Output]:
        row = self.book.rows[done.key]
        row = self.book.rows[done.key] = replace(row, deaths=row.deaths + 1, fault=done.fault)
        yield Log("warning", "job killed its process", {"key": done.key, "deaths": row.deaths, "why": done.fault})
        if row.deaths >= DEATHS_MAX:
            told = f"it killed {DEATHS_MAX} processes; the last one: {done.fault}"
            yield from self._end(done.key, JobState.QUARANTINED, told, now_ns)
        else:
            yield from self._requeue(session, done.key)

    def _on_stored(self, stored: ResultStored, now_ns: int) -> Sequence[Output]:
        done, token = self._storing.pop(stored.key)
        if stored.full:
            return [Log("error", "no room for a result", {"key": stored.key, "why": stored.fault})]
        if not self._is_open(stored.key):
            return _answer(token, stored.key)
        self.stored += not stored.fault
        self.book.rows[stored.key] = replace(self.book.rows[stored.key], bars=done.bars)
        state = JobState.FAILED if stored.fault else JobState.DONE
        return [*self._end(stored.key, state, stored.fault, now_ns), *_answer(token, stored.key)]

    def _end(self, key: str, state: JobState, fault: str, now_ns: int) -> Iterator[Output]:
        holder = self.sessions.holder(key)
        if holder is not None:
            del holder.leases[key]
        yield Drop(LEASE + key)
        yield from self.book.save(replace(self.book.rows[key], state=state, ended_ns=now_ns, fault=fault))
        yield _changed(self.book.rows[key])

    # ------------------------------------------------------------------ telling

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report how many jobs there are of each state, and who works."""
        counts = {state.name.lower(): self.book.counts[state] for state in JobState}
        numbers = {
            **counts,
            "workers": len(self.sessions.known),
            "task_kib": self.book.task_bytes >> 10,
            "stored": self.stored,
        }
        state = "working" if self.book.counts[JobState.RUNNING] else "waiting" if self.book.waiting else "idle"
        return True, state, numbers, {}


def _answer(token: Token | None, key: str) -> list[Output]:
    return [] if token is None else [Reply(token, JobStored(key))]


def _fault(token: Token, reason: Reason, text: str) -> Output:
    return Reply(token, Fault(reason, text))


def _result(read: FilesRead) -> JobResult | Fault:
    return Fault(Reason.NOT_READY, read.fault) if read.fault else JobResult(read.key, read.files)


def _changed(row: JobRow) -> Output:
    told = JobChanged(row.key, row.state, row.batch, row.done, row.total, row.bars, row.fault)
    return Publish(JOB_TOPIC, told)
