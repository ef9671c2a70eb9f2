"""Workers as the queue sees them: one session each, what it holds, when it was last heard. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from common.messages.backtests import WorkerRow

LATE_NS = 2_000_000_000
"""Our own deadline missed by this much: it was we who stood still, so nobody is judged by that time."""


@dataclass(slots=True)
class Session:
    """One life of a worker."""

    worker: str
    name: str
    heard_ns: int = 0
    turn: int = 0
    """Of its last question."""
    given: tuple[str, ...] = ()
    """What it got for that."""
    running: str = ""
    leases: dict[str, None] = field(default_factory=dict)
    """In the order in which they were given, which is the order in which they are run."""


class Sessions:
    """The living workers by name."""

    def __init__(self, lease_ns: int) -> None:
        self.known: dict[str, Session] = {}
        self._lease_ns = lease_ns

    def of(self, worker: str, name: str) -> Session:
        """Return the session of a worker, a new one where there is none."""
        return self.known.setdefault(worker, Session(worker, name))

    def holder(self, key: str) -> Session | None:
        """Return who has a lease on a job."""
        return next((session for session in self.known.values() if key in session.leases), None)

    def forget(self, session: Session) -> None:
        """Let a worker go."""
        self.known.pop(session.worker, None)

    def all_heard(self, now_ns: int) -> None:
        """Begin to count everybody's silence now."""
        for session in self.known.values():
            session.heard_ns = now_ns

    def due_ns(self) -> int | None:
        """Return when the first of them has been silent for the time of a lease."""
        return min((session.heard_ns + self._lease_ns for session in self.known.values()), default=None)

    def silent(self, now_ns: int) -> Sequence[Session]:
        """Return those that have been; nobody is where we stood still ourselves."""
        due_ns = self.due_ns()
        if due_ns is not None and now_ns - due_ns >= LATE_NS:
            self.all_heard(now_ns)
        return [session for session in self.known.values() if session.heard_ns + self._lease_ns <= now_ns]

    def rows(self) -> tuple[WorkerRow, ...]:
        """Return them for people."""
        found = sorted(self.known.values(), key=lambda session: session.worker)
        return tuple(WorkerRow(one.worker, one.heard_ns, len(one.leases), one.running) for one in found)
