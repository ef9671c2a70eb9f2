"""Several files of history change together or not at all.

New files are made ready under `.new/`; writing `.new/commit.json` is the moment they count. What a cut leaves before
it is thrown away, what it leaves behind it is carried on by whoever opens the folder next.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import IO

from common.domain.errors import HistoryError
from common.history.schema import MANIFEST

READY = ".new"
COMMIT = "commit.json"
LOCK = ".writer.lock"
WAIT_S, WAITS = 0.05, 200
"""How long a reader waits for a commit that is being carried out: ten seconds, which moves of files never take."""


class WriterLock:
    """The one writer of a folder; the system lets go of it when the process dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Try once; False when another writer holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            _lock(file)
        except OSError:
            file.close()
            return False
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def take_or_fail(self) -> None:
        """Take it or raise `HistoryError`, which names the holder."""
        if not self.take():
            raise HistoryError(
                f"{self._path.parent} is being written by process {self._path.read_text('utf-8').strip() or '?'}; "
                "wait until it is done"
            )

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def commit(folder: Path, changed: list[str], removed: list[str]) -> None:
    """Put files that lie ready under `.new/` in their places, the new manifest last; the caller holds the lock."""
    declare(folder, changed, removed)
    carry_out(folder)


def declare(folder: Path, changed: list[str], removed: list[str]) -> None:
    """Let what lies ready count: from here on a cut is carried on, not undone."""
    ready = folder / READY
    for name in (*changed, MANIFEST):
        _sync(ready / name)
    part = ready / f"{COMMIT}.part"
    part.write_text(json.dumps({"changed": changed, "removed": removed}), "utf-8")
    _sync(part)
    part.replace(ready / COMMIT)
    _sync(ready)


def carry_out(folder: Path) -> None:
    """Carry out a commit, from wherever it was cut; the caller holds the lock."""
    ready = folder / READY
    task = json.loads((ready / COMMIT).read_text("utf-8"))
    for name in task["changed"]:
        if (ready / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (ready / name).replace(folder / name)
    for name in task["removed"]:
        (folder / name).unlink(missing_ok=True)
    if (ready / MANIFEST).is_file():
        (ready / MANIFEST).replace(folder / MANIFEST)
    _sync(folder)
    (ready / COMMIT).unlink()
    shutil.rmtree(ready)


def throw_away(folder: Path) -> None:
    """Remove what a cut left that never counted, or carry on what did; the caller holds the lock."""
    if (folder / READY / COMMIT).is_file():
        carry_out(folder)
    elif (folder / READY).is_dir():
        shutil.rmtree(folder / READY)


def finish(folder: Path) -> None:
    """Before reading: carry on a commit that was cut, or wait for the writer that is at it."""
    task = folder / READY / COMMIT
    for _ in range(WAITS):
        if not task.is_file():
            return
        lock = WriterLock(folder)
        try:
            if lock.take():
                throw_away(folder)
                return
        except OSError as error:
            raise HistoryError(
                f"{folder}: an import was cut and cannot be finished here ({error}); make the folder writable once"
            ) from error
        finally:
            lock.release()
        time.sleep(WAIT_S)
    raise HistoryError(f"{folder}: a writer does not finish; look for a process that hangs, then try again")


def _sync(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder, before going on."""
    if path.is_dir() and sys.platform == "win32":
        return  # folders cannot be opened there
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        file.seek(1 << 20)  # far behind the text, so that the holder's number stays readable
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
