"""The life of one supervised process, second by second: states, back-off, giving up, stopping."""

import pytest

from deploy.windows.runner.conf import Program, read_conf
from deploy.windows.runner.program import BACKOFF_MAX_S, Do, State, Supervised


def program(**values: object) -> Program:
    lines = "\n".join(f"{name}={value}" for name, value in {"startsecs": 5, "startretries": 3, **values}.items())
    (made,) = read_conf(f"[program:a]\ncommand=go\n{lines}\n", {}, "/").programs
    return made


def up(each: Supervised, now: float, pid: int = 7) -> None:
    assert each.tick(now) is Do.START
    each.starting(now, int(now))
    each.started(pid, now)


def states(each: Supervised) -> list[str]:
    return [str(change.state) for change in each.changes()]


def test_a_start_that_lasts_is_running() -> None:
    each = Supervised(program())
    up(each, 100)
    assert (each.state, each.pid, each.due()) == (State.STARTING, 7, 105)
    assert each.tick(104.9) is None
    each.tick(105)
    assert each.state is State.RUNNING
    assert each.due() is None
    assert [change.facts for change in each.changes()] == ["tries:0", "pid:7"]
    assert each.restarts == 0


def test_startsecs_of_zero_is_running_at_once() -> None:
    each = Supervised(program(startsecs=0))
    up(each, 100)
    assert each.state is State.RUNNING


def test_a_running_one_that_ends_is_back_after_a_second() -> None:
    each = Supervised(program(autorestart="true"))
    up(each, 100)
    each.tick(105)
    each.exited(-9, 200)
    assert (each.state, each.note) == (State.EXITED, "exit code -9")
    assert each.tick(200.9) is None
    assert each.due() == 201
    up(each, 201)
    assert each.restarts == 1
    assert states(each) == ["STARTING", "RUNNING", "EXITED", "STARTING"]


def test_quick_ends_wait_longer_each_time_and_are_given_up() -> None:
    each = Supervised(program(autorestart="true"))
    now, waits = 100.0, []
    for _ in range(3):
        up(each, now)
        each.exited(1, now + 1)
        assert each.state is State.BACKOFF
        due = each.due()
        assert due is not None
        waits.append(due - now - 1)
        now = due
    assert waits == [1, 2, 3]
    up(each, now)
    each.exited(1, now + 1)
    assert each.state is State.FATAL
    assert each.done
    assert each.due() is None
    assert each.tick(now + 1000) is None
    assert states(each) == [*["STARTING", "BACKOFF"] * 4, "FATAL"]
    assert "code 1" in each.note


def test_the_wait_has_an_end_and_a_lasting_start_forgets_the_tries() -> None:
    each = Supervised(program(autorestart="true", startretries=100))
    now = 0.0
    for _ in range(40):
        up(each, now)
        each.exited(1, now)
        due = each.due()
        assert due is not None
        wait, now = due - now, due
    assert wait == BACKOFF_MAX_S
    up(each, now)
    each.tick(now + 5)
    each.exited(1, now + 6)
    assert each.due() == now + 7


def test_an_end_seen_late_counts_as_having_lasted() -> None:
    each = Supervised(program(autorestart="true"))
    up(each, 100)
    each.exited(0, 106)  # the loop was busy: nobody ticked in between
    assert states(each) == ["STARTING", "RUNNING", "EXITED"]


@pytest.mark.parametrize(
    ("autorestart", "code", "again"),
    [("true", 0, True), ("true", 1, True), ("false", 0, False), ("false", 1, False), ("unexpected", 0, False), ("unexpected", 1, True)],
)  # fmt: skip
def test_who_is_started_again(autorestart: str, code: int, again: bool) -> None:
    each = Supervised(program(autorestart=autorestart))
    up(each, 0)
    each.tick(5)
    each.exited(code, 10)
    assert (each.tick(11) is Do.START) is again
    assert each.done is not again


def test_no_process_at_all_is_a_quick_end() -> None:
    each = Supervised(program())
    assert each.tick(0) is Do.START
    each.starting(0, 0)
    each.not_started("cannot be started: no such file", 0)
    assert (each.state, each.pid, each.due()) == (State.BACKOFF, 0, 1)
    assert "no such file" in each.note


def test_stopping_asks_first_and_kills_who_does_not_listen() -> None:
    each = Supervised(program(stopwaitsecs=10, autorestart="true"))
    up(each, 0)
    assert each.stop(1) is Do.ASK
    assert each.stop(1) is None, "asked already"
    assert each.tick(10.9) is None
    assert each.tick(11) is Do.KILL
    assert each.tick(12) is None
    assert each.tick(13) is Do.KILL, "until it is gone"
    each.exited(-9, 13.1)
    assert (each.state, each.done) == (State.STOPPED, True)
    assert each.tick(100) is None, "it is not started again"


def test_stopping_what_waits_for_its_next_start() -> None:
    each = Supervised(program())
    up(each, 0)
    each.exited(1, 1)
    assert each.stop(1) is None
    assert (each.state, each.done) == (State.STOPPED, True)
    never = Supervised(program(autostart="false"))
    assert never.tick(0) is None
    assert never.done
