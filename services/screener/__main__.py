"""Run the screener: python -m services.screener --config FILE."""

import sys

from common.messages.outputs import Adapter, Core
from common.runtime.config import Config, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.screens import load_screens
from common.runtime.service import ServiceSpec, host
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore
from services.screener.nightly_host import cycle_around, screened_folder

SPEC = ServiceSpec("screener")


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the screener and its history."""
    screens = load_screens(config)
    return ScreenerCore(tuple(screens)), HistoryScreens(screened_folder(config), screens)


def main() -> int:
    """Screen what is asked for."""
    path = config_argument("screener")
    config = load_config(path)
    screens = load_screens(config)
    made, history = ScreenerCore(tuple(screens)), HistoryScreens(screened_folder(config), screens)
    with cycle_around(made, history, config, path) as (core, adapter):
        return host(core, SPEC, config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
