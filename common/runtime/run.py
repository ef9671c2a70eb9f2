"""Starting and ending a process: its run id, its signals, its exit codes, its memory."""

import argparse
import os
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from common.domain.errors import DiskError, InvariantError, UserError
from common.runtime.pipes import ENDED, Pipe

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INPUT = 2
EXIT_DISK = 74
"""The journal could not be written or read (EX_IOERR of sysexits.h)."""


def new_run_id() -> str:
    """Return a new run id: peers see by it that we restarted. The only randomness outside of tests and keys."""
    return secrets.token_hex(6)


def rss_kib() -> int:
    """Return the resident memory of this process in KiB; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a kernel file, read often
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


STOP_BY = "PANKOU_STOP_BY"
"""Environment variable: `stdin` where whoever started us stops us by a word on standard input, or by closing it."""
STOP_WORD = b"stop\n"


class StopFlag:
    """Set by SIGTERM and SIGINT, and by whoever started us over standard input; loops look at it.

    Windows has no SIGTERM, and a pipe that only our parent holds is no door to anybody else. Its end says that the parent
    is gone: nothing of a run outlives a runner that was killed, and the next one starts from disk as always.
    """

    def __init__(self, stdin: int = 0) -> None:
        self.set = False
        self._stdin = stdin
        self._pipe: Pipe | None = None
        self._heard = b""

    def install(self) -> "StopFlag":
        """Listen to the signals, and to standard input where that is agreed on."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._on_signal)
        # Taken out, so that no child of ours believes that it is meant.
        if os.environ.pop(STOP_BY, "") == "stdin":
            self._pipe = Pipe(self._stdin)
        return self

    def now(self) -> None:
        """End at the next look."""
        self.set = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.set = True

    def is_set(self) -> bool:
        """Tell whether to end."""
        if self._pipe is not None and not self.set:
            self._listen(self._pipe)
        return self.set

    def _listen(self, pipe: Pipe) -> None:
        said = pipe.read()
        if said is None:
            return
        self._heard = (self._heard + said)[-len(STOP_WORD) :]
        self.set = said == ENDED or self._heard == STOP_WORD


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
