"""One copy of a service: an exclusive lock taken before the journal is opened or a socket bound."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from common.domain.errors import SecondCopyError

WAIT_S = 0.2


class CopyLock:
    """An exclusive lock on a file; the system lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Try once; False when another process holds it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.path.open("a+", encoding="utf-8")
        try:
            _lock(file)
        except OSError:
            file.close()
            return False
        self._file = file
        self.sign()
        return True

    def sign(self) -> None:
        """Write who holds it; once more after a fork, which hands the lock on to another process."""
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(str(os.getpid()))
            self._file.flush()

    def take_or_fail(self) -> None:
        """Take it or raise SecondCopyError, which names the holder and the fix."""
        if not self.take():
            raise SecondCopyError(
                f"{self.path.stem} runs already (process {self.holder()}); stop it first: pankou stop"
            )

    def wait(self, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> bool:
        """Wait for the lock, saying so once; False when told to stop meanwhile."""
        said = False
        while not self.take():
            if stopped():
                return False
            if not said:
                waiting(self.holder())
                said = True
            time.sleep(WAIT_S)
        return True

    def holder(self) -> str:
        """Return the process id of the holder as it wrote it."""
        try:
            return self.path.read_text(encoding="utf-8").strip() or "?"
        except OSError:
            return "?"

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def is_held(path: Path) -> bool:
    """Tell whether somebody holds a lock on a file of another program's, wherever in it; one that cannot be opened is held."""
    try:
        with path.open("r+", encoding="utf-8", errors="replace") as file:
            _lock(file, 0)
            _lock(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str], at: int = 1 << 20) -> None:
        file.seek(at)  # ours is far behind the text, so that the holder's number stays readable
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str], at: int = 0) -> None:  # noqa: ARG001 - a lock of a whole file begins nowhere
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
