"""The duty of reliability.md §7 under the runner: its states, its events and the watchdog's core on one virtual clock."""

from collections.abc import Callable, Sequence

from common.messages.control import ServiceTrouble
from common.messages.outputs import LOCAL, Output, Request
from deploy.windows.runner.conf import read_conf
from deploy.windows.runner.listener import Listener
from deploy.windows.runner.program import Do, State, Supervised
from services.watchdog.adapters.supervisord import EventParser
from services.watchdog.core import WatchdogCore
from tests.conftest import CHECKOUT

NAME = "order_gateway"
STEP_S = 0.25
ENVIRON = {"PANKOU_WORKERS": "0", "PANKOU_PYTHON": "python", "PANKOU_RUN": "/run", "PANKOU_CONFIG": "/run/config.toml"}


class World:
    """One service of the shipped supervisord.conf that lives for so long each time, and what risk is told of it."""

    def __init__(self, lives_s: Callable[[int], float]) -> None:
        conf = read_conf((CHECKOUT / "supervisord.conf").read_text(encoding="utf-8"), ENVIRON, "/")
        programs = {program.name: program for program in conf.programs}
        self.each = Supervised(programs[NAME])
        self.listener = Listener("watchdog", programs["watchdog"].events, programs["watchdog"].buffer_size)
        self.listener.said(b"READY\n")
        self.parser, self.core = EventParser(), WatchdogCore([NAME])
        self.core.on_start(0)
        self.told: list[tuple[float, dict[str, str]]] = []
        self.starts = 0
        self._lives_s, self._dies_at = lives_s, 0.0

    def run(self, seconds: float) -> None:
        now = 0.0
        while now < seconds:
            self._step(now)
            now += STEP_S

    def _step(self, now: float) -> None:
        now_ns = int(now * 1e9)
        if self.each.pid and now >= self._dies_at:
            self.each.exited(1, now)
        if self.each.tick(now) is Do.START:
            self._dies_at = now + self._lives_s(self.starts)
            self.starts += 1
            self.each.starting(now, int(now))
            self.each.started(self.starts, now)
        for change in self.each.changes():
            self.listener.put(change)
        while (event := self.listener.take()) is not None:
            (heard,) = self.parser.feed(event)
            assert heard is not None
            self._note(now, self.core.on_message(heard, LOCAL, now_ns))
            self.listener.said(b"RESULT 2\nOKREADY\n")
        due = self.core.next_deadline_ns()
        if due is not None and due <= now_ns:
            self._note(now, self.core.on_deadline(now_ns))

    def _note(self, now: float, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Request) and isinstance(output.message, ServiceTrouble):
                self.told.append((now, dict(output.message.causes)))


def test_a_service_that_stays_up_is_no_trouble() -> None:
    world = World(lambda _start: 1000)
    world.run(120)
    assert world.starts == 1
    assert [causes for _, causes in world.told if causes] == []


def test_one_death_is_no_trouble() -> None:
    world = World(lambda start: 30 if start == 0 else 1000)
    world.run(120)
    assert (world.starts, world.each.restarts) == (2, 1)
    assert [causes for _, causes in world.told if causes] == []


def test_more_than_five_restarts_a_minute_are_told_and_taken_back_when_it_stays_up() -> None:
    world = World(lambda start: 6 if start < 8 else 1000)
    world.run(200)
    (began, causes), (ended, none) = [(at, causes) for at, causes in world.told if causes or at > 10]
    assert "more than 5 times within a minute" in causes[NAME]
    assert began == 6 * (6 + 1), "each life of 6 s and the wait of 1 s; the sixth restart is one too many"
    assert none == {}
    assert ended > began
    assert world.each.state is State.RUNNING


def test_a_service_that_cannot_be_kept_up_is_told_twice_as_a_loop_and_as_given_up() -> None:
    world = World(lambda _start: 0.5)
    world.run(400)
    assert world.each.state is State.FATAL
    assert world.starts == 21
    causes = [causes[NAME] for _, causes in world.told if NAME in causes]
    assert "more than 5 times" in causes[0]
    assert "FATAL" in causes[-1]
    assert world.told[-1][1], "it stays told"
