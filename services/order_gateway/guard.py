"""What forbids orders besides the orders themselves and is no part of the journal: a file, a dead feed, facts others find.

Whoever finds such a fact calls `forbid_buys`, and `allow_buys` when it is gone; sells and cancels go on.
"""

from collections.abc import Callable

from common.domain.calendar import NS
from common.domain.reasons import Reason
from common.domain.values import Pace, Phase
from common.messages.market import DayOpened

SPEED_ONE = 1_000


class Guard:
    """Facts of this process; found again after a restart."""

    def __init__(self) -> None:
        self.kill_file: Callable[[], bool] = lambda: False
        """Tells whether the kill file is there; asked at each order."""
        self.forbidden: dict[Reason, dict[str, int]] = {}
        """Why nothing may be bought, with the numbers."""
        self._others: set[str] = set()
        self.now_ns = 0
        """Wall time of the message in work."""
        self.heard_ns = 0
        """Wall time of the last message of the feed."""

    def forbid_buys(self, reason: Reason, **detail: int) -> None:
        """Let nothing be bought for a reason that may come and go: MIXED_VERSIONS, DISK_FULL."""
        self.forbidden[reason] = detail

    def allow_buys(self, reason: Reason) -> None:
        """Take a reason back."""
        self.forbidden.pop(reason, None)

    def note_version(self, peer: str, *, same: bool) -> None:
        """Note whether a peer runs the same code; buys wait while one does not."""
        (self._others.discard if same else self._others.add)(peer)
        if self._others:
            self.forbid_buys(Reason.MIXED_VERSIONS, peers=len(self._others))
        else:
            self.allow_buys(Reason.MIXED_VERSIONS)

    def silent_ms(self, day: DayOpened | None, phase: Phase, stale_s: int) -> int:
        """Return for how long the feed has been silent where that is too long, 0 where all is well.

        Only in continuous trading against the clock: in lockstep the player waits for us.
        """
        if day is None or day.pace is not Pace.REAL_TIME or phase is not Phase.CONTINUOUS:
            return 0
        limit_ns = max(stale_s * NS, 2 * day.interval_ms * 1_000_000)
        # At a speed below one, data time is what is stretched: the wait is longer on the wall.
        limit_ns = limit_ns * SPEED_ONE // min(SPEED_ONE, max(1, day.speed_milli))
        silent_ns = self.now_ns - self.heard_ns
        return silent_ns // 1_000_000 if silent_ns > limit_ns else 0
