"""The only place that asks the machine for the time."""

import time


class SystemClock:
    """Wall time that never jumps: read once at the start, then carried on by the monotonic clock."""

    def __init__(self) -> None:
        self._wall_ns = time.time_ns()
        self._start_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """Return the time in ns since 1970."""
        return self._wall_ns + time.monotonic_ns() - self._start_ns


class SimClock:
    """A clock that stands still until told."""

    def __init__(self, now_ns: int = 0) -> None:
        self.at_ns = now_ns

    def now_ns(self) -> int:
        """Return the time it was set to."""
        return self.at_ns
