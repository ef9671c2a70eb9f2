"""Log files that are cut at a size: the runner writes them, since Windows lets nobody rename a file that is open."""

import contextlib
import threading
from typing import BinaryIO

from deploy.windows.runner.conf import LogFile


class RotatingLog:
    """Appends bytes; may be called from any thread. A disk that refuses loses lines, never the process that wrote them."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._open: BinaryIO | None = None
        self._closed = False
        self.lost = 0
        """Bytes that could not be written."""

    def write(self, raw: bytes) -> None:
        """Append, beginning a new file first where this one is full."""
        if self._file.path is None or not raw:
            return
        with self._lock:
            if self._closed:
                self.lost += len(raw)
                return
            try:
                file = self._open or self._begin()
                if self._file.bytes_max and file.tell() and file.tell() + len(raw) > self._file.bytes_max:
                    file = self._rotate()
                file.write(raw)
                file.flush()
            except OSError:
                self.lost += len(raw)
                self._close()

    def close(self) -> None:
        """Let go of the file for good; what comes later is lost."""
        with self._lock:
            self._close()
            self._closed = True

    def _begin(self) -> BinaryIO:
        path = self._file.path
        if path is None:
            raise OSError("no file")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open = path.open("ab")
        return self._open

    def _rotate(self) -> BinaryIO:
        self._close()
        path, backups = self._file.path, self._file.backups
        if path is not None:
            names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, backups + 1))]
            if backups == 0:
                path.unlink(missing_ok=True)
            for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
                # A reader may hold one of them on Windows: the lines then go on in the same file.
                with contextlib.suppress(OSError):
                    newer.replace(older)
        return self._begin()

    def _close(self) -> None:
        if self._open is not None:
            with contextlib.suppress(OSError):
                self._open.close()
            self._open = None
