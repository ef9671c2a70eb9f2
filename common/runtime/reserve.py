"""Room on the disk that is held while there is some, and given back when there is none."""

import os
from pathlib import Path

MIB = 1 << 20
LOW_BYTES = 2 << 30
"""Free bytes below which people are warned."""
JOURNAL_RESERVE_BYTES = 16 * MIB
OTHER_RESERVE_BYTES = 4 * MIB


class Reserve:
    """A file of `size` bytes that are really on the disk."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size

    def take(self) -> bool:
        """Make the file, or see that it is there; False when the disk has no room for it and as much again."""
        try:
            if self._held():
                return True
            if free_bytes(self.path.parent) < 2 * self.size:
                # A reserve that takes the last of the room would make the next commit fail.
                self.give_back()
                return False
            self._fill()
        except OSError:
            self.give_back()
            return False
        return True

    def _held(self) -> bool:
        if not self.path.exists():
            return False
        found = self.path.stat()
        # Blocks, not the length: a file with holes holds no room. Windows does not tell.
        return bool(getattr(found, "st_blocks", found.st_size // 512) * 512 >= self.size)

    def _fill(self) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, self.size)
            else:
                for _ in range(self.size // MIB):
                    os.write(handle, b"\xa5" * MIB)
        finally:
            os.close(handle)

    def give_back(self) -> bool:
        """Remove the file; False when there was none to remove."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True


def free_bytes(folder: Path) -> int:
    """Return the bytes of a folder's disk that we may still use."""
    if not hasattr(os, "statvfs"):
        import shutil

        return shutil.disk_usage(folder).free
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
