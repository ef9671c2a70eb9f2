"""A running system of one's own: a home folder, free ports, the real command line, and questions to the services."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

from common.bus.client import Client
from common.domain.errors import PeerSilentError
from common.messages.control import HoldRequest, HoldSet, Status, StatusRequest
from common.messages.orders import (
    Account,
    AccountRequest,
    EventRow,
    Events,
    EventsRequest,
    Orders,
    OrdersRequest,
    Positions,
    PositionsRequest,
)
from common.messages.outputs import Message
from common.messages.signals import SignalsRequest, Verdicts, VerdictsRequest
from common.runtime.config import load_config
from services.backtest_worker.adapters.pipeline import PipelineResult, run_pipeline

PANKOU = Path(sys.executable).with_name("pankou")


def free_base_port(besides: Container[int] = ()) -> int:
    """Return a base port whose ports are free just now, and none of those promised to somebody else."""
    bases = range(20_000, 32_000, 70)
    # Suites that run side by side begin at different ports: between looking and binding there is a moment.
    first = os.getpid() % len(bases)
    for base in (*bases[first:], *bases[:first]):
        if base in besides:
            continue
        try:
            for port in range(base, base + 70):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise RuntimeError("no seventy free ports in a row")


class System:
    """One home folder and what runs from it."""

    def __init__(self, home: Path, markets: Path | None = None) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.base_port = free_base_port()
        (home / "config.toml").write_text(f"[system]\nbase_port = {self.base_port}\n", encoding="utf-8")
        if markets is not None and not (home / "markets").exists():
            (home / "markets").symlink_to(markets)
        self._client: Client | None = None

    def pankou(self, *arguments: str, timeout: float = 100, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        names = {**os.environ, "PANKOU_HOME": str(self.home), "PANKOU_LANG": "en", **environ}
        return subprocess.run(
            [str(PANKOU), *arguments], env=names, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self, *arguments: str, **environ: str) -> None:
        """Start a run in the background."""
        done = self.pankou("run", "--no-follow", *arguments, **environ)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def client(self) -> Client:
        """The operator's client."""
        if self._client is None:
            self._client = Client(self.base_port, self.home / "keys")
        return self._client

    def ask(self, service: str, message: Message, link: str = "ask", timeout_s: float = 20) -> Any:
        """Ask, waiting out restarts."""
        return self.client.ask(service, message, link=link, timeout_s=timeout_s)

    def status(self, service: str) -> Status:
        """Return the status of a service, waiting out a restart."""
        answer = self.ask(service, StatusRequest(), "control")
        assert isinstance(answer, Status)
        return answer

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {self.logs()}"
            time.sleep(0.02)

    def hold(self, push: int) -> None:
        """Let the player go on up to a push and stop there (0 = to the end)."""
        assert self.ask("market_data", HoldRequest(push), "control") == HoldSet(push)

    def wait_for_push(self, push: int) -> None:
        """Wait until every consumer has done `push`, where the player holds."""

        def held() -> bool:
            numbers = self.status("market_data").numbers
            return numbers["push"] >= push and numbers["acked"] == 1

        self.wait(held)

    def kill(self, service: str) -> None:
        """Kill a service the hard way."""
        os.kill(self.status(service).numbers["pid"], signal.SIGKILL)

    def finished(self) -> bool:
        """Tell whether all tapes are played."""
        try:
            return self.status("market_data").state == "finished"
        except PeerSilentError:
            return False

    def run_folder(self) -> Path:
        """Return the folder of the newest run."""
        return max((self.home / "runs").iterdir(), key=lambda path: int(path.name))

    def report(self) -> dict[str, Any]:
        """Return the report of the newest run."""
        found: dict[str, Any] = json.loads((self.run_folder() / "report.json").read_text(encoding="utf-8"))
        return found

    def books(self) -> dict[str, Any]:
        """Return everything that two equal runs must share."""
        events = self.ask("order_gateway", EventsRequest(1))
        orders, account = self.ask("order_gateway", OrdersRequest()), self.ask("order_gateway", AccountRequest())
        positions, verdicts = self.ask("order_gateway", PositionsRequest()), self.ask("risk_manager", VerdictsRequest())
        assert isinstance(events, Events)
        assert isinstance(orders, Orders)
        assert isinstance(account, Account)
        assert isinstance(positions, Positions)
        assert isinstance(verdicts, Verdicts)
        rows: Sequence[EventRow] = events.rows
        return {
            "rows": list(rows), "orders": list(orders.rows), "account": account, "positions": list(positions.rows),
            "verdicts": list(verdicts.rows),
        }  # fmt: skip

    def pipeline(self) -> PipelineResult:
        """Play the days of the newest run once more, all cores in this thread."""
        config = load_config(self.run_folder() / "config.toml")
        return run_pipeline([Path(tape) for tape in config.feed.tapes], None, config)

    def check_pipeline(self) -> PipelineResult:
        """Check that one thread gives what the processes gave: journal, orders, verdicts, signals, cash."""
        books, made = self.books(), self.pipeline()
        assert list(made.rows) == books["rows"]
        assert list(made.orders) == books["orders"]
        assert list(made.positions) == books["positions"]
        assert list(made.verdicts) == books["verdicts"]
        assert made.account == books["account"]
        signals = self.ask("signal_engine", SignalsRequest())
        assert list(made.signals) == list(signals.rows)
        return made

    def logs(self) -> str:
        """Return the ends of all logs of the newest run."""
        try:
            files = sorted((self.run_folder() / "logs").glob("*.log"))
        except (OSError, ValueError):
            return "no logs"
        return "\n".join(f"--- {file.name}\n{file.read_text(encoding='utf-8')[-800:]}" for file in files)

    def stop(self) -> None:
        """Stop the system and let go of the client."""
        if self._client is not None:
            self._client.close()
            self._client = None
        done = self.pankou("stop")
        assert done.returncode == 0, done.stdout + done.stderr
