"""How the runner of `deploy/windows` is asked and told: two small files in a private folder of the run.

    RUN/runner/state.json   the table of processes, written anew at every change and every second
    RUN/runner/stop         while it is there the runner ends, and none starts by itself
    RUN/locks/supervisor.lock   held while a runner, or a supervisord, acts on this run

No socket: who may write into the folder may stop the run, which is what a unix socket in a private folder says as well.
Standard library only, since the runner reads this too.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from common.runtime.lock import CopyLock

FOLDER, STATE, STOP = "runner", "state.json", "stop"
TRIES = 5
TRY_WAIT_S = 0.02
LOCK_TRIES = 25
"""Who only asks whether somebody is up holds the lock for a moment."""
"""Windows refuses to replace a file that somebody reads just now, and to read one that is being replaced."""


class ProcessRow(NamedTuple):
    """One supervised process, under the names that supervisord gives its columns."""

    name: str
    statename: str
    pid: int
    start: int
    """Wall time in s of its last start; 0 = never."""
    now: int
    spawnerr: str
    restarts: int = 0
    """Starts after the first one."""


class RunnerControl:
    """Both sides of it, for one run."""

    def __init__(self, run: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        self.folder = run / FOLDER
        self.lock_path = run / "locks" / "supervisor.lock"
        self._sleep = sleep

    # ------------------------------------------------------------------ whoever asks

    def is_up(self) -> bool:
        """Tell whether somebody holds the lock of this run."""
        if not self.lock_path.exists():
            return False
        probe = CopyLock(self.lock_path)
        if probe.take():
            probe.release()
            return False
        return True

    def table(self) -> list[ProcessRow] | None:
        """Return the processes of the runner; None where none is up."""
        if not (self.folder / STATE).exists() or not self.is_up():
            return None
        for _ in range(TRIES):
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                found = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
                return [ProcessRow(**row) for row in found["processes"]]
            self._sleep(TRY_WAIT_S)
        return None

    def ask_stop(self) -> bool:
        """Ask the runner to end everything, and to stay down; False where there never was one."""
        if not self.folder.is_dir():
            return False
        (self.folder / STOP).touch(mode=0o600)
        return True

    # ------------------------------------------------------------------ the runner, and whoever starts it

    def clear(self) -> None:
        """Take back `ask_stop`, and forget the table of whoever was up before: it tells nothing of who comes now."""
        (self.folder / STOP).unlink(missing_ok=True)
        (self.folder / STATE).unlink(missing_ok=True)

    def take_lock(self) -> CopyLock:
        """Take the lock of the run, or raise SecondCopyError: of two that would act on it, the second does not begin."""
        lock = CopyLock(self.lock_path)
        for _ in range(LOCK_TRIES):
            if lock.take():
                return lock
            self._sleep(TRY_WAIT_S)
        lock.take_or_fail()
        return lock

    def stop_asked(self) -> bool:
        """Tell whether to end."""
        return (self.folder / STOP).exists()

    def write(self, rows: Sequence[ProcessRow]) -> bool:
        """Replace the table in one step; False where a reader stands in the way, then it is written the next time."""
        new = self.folder / f".{STATE}.{os.getpid()}"
        body = json.dumps({"pid": os.getpid(), "processes": [row._asdict() for row in rows]}, ensure_ascii=False)
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(body)
            new.replace(self.folder / STATE)
        except OSError:
            return False
        return True
