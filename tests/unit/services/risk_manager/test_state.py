"""The trading state: people's word on disk, causes that machines see and that clear themselves."""

import pytest

from common.domain.orders import PriceKind
from common.domain.reasons import Reason
from common.domain.values import Pace, TradingState
from common.messages.control import Fault, StateRequest, TradingStateChanged
from common.messages.header import Role
from common.messages.orders import OrderInDoubt
from common.messages.outputs import Append, Log, Publish
from common.messages.signals import VerdictStatus
from services.risk_manager.settings import Settings
from services.risk_manager.state import FEED_SILENT, IN_DOUBT, StateDesk
from tests.unit.services.risk_manager.desk import OPERATOR, SETTINGS, A, B, C, Desk


def ask(
    desk: Desk, state: TradingState, why: str = "because", role: Role = Role.OPERATOR
) -> TradingStateChanged | Fault:
    desk.send(StateRequest(state, why), OPERATOR._replace(role=role), token="state")
    answer = desk.replies.pop("state")
    assert isinstance(answer, TradingStateChanged | Fault)
    return answer


def test_the_first_start_is_halted_and_later_the_last_state_holds() -> None:
    desk = Desk(SETTINGS._replace(resume_at_start=False))
    assert desk.core.status()[1] == "halted"
    answer = ask(desk, TradingState.ACTIVE, "morning")
    assert isinstance(answer, TradingStateChanged)
    assert (answer.state, answer.wanted, answer.why) == (TradingState.ACTIVE, TradingState.ACTIVE, "morning")
    desk.restart()
    assert desk.core.status()[1] == "active"


def test_a_paper_run_resumes_itself_at_its_first_start_only() -> None:
    desk = Desk()
    assert desk.core.status()[1] == "active"
    ask(desk, TradingState.HALTED)
    desk.restart()
    assert desk.core.status()[1] == "halted"


@pytest.mark.parametrize(
    ("role", "state", "done"),
    [
        (Role.WEB, TradingState.ACTIVE, True),
        (Role.RISK, TradingState.HALTED, True),
        (Role.RISK, TradingState.ACTIVE, False),
        (Role.SIGNAL, TradingState.HALTED, False),
        (Role.READ_ONLY, TradingState.REDUCING, False),
    ],
)
def test_who_may_change_it(role: Role, state: TradingState, done: bool) -> None:
    desk = Desk(Settings())
    answer = ask(desk, state, role=role)
    assert isinstance(answer, TradingStateChanged) is done


def test_a_change_needs_a_reason() -> None:
    desk = Desk()
    answer = ask(desk, TradingState.HALTED, "  ")
    assert isinstance(answer, Fault)
    assert desk.core.status()[1] == "active"


def test_in_lockstep_a_silent_peer_holds_the_push_instead_of_denying() -> None:
    desk = Desk()
    desk.open_day()
    desk.carry_out(desk.core.on_peer("order_gateway", False, desk.now_ns))
    assert desk.core.status()[1] == "reducing"
    desk.tick("09:30")
    assert desk.signals(desk.signal(A, price=PriceKind.MARKETABLE)) == []
    assert desk.push not in desk.acks
    desk.carry_out(desk.core.on_peer("order_gateway", True, desk.now_ns))
    assert desk.core.status()[1] == "active"
    assert desk.acks[-1] == desk.push
    assert desk.last_order.symbol == A


def test_causes_never_lift_what_a_person_asked_for() -> None:
    desk = StateDesk(resume_at_start=False)
    assert [type(output) for output in desk.cause(FEED_SILENT, "quiet")] == [Append, Publish, Log]
    assert (desk.state, desk.paused) == (TradingState.HALTED, True)
    assert desk.cause(FEED_SILENT, "quiet") == []
    desk.cause(FEED_SILENT, "")
    desk.cause(IN_DOUBT, "one order")
    assert (desk.said().causes, desk.paused) == ({IN_DOUBT: "one order"}, False)


def test_also_when_the_first_push_comes_after_a_restart() -> None:
    desk = Desk()
    desk.open_day()
    desk.tick("09:30")
    desk.carry_out(desk.core.on_peer("order_gateway", False, desk.now_ns))
    acked = list(desk.acks)
    desk.tick("09:31")
    assert desk.acks == acked


def test_in_real_time_a_silent_peer_denies_openings_until_it_is_back() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1000)
    desk.open_day()
    desk.carry_out(desk.core.on_peer("signal_engine", False, desk.now_ns))
    desk.tick("09:30")
    assert desk.enter(A).reason is Reason.STATE_REDUCING
    desk.carry_out(desk.core.on_peer("signal_engine", True, desk.now_ns))
    desk.tick("09:31")
    assert desk.enter(B).status is VerdictStatus.APPROVED


