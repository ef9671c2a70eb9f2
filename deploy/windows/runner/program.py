"""One process as it is kept up: states and their times, with supervisord's names for both. Pure.

`now` is monotonic seconds, `wall` seconds since 1970.
"""

from enum import StrEnum
from typing import NamedTuple

from deploy.windows.runner.conf import Program

BACKOFF_S = 1.0
"""Wait before the first new start; each further one in a row waits as much longer."""
BACKOFF_MAX_S = 30.0
KILL_AGAIN_S = 2.0


class State(StrEnum):
    """As supervisord calls them, since the watchdog and `pankou status` know these words."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"


class Do(StrEnum):
    """What the loop is asked to do."""

    START = "start"
    ASK = "ask"
    """Ask the process to end."""
    KILL = "kill"


class Change(NamedTuple):
    """A process went from one state to another."""

    name: str
    group: str
    state: State
    before: State
    facts: str
    """What supervisord adds in its events: the pid, or the number of tries."""


class Supervised:
    """The state of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.state = State.STOPPED
        self.pid = 0
        self.started_s = 0
        self.restarts = 0
        self._starts = 0
        self.note = ""
        self._tries = 0
        """Starts in a row that did not last `startsecs`."""
        self._at = 0.0
        """When the next step is due."""
        self._wanted = program.autostart
        self._changes: list[Change] = []

    @property
    def done(self) -> bool:
        """Nothing of it runs, and nothing will by itself."""
        return not self.pid and not self._waits()

    def changes(self) -> list[Change]:
        """Hand over what changed since the last time."""
        changes, self._changes = self._changes, []
        return changes

    def due(self) -> float | None:
        """Return when `tick` has something to do."""
        if self._waits() or self.state in (State.STARTING, State.STOPPING):
            return self._at
        return None

    def tick(self, now: float) -> Do | None:
        """Go on where time is all it takes; returns what is to be done."""
        if self._waits() and now >= self._at:
            return Do.START
        if self.state is State.STARTING and now >= self._at:
            self._tries = 0
            self._to(State.RUNNING)
        elif self.state is State.STOPPING and now >= self._at:
            self._at = now + KILL_AGAIN_S
            return Do.KILL
        return None

    def starting(self, now: float, wall: int) -> None:
        """Note that a start is tried."""
        self.restarts += bool(self._starts)
        self._starts += 1
        self.started_s = wall
        self._at = now + self.program.startsecs
        self._to(State.STARTING, f"tries:{self._tries}")

    def started(self, pid: int, now: float) -> None:
        """Take the new process."""
        self.pid, self.note = pid, ""
        self.tick(now)

    def not_started(self, why: str, now: float) -> None:
        """Note that there is no process at all."""
        self._fail(why, now)

    def exited(self, code: int, now: float) -> None:
        """Note the end of the process."""
        pid, self.pid = self.pid, 0
        expected = code in self.program.exitcodes
        if self.state is State.STOPPING:
            self._to(State.STOPPED, f"pid:{pid}")
        elif self.state is State.STARTING and now < self._at:
            self._fail(f"exited too quickly, code {code}", now)
        else:
            if self.state is State.STARTING:  # it lasted long enough; we only looked late
                self._tries = 0
                self._to(State.RUNNING, f"pid:{pid}")
            self.note = f"exit code {code}"
            again = self.program.autorestart
            self._wanted = again == "true" or (again == "unexpected" and not expected)
            self._at = now + BACKOFF_S
            self._to(State.EXITED, f"expected:{int(expected)} pid:{pid}")

    def stop(self, now: float) -> Do | None:
        """Want it down from now on; returns what is to be done for that."""
        self._wanted = False
        if not self.pid:
            if self.state is State.BACKOFF:
                self._to(State.STOPPED, "pid:0")
            return None
        if self.state is State.STOPPING:
            return None
        self._at = now + self.program.stopwaitsecs
        self._to(State.STOPPING)
        return Do.ASK

    # ------------------------------------------------------------------ within

    def _waits(self) -> bool:
        return self._wanted and self.state in (State.STOPPED, State.BACKOFF, State.EXITED)

    def _fail(self, why: str, now: float) -> None:
        self.pid, self.note = 0, why
        self._tries += 1
        self._to(State.BACKOFF, f"tries:{self._tries}")
        if self._tries > self.program.startretries:
            self._to(State.FATAL)
        self._at = now + min(BACKOFF_MAX_S, BACKOFF_S * self._tries)

    def _to(self, state: State, facts: str = "") -> None:
        before, self.state = self.state, state
        facts = facts or f"pid:{self.pid}"
        self._changes.append(Change(self.program.name, self.program.group, state, before, facts))
