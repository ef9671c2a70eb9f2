"""Run the watchdog: python -m services.watchdog --config FILE, as an event listener of supervisord or the runner."""

import os
import sys
from pathlib import Path

from common.bus.endpoints import QUEUE, SERVICES, WATCHDOG
from common.runtime.config import Config, load_system
from common.runtime.run import StopFlag, config_argument, guarded
from common.runtime.service import ServiceSpec, host
from services.watchdog.adapters.supervisord import Supervisord, table_reader
from services.watchdog.core import RISK, WatchdogCore

WATCHED = tuple(name for name in SERVICES if name != WATCHDOG)
APART = (QUEUE,)
"""Backtests and trading do not hold each other up."""
SPEC = ServiceSpec(WATCHDOG, dict.fromkeys(WATCHED, ()), (RISK,))


def main() -> int:
    """Watch until told to stop, or until supervisord is gone."""
    system = load_system(config_argument(WATCHDOG))
    stop = StopFlag()
    run_dir = Path(system.run_dir)
    supervisord = Supervisord(table_reader(os.environ, run_dir), run_dir, stop.now)
    return host(WatchdogCore(WATCHED, APART), SPEC, Config(system=system), supervisord, log_to=sys.stderr, stop=stop)


if __name__ == "__main__":
    sys.exit(guarded(main))
