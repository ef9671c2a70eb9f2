"""The process that runs jobs: messages over its pipe, its death, its own faults."""

import os
import signal
import sys
import time

import pytest

from common.messages.outputs import Message
from services.backtest_worker.adapters.process import Process
from services.backtest_worker.calls import FRAME_BYTES_MAX, Frames, RunTask, StopTask, TaskMoved, TaskRan, frame_of
from services.backtest_worker.child import run_one
from tests.farm.toy import encoded, files_of_toy, run_toy, toy

TOY = (sys.executable, "-m", "tests.farm.toy")


def test_messages_are_cut_out_of_the_pipe_wherever_it_is_cut() -> None:
    raw = frame_of(RunTask("a", b"12")) + frame_of(RunTask("b", b""))
    for cut in range(len(raw)):
        frames = Frames()
        assert len([*frames.feed(raw[:cut]), *frames.feed(raw[cut:])]) == 2
    with pytest.raises(ValueError, match="on the pipe"):
        Frames().feed((FRAME_BYTES_MAX + 1).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("kills", "fault"), [(0, ""), (2, "this toy is refused"), (3, "ZeroDivisionError: this toy is broken")]
)
def test_a_fault_of_a_job_is_told_and_stops_nothing(kills: int, fault: str) -> None:
    moved: list[TaskMoved] = []
    ran = run_one(run_toy, RunTask("k", encoded(toy(1, kills=kills))), moved.append)
    assert (ran.key, ran.fault, ran.died) == ("k", fault, False)
    assert ran.files == ({} if fault else files_of_toy(toy(1)))
    assert [(one.done, one.total) for one in moved] == ([] if fault else [(4, 4)])


def until_it_ran(process: Process) -> TaskRan:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for message in process.poll():
            if isinstance(message, TaskRan):
                return message
        time.sleep(0.005)
    raise AssertionError("it never ran")


def test_the_process_stays_from_job_to_job_and_a_new_one_follows_a_death() -> None:
    process = Process(TOY)
    assert process.poll() == []
    assert process.fileno() is None
    try:
        for number in (1, 2):
            process.perform(RunTask(f"k{number}", encoded(toy(number))))
            assert until_it_ran(process).files == files_of_toy(toy(number))
        assert process.starts == 1
        process.perform(RunTask("bad", encoded(toy(3, kills=1))))
        ran = until_it_ran(process)
        assert (ran.key, ran.died) == ("bad", True)
        assert "code -9" in ran.fault
        process.perform(RunTask("slow", encoded(toy(4, ms=60_000))))
        (stopped,) = process.perform(StopTask("slow"))
        assert isinstance(stopped, TaskRan)
        assert (stopped.key, stopped.died) == ("slow", True)
        process.perform(RunTask("k5", encoded(toy(5))))
        assert until_it_ran(process).files == files_of_toy(toy(5))
        assert process.starts == 3
    finally:
        process.close()


def test_a_process_that_dies_idle_is_noticed_and_replaced() -> None:
    process = Process(TOY)
    try:
        process.perform(RunTask("k1", encoded(toy(1))))
        until_it_ran(process)
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGKILL)
        process._process.wait()
        said: list[Message] = list(process.perform(RunTask("k2", encoded(toy(2)))))
        assert said == []
        assert until_it_ran(process).files == files_of_toy(toy(2))
    finally:
        process.close()


def test_the_process_ends_with_its_worker_in_the_middle_of_a_job() -> None:
    process = Process(TOY)
    process.perform(RunTask("slow", encoded(toy(1, ms=60_000))))
    child = process._process
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(20) == 0
    process.close()


def test_what_cannot_be_started_is_a_death_of_the_job() -> None:
    (ran,) = Process(("/nowhere/python",)).perform(RunTask("k", b""))
    assert isinstance(ran, TaskRan)
    assert ran.died
    assert "no process" in ran.fault
