"""Session numbers: a small fixed pool in rotation, because the client keeps about 75 MB on disk for each number it saw.

A number that another process holds would make both fail, so a number whose lock file is held is passed over. The oldest
comes first: its queue is the least likely to be replayed, and the client has long noticed that its last user is gone.
"""

from pathlib import Path

from common.runtime.lock import is_held

QUEUE, LOCK = "down_queue_win_{}", "lock_down_queue_win_{}"
"""The files of a session in the client's folder."""


class Numbers:
    """The pool, in one client's folder; what was used when is read from the folder, so a restart goes on in turn."""

    def __init__(self, folder: Path, first: int, count: int) -> None:
        self._folder = folder
        self._pool = range(first, first + count)
        self._used: dict[int, int] = {}
        self._turn = 0

    def take(self) -> int | None:
        """Return the number to use next; None when every one of the pool is held by somebody."""
        free = [number for number in self._pool if not is_held(self._folder / LOCK.format(number))]
        if not free:
            return None
        number = min(free, key=lambda each: (self._used.get(each, 0), self._age(each), each))
        self._turn += 1
        self._used[number] = self._turn
        return number

    def sweep(self, keep: int | None = None) -> list[int]:
        """Delete the files of our own numbers that nobody holds; returns whose. Only while the client is closed."""
        swept = []
        for number in self._pool:
            if number == keep or is_held(self._folder / LOCK.format(number)):
                continue
            gone = [_delete(self._folder / name.format(number)) for name in (QUEUE, LOCK)]
            if any(gone):
                swept.append(number)
        return swept

    def _age(self, number: int) -> int:
        """Return when the number was used last; 0 where it never was."""
        try:
            return (self._folder / QUEUE.format(number)).stat().st_mtime_ns
        except OSError:
            return 0


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False  # not there, or in use on Windows
    return True
