"""A queue and workers as real processes in a folder, which a test may kill and start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from common.backtests.addressed import AddressedResults
from common.backtests.tasks import Task
from common.bus.client import Client
from common.bus.curve import make_missing_keys
from common.domain.errors import PeerSilentError
from common.messages.backtests import ENDED, JobList, JobsRequest, JobsTaken, JobState, SubmitJobs
from common.messages.control import Status, StatusRequest
from common.messages.outputs import Message
from common.runtime.config import Backtests, Config, System, dump_toml, jobs_folder, results_folder
from tests.conftest import CHECKOUT
from tests.e2e.rig import free_base_port
from tests.farm.toy import encoded

QUEUE = "backtest_queue"
Answer = TypeVar("Answer", bound=Message)


class Farm:
    """One queue, some workers."""

    def __init__(
        self,
        folder: Path,
        workers: int = 2,
        *,
        module: str = "tests.farm.worker",
        waiting_max: int = 20_000,
        lease_s: int = 4,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_missing_keys(folder / "keys")
        self.folder, self.workers, self._module = folder, workers, module
        self.config = Config(
            system=System(base_port=free_base_port(), run_dir=str(folder / "run"), keys_dir=str(folder / "keys")),
            backtests=Backtests(dir=str(folder / "backtests"), waiting_max=waiting_max, lease_s=lease_s),
        )
        (folder / "config.toml").write_text(dump_toml(self.config), encoding="utf-8")
        self.client = Client(self.config.system.base_port, folder / "keys")
        self.results = AddressedResults(results_folder(self.config))
        self.jobs = jobs_folder(self.config)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Farm":
        self.start(QUEUE, *self.names)
        return self

    @property
    def names(self) -> list[str]:
        return [f"worker_{number}" for number in range(self.workers)]

    def start(self, *names: str) -> None:
        for name in names:
            command = [sys.executable, "-m", "services.backtest_queue" if name == QUEUE else self._module]
            command += ["--config", str(self.folder / "config.toml")]
            command += [] if name == QUEUE else ["--number", name.rpartition("_")[2]]
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    command, cwd=CHECKOUT, stdout=log, stderr=log, env={**os.environ, "PANKOU_HOME": str(self.folder)}
                )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        process = self.processes.pop(name)
        process.send_signal(number)
        process.wait(10)

    def ask(self, message: Message, kind: type[Answer], timeout_s: float = 20) -> Answer:
        answer = self.client.ask(QUEUE, message, timeout_s=timeout_s)
        assert isinstance(answer, kind), answer
        return answer

    def submit(self, tasks: Sequence[Task], batch: str = "", priority: int = 0) -> list[str]:
        keys: list[str] = []
        for at in range(0, len(tasks), 500):
            raw = tuple(encoded(task) for task in tasks[at : at + 500])
            keys += self.ask(SubmitJobs(raw, priority, batch), JobsTaken, 60).keys
        return keys

    def counts(self, batch: str = "") -> dict[str, int]:
        return {name: n for name, n in self.ask(JobsRequest(batch=batch, limit=0), JobList).counts.items() if n}

    def wait_all(
        self, seconds: float = 60, meanwhile: Callable[[Mapping[str, int]], None] = lambda _counts: None
    ) -> dict[str, int]:
        """Wait until no job waits or runs; returns how many there are of each state."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                counts = self.counts()
            except PeerSilentError:
                continue
            meanwhile(counts)
            if counts and not {name for name in counts if JobState[name] not in ENDED}:
                return counts
            time.sleep(0.05)
        raise AssertionError(f"not done after {seconds} s: {self.counts()}; {self.logs()[-3000:]}")

    def status(self) -> Status:
        answer = self.client.ask(QUEUE, StatusRequest(), link="control", timeout_s=20)
        assert isinstance(answer, Status), answer
        return answer

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.client.close()
