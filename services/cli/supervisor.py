"""The supervisor of a run: started in the background, asked, stopped with all it started.

supervisord over its unix socket; where that does not run (Windows), or where PANKOU_SUPERVISOR=runner asks for it, the
runner of `deploy/windows` over its folder.
"""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from common.bus.curve import make_folder
from common.runtime.config import workers_of
from common.runtime.lock import CopyLock
from common.runtime.runner_control import RunnerControl
from common.runtime.unix_supervisor import UnixSupervisor
from services.cli.home import CHECKOUT, Home

STOP_WAIT_S = 10.0
"""How long services may take to end before they are killed."""
POLL_S = 0.05
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""On Windows any signal but the console's ends a process at once."""
SERVICES = ("market_data", "screener", "signal_engine", "risk_manager", "order_gateway", "backtest_queue")


class Process(NamedTuple):
    """One supervised process as supervisord sees it."""

    name: str
    state: str
    pid: int
    since_s: int
    """Seconds it has been in this state."""
    note: str


def socket_path(home: Home) -> Path:
    """Return a short path for supervisord's socket: a unix socket's path has about 100 characters at most."""
    mark = hashlib.blake2b(str(home.root).encode(), digest_size=6).hexdigest()
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return base / f"pankou-{os.getuid()}-{mark}" / "supervisor.sock"


RPC_TIMEOUT_S = 5.0
RUNNER_START_S = 10.0
RUNNER_HELD = 4
"""Its exit code where another one acts on the run already."""
RUNNER_HELD_S = 2.0


def uses_runner() -> bool:
    """Tell whether the runner of `deploy/windows` takes the place of supervisord."""
    return os.environ.get("PANKOU_SUPERVISOR", "runner" if os.name == "nt" else "") == "runner"


class Supervisor:
    """The supervisor of one home folder."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.runner = uses_runner()

    @property
    def path(self) -> Path:
        """The socket of its supervisord."""
        return socket_path(self.home)

    def processes(self) -> list[Process] | None:
        """Return the supervised processes, None when no supervisor answers."""
        rows = None
        if not self.runner:
            rows = UnixSupervisor(str(self.path), RPC_TIMEOUT_S).table()
        elif (run := self.home.last_run()) is not None:
            rows = RunnerControl(run).table()
        if rows is None:
            return None
        return [Process(row.name, row.statename, row.pid, max(0, row.now - row.start), row.spawnerr) for row in rows]

    def log_tail(self, run: Path, name: str, lines: int = 12) -> list[str]:
        """Return the last lines a service logged."""
        for path in (run / "logs" / f"{name}.log", run / f"{name}.log"):
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return []

    def start(self, run: Path) -> None:
        """Start it in the background for a run; raises `OSError` or `CalledProcessError` when it cannot be."""
        if self.runner:
            self._start_runner(run)
            return
        # Its folder is in a place that all may write to: one that somebody else made first is not taken.
        make_folder(self.path.parent)
        (run / "logs").mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CHECKOUT / "supervisord.conf")]
        subprocess.run(command, env=self.environment(run), cwd=CHECKOUT, check=True, capture_output=True, timeout=20)

    def _start_runner(self, run: Path) -> None:
        control = RunnerControl(run)
        control.clear()  # a person wants it up
        (run / "logs").mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "deploy.windows.runner", "--run", str(run)]
        said = run / "logs" / "runner.err"
        with said.open("wb") as file:
            process = subprocess.Popen(
                command, env={**self.environment(run), "PYTHONIOENCODING": "utf-8"}, cwd=CHECKOUT, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=file, **background(),
            )  # fmt: skip
        for number in range(int(RUNNER_START_S / POLL_S)):
            code = process.poll()
            if control.table():  # ours, or one that the task started a moment before: they do the same
                process.returncode = 0  # it is left to itself; nobody here waits for it
                return
            if code is not None and (code != RUNNER_HELD or number * POLL_S > RUNNER_HELD_S):
                break
            time.sleep(POLL_S)
        raise subprocess.CalledProcessError(
            process.poll() or 1, command, b"", said.read_bytes() or b"it does not answer"
        )

    def environment(self, run: Path) -> dict[str, str]:
        """Return the environment that supervisord.conf reads."""
        return {
            **os.environ,
            "PANKOU_PYTHON": sys.executable,
            "PANKOU_CONFIG": str(run / "config.toml"),
            "PANKOU_RUN": str(run),
            "PANKOU_HOME": str(self.home.root),
            **({"PANKOU_SUPERVISOR": "runner"} if self.runner else {"PANKOU_SOCKET": str(self.path)}),
            "PANKOU_WORKERS": str(workers_of(run / "config.toml")),
        }

    def stop(self, wait_s: float = STOP_WAIT_S) -> "Stopped":
        """End everything this home folder started; what is still there after `wait_s` is killed."""
        pids = self.our_pids()
        # Told first, so that it starts nothing anew; then all at once, because it would end them one after another.
        if self.runner:
            for run in self.home.runs.glob("[0-9]*"):
                RunnerControl(run).ask_stop()
        else:
            UnixSupervisor(str(self.path), RPC_TIMEOUT_S).shutdown()
            send(pids, signal.SIGTERM)
        left = wait_until_gone(self.our_pids, wait_s)
        send(left, KILL)
        still = wait_until_gone(self.our_pids, 2.0) if left else set()
        if not self.runner:
            self.path.unlink(missing_ok=True)
        return Stopped(len(pids), len(left), sorted(still))

    def our_pids(self) -> set[int]:
        """Return the processes whose environment says that they belong to a run of this home folder."""
        if not Path("/proc/self/environ").exists():
            return lock_holders(self.home.runs) - {os.getpid()}
        mark = b"PANKOU_RUN=" + os.fsencode(self.home.runs) + b"/"
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
                stat = (entry / "stat").read_text()
            except OSError:  # ended meanwhile, or somebody else's
                continue
            dead = stat.rpartition(")")[2].split()[0] in ("Z", "X")
            if not dead and any(line.startswith(mark) for line in environment.split(b"\0")):
                found.add(int(entry.name))
        return found - _ancestors()


def lock_holders(runs: Path) -> set[int]:
    """Return the processes that hold a lock of a run: its services, and whoever keeps them up."""
    found = set()
    for path in runs.glob("[0-9]*/locks/*.lock"):
        lock = CopyLock(path)
        if lock.take():
            lock.release()
        elif lock.holder().isdigit():
            found.add(int(lock.holder()))
    return found


def background() -> dict[str, Any]:
    """Return what lets a process outlive the terminal it was started from."""
    if os.name == "nt":
        return {"creationflags": 0x0800_0200}  # CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP, known by name only there
    return {"start_new_session": True}


class Stopped(NamedTuple):
    """What `stop` did."""

    found: int
    """Processes that ran."""
    killed: int
    """Processes that had to be killed."""
    left: list[int]
    """Processes that outlived even that."""


def _ancestors() -> set[int]:
    """Return this process and those above it: a shell that was started inside a run must not be shot."""
    found = set()
    pid = os.getpid()
    while pid > 1 and pid not in found:
        found.add(pid)
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return found


def send(pids: set[int], number: int) -> None:
    """Send a signal to processes that may be gone already."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:  # gone already; Windows has no error of its own for that
            continue


def wait_until_gone(pids: Callable[[], set[int]], wait_s: float) -> set[int]:
    """Wait until no process is left; returns those that are after `wait_s`."""
    for _ in range(max(1, int(wait_s / POLL_S))):
        left = pids()
        if not left:
            return left
        time.sleep(POLL_S)
    return pids()
