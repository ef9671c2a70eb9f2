"""Run a worker: python -m services.backtest_worker --config FILE, or on another machine with --endpoint and --keys."""

import argparse
import os
import socket
import sys
from pathlib import Path

from common.domain.errors import UserError
from common.runtime.config import load_system
from common.runtime.run import StopFlag, guarded, new_run_id
from services.backtest_worker.adapters.process import Process
from services.backtest_worker.core import WorkerCore
from services.backtest_worker.shell import IDENTITY, Place, WorkerShell, far_place, local_place

CHILD = (sys.executable, "-m", "services.backtest_worker.child")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m services.backtest_worker")
    parser.add_argument("--config", type=Path, help="the run's config.toml, on the machine of the queue")
    parser.add_argument("--number", type=int, default=0, help="which of this machine's workers it is")
    parser.add_argument("--endpoint", help="elsewhere: tcp://HOST:PORT of the queue's ask socket")
    parser.add_argument("--keys", type=Path, help="elsewhere: folder with backtest_worker.key and allowed.json")
    parser.add_argument("--history", type=Path, help="elsewhere: folder of the same history")
    parser.add_argument("--cache", type=Path, help="folder of machine code")
    return parser.parse_args()


def main() -> int:
    """Run jobs until told to stop."""
    given = arguments()
    stop = StopFlag().install()
    place, keys, level = _where(given)
    name = f"{IDENTITY}_{given.number:02d}" if given.config else f"{socket.gethostname()[:40]}_{given.number:02d}"
    cache = given.cache or Path(os.environ.get("PANKOU_HOME", Path.home() / ".cache" / "pankou")) / "cache"
    command = [*CHILD, "--cache", str(cache)]
    if given.history is not None:
        command += ["--history", str(given.history)]
    shell = WorkerShell(WorkerCore(name, new_run_id()), Process(command), place, keys, level)
    try:
        shell.run(stop.is_set)
    finally:
        shell.close()
    return 0


def _where(given: argparse.Namespace) -> tuple[Place, Path, str]:
    """Return the queue, our keys and how much to log."""
    if given.config is not None:
        system = load_system(given.config)
        return local_place(system.base_port), Path(system.keys_dir), system.log_level
    if given.endpoint is None or given.keys is None:
        raise UserError("a worker needs --config FILE, or --endpoint tcp://HOST:PORT and --keys DIR")
    return far_place(given.endpoint), given.keys, "info"


if __name__ == "__main__":
    sys.exit(guarded(main))
