"""Which supervisor the command line uses, and how it starts, sees and stops the runner."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.runtime.lock import CopyLock
from common.runtime.runner_control import ProcessRow, RunnerControl
from services.cli.home import Home
from services.cli.supervisor import Process, Supervisor, lock_holders, uses_runner
from tests.unit.services.cli.fakes import made_run

HOLDS = """
import os, sys, time
from pathlib import Path
from common.runtime.lock import CopyLock
CopyLock(Path(sys.argv[1])).take_or_fail()
lock = CopyLock(Path(sys.argv[2]))
lock.take_or_fail()
print("held", flush=True)
while not Path(sys.argv[3]).exists():
    time.sleep(0.01)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PANKOU_SUPERVISOR", "runner")
    return Home(tmp_path / "我的 盘口")


def test_the_runner_where_supervisord_does_not_run_or_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANKOU_SUPERVISOR", "runner")
    assert uses_runner()
    monkeypatch.setenv("PANKOU_SUPERVISOR", "supervisord")
    assert not uses_runner()
    monkeypatch.delenv("PANKOU_SUPERVISOR")
    assert uses_runner() is (os.name == "nt")


def test_services_are_told_whom_to_ask(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made_run(home.root)
    names = Supervisor(home).environment(folder)
    assert names["PANKOU_SUPERVISOR"] == "runner"
    assert "PANKOU_SOCKET" not in names
    monkeypatch.setenv("PANKOU_SUPERVISOR", "")
    assert Supervisor(home).environment(folder)["PANKOU_SOCKET"].endswith(".sock")


def test_processes_are_read_from_the_folder_of_the_newest_run(home: Home) -> None:
    assert Supervisor(home).processes() is None
    control = RunnerControl(made_run(home.root))
    control.folder.mkdir()
    assert Supervisor(home).processes() is None
    control.write([ProcessRow("screener", "BACKOFF", 0, 100, 107, "exit code 1")])
    lock = control.take_lock()
    assert Supervisor(home).processes() == [Process("screener", "BACKOFF", 0, 7, "exit code 1")]
    lock.release()


@pytest.mark.process
def test_a_runner_that_cannot_start_says_why(home: Home) -> None:
    folder = made_run(home.root)
    control = RunnerControl(folder)
    control.folder.mkdir()
    control.ask_stop()
    lock = control.take_lock()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        Supervisor(home).start(folder)
    assert b"runs already" in caught.value.stderr
    assert not control.stop_asked(), "a person wants it up"
    lock.release()


@pytest.mark.process
def test_a_runner_that_the_task_started_a_moment_before_is_as_good(home: Home) -> None:
    control = RunnerControl(made_run(home.root))
    control.folder.mkdir()
    lock = control.take_lock()
    rows = [ProcessRow("screener", "STARTING", 7, 100, 100, "")]
    told = threading.Timer(0.1, control.write, [rows])
    told.start()
    Supervisor(home).start(home.runs / "1")
    assert control.table() == rows
    told.join()
    said = home.runs / "1" / "logs" / "runner.err"
    end = time.monotonic() + 10
    while "runs already" not in said.read_text(encoding="utf-8"):  # the lock is held until ours has given up
        assert time.monotonic() < end
        time.sleep(0.01)
    lock.release()


@pytest.fixture
def holder(home: Home) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds two locks of a run, and ends when the run is to stop."""
    folder = made_run(home.root)
    control = RunnerControl(folder)
    control.folder.mkdir()
    paths = [folder / "locks" / "screener.lock", control.lock_path, control.folder / "stop"]
    process = subprocess.Popen([sys.executable, "-c", HOLDS, *map(str, paths)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.process
def test_holders_of_locks_are_what_belongs_to_a_run_where_nothing_else_tells(
    home: Home, holder: "subprocess.Popen[str]"
) -> None:
    """As on Windows, which has no /proc to read an environment in."""
    free = CopyLock(home.runs / "1" / "locks" / "free.lock")
    assert free.take()
    free.release()
    assert lock_holders(home.runs) == {holder.pid}
    assert lock_holders(home.root / "nowhere") == set()


@pytest.mark.process
def test_stop_says_it_by_a_file_and_kills_who_does_not_hear(
    home: Home, holder: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def pids(_self: Supervisor) -> set[int]:
        return lock_holders(home.runs)

    monkeypatch.setattr(Supervisor, "our_pids", pids)
    done = Supervisor(home).stop()
    assert (done.found, done.killed, done.left) == (1, 0, [])
    assert holder.wait(10) == 0, "it ended by itself"
    deaf = subprocess.Popen(
        [sys.executable, "-c", HOLDS.replace(".exists()", ".is_mount()"), *holder.args[3:]],  # type: ignore[index]  # a list
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == "held\n"
    done = Supervisor(home).stop(wait_s=0.2)
    assert (done.found, done.killed, done.left) == (1, 1, [])
    assert deaf.wait(10) == -signal.SIGKILL
    deaf.stdout.close()
