"""The local pool: a process that dies takes nobody with it, and what kills its process again and again is given up."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.backtests.tasks import Done, Task, TaskScreen, key_of
from services.backtest_worker.adapters import pool
from services.backtest_worker.adapters.pool import TRIES_MAX, LocalPool, run_here
from tests.conftest import CHECKOUT

TASK = Task(
    "limit_up", "", "code", {}, TaskScreen("limit_up", (), ()), "data", "rules", "engine", 20250102, 20251231, "compiled",
    5, {},
)  # fmt: skip
HARMLESS, POISON, ONCE, WRONG = range(4)


def task_of(number: int, kind: int = HARMLESS, marks: Path = Path()) -> Task:
    return replace(TASK, params={"number": number, "kind": kind}, history=str(marks))


def stand_in(task: Task) -> Done:
    """Run where a pool runs tasks: leaves a mark of each try, and dies where the task says so."""
    marks, number = Path(task.history), task.params["number"]
    tries = len(list(marks.glob(f"{number}.*"))) + 1
    (marks / f"{number}.{tries}").touch()
    if task.params["kind"] == POISON or (task.params["kind"] == ONCE and tries == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return Done(key_of(task), {"n": str(task.params["number"]).encode()})


def nothing(*_: str) -> None:
    """Get nothing ready: the stand-in needs no libraries."""


def sleepy(task: Task) -> Done:
    """Tell who runs it, and go on for longer than any test."""
    (Path(task.history) / str(os.getpid())).touch()
    time.sleep(600)
    return Done(key_of(task), {})


def follow(*_: str) -> None:
    """Get no more ready than following the parent."""
    pool.follow_parent()


def sweep_for_ever(folder: Path) -> None:
    """Run tasks that do not end, as a sweep of another process would."""
    pool._run, pool._begin = sleepy, follow
    list(LocalPool(2, folder).run([task_of(at, marks=folder) for at in range(2)]))


def are_gone(pids: set[int], within_s: float) -> bool:
    """Wait until no such process runs; one that nobody has asked for its end counts as gone."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        states = [
            Path(f"/proc/{pid}/stat").read_text("utf-8").split()[2] for pid in pids if Path(f"/proc/{pid}").exists()
        ]
        if set(states) <= {"Z"}:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_of_the_pool_outlives_whoever_started_it(tmp_path: Path, how: signal.Signals) -> None:
    code = f"from pathlib import Path; from {__name__} import sweep_for_ever\nif __name__ == '__main__': sweep_for_ever(Path({str(tmp_path)!r}))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=CHECKOUT, stderr=subprocess.PIPE, start_new_session=True
    ) as sweep:
        end = time.monotonic() + 30
        while len(found := {int(path.name) for path in tmp_path.iterdir()}) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        assert len(found) == 2
        if how is signal.SIGKILL:
            sweep.kill()
        else:
            os.killpg(sweep.pid, how)  # as a terminal does
        assert are_gone(found, 20)


@pytest.mark.process
def test_a_task_that_kills_its_process_is_given_up_and_the_others_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_run", stand_in)
    monkeypatch.setattr(pool, "_begin", nothing)
    tasks = [task_of(at, {3: POISON, 5: ONCE}.get(at, HARMLESS), tmp_path) for at in range(10)]
    executor = LocalPool(2, tmp_path)
    try:
        found = list(executor.run(tasks))
    finally:
        executor.close()
    assert Counter(done.key for done in found) == Counter(map(key_of, tasks)), "each once"
    faults = {done.key: done.fault for done in found if done.fault}
    assert faults == {key_of(tasks[3]): f"its process died {TRIES_MAX} times: out of memory, or a crash"}
    assert len(list(tmp_path.glob("3.*"))) <= TRIES_MAX + 2, "alone three times, and beside others before"


class Raises:
    """A warm process in which everything goes wrong."""

    def run(self, task: Task) -> dict[str, bytes]:
        raise ZeroDivisionError("in\nsomebody's rule")


def test_what_goes_wrong_inside_a_task_is_its_own_fault_in_one_line() -> None:
    done = run_here(Raises(), TASK)  # type: ignore[arg-type]  # all that is asked of it is `run`
    assert done == Done(key_of(TASK), {}, "ZeroDivisionError: in somebody's rule")
