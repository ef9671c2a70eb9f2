"""Starts real services fast: everything is imported once, each service is a fork made before any socket exists.

Reads one order a line on standard input, tells on standard output who was started and who ended, with the exit code.
A service runs its own `main` from its own `config.toml`, in a process, session and log of its own.
"""

import ctypes
import gc
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from common.messages.outputs import Core
from common.runtime.config import load_config
from common.runtime.run import guarded
from common.runtime.service import host
from services.market_data import __main__ as market_data
from services.order_gateway import __main__ as order_gateway
from services.risk_manager import __main__ as risk_manager
from services.screener.__main__ import SPEC as SCREENER
from services.signal_engine import __main__ as signal_engine
from tests.faults import bugs, frames
from tests.faults.frames import Faults
from tests.simulation.system import KnowingScreener

POLL_S = 0.02
PR_SET_PDEATHSIG = 1


class StartOrder(msgspec.Struct, frozen=True):
    """Start a service."""

    run: int
    """Number of the run it belongs to: one zygote serves several at once."""
    service: str
    config: str
    log: str
    environ: dict[str, str] = {}
    faults: Faults = Faults()
    bug: str = ""
    """A seeded bug of `bugs.py` that this process has."""


class Told(msgspec.Struct, frozen=True):
    """A service has been started, or has ended with a code (negative: the signal that killed it)."""

    run: int
    service: str
    pid: int
    ended: bool = False
    code: int = 0


class Screener(KnowingScreener):
    """Knows the pools of the mini market and says how it is."""

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        return True, "ready", {}, {}


def run_screener(config: Path) -> int:
    core: Core = Screener()
    return host(core, SCREENER, load_config(config))


def _main_of(service: str) -> Callable[[], int]:
    modules = {
        "market_data": market_data, "order_gateway": order_gateway, "risk_manager": risk_manager,
        "signal_engine": signal_engine,
    }  # fmt: skip
    return modules[service].main


def become(order: StartOrder) -> int:
    """Be the service, in the forked process."""
    os.setsid()
    # Nobody outlives the zygote, however it ends.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((null, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.environ.update(order.environ)
    sys.argv = [f"services.{order.service}", "--config", order.config]
    frames.install(order.service, order.faults)
    if order.bug:
        bugs.PLANTS[order.bug].plant()
    main = (lambda: run_screener(Path(order.config))) if order.service == "screener" else _main_of(order.service)
    return guarded(main)


def _fork(order: StartOrder) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = become(order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until standard input ends; then kill what is left."""
    gc.collect()
    gc.freeze()
    running: dict[int, StartOrder] = {}
    decoder = msgspec.json.Decoder(StartOrder)

    def tell(told: Told) -> None:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()

    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], POLL_S)
        if ready:
            read = os.read(0, 65_536)
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                order = decoder.decode(line)
                pid = _fork(order)
                running[pid] = order
                tell(Told(order.run, order.service, pid))
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            order = running.pop(pid)
            tell(Told(order.run, order.service, pid, ended=True, code=os.waitstatus_to_exitcode(status)))
    for pid in running:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
