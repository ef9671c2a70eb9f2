"""The nightly cycle put around the screener, where the configuration turns it on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.messages.outputs import Adapter, Core, Message
from common.runtime.clock import SystemClock
from common.runtime.config import Config
from services.screener.core import ScreenerCore
from services.screener.nightly import NightlyCore
from services.screener.nightly_job import history_of
from services.screener.nightly_shell import Child, Cycle


class ScreensAndCycle:
    """Both adapters of the screener: screens at once, the nightly cycle in its own time."""

    def __init__(self, screens: Adapter, cycle: Cycle) -> None:
        self._screens, self._cycle = screens, cycle

    def perform(self, call: Message) -> Sequence[Message]:
        """Do one call; each adapter knows its own."""
        return [*self._cycle.perform(call), *self._screens.perform(call)]

    def poll(self) -> Sequence[Message]:
        """Hand over what the cycle did."""
        return self._cycle.poll()


def wall_ns() -> int:
    """Return the time, asked anew: the loop's clock stands while the machine sleeps, the schedule's must not."""
    return SystemClock().now_ns()


def screened_folder(config: Config) -> Path:
    """Return the folder of history that is screened: the one the cycle looks after, where it is on."""
    return history_of(config) if config.nightly.enabled else Path(config.history.dir)


@contextmanager
def cycle_around(
    screener: ScreenerCore, screens: Adapter, config: Config, path: Path
) -> Iterator[tuple[Core, Adapter]]:
    """Give core and adapter to host, with the cycle where it is on; at the end no child of it is left.

    `path` is the run's configuration file, for the child processes.
    """
    if not config.nightly.enabled:
        yield screener, screens
        return
    rules = [rule for rule, slots in config.account.rule_slots.items() if slots]
    cycle = Cycle(config.nightly, history_of(config), Child(path), wall_ns)
    try:
        yield NightlyCore(screener, rules), ScreensAndCycle(screens, cycle)
    finally:
        cycle.close()
