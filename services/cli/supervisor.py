"""The supervisor of a run: started in the background, asked over its unix socket, stopped with all it started."""

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from common.bus.curve import make_folder
from services.cli.home import CHECKOUT, Home

STOP_WAIT_S = 10.0
"""How long services may take to end before they are killed."""
POLL_S = 0.05
SERVICES = ("market_data", "screener", "signal_engine", "risk_manager", "order_gateway")


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


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(5)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()
            raise


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class Supervisor:
    """The supervisord of one home folder."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.path = socket_path(home)
        self._rpc = xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(str(self.path)))

    def _call(self, method: str, *args: object) -> Any:
        """Call supervisord; None when it is not there."""
        try:
            return getattr(self._rpc.supervisor, method)(*args)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return None

    def processes(self) -> list[Process] | None:
        """Return the supervised processes, None when no supervisor answers."""
        found = self._call("getAllProcessInfo")
        if not isinstance(found, list):
            return None
        return [
            Process(row["name"], row["statename"], row["pid"], max(0, row["now"] - row["start"]), row["spawnerr"])
            for row in found
        ]

    def log_tail(self, run: Path, name: str, lines: int = 12) -> list[str]:
        """Return the last lines a service logged."""
        for path in (run / "logs" / f"{name}.log", run / f"{name}.log"):
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        return []

    def start(self, run: Path) -> None:
        """Start supervisord in the background for a run; raises `OSError` or `CalledProcessError` when it cannot."""
        # Its folder is in a place that all may write to: one that somebody else made first is not taken.
        make_folder(self.path.parent)
        (run / "logs").mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CHECKOUT / "supervisord.conf")]
        subprocess.run(command, env=self.environment(run), cwd=CHECKOUT, check=True, capture_output=True, timeout=20)

    def environment(self, run: Path) -> dict[str, str]:
        """Return the environment that supervisord.conf reads."""
        return {
            **os.environ,
            "PANKOU_PYTHON": sys.executable,
            "PANKOU_CONFIG": str(run / "config.toml"),
            "PANKOU_RUN": str(run),
            "PANKOU_HOME": str(self.home.root),
            "PANKOU_SOCKET": str(self.path),
        }

    def stop(self, wait_s: float = STOP_WAIT_S) -> "Stopped":
        """End everything this home folder started; what is still there after `wait_s` is killed."""
        pids = self.our_pids()
        # Told first, so that it starts nothing anew; then all at once, because it would end them one after another.
        self._call("shutdown")
        send(pids, signal.SIGTERM)
        left = wait_until_gone(self.our_pids, wait_s)
        send(left, signal.SIGKILL)
        still = wait_until_gone(self.our_pids, 2.0) if left else set()
        self.path.unlink(missing_ok=True)
        return Stopped(len(pids), len(left), sorted(still))

    def our_pids(self) -> set[int]:
        """Return the processes whose environment says that they belong to a run of this home folder."""
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
        except ProcessLookupError:
            continue


def wait_until_gone(pids: Callable[[], set[int]], wait_s: float) -> set[int]:
    """Wait until no process is left; returns those that are after `wait_s`."""
    for _ in range(max(1, int(wait_s / POLL_S))):
        left = pids()
        if not left:
            return left
        time.sleep(POLL_S)
    return pids()
