"""Run the screener: python -m services.screener --config FILE."""

import sys
from pathlib import Path

from common.domain.errors import ConfigError
from common.messages.outputs import Adapter, Core
from common.rules.boards import BOARDS_BY_NAME
from common.runtime.config import Config, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from common.screens.screen import SCREENS, ScreenParams, make_params
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore

SPEC = ServiceSpec("screener")


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


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the screener and its history."""
    return ScreenerCore(tuple(SCREENS)), HistoryScreens(Path(config.history.dir), params_of(config))


def main() -> int:
    """Screen what is asked for."""
    config = load_config(config_argument("screener"))
    core, adapter = parts_of(config)
    return host(core, SPEC, config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
