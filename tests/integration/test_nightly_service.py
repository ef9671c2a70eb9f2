"""The screener's real process with the cycle on: it beats while a child works, says what failed, leaves no child behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from common.bus.client import Client
from common.bus.curve import make_missing_keys
from common.domain.errors import PeerSilentError
from common.history import schema
from common.history.store import write_manifest, write_table
from common.messages.control import Status, StatusRequest
from common.messages.signals import Pool, PoolRequest
from common.runtime.config import Config, Nightly, System, dump_toml
from tests.conftest import CHECKOUT
from tests.e2e.rig import free_base_port

pytestmark = pytest.mark.process
MARK = "PANKOU_NIGHTLY_TEST"


class Screener:
    """A screener process and an operator's client."""

    def __init__(self, folder: Path) -> None:
        keys = folder / "keys"
        make_missing_keys(keys)
        history = folder / "history"
        days = pl.DataFrame({"day": pl.Series([20260108, 20991231], dtype=pl.Int32)})
        write_table(history, schema.CALENDAR_FILE, days)
        write_manifest(history)
        base = free_base_port()
        config = Config(
            system=System(base_port=base, run_dir=str(folder / "run"), keys_dir=str(keys)),
            # No token: the step fails in its child, at once and for a reason that a repetition does not mend.
            nightly=Nightly(enabled=True, source="tushare", dir=str(history)),
        )
        path = folder / "config.toml"
        path.write_text(dump_toml(config), "utf-8")
        environ = {name: value for name, value in os.environ.items() if name != "TUSHARE_TOKEN"}
        command = [sys.executable, "-m", "services.screener", "--config", str(path)]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, env={**environ, MARK: str(folder)}, cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT
            )
        self.log = folder / "log"
        self.client = Client(base, keys)
        self._mark = f"{MARK}={folder}".encode()

    def status(self) -> Status:
        """Ask until it answers; the test's timeout ends it."""
        while True:
            try:
                found = self.client.ask("screener", StatusRequest(), link="control")
            except PeerSilentError:
                assert self.process.poll() is None, self.log.read_text()
                continue
            assert isinstance(found, Status)
            return found

    def relatives(self) -> set[int]:
        """Return every process that has our mark in its environment."""
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
            except OSError:
                continue  # ended meanwhile, or somebody else's
        return found


@pytest.fixture
def screener(tmp_path: Path) -> Iterator[Screener]:
    made = Screener(tmp_path)
    yield made
    made.client.close()
    made.process.kill()
    made.process.wait()


def test_a_failed_step_is_told_and_no_pool_comes(screener: Screener) -> None:
    words: dict[str, str] = {}
    while "again at" not in words.get("nightly", ""):  # the loop answers while the child imports and fails
        words = screener.status().words
    assert "needs a token" in words["nightly_failed"]
    assert words["nightly"].startswith("closed up to 0, opened 0; next: close of 20260108 again at")
    pool = screener.client.ask("screener", PoolRequest("limit_up", 20991231))
    assert isinstance(pool, Pool)
    assert not pool.ready
    assert "needs a token" in pool.note
    assert screener.log.read_text().count("nightly step failed") == 1


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes in /proc")
def test_an_end_leaves_no_process(screener: Screener) -> None:
    screener.status()
    screener.process.terminate()
    assert screener.process.wait() == 0
    while screener.relatives():
        pass  # a child that was killed needs a moment; the test's timeout ends it


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes in /proc")
def test_a_kill_leaves_no_process(screener: Screener) -> None:
    while len(screener.relatives()) < 2:
        assert screener.process.poll() is None
    screener.process.kill()
    while screener.relatives():
        pass  # the child sees the end of its input; the test's timeout ends it
