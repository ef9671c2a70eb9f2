"""Run the queue of backtest jobs: python -m services.backtest_queue --config FILE."""

import sys

from common.bus.sockets import RESULT_BYTES_MAX
from common.messages.outputs import Adapter, Core
from common.runtime.config import Config, jobs_folder, load_config, results_folder
from common.runtime.lock import CopyLock
from common.runtime.run import EXIT_OK, StopFlag, config_argument, guarded
from common.runtime.service import ServiceSpec, host
from services.backtest_queue.adapters.results import ResultFolder
from services.backtest_queue.core import QueueCore

SPEC = ServiceSpec("backtest_queue", full=True, bytes_max=RESULT_BYTES_MAX)


def parts_of(config: Config) -> tuple[Core, Adapter | None]:
    """Build the queue and its folder of results."""
    told = config.backtests
    return QueueCore(told.waiting_max, told.lease_s * 1_000_000_000), ResultFolder(results_folder(config))


def main() -> int:
    """Take jobs, lend them, keep what comes of them. Its disk outlives the run: people come back to their results."""
    config = load_config(config_argument("backtest_queue"))
    stop = StopFlag().install()
    disk = jobs_folder(config)
    lock = CopyLock(disk / "queue.lock")

    def waiting(holder: str) -> None:
        print(f"pankou: {disk} is used by the queue of another run (process {holder}); waiting", file=sys.stderr)

    if not lock.wait(waiting, stop.is_set):
        return EXIT_OK
    try:
        core, adapter = parts_of(config)
        return host(core, SPEC._replace(listen=config.backtests.listen, disk=str(disk)), config, adapter, stop=stop)
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(guarded(main))
