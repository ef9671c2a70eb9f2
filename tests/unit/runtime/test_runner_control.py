"""Asking and telling the runner through its folder; the pipe a service is stopped by; supervisord that is not there."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.runtime.lock import CopyLock
from common.runtime.pipes import ENDED, Pipe
from common.runtime.run import STOP_BY, STOP_WORD, StopFlag
from common.runtime.runner_control import STATE, ProcessRow, RunnerControl
from common.runtime.unix_supervisor import UnixSupervisor

ROWS = [
    ProcessRow("order_gateway", "RUNNING", 12, 100, 130, "", 2),
    ProcessRow("watchdog", "FATAL", 0, 90, 130, "码 1"),
]


@pytest.fixture
def control(tmp_path: Path) -> RunnerControl:
    made = RunnerControl(tmp_path / "盘口 runs" / "1", sleep=lambda _s: None)
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Whoever listens to the signals here must not go on doing so."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_table_is_there_while_somebody_holds_the_lock(control: RunnerControl) -> None:
    assert control.table() is None
    assert control.write(ROWS)
    assert not control.is_up()
    assert control.table() is None, "whoever wrote it is gone"
    lock = CopyLock(control.lock_path)
    assert lock.take()
    assert control.is_up()
    assert control.table() == ROWS
    assert (control.folder / STATE).stat().st_mode & 0o077 == 0
    (control.folder / STATE).write_text('{"processes": [{"na', encoding="utf-8")
    assert control.table() is None, "damaged: no answer rather than a wrong one"
    lock.release()


def test_stop_is_asked_stays_and_is_taken_back(control: RunnerControl) -> None:
    assert not control.stop_asked()
    assert control.ask_stop()
    assert control.ask_stop()
    assert control.stop_asked()
    control.write(ROWS)
    control.clear()
    control.clear()
    assert not control.stop_asked()
    lock = control.take_lock()
    assert control.table() is None, "who was FATAL before says nothing of who comes now"
    lock.release()


def test_nobody_to_ask_where_no_runner_ever_was(tmp_path: Path) -> None:
    assert not RunnerControl(tmp_path).ask_stop()
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_cannot_be_replaced_is_told(control: RunnerControl) -> None:
    (control.folder / STATE).mkdir()
    assert not control.write(ROWS)


def test_a_pipe_says_what_it_has_and_when_it_ends() -> None:
    reading, writing = os.pipe()
    pipe = Pipe(reading)
    assert pipe.read() is None
    os.write(writing, b"abc")
    assert pipe.read() == b"abc"
    assert pipe.read() is None
    os.close(writing)
    assert pipe.read() == ENDED
    os.close(reading)
    assert pipe.read() == ENDED, "a pipe that is gone has ended"


@pytest.mark.parametrize("said", [(STOP_WORD,), (b"st", b"op\n"), (b"hello stop\n",), ()])
def test_the_word_or_the_end_of_input_stops_a_service(said: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv(STOP_BY, "stdin")
    flag = StopFlag(reading)
    flag.install()
    assert STOP_BY not in os.environ, "children are not meant"
    os.write(writing, b"go on\nstop")
    assert not flag.is_set()
    os.write(writing, b" not\n")
    assert not flag.is_set()
    for part in said:
        assert not flag.is_set()
        os.write(writing, part)
    if not said:
        os.close(writing)
    assert flag.is_set()
    os.close(reading)
    if said:
        os.close(writing)


def test_standard_input_means_nothing_unless_agreed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STOP_BY, raising=False)
    reading, writing = os.pipe()
    flag = StopFlag(reading)
    flag.install()
    os.write(writing, STOP_WORD)
    os.close(writing)
    assert not flag.is_set()
    os.close(reading)


def test_no_supervisord_no_table(tmp_path: Path) -> None:
    nobody = UnixSupervisor(str(tmp_path / "no.sock"), 1.0)
    assert nobody.table() is None
    nobody.shutdown()
