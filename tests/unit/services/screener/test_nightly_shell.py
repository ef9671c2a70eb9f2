"""The cycle's clock and hands: with a worker of the test on a clock that is set, and with a real child process."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from common.domain.calendar import ts_of
from common.history import schema
from common.history.store import write_manifest, write_table
from common.messages.kept import KeptNightly
from common.messages.outputs import LOCAL, Message
from common.runtime.config import Config, Nightly, System, dump_toml
from services.screener.core import ScreenerCore
from services.screener.nightly import CycleNext, NightlyCore, StartCycle, StepDone, StepFailed
from services.screener.nightly_job import run as run_job
from services.screener.nightly_shell import Child, Cycle, Result, result_of
from services.screener.schedule import Due, Step

DAYS = [20260108, 20260109, 20260112, 20260113]


class Worker:
    """Does what the test says, one answer a step."""

    def __init__(self, answers: list[Result]) -> None:
        self.answers = answers
        self.did: list[Due] = []

    def do(self, step: Due) -> Result:
        self.did.append(step)
        return self.answers.pop(0) if self.answers else {"ok": True, "text": "done", "refused": False}

    def stop(self) -> None:
        """Nothing runs on."""


class Clock:
    def __init__(self, day: int, hour: int, minute: int = 0) -> None:
        self.set(day, hour, minute)

    def set(self, day: int, hour: int, minute: int = 0) -> None:
        self.at_ns = ts_of(day, hour * 3600 + minute * 60)

    def now_ns(self) -> int:
        return self.at_ns


def history(folder: Path) -> Path:
    write_table(folder, schema.CALENDAR_FILE, pl.DataFrame({"day": pl.Series(DAYS, dtype=pl.Int32)}))
    write_manifest(folder)
    return folder


def steps(messages: list[Message]) -> list[Message]:
    return [message for message in messages if not isinstance(message, CycleNext)]


def cycle_of(folder: Path, worker: Worker, clock: Clock, kept: KeptNightly) -> Cycle:
    cycle = Cycle(Nightly(enabled=True), history(folder), worker, clock.now_ns)
    cycle._kept = kept
    return cycle


def test_a_week_in_looks(tmp_path: Path) -> None:
    worker, clock = Worker([]), Clock(20260109, 8, 49)
    cycle = cycle_of(tmp_path, worker, clock, KeptNightly(close_day=20260108, open_day=20260108))
    for day, hour, minute in (
        (20260109, 8, 50),
        (20260109, 12, 0),
        (20260109, 18, 30),
        (20260110, 9, 0),
        (20260112, 9, 0),
    ):
        clock.set(day, hour, minute)
        cycle.look()
        cycle.look()
    assert worker.did == [Due(Step.OPEN, 20260109), Due(Step.CLOSE, 20260109), Due(Step.OPEN, 20260112)]
    done = steps(list(cycle.poll()))
    assert [(report.step, report.day) for report in done if isinstance(report, StepDone)] == worker.did
    assert cycle.poll() == []


def test_a_failure_waits_and_reports_its_cause(tmp_path: Path) -> None:
    failure: Result = {"ok": False, "text": "no answer", "refused": False}
    worker, clock = Worker([failure]), Clock(20260109, 19)
    cycle = cycle_of(tmp_path, worker, clock, KeptNightly(close_day=20260108, open_day=20260109))
    cycle.look()
    cycle.look()
    assert len(worker.did) == 1
    assert steps(list(cycle.poll())) == [StepFailed(Step.CLOSE, 20260109, clock.at_ns, "no answer", refused=False)]
    clock.set(20260109, 19, 5)
    cycle.look()
    assert len(worker.did) == 2


def test_a_close_may_have_found_an_earlier_session(tmp_path: Path) -> None:
    worker, clock = Worker([{"ok": True, "day": 20260113, "text": "", "refused": False}]), Clock(20260116, 9)
    cycle = cycle_of(tmp_path, worker, clock, KeptNightly())
    cycle.look()
    assert worker.did == [Due(Step.CLOSE, 20260115)]
    (report,) = steps(list(cycle.poll()))
    assert isinstance(report, StepDone)
    assert report.day == 20260113


def test_the_core_and_the_cycle_agree_after_every_look(tmp_path: Path) -> None:
    worker, clock = Worker([{"ok": False, "text": "x", "refused": True}]), Clock(20260109, 19)
    cycle = cycle_of(tmp_path, worker, clock, KeptNightly(close_day=20260108, open_day=20260109))
    core = NightlyCore(ScreenerCore(("limit_up",)), [])
    core.restore((), {"nightly": cycle._kept})
    for hour in (19, 20, 22, 23):
        clock.set(20260109, hour)
        cycle.look()
        for message in cycle.poll():
            core.on_message(message, LOCAL, clock.at_ns)
        assert core._kept == cycle._kept
    assert core._kept.close_day == 20260109


def test_the_scheduler_looks_by_itself(tmp_path: Path) -> None:
    worker, clock = Worker([]), Clock(20260109, 19)
    cycle = cycle_of(tmp_path, worker, clock, KeptNightly())
    cycle.perform(StartCycle(KeptNightly(close_day=20260108, open_day=20260109)))
    found: list[Message] = []
    while not steps(found):  # the test's timeout ends it
        found += cycle.poll()
    cycle.close()
    assert worker.did == [Due(Step.CLOSE, 20260109)]


@pytest.mark.parametrize("out", [b"", b"nonsense", b'{"ok": true}', b"[1]", b'"x"'])
def test_a_child_that_died_is_a_failure(out: bytes) -> None:
    found = result_of(out, -9)
    assert found == {"ok": False, "text": "the process ended with code -9 and no result; see the log", "refused": False}


def test_the_last_line_is_the_result() -> None:
    assert result_of('noise\n{"ok": true, "text": "三", "day": 5, "note": ""}\n'.encode(), 0)["day"] == 5


def config(tmp_path: Path) -> Path:
    made = Config(
        system=System(run_dir=str(tmp_path), keys_dir=str(tmp_path / "keys")),
        nightly=Nightly(enabled=True, pre_open="carried", dir=str(history(tmp_path / "history"))),
    )
    path = tmp_path / "config.toml"
    path.write_text(dump_toml(made), "utf-8")
    return path


def test_a_step_says_what_is_missing(tmp_path: Path) -> None:
    from common.runtime.config import load_config

    found = run_job(load_config(config(tmp_path)), Step.OPEN, 20260109)
    assert found == {
        "ok": False,
        "text": "the history has no trades of 20260108; the step after its close comes first",
        "refused": True,
    }


@pytest.mark.process
def test_a_real_child_answers(tmp_path: Path) -> None:
    found = Child(config(tmp_path)).do(Due(Step.OPEN, 20260109))
    assert not found["ok"]
    assert "no trades of 20260108" in found["text"]


@pytest.mark.process
def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.screener.nightly_job", "--config", str(config(tmp_path))]
    command += ["--step", "open", "--day", "20260109"]
    slow = "import sys, services.screener.nightly_job as job, time; job.run = lambda *_: time.sleep(60); sys.exit(job.main())"
    child = subprocess.Popen([sys.executable, "-c", slow, *command[3:]], stdin=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=30) == 1


@pytest.mark.process
def test_a_stopped_worker_lets_no_child_live(tmp_path: Path) -> None:
    child = Child(config(tmp_path))
    child.stop()
    assert not child.do(Due(Step.OPEN, 20260109))["ok"]
