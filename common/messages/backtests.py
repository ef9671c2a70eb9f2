"""Backtest jobs: what people submit and ask, what workers and the queue say to each other.

A job is a task (`common/backtests/tasks.py`) with its place in the queue. Its key is the content hash of the task, so
submitting the same job twice is one job, and every message here may come twice.
"""

from enum import IntEnum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from common.messages.bounds import Blob, Count, Day, Name, Numbers, Seq, Small, Text, Time

TASK_BYTES_MAX = 512 << 10
RESULT_BYTES_MAX = 15 << 20
"""Of all the files of one result; the frame that carries them may have 16 MiB."""
SUBMIT_MAX = 500
"""Jobs in one message."""
LIST_MAX = 1_000
PRIORITY_MAX = 100

TaskBytes: TypeAlias = Annotated[bytes, Meta(max_length=TASK_BYTES_MAX)]
"""A task as JSON."""
JobKey: TypeAlias = Annotated[str, Meta(max_length=32, pattern=r"\A[0-9a-f]*\Z")]
"""The content hash of a task, or the beginning of one; "" = none."""
JobKeys: TypeAlias = Annotated[tuple[JobKey, ...], Meta(max_length=LIST_MAX)]
Priority: TypeAlias = Annotated[int, Meta(ge=-PRIORITY_MAX, le=PRIORITY_MAX)]
"""Higher goes first."""
FileName: TypeAlias = Annotated[
    str, Meta(max_length=200, pattern=r"\A[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,3}\.[a-z0-9]{1,12}\Z")
]
"""A file of a result, "/" between folders: it becomes a path, so it leads nowhere else."""
Files: TypeAlias = Annotated[dict[FileName, Blob], Meta(max_length=100)]
"""A result by name of file."""


class JobState(IntEnum):
    """Where a job is."""

    WAITING = 1
    RUNNING = 2
    """A worker has a lease on it."""
    DONE = 3
    FAILED = 4
    """It cannot be done: what it asks for is wrong."""
    QUARANTINED = 5
    """It killed its worker too often."""
    CANCELLED = 6


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.QUARANTINED, JobState.CANCELLED})


# ------------------------------------------------------------------ people


class SubmitJobs(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Put jobs on the queue; those that were done before are done at once. Answered by JobsTaken."""

    tasks: Annotated[tuple[TaskBytes, ...], Meta(max_length=SUBMIT_MAX)]
    priority: Priority = 0
    batch: Name = ""
    """What they are listed under."""


class JobsTaken(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The jobs are on the queue's disk, in the order they came."""

    keys: JobKeys
    states: tuple[Small, ...]
    """`JobState` of each."""


class JobRow(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One job as it stands. Kept by the queue."""

    key: JobKey
    seq: Seq
    """Place in the order of submission."""
    state: Small
    rule: Name
    first: Day
    last: Day
    engine: Name
    params: Numbers
    priority: Priority = 0
    batch: Name = ""
    submitted_ns: Time = 0
    started_ns: Time = 0
    """Of the last start."""
    ended_ns: Time = 0
    worker: Name = ""
    deaths: Count = 0
    """Processes that died of it."""
    losses: Count = 0
    """Workers that went away with it."""
    done: Count = 0
    total: Count = 0
    """Sessions played, of how many; in memory only."""
    bars: Count = 0
    """Bars that were played; in memory only until it is done."""
    fault: Text = ""


class WorkerRow(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One worker as the queue sees it."""

    worker: Name
    heard_ns: Time
    held: Count
    running: JobKey


class JobsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for jobs, the newest first. Answered by JobList."""

    key: JobKey = ""
    """Those whose key begins so; "" = all."""
    keys: JobKeys = ()
    """These; empty = all."""
    batch: Name = ""
    """Those of a batch; "" = all."""
    state: Small = 0
    """Show those in a state; 0 = all."""
    before: Seq = 0
    """Show those submitted before this one; 0 = from the newest."""
    limit: Annotated[int, Meta(ge=0, le=LIST_MAX)] = 100


class JobList(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Jobs, and how many there are of each state among all that were asked for, shown or not."""

    rows: Annotated[tuple[JobRow, ...], Meta(max_length=LIST_MAX)]
    counts: Numbers
    bars: Seq
    """That they played."""
    workers: Annotated[tuple[WorkerRow, ...], Meta(max_length=LIST_MAX)]


class CancelJobs(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """End jobs that are not done. Answered by JobsCancelled."""

    keys: JobKeys = ()
    batch: Name = ""
    """And all of a batch."""


class JobsCancelled(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """How many jobs were ended, how many had ended before, which there are not."""

    cancelled: Count
    ended: Count
    unknown: JobKeys


class ResultRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for the files of a result. Answered by JobResult."""

    key: JobKey


class JobResult(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The files of a result, each as its summary says."""

    key: JobKey
    files: Files


# ------------------------------------------------------------------ what is said to all


class JobChanged(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A job is in another state, or further on."""

    key: JobKey
    state: Small
    batch: Name
    done: Count = 0
    total: Count = 0
    bars: Count = 0
    fault: Text = ""


class JobsWaiting(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """There is something to do."""

    waiting: Count


# ------------------------------------------------------------------ workers


class WorkRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A worker lives, holds these leases and has room for more. Answered by Work."""

    worker: Name
    session: Name
    """A new one means that the worker restarted and holds nothing of before."""
    turn: Seq
    """Number of the question; a question that comes twice gets the same leases."""
    held: JobKeys
    """In the order they are run; those whose result has no answer yet among them."""
    room: Annotated[int, Meta(ge=0, le=LIST_MAX)]
    running: JobKey = ""
    done: Count = 0
    total: Count = 0
    bars: Count = 0
    """Of the running one."""


class Lease(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A job that a worker is to run."""

    key: JobKey
    task: TaskBytes


class Work(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a worker is to run besides, and what it is to let go of."""

    leases: Annotated[tuple[Lease, ...], Meta(max_length=LIST_MAX)]
    gone: JobKeys
    """Cancelled, or somebody else's by now."""


class JobDone(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A job has ended at a worker. Answered by JobStored when that is on the queue's disk."""

    worker: Name
    session: Name
    key: JobKey
    files: Files
    fault: Text = ""
    """Why there is no result."""
    died: bool = False
    """The process that ran it died: another may do better."""
    bars: Count = 0


class JobStored(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What became of a job is on disk."""

    key: JobKey
