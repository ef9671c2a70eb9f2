"""The mini market played by real processes that a test may kill, freeze, cut off and start again."""

import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from common.bus.client import Client
from common.bus.curve import make_missing_keys
from common.domain.errors import PeerSilentError, UserError
from common.history.tape import VERSION, TapeWriter
from common.messages.control import Status, StatusRequest
from common.messages.kept import KeptVerdict, PlayerPosition
from common.messages.market import TapeHeader
from common.runtime.config import Account, Config, Feed, Risk, System, dump_toml
from common.runtime.lock import CopyLock
from common.runtime.store import read_store
from tests.builders import PREV_DAY
from tests.conftest import CHECKOUT
from tests.e2e.rig import free_base_port
from tests.faults.frames import Faults
from tests.faults.mini import Books
from tests.faults.zygote import StartOrder, Told
from tests.simulation.mini_market import DAYS, INTERVAL_S, hand_script, sessions
from tests.simulation.system import SLOTS

SERVICES = ("market_data", "screener", "order_gateway", "risk_manager", "signal_engine")
KILLED = -signal.SIGKILL


def write_tapes(folder: Path) -> tuple[str, ...]:
    """Write the mini market as tapes."""
    paths = []
    for number, pushes in enumerate(sessions()):
        day, prev = DAYS[number], DAYS[number - 1] if number else PREV_DAY
        writer = TapeWriter(
            folder / f"{day}.tape", TapeHeader(VERSION, day, prev, INTERVAL_S * 1000, "mini", len(pushes) - 1)
        )
        for push in pushes:
            for message in (*([push.day] if push.day is not None else []), *push.batches, push.end):
                writer.write(message)
        writer.close()
        paths.append(str(writer.path))
    return tuple(paths)


def write_script(path: Path) -> str:
    rows = [
        {"push": placed.push, "key": placed.order.key, "side": placed.order.side, "symbol": placed.order.symbol,
         "shares": placed.order.shares}
        for placed in hand_script()
    ]  # fmt: skip
    path.write_bytes(msgspec.json.encode(rows))
    return str(path)


