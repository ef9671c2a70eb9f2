"""Time for commands that wait."""

import time

from common.runtime.clock import SystemClock


class WaitClock(SystemClock):
    """The machine's clock, and sleep."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
