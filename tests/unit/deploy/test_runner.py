"""The runner with real child processes: starts, kills, stops by a word, events, giving up, orphans, one at a time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.runtime.runner_control import RunnerControl
from deploy.windows.runner.child import environment_of, kill_command
from deploy.windows.runner.conf import read_conf
from deploy.windows.runner.loop import EXIT_GAVE_UP, EXIT_HELD, EXIT_INPUT, EXIT_OK
from deploy.windows.runner.program import State
from tests.conftest import CHECKOUT
from tests.unit.deploy.children import (
    HOLDS,
    LISTENER,
    OBEDIENT,
    STUBBORN,
    finish,
    gone,
    log_of,
    make_runner,
    program,
    supervisord_section,
    until,
)

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="what became of processes is read in /proc"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "我的 盘口" / "runs" / "1"
    made.mkdir(parents=True)
    return made


def said(folder: Path, name: str) -> str:
    try:
        return (folder / f"{name}.log").read_text("utf-8")
    except OSError:
        return ""


def test_a_killed_child_comes_back_and_a_word_ends_it(folder: Path) -> None:
    runner = make_runner(folder, program(folder, "a", OBEDIENT))
    each = runner.supervised["a"]
    until(runner, lambda: "up" in said(folder, "a"))
    first = each.pid
    assert "Asia/Shanghai stdin" in said(folder, "a")
    os.kill(first, signal.SIGKILL)
    until(runner, lambda: each.state is State.EXITED)
    assert each.note == "exit code -9"
    until(runner, lambda: said(folder, "a").count("up") == 2)
    assert (each.state, each.restarts, each.pid != first) == (State.RUNNING, 1, True)
    assert finish(runner) == EXIT_OK
    assert "word 'stop\\n'" in said(folder, "a")
    assert each.state is State.STOPPED


def test_who_does_not_listen_is_killed_with_all_it_started(folder: Path) -> None:
    runner = make_runner(folder, program(folder, "a", STUBBORN, stopwaitsecs=0.2))
    until(runner, lambda: "up" in said(folder, "a"))
    grandchild = int(said(folder, "a").split()[1])
    child = runner.supervised["a"].pid
    assert finish(runner) == EXIT_OK
    wait(lambda: gone(child) and gone(grandchild))
    assert "a: does not end, killed" in log_of(runner)


def test_what_a_dead_child_leaves_behind_is_killed(folder: Path) -> None:
    runner = make_runner(folder, program(folder, "a", STUBBORN))
    until(runner, lambda: "up" in said(folder, "a"))
    os.kill(runner.supervised["a"].pid, signal.SIGKILL)
    until(runner, lambda: runner.supervised["a"].state is State.EXITED)
    grandchild = int(said(folder, "a").split()[1])
    until(runner, lambda: gone(grandchild))
    finish(runner)


def test_a_listener_hears_every_change(folder: Path) -> None:
    runner = make_runner(
        folder,
        program(folder, "listener", LISTENER, "eventlistener", events="PROCESS_STATE", priority=1),
        program(folder, "a", "raise SystemExit(3)", startsecs=5, startretries=1, priority=2),
        program(folder, "b", OBEDIENT),
    )
    until(runner, lambda: "PROCESS_STATE_FATAL" in said(folder, "listener"))
    finish(runner)
    heard = [line.split() for line in said(folder, "listener").splitlines()]
    assert [(line[0].removeprefix("PROCESS_STATE_"), line[3]) for line in heard if line[1] == "processname:a"] == [
        ("STARTING", "from_state:STOPPED"), ("BACKOFF", "from_state:STARTING"),
        ("STARTING", "from_state:BACKOFF"), ("BACKOFF", "from_state:STARTING"), ("FATAL", "from_state:BACKOFF"),
    ]  # fmt: skip


def test_the_runner_gives_up_when_nothing_is_left_to_keep_up(folder: Path) -> None:
    runner = make_runner(
        folder,
        program(folder, "listener", LISTENER, "eventlistener", events="PROCESS_STATE"),
        program(folder, "a", "raise SystemExit(3)", startsecs=5, startretries=0),
        program(folder, "b", "", command=f"{folder.name}/no-such-program", startsecs=5, startretries=0),
    )
    assert runner.run() == EXIT_GAVE_UP
    assert "b: STARTING -> BACKOFF tries:1 (cannot be started:" in log_of(runner)
    assert "nothing is left to keep up; given up: a, b" in log_of(runner)
    assert runner.supervised["listener"].state is State.STOPPED


def test_a_listener_that_breaks_the_protocol_is_started_anew(folder: Path) -> None:
    runner = make_runner(
        folder,
        program(folder, "a", OBEDIENT),
        program(folder, "listener", "print('hello', flush=True); input()", "eventlistener", events="PROCESS_STATE"),
    )
    until(runner, lambda: runner.supervised["listener"].state is State.EXITED)
    assert "listener: breaks the event protocol, killed: unexpected: b'hello'" in log_of(runner)
    until(runner, lambda: runner.supervised["listener"].restarts == 1)
    finish(runner)


def test_who_ends_as_it_should_is_left_alone(folder: Path) -> None:
    runner = make_runner(folder, program(folder, "a", "print('done')", autorestart="unexpected"))
    assert runner.run() == EXIT_OK
    assert runner.supervised["a"].state is State.EXITED


def test_a_runner_that_fails_says_so_before_it_ends(folder: Path) -> None:
    runner = make_runner(folder, program(folder, "a", OBEDIENT, autostart="false"))
    runner.supervised["a"].pid = 1  # our own books do not add up: it is to be asked to end, and is not there
    runner.control.ask_stop()
    with pytest.raises(KeyError):
        runner.run()
    assert "runner fails: KeyError('a')" in log_of(runner)


def test_the_table_tells_of_everybody(folder: Path) -> None:
    runner = make_runner(folder, program(folder, "a", OBEDIENT))
    lock = runner.control.take_lock()
    until(runner, lambda: "up" in said(folder, "a"))
    (row,) = runner.control.table() or []
    assert (row.name, row.statename, row.pid, row.restarts) == ("a", "RUNNING", runner.supervised["a"].pid, 0)
    finish(runner)
    lock.release()


# ------------------------------------------------------------------ as a process of its own


class Started:
    """Runners started on one folder, with nothing but the standard library (-S: no installed package is found)."""

    def __init__(self, folder: Path, conf: Path) -> None:
        self.folder, self.conf = folder, conf
        self.made: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str) -> "subprocess.Popen[str]":
        where = arguments or ("--run", str(self.folder))
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-m", "deploy.windows.runner", *where, "--conf", str(self.conf)],
            cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.made.append(process)
        return process


def wait(condition: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]  # a lambda
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def start(folder: Path) -> Iterator[Started]:
    (folder / "config.toml").touch()
    conf = folder / "supervisord.conf"
    conf.write_text(supervisord_section(folder) + program(folder, "a", OBEDIENT, stopwaitsecs=1), encoding="utf-8")
    made = Started(folder, conf)
    yield made
    for process in made.made:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_one_runner_a_run_stopped_by_a_file_and_down_until_a_person_wants_it_up(folder: Path, start: Started) -> None:
    control = RunnerControl(folder)
    first = start("--home", str(folder.parent.parent))
    wait(lambda: "up" in said(folder, "a"))
    second = start()
    assert second.wait(10) == EXIT_HELD
    assert f"runs already (process {first.pid})" in second.communicate()[0]
    control.ask_stop()
    assert first.wait(10) == EXIT_OK
    assert "word 'stop\\n'" in said(folder, "a")
    third = start()
    assert third.wait(10) == EXIT_OK
    assert "stopped by a person" in third.communicate()[0]
    control.clear()
    fourth = start()
    wait(lambda: said(folder, "a").count("up") == 2)
    fourth.send_signal(signal.SIGTERM)
    assert fourth.wait(10) == EXIT_OK
    assert said(folder, "a").count("word") == 2


def test_bad_input_is_one_line(folder: Path, start: Started) -> None:
    start.conf.write_text("[program:a]\n", encoding="utf-8")
    broken, nowhere = start(), start("--home", str(folder))
    for process, words in ((broken, "[program:a] no command"), (nowhere, "no run in")):
        assert process.wait(10) == EXIT_INPUT
        told = process.communicate()[0]
        assert words in told
        assert len(told.splitlines()) == 1


def test_children_end_with_a_runner_that_was_killed(folder: Path, start: Started) -> None:
    process = start()
    wait(lambda: "up" in said(folder, "a"))
    child = int(said(folder, "a").split()[1])
    process.kill()
    process.wait()
    wait(lambda: gone(child))
    assert not RunnerControl(folder).is_up()


def test_what_holds_a_lock_of_the_run_and_does_not_end_is_killed_by_the_next_runner(
    folder: Path, start: Started
) -> None:
    lock = folder / "locks" / "a.lock"
    orphan = subprocess.Popen([sys.executable, "-c", HOLDS, str(lock)], stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    assert orphan.stdout is not None
    assert orphan.stdout.readline() == "held\n"
    start()
    assert orphan.wait(10) == -signal.SIGKILL
    orphan.stdout.close()
    wait(lambda: "up" in said(folder, "a"))
    assert f"a: process {orphan.pid} of another runner, killed" in said(folder, "supervisord")


def test_a_supervisord_and_a_runner_do_not_act_on_one_run(
    folder: Path, start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = folder / "theirs.conf"
    theirs.write_text(
        f"[unix_http_server]\nfile={folder}/s.sock\n[supervisord]\nnodaemon=true\nlogfile={folder}/theirs.log\n"
        f"pidfile={folder}/theirs.pid\n[rpcinterface:lock]\n"
        "supervisor.rpcinterface_factory=common.runtime.supervised:take_lock\n" + program(folder, "b", OBEDIENT),
        encoding="utf-8",
    )
    monkeypatch.setenv("PANKOU_RUN", str(folder))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(theirs)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as supervisord:
        try:
            wait(lambda: "up" in said(folder, "b"))
            ours = start()
            assert ours.wait(10) == EXIT_HELD
            assert f"process {supervisord.pid}" in ours.communicate()[0]
        finally:
            supervisord.kill()
            supervisord.communicate()
    start()
    wait(lambda: "up" in said(folder, "a"))
    second = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 2
    assert "runs already" in second.stderr
    assert said(folder, "b").count("up") == 1


# ------------------------------------------------------------------ what Windows needs


def test_what_is_built_for_windows() -> None:
    assert kill_command(12) == ["taskkill", "/F", "/T", "/PID", "12"]
    conf = read_conf(
        '[supervisord]\nenvironment=TZ="Asia/Shanghai"\n[program:a]\ncommand=go\n'
        "[eventlistener:b]\ncommand=go\nevents=PROCESS_STATE\n", {}, "/",
    )  # fmt: skip
    service, listener = conf.programs
    there = environment_of(service, {"PATH": "x", "PANKOU_STOP_BY": "y"}, "nt")
    assert there == {"PATH": "x", "TZ": "CST-8", "PYTHONIOENCODING": "utf-8", "PANKOU_STOP_BY": "stdin"}
    assert environment_of(listener, {"PANKOU_STOP_BY": "stdin"}, "posix") == {"TZ": "Asia/Shanghai"}


def test_the_zone_windows_is_told_is_shanghais(folder: Path) -> None:
    """POSIX spells it as the C library of Windows does, so the sign can be tried here."""
    program_text = "import time; print(time.strftime('%H:%M', time.localtime(0)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program_text], env={**os.environ, "TZ": "CST-8"}, capture_output=True, check=True
    )
    assert done.stdout.strip() == b"08:00"
