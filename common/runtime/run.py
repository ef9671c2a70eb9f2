"""Starting and ending a process: its run id, its signals, its exit codes."""

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from common.domain.errors import DiskError, InvariantError, UserError

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INPUT = 2
EXIT_DISK = 74
"""The journal could not be written or read (EX_IOERR of sysexits.h)."""


def new_run_id() -> str:
    """Return a new run id: peers see by it that we restarted. The only randomness outside of tests and keys."""
    return secrets.token_hex(6)


class StopFlag:
    """Set by SIGTERM and SIGINT; loops look at it."""

    def __init__(self) -> None:
        self.set = False

    def install(self) -> "StopFlag":
        """Listen to the signals."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._on_signal)
        return self

    def now(self) -> None:
        """End at the next look."""
        self.set = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.set = True

    def is_set(self) -> bool:
        """Tell whether to end."""
        return self.set


def config_argument(service: str) -> Path:
    """Read `--config FILE` from the command line."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("--config", type=Path, required=True, help="the run's config.toml")
    chosen: Path = parser.parse_args().config
    return chosen


def guarded(main: Callable[[], int]) -> int:
    """Run a service's main: user errors are one line and exit code 2; broken invariants and disks end the process."""
    os.umask(0o077)
    try:
        return main()
    except UserError as error:
        print(f"pankou: {error}", file=sys.stderr, flush=True)
        return EXIT_INPUT
    except InvariantError as error:
        print(f"pankou: invariant broken, stopping: {error}", file=sys.stderr, flush=True)
        return EXIT_FAULT
    except DiskError as error:
        print(f"pankou: disk fault, stopping; a restart reads what is on disk: {error}", file=sys.stderr, flush=True)
        return EXIT_DISK
