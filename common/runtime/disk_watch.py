"""Watching the room on the disk: what people are told of it, and when the core has to know."""

from common.messages.outputs import Log
from common.runtime.reserve import LOW_BYTES, MIB, free_bytes
from common.runtime.store import Store

LOOK_NS, FULL_LOOK_NS = 5_000_000_000, 1_000_000_000


class DiskWatch:
    """Looks every five seconds, every second while the disk is full; a commit that finds the disk full is known at once."""

    def __init__(self, store: Store, low_bytes: int = LOW_BYTES) -> None:
        self._store, self._low_bytes = store, low_bytes
        self._next_ns = 0
        self._said = ""
        self.told = False
        """What the core was told last: that the disk is full."""
        self.free_mib = 0

    @property
    def state(self) -> str:
        """Return ok, low or full."""
        if self._store.disk_full:
            return "full"
        return "low" if self.free_mib * MIB < self._low_bytes else "ok"

    def look(self, now_ns: int) -> list[Log]:
        """Look where it is time to, and return what is to be said."""
        if now_ns >= self._next_ns or (self._store.disk_full and self._said != "full"):
            self._next_ns = now_ns + (FULL_LOOK_NS if self._store.disk_full else LOOK_NS)
            self.free_mib = free_bytes(self._store.path.parent) // MIB
            if self._said == "full":
                self._store.look_at_disk()
        state, before = self.state, self._said or "ok"
        self._said = state
        if state == before:
            return []
        facts: dict[str, object] = {"free_mib": self.free_mib, "file": str(self._store.path)}
        match state:
            case "full":
                facts["effect"] = "nothing is opened; fills, cancels and sells are still recorded, in the reserve"
                return [Log("error", "disk full", facts)]
            case "low":
                return [Log("warning", "disk nearly full", facts)]
            case _:
                return [Log("info", "disk has room again", facts)]

    def news(self) -> bool | None:
        """Return whether the disk is full where the core does not know it yet, else None."""
        if self._store.disk_full == self.told:
            return None
        self.told = self._store.disk_full
        return self.told
