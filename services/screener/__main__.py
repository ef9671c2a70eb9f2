"""Run the screener: python -m services.screener --config FILE."""

import sys

from common.domain.errors import ConfigError
from common.rules.boards import BOARDS_BY_NAME
from common.runtime.config import Config, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.service import ServiceSpec, host
from common.screens.screen import SCREENS, ScreenParams, make_params
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore
from services.screener.nightly_host import cycle_around, screened_folder


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


def main() -> int:
    """Screen what is asked for."""
    path = config_argument("screener")
    config = load_config(path)
    screens = HistoryScreens(screened_folder(config), params_of(config))
    with cycle_around(ScreenerCore(tuple(SCREENS)), screens, config, path) as (core, adapter):
        return host(core, ServiceSpec("screener"), config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
