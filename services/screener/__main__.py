"""Run the screener: python -m services.screener --config FILE."""

import sys
from pathlib import Path

from common.runtime.config import load_config
from common.runtime.run import config_argument, guarded
from common.runtime.screens import load_screens
from common.runtime.service import ServiceSpec, host
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore


def main() -> int:
    """Screen what is asked for."""
    config = load_config(config_argument("screener"))
    screens = load_screens(config)
    adapter = HistoryScreens(Path(config.history.dir), screens)
    return host(ScreenerCore(tuple(screens)), ServiceSpec("screener"), config, adapter)


if __name__ == "__main__":
    sys.exit(guarded(main))
