"""Run the screener: python -m services.screener --config FILE."""

import sys
from collections.abc import Sequence
from pathlib import Path

from common.domain.errors import ConfigError
from common.messages.outputs import Message
from common.rules.boards import BOARDS_BY_NAME
from common.runtime.clock import SystemClock
from common.runtime.config import Config, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from common.screens.screen import SCREENS, ScreenParams, make_params
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore
from services.screener.nightly import NightlyCore
from services.screener.nightly_job import history_of
from services.screener.nightly_shell import Child, Cycle


def params_of(config: Config) -> dict[str, ScreenParams]:
    """Return the parameters of every screen; raises ConfigError naming the table and the fault."""
    boards = [BOARDS_BY_NAME[name] for name in config.boards.allowed]
    params: dict[str, ScreenParams] = {}
    for rule in SCREENS:
        try:
            params[rule] = make_params(config.screens.get(rule, {}), boards)
        except ConfigError as error:
            raise ConfigError(f"[screens.{rule}] {error}") from error
    return params


class ScreensAndCycle:
    """Both adapters of the screener: screens at once, the nightly cycle in its own time."""

    def __init__(self, screens: HistoryScreens, cycle: Cycle) -> None:
        self._screens, self._cycle = screens, cycle

    def perform(self, call: Message) -> Sequence[Message]:
        """Do one call."""
        return [*self._cycle.perform(call), *self._screens.perform(call)]

    def poll(self) -> Sequence[Message]:
        """Hand over what the cycle did."""
        return self._cycle.poll()


def wall_ns() -> int:
    """Return the time, asked anew: the loop's clock stands while the machine sleeps, the schedule's must not."""
    return SystemClock().now_ns()


def run_nightly(config: Config, path: Path) -> int:
    """Screen what is asked for, and keep the history up to date."""
    folder = history_of(config)
    cycle = Cycle(config.nightly, folder, Child(path), wall_ns)
    adapter = ScreensAndCycle(HistoryScreens(folder, params_of(config)), cycle)
    core = NightlyCore(
        ScreenerCore(tuple(SCREENS)), [rule for rule, slots in config.account.rule_slots.items() if slots]
    )
    try:
        return host(core, ServiceSpec("screener"), config, adapter)
    finally:
        cycle.close()


def main() -> int:
    """Screen what is asked for."""
    path = config_argument("screener")
    config = load_config(path)
    if config.nightly.enabled:
        return run_nightly(config, path)
    adapter = HistoryScreens(Path(config.history.dir), params_of(config))
    return host(ScreenerCore(tuple(SCREENS)), ServiceSpec("screener"), config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
