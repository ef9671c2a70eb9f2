"""Run the screener: python -m services.screener --config FILE."""

import sys
from pathlib import Path

from common.messages.outputs import Adapter, Core
from common.runtime.config import Config, load_config
from common.runtime.run import config_argument, guarded
from common.runtime.screens import load_screens
from common.runtime.service import ServiceSpec, host
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore

SPEC = ServiceSpec("screener")


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the screener and its history."""
    screens = load_screens(config)
    return ScreenerCore(tuple(screens)), HistoryScreens(Path(config.history.dir), screens)


def main() -> int:
    """Screen what is asked for."""
    config = load_config(config_argument("screener"))
    core, adapter = parts_of(config)
    return host(core, SPEC, config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