class Zygote:
    """The process that starts processes; one serves many rounds."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._rest = b""
        self._runs = 0
        self._inboxes: dict[int, list[Told]] = {}
        self.base_ports: set[int] = set()

    def new_run(self) -> int:
        """Return the number of a new run."""
        self._runs += 1
        self._inboxes[self._runs] = []
        return self._runs

    def start(self, order: StartOrder) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()

    def told(self, run: int, wait_s: float) -> list[Told]:
        """Return what it has told about a run, waiting for the first word about any at most `wait_s`."""
        assert self._process.stdout is not None
        number = self._process.stdout.fileno()
        ready, _, _ = select.select([number], [], [], wait_s)
        if ready:
            *lines, self._rest = (self._rest + os.read(number, 65_536)).split(b"\n")
            for line in lines:
                told = msgspec.json.decode(line, type=Told)
                self._inboxes[told.run].append(told)
        found, self._inboxes[run] = self._inboxes[run], []
        return found

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Rig:
    """One run in a folder: its processes, who restarts them, its books when it is over."""

    def __init__(
        self,
        folder: Path,
        zygote: Zygote,
        *,
        faults: Faults = Faults(),  # noqa: B008 - immutable
        environ: Mapping[str, str] | None = None,
        bugs: Mapping[str, str] | None = None,
        seed: int = 0,
        days: int = len(DAYS),
    ) -> None:
        self.folder, self.zygote, self.faults, self.bugs = folder, zygote, faults, dict(bugs or {})
        self.random = random.Random(seed)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = folder / "keys"
        make_missing_keys(keys)
        self.run = zygote.new_run()
        self.base_port = free_base_port(zygote.base_ports)
        zygote.base_ports.add(self.base_port)
        self.config = Config(
            system=System(base_port=self.base_port, run_dir=str(folder), keys_dir=str(keys)),
            feed=Feed(tapes=write_tapes(folder / "days")[:days], hand_script=write_script(folder / "script.json")),
            account=Account(rule_slots=dict(SLOTS)),
            risk=Risk(resume_at_start=True),
        )
        (folder / "config.toml").write_text(dump_toml(self.config), encoding="utf-8")
        self.environ = {
            "PANKOU_TEST_BASE_PORT": str(self.base_port),
            "PANKOU_TEST_FOLDER": str(folder),
            **(environ or {}),
        }
        self.pids: dict[str, int] = {}
        self.restart_at: dict[str, float] = {}
        self.kills = 0
        self.deaths: list[Told] = []
        """Ends that no kill of ours explains."""
        self._killed: set[int] = set()
        self._alive: set[int] = set()
        self._unborn = 0
        """Starts that were ordered and not told of yet."""

    # ------------------------------------------------------------------ processes

    def start(self, *names: str) -> None:
        for name in names or SERVICES:
            self.restart_at[name] = 0.0
            self._begin(name)

    def _begin(self, name: str) -> None:
        self.restart_at.pop(name, None)
        self.pids[name] = 0
        self._unborn += 1
        self.zygote.start(
            StartOrder(self.run, name, str(self.folder / "config.toml"), str(self.folder / f"{name}.log"), self.environ,
                       msgspec.structs.replace(self.faults, seed=self.random.randrange(1 << 30)),
                       self.bugs.get(name, ""))
        )  # fmt: skip

    def step(self, wait_s: float = 0.02) -> None:
        """Take in what happened and start again who is due."""
        for told in self.zygote.told(self.run, wait_s):
            if not told.ended:
                self.pids[told.service] = told.pid
                self._alive.add(told.pid)
                self._unborn -= 1
                continue
            self._alive.discard(told.pid)
            if self.pids[told.service] == told.pid:
                self.pids[told.service] = 0
            self.restart_at[told.service] = time.monotonic() + self.random.uniform(0.02, 0.25)
            if told.pid not in self._killed:
                self.deaths.append(told)
        for name, at in list(self.restart_at.items()):
            if at <= time.monotonic():
                self._begin(name)

    def kill(self, name: str) -> bool:
        """Kill -9; False when it is down already."""
        pid = self.pids.get(name, 0)
        if not pid or pid in self._killed:
            return False
        self._killed.add(pid)
        self.signal(name, signal.SIGKILL)
        self.kills += 1
        return True

    def holder(self, name: str) -> int:
        """Return the process that acts as a service, 0 when nobody does."""
        lock = CopyLock(self.folder / "locks" / f"{name}.lock")
        found = lock.holder()
        return int(found) if found.isdigit() and int(found) in self._alive else 0

    def kill_pid(self, pid: int) -> bool:
        """Kill -9 one of several processes of a service."""
        self._killed.add(pid)
        self.kills += 1
        os.kill(pid, signal.SIGKILL)
        return True

    def signal(self, name: str, number: int) -> bool:
        """Send a signal; False when the service is down or not born yet: number 0 would be everybody here."""
        pid = self.pids.get(name, 0)
        if pid:
            os.kill(pid, number)
        return bool(pid)

    def wait(self, condition: Callable[[], bool], seconds: float = 30, every: Callable[[], None] | None = None) -> None:
        """Keep the processes going until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s; {self.deaths[-3:]}\n{self.logs()}")
            self.step()
            if every is not None:
                every()

    # ------------------------------------------------------------------ what it did

    def position(self) -> PlayerPosition:
        """Return where the player is, as it has it on disk."""
        try:
            _, kept = read_store(self.folder / "market_data.db")
        except (UserError, sqlite3.Error):  # the player is making its file
            kept = {}
        found = kept.get("position", PlayerPosition(0, 0, 0))
        assert isinstance(found, PlayerPosition)
        return found

    def finished(self) -> bool:
        return self.position().finished

    def status(self, name: str, timeout_s: float = 2.0) -> Status | None:
        with Client(self.base_port, self.folder / "keys") as client:
            try:
                answer = client.ask(name, StatusRequest(), link="control", timeout_s=timeout_s)
            except PeerSilentError:
                return None
        assert isinstance(answer, Status)
        return answer

    def books(self) -> Books:
        rows, _ = read_store(self.folder / "order_gateway.db")
        _, kept = read_store(self.folder / "risk_manager.db")
        told = {record.verdict.key: record.verdict for record in kept.values() if isinstance(record, KeptVerdict)}
        return Books(tuple(rows), told)

    def logs(self) -> str:
        parts = []
        for name in SERVICES:
            file = self.folder / f"{name}.log"
            text = file.read_text(encoding="utf-8", errors="replace")[-1200:] if file.exists() else "no log"
            parts.append(f"--- {name}\n{text}")
        return "\n".join(parts)

    def close(self) -> None:
        """Kill everything and wait until all of it is gone."""
        self.restart_at = {}
        end = time.monotonic() + 10
        while (self._alive or self._unborn) and time.monotonic() < end:
            for pid in self._alive - self._killed:
                self._killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            for told in self.zygote.told(self.run, 0.02):
                self._alive = self._alive - {told.pid} if told.ended else self._alive | {told.pid}
                self._unborn -= not told.ended
        self.zygote.base_ports.discard(self.base_port)

    def __enter__(self) -> "Rig":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