@pytest.mark.parametrize(("speed_milli", "quiet_s"), [(1000, 6.0), (500, 12.0), (60_000, 6.0)])
def test_a_silent_feed_is_a_cause_in_continuous_trading(speed_milli: int, quiet_s: float) -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=speed_milli)
    desk.open_day()
    desk.wait(100)
    assert desk.core.status()[1] == "active", "before the open nothing is expected"
    desk.tick("11:29:57")
    desk.wait(quiet_s - 0.1)
    assert desk.core.status()[1] == "active"
    desk.wait(0.2)
    assert (desk.core.status()[1], desk.core.status()[3]["causes"]) == ("reducing", "no push in continuous trading")
    assert desk.core.next_deadline_ns() is None
    desk.tick("11:30:00")
    assert desk.core.status()[1] == "active"
    desk.wait(100)
    assert desk.core.status()[1] == "active", "lunch is quiet"


def test_late_events_are_a_cause_and_the_push_waits_for_them() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1000)
    desk.open_day()
    desk.match, match = lambda: None, desk.match  # type: ignore[method-assign]
    desk.tick("09:30")
    desk.wait(3.1)
    assert desk.core.status()[3]["causes"] == "the gateway's events are late"
    match()
    assert desk.core.status()[1] == "active"
    assert desk.acks[-1] == desk.push


def test_an_order_in_doubt_stops_openings_but_never_the_player() -> None:
    desk = Desk()
    desk.open_day()
    desk.tick("09:30")
    desk.enter(A)
    desk.write(OrderInDoubt(desk.last_order.coid))
    desk.tick("09:31")
    assert desk.acks[-1] == desk.push
    assert desk.enter(B).reason is Reason.STATE_REDUCING
    desk.fill(desk.last_order)
    desk.tick("09:32")
    assert desk.enter(C).status is VerdictStatus.APPROVED


def test_a_push_in_which_nothing_happens_writes_nothing() -> None:
    desk = Desk()
    desk.open_day()
    desk.tick("09:30")
    commits = desk.disk.commits
    for time in ("09:31", "09:32", "11:30", "14:57", "15:00"):
        desk.tick(time)
    assert desk.disk.commits == commits
    assert desk.acks[-1] == desk.push


def test_a_push_said_again_is_acknowledged_again() -> None:
    desk = Desk()
    desk.open_day()
    desk.tick("09:30")
    acks = len(desk.acks)
    desk.send(desk.frames[-1])
    assert desk.acks[acks:] == [desk.push]


def test_a_service_that_runs_other_code_is_a_cause_until_it_does_not() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1_000)
    desk.open_day()
    desk.tick("09:30")
    desk.carry_out(desk.core.on_version("order_gateway", False, desk.now_ns))
    assert desk.enter(A).reason is Reason.STATE_REDUCING
    assert "order_gateway runs other code" in desk.core.status()[3]["causes"]
    desk.carry_out(desk.core.on_version("order_gateway", True, desk.now_ns))
    assert desk.core.status()[1] == "active"


def test_the_gateways_full_disk_is_a_cause_until_it_has_room() -> None:
    desk = Desk(pace=Pace.REAL_TIME, speed_milli=1_000)
    desk.open_day()
    desk.tick("09:30")
    desk.carry_out(desk.core.on_peer_disk("order_gateway", True, desk.now_ns))
    assert desk.enter(A).reason is Reason.STATE_REDUCING
    assert "the disk of order_gateway is full" in desk.core.status()[3]["causes"]
    desk.carry_out(desk.core.on_peer_disk("order_gateway", False, desk.now_ns))
    assert desk.core.status()[1] == "active"


def test_every_change_is_an_event_that_stays() -> None:
    desk = Desk()
    desk.open_day()
    ask(desk, TradingState.REDUCING, "lunch")
    desk.carry_out(desk.core.on_peer("order_gateway", False, desk.now_ns))
    desk.restart()
    desk.carry_out(desk.core.on_peer("order_gateway", True, desk.now_ns))
    ask(desk, TradingState.ACTIVE, "back")
    said = [row for row in desk.disk.load()[0] if isinstance(row, TradingStateChanged)]
    assert [(row.state, row.wanted, row.why, sorted(row.causes)) for row in said] == [
        (TradingState.REDUCING, TradingState.REDUCING, "lunch", []),
        (TradingState.REDUCING, TradingState.REDUCING, "lunch", ["peer_order_gateway"]),
        (TradingState.ACTIVE, TradingState.ACTIVE, "back", []),
    ]
