"""Silence, crash loops and given-up services, on a clock that the test moves."""

from collections.abc import Sequence

import pytest

from common.messages.control import ServiceTrouble
from common.messages.outputs import LOCAL, Effect, Output, Request
from services.watchdog.calls import Killed, KillHung, ProcessChanged, ProcessState, ProcessTable, ReadTable
from services.watchdog.core import RISK, SECOND_NS, WatchdogCore

NAMES = ("market_data", "signal_engine", RISK)
T0 = 1_800_000_000 * SECOND_NS


class Desk:
    """A core and its clock."""

    def __init__(self) -> None:
        self.core = WatchdogCore(NAMES)
        self.now = T0
        self.take(self.core.on_start(T0))
        self.core.on_message(table(), LOCAL, T0)
        for name in NAMES:
            self.take(self.core.on_peer(name, True, T0))

    def take(self, outputs: Sequence[Output]) -> list[Output]:
        self.last = list(outputs)
        return self.last

    def at(self, seconds: float) -> list[Output]:
        """Go to a time, doing everything that is due on the way."""
        end, done = T0 + round(seconds * SECOND_NS), []
        while (due := self.core.next_deadline_ns()) is not None and due <= end:
            self.now = due
            done += self.core.on_deadline(due)
        self.now = end
        return self.take(done)

    def changed(self, name: str, state: str, before: str) -> list[Output]:
        return self.take(self.core.on_message(ProcessChanged(name, state, before), LOCAL, self.now))


def table(state: str = "RUNNING", started_s: int = 100, name: str = "signal_engine") -> ProcessTable:
    return ProcessTable((ProcessState(name, state, started_s), ProcessState("nobody", "FATAL", 1)))


def kills(outputs: Sequence[Output]) -> list[str]:
    calls = [output.call for output in outputs if isinstance(output, Effect)]
    return [call.service for call in calls if isinstance(call, KillHung)]


def told(outputs: Sequence[Output]) -> list[dict[str, str]]:
    return [
        output.message.causes
        for output in outputs
        if isinstance(output, Request) and isinstance(output.message, ServiceTrouble)
    ]


def test_silence_of_eight_seconds_kills_and_the_next_process_has_ten() -> None:
    desk = Desk()
    assert kills(desk.at(30)) == [], "everybody is heard"
    desk.core.on_peer("market_data", False, desk.now)  # after 3 s
    assert kills(desk.at(34.9)) == []
    assert kills(desk.at(35)) == ["market_data"]
    desk.core.on_message(Killed("market_data", 77), LOCAL, desk.now)
    assert desk.core.status()[2]["kills"] == 1
    assert kills(desk.at(44.9)) == [], "it is starting"
    assert kills(desk.at(45)) == ["market_data"]
    desk.core.on_message(Killed("market_data", 0), LOCAL, desk.now)
    assert desk.core.status()[2]["kills"] == 1, "nobody held the lock, so nobody hung"
    desk.core.on_peer("market_data", True, desk.now)
    assert kills(desk.at(200)) == []


def test_a_beat_in_time_spares_it() -> None:
    desk = Desk()
    desk.core.on_peer("signal_engine", False, desk.now)
    desk.at(4)
    desk.core.on_peer("signal_engine", True, desk.now)
    assert kills(desk.at(60)) == []


def test_the_time_in_which_the_watchdog_itself_stood_still_does_not_count() -> None:
    desk = Desk()
    desk.core.on_peer("signal_engine", False, T0)
    late = T0 + 20 * SECOND_NS
    assert kills(desk.core.on_deadline(late)) == []
    desk.core.on_peer("signal_engine", True, late + SECOND_NS)
    desk.now = late
    assert kills(desk.at(60)) == []


def test_six_restarts_within_a_minute_are_a_cause_that_ends_by_itself() -> None:
    desk = Desk()
    for second in range(5):
        desk.at(second)
        assert told(desk.changed("signal_engine", "STARTING", "EXITED")) == []
    assert told(desk.changed("signal_engine", "STARTING", "BACKOFF")) == [
        {"signal_engine": "signal_engine was restarted more than 5 times within a minute"}
    ]
    assert told(desk.changed("signal_engine", "RUNNING", "STARTING")) == [], "told once"
    assert told(desk.at(59.9)) == []
    assert told(desk.at(60.1)) == [{}]


def test_a_first_start_is_no_restart() -> None:
    desk = Desk()
    for _ in range(8):
        assert told(desk.changed("signal_engine", "STARTING", "STOPPED")) == []


@pytest.mark.parametrize("state", ["FATAL", "UNKNOWN"])
def test_a_service_given_up_is_a_cause_until_it_is_back(state: str) -> None:
    desk = Desk()
    (causes,) = told(desk.changed("signal_engine", state, "BACKOFF"))
    assert list(causes) == ["signal_engine"]
    assert state in causes["signal_engine"]
    assert told(desk.changed("signal_engine", "STARTING", state)) == [{}]


def test_dropped_events_are_found_by_asking() -> None:
    desk = Desk()
    asked = [output.call for output in desk.at(5) if isinstance(output, Effect)]
    assert asked == [ReadTable()]
    assert told(desk.core.on_message(table("FATAL"), LOCAL, desk.now)) == [
        {"signal_engine": "signal_engine is FATAL: supervisord has given it up"}
    ]
    for number in range(6):
        desk.at(10 + 10 * number / 1.5)
        found = told(desk.core.on_message(table("RUNNING", 101 + number), LOCAL, desk.now))
    assert found == [{}] or found == [], "at most one restart is seen in ten seconds: no crash loop by polling alone"


def test_risk_that_comes_back_is_told_again() -> None:
    desk = Desk()
    desk.changed("signal_engine", "FATAL", "BACKOFF")
    desk.core.on_peer(RISK, False, desk.now)
    assert told(desk.core.on_peer(RISK, True, desk.now)) == [
        {"signal_engine": "signal_engine is FATAL: supervisord has given it up"}
    ]


def test_a_start_that_is_told_when_the_service_is_heard_already_kills_nobody() -> None:
    desk = Desk()
    desk.at(5)
    desk.changed("market_data", "STARTING", "STOPPED")  # supervisord tells of it once it holds us for running
    assert kills(desk.at(60)) == []


def test_a_restart_too_quick_to_be_a_silence_kills_nobody() -> None:
    desk = Desk()
    desk.at(5)
    desk.changed("market_data", "STARTING", "EXITED")
    assert kills(desk.at(60)) == []


def test_a_restart_that_is_not_heard_has_ten_seconds_from_its_start() -> None:
    desk = Desk()
    desk.at(5)
    desk.changed("market_data", "STARTING", "EXITED")
    desk.at(8)
    desk.core.on_peer("market_data", False, desk.now)
    assert kills(desk.at(14.9)) == []
    assert kills(desk.at(15)) == ["market_data"]
