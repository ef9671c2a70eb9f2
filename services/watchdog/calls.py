"""What the watchdog's core asks of the machine, and what the machine tells it."""

import msgspec


class ProcessState(msgspec.Struct, frozen=True):
    """One supervised process as supervisord sees it."""

    name: str
    state: str
    """RUNNING, STARTING, BACKOFF, EXITED, FATAL ..."""
    started_s: int
    """Wall time of its last start; 0 = never."""


class ProcessTable(msgspec.Struct, frozen=True):
    """All of them, asked for: events may have been dropped."""

    processes: tuple[ProcessState, ...]


class ProcessChanged(msgspec.Struct, frozen=True):
    """supervisord says that a process went from one state to another."""

    name: str
    state: str
    before: str


class ReadTable(msgspec.Struct, frozen=True):
    """Ask supervisord how everybody is. Answered by ProcessTable, by nothing where it does not answer."""


class KillHung(msgspec.Struct, frozen=True):
    """Kill the process that holds a service's lock. Answered by Killed."""

    service: str


class Killed(msgspec.Struct, frozen=True):
    """A process was killed; 0: nobody held the lock, so nobody hung."""

    service: str
    pid: int
