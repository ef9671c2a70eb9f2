"""The allow-list of a running service: read anew when its file changes, so that a revoked key is shut out soon."""

from collections.abc import Callable, Mapping
from pathlib import Path

from common.bus.curve import ALLOWED_FILE, Allowed, load_allowed
from common.domain.errors import ConfigError

LOOK_NS = 500_000_000
"""How often the file is looked at: a changed list is in force after so long and one round of the loop."""
Stamp = tuple[int, int, int]


class AllowList:
    """Who may come in, as the file says now; a file that cannot be read changes nothing and is counted."""

    def __init__(self, folder: Path, now_ns: Callable[[], int]) -> None:
        self.folder = folder
        self.bad = 0
        """Times the file had changed and could not be used."""
        self._now_ns = now_ns
        self._keys = load_allowed(folder)
        self._stamp = self._stamp_now()
        self._due_ns = 0

    @property
    def keys(self) -> Mapping[bytes, Allowed]:
        """The allowed keys: one object for the whole life, so that everybody who holds it sees the changes."""
        return self._keys

    def _stamp_now(self) -> Stamp:
        try:
            found = (self.folder / ALLOWED_FILE).stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def refresh(self) -> frozenset[bytes]:
        """Look at the file where it is time to; return the keys that are allowed no longer."""
        now = self._now_ns()
        if abs(now - self._due_ns) < LOOK_NS:  # also when the clock was set back
            return frozenset()
        self._due_ns = now
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return frozenset()
        self._stamp = stamp
        try:
            found = load_allowed(self.folder)
        except (ConfigError, OSError):
            # Nobody is let in or shut out by a file that is half written or open to others.
            self.bad += 1
            return frozenset()
        gone = frozenset(key for key, held in self._keys.items() if found.get(key) != held)
        self._keys.clear()
        self._keys.update(found)
        return gone
