"""What people set at the gateway: kill switch, arming, limits of the day; all of it survives a restart."""

import pytest

from common.domain.calendar import S1500, hms
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.control import ArmRequest, Fault, KillRequest, LimitRequest, Safeguards, SafeguardsRequest
from common.messages.header import Role
from common.messages.orders import (
    AccountArmed,
    CancelRequest,
    CloseRequest,
    Denied,
    Journalled,
    KillSwitchSet,
    LimitRaised,
    OrderRejected,
)
from common.messages.outputs import Message
from common.messages.signals import Verdict
from services.order_gateway.calls import Submit
from services.order_gateway.safeguards import MAY_KILL, MAY_LOOSEN
from services.order_gateway.settings import Settings
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import CrashError, Rig, Tape

A, B, NEXT = "600001.SH", "600002.SH", 20260106
LIVE = Settings(account="real", live=True)


def rig(settings: Settings | None = None) -> Rig:
    """Return a gateway that holds 500 A, bought yesterday, and has a buy of B resting."""
    tape = Tape()
    both = {A: Quote(10.0, bid=[(9.99, 500)], ask=[(10.0, 900)]), B: Quote(20.0, bid=[(19.99, 9)], ask=[(20.01, 9)])}
    for day, before in ((20260104, PREV_DAY), (DAY, 20260104), (NEXT, DAY)):
        tape.open(table({A: 10.0, B: 20.0}, day=day), before)
        for number, at in enumerate(("09:30:03", "09:30:06", "10:00:00", "15:00:00"), 1):
            tape.push(number, at, both)
    made = Rig(Settings() if settings is None else settings, tape)
    made.play(2)
    if made.settings.live:
        arm(made, "09:31")
    made.submit(made.order("old", A, 500, 10.0))
    made.play(5)
    if made.settings.live:
        arm(made, "09:31")
    assert isinstance(made.submit(made.order("rests", B, 100, 19.9)), Journalled)
    return made


def arm(gateway: Rig, until: str) -> Message | None:
    return gateway.ask(ArmRequest(gateway.settings.account, hms(f"{until}:00")), Role.OPERATOR)


def reason(answer: Message | None) -> Reason:
    assert isinstance(answer, Denied | Fault | Verdict), answer
    return answer.reason


def kill(gateway: Rig, *, on: bool, role: Role = Role.OPERATOR, why: str = "test") -> Message | None:
    return gateway.ask(KillRequest(on, why), role)


# ---------------------------------------------------------------------- the kill switch


@pytest.mark.parametrize(("blocks", "sells", "cancels"), [("buys", 0, 0), ("orders", 1, 0), ("all", 1, 1)])
def test_the_kill_switch_stops_what_the_policy_says(blocks: str, sells: int, cancels: int) -> None:
    gateway = rig(Settings(kill_blocks=blocks))
    resting = gateway.order("rests", B, 100, 19.9)
    assert isinstance(kill(gateway, on=True), Safeguards)
    gateway.boot()  # a row of the journal, not a flag of the process
    answer = gateway.submit(gateway.order("b", A, 100, 9.9))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.KILL_SWITCH, {"by_word": 1, "by_file": 0})
    sold = gateway.submit(gateway.order("s", A, 100, 10.01, Side.SELL))
    assert isinstance(sold, Denied if sells else Journalled)
    cancelled = gateway.ask(CancelRequest("c", resting.coid), Role.OPERATOR)
    assert isinstance(cancelled, Denied if cancels else Journalled)
    kill(gateway, on=False)
    assert isinstance(gateway.submit(gateway.order("b2", B, 200, 19.9)), Journalled)


def test_the_kill_file_does_the_same_without_anybody_s_word() -> None:
    gateway = rig()
    gateway.kill_file = True
    answer = gateway.submit(gateway.order("b", A, 100, 9.9))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.KILL_SWITCH, {"by_word": 0, "by_file": 1})
    assert gateway.core.status()[3]["kill_switch"] == "on: the kill file is there"
    gateway.kill_file = False
    assert isinstance(gateway.submit(gateway.order("b2", A, 100, 9.9)), Journalled)


def test_it_works_while_risk_is_dead_and_stops_the_sell_served_without_it() -> None:
    gateway = rig()
    kill(gateway, on=True)
    assert gateway.ask(CloseRequest("h", A), Role.OPERATOR) is None
    gateway.wait(2.1)
    (answer,) = gateway.replies[f"q{gateway.asked}"]
    assert reason(answer) is Reason.KILL_SWITCH


def test_anybody_of_the_trading_path_turns_it_on_and_only_an_operator_off() -> None:
    gateway = rig()
    assert reason(kill(gateway, on=True, role=Role.READ_ONLY)) is Reason.NOT_ALLOWED
    assert reason(kill(gateway, on=True, why="  ")) is Reason.NOT_ALLOWED
    assert isinstance(kill(gateway, on=True, role=Role.RISK, why="books differ"), Safeguards)
    assert reason(kill(gateway, on=False, role=Role.WEB)) is Reason.NOT_ALLOWED
    assert isinstance(kill(gateway, on=True), Safeguards), "on again changes nothing"
    assert gateway.events(KillSwitchSet) == [KillSwitchSet(on=True, why="books differ", by="tester")]
    said = gateway.ask(SafeguardsRequest(), Role.READ_ONLY)
    assert isinstance(said, Safeguards)
    assert (said.killed, said.kill_why, said.kill_file) == (True, "books differ", False)


def test_an_order_on_disk_is_not_sent_after_the_switch_was_turned_on() -> None:
    gateway = rig()
    died: list[str] = []

    def crash(where: str) -> bool:
        died.append(where)
        return where == "effect" and died.count("effect") == 1

    gateway.crash = crash
    order = gateway.order("b", A, 100, 9.9)
    with pytest.raises(CrashError):
        gateway.submit(order)
    gateway.crash = lambda where: False
    sent = sum(isinstance(call, Submit) for call in gateway.calls)
    gateway.kill_file = True
    gateway.boot()
    gateway.play()
    assert gateway.events(OrderRejected) == [OrderRejected(order.coid, Reason.KILL_SWITCH)]
    assert sum(isinstance(call, Submit) for call in gateway.calls) == sent


# ---------------------------------------------------------------------- arming


def test_a_live_account_opens_only_while_it_is_armed_and_always_sells_and_cancels() -> None:
    gateway = rig(LIVE)
    assert gateway.core.status()[3]["armed"] == "until 09:31"
    gateway.boot()
    gateway.play()  # 09:30:06
    assert isinstance(gateway.submit(gateway.order("b", A, 100, 9.9)), Journalled)
    gateway.play()  # 10:00:00: it has expired by itself
    answer = gateway.submit(gateway.order("b2", A, 200, 9.9))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.NOT_ARMED, {"armed_until_s": hms("09:31"), "second": hms("10:00")})
    assert gateway.core.status()[3]["armed"] == "no: no opening orders"
    coid = gateway.order("b", A, 100, 9.9).coid
    assert isinstance(gateway.ask(CancelRequest("c", coid), Role.OPERATOR), Journalled)
    assert isinstance(gateway.submit(gateway.order("s", A, 100, 10.01, Side.SELL)), Journalled)


def test_arming_ends_with_the_day() -> None:
    gateway = rig(LIVE)
    assert isinstance(arm(gateway, "15:00"), Safeguards)
    gateway.play(5)
    assert gateway.core.status()[3]["armed"] == "no: no opening orders"
    assert reason(gateway.submit(gateway.order("b", A, 100, 9.9))) is Reason.NOT_ARMED
    assert isinstance(arm(gateway, "15:00"), Safeguards)
    assert isinstance(gateway.submit(gateway.order("b2", A, 100, 9.9)), Journalled)
    assert isinstance(gateway.ask(ArmRequest("real", 0), Role.OPERATOR), Safeguards)
    assert reason(gateway.submit(gateway.order("b3", A, 200, 9.9))) is Reason.NOT_ARMED
    assert gateway.events(AccountArmed)[-1] == AccountArmed("real", NEXT, 0, "tester")


@pytest.mark.parametrize(
    ("account", "until_s", "role", "wanted"),
    [
        ("real", S1500, Role.WEB, Reason.NOT_ALLOWED),
        ("other", S1500, Role.OPERATOR, Reason.NOT_ALLOWED),
        ("real", S1500 + 1, Role.OPERATOR, Reason.BAD_TIME),
        ("real", hms("09:30:03"), Role.OPERATOR, Reason.BAD_TIME),
    ],
)
def test_what_does_not_arm(account: str, until_s: int, role: Role, wanted: Reason) -> None:
    gateway = rig(LIVE)
    rows = len(gateway.rows)
    assert reason(gateway.ask(ArmRequest(account, until_s), role)) is wanted
    assert len(gateway.rows) == rows


def test_a_paper_account_needs_no_arming_and_says_so() -> None:
    gateway = rig()
    answer = arm(gateway, "15:00")
    assert isinstance(answer, Fault)
    assert "needs no arming" in answer.text
    assert gateway.core.status()[3]["armed"] == ""
    before = Rig(LIVE)
    assert reason(before.ask(ArmRequest("real", S1500), Role.OPERATOR)) is Reason.NOT_READY


# ---------------------------------------------------------------------- limits of the day


def test_a_raised_limit_counts_for_today_survives_a_restart_and_falls_back() -> None:
    gateway = rig(Settings(order_value_max=3_000, day_value_max=20_000))
    order = gateway.order("b", A, 400, 9.9)
    assert reason(gateway.submit(order)) is Reason.ORDER_VALUE
    raised = gateway.ask(LimitRequest("order_value_max", 4_000, "one large order"), Role.OPERATOR)
    assert isinstance(raised, Safeguards)
    assert (raised.limits["order_value_max"], raised.raised) == (4_000, {"order_value_max": 4_000})
    gateway.boot()
    gateway.play()
    assert isinstance(gateway.submit(gateway.order("b2", A, 400, 9.9)), Journalled)
    assert gateway.core.status()[3]["raised_limits"] == "order_value_max = 4000"
    gateway.play(4)
    assert reason(gateway.submit(gateway.order("b3", A, 400, 9.9))) is Reason.ORDER_VALUE
    row = LimitRaised(DAY, "order_value_max", 4_000, "one large order", "tester")
    assert gateway.events(LimitRaised) == [row]


@pytest.mark.parametrize(
    ("name", "value", "why", "role", "wanted", "told"),
    [
        ("orders_per_s", 101, "x", Role.OPERATOR, Reason.ABOVE_CEILING, "limits.orders_per_s = 101: must be from 1 to the hard ceiling 100"),
        ("orders_per_s", 0, "x", Role.OPERATOR, Reason.ABOVE_CEILING, "must be from 1"),
        ("slots", 5, "x", Role.OPERATOR, Reason.NOT_ALLOWED, "there are orders_per_s"),
        ("orders_per_s", 50, " ", Role.OPERATOR, Reason.NOT_ALLOWED, "say why"),
        ("orders_per_s", 50, "x", Role.WEB, Reason.NOT_ALLOWED, "operator"),
    ],
)  # fmt: skip
def test_limits_that_are_not_set(name: str, value: int, why: str, role: Role, wanted: Reason, told: str) -> None:
    answer = rig().ask(LimitRequest(name, value, why), role)
    assert isinstance(answer, Fault)
    assert answer.reason is wanted
    assert told in answer.text


def test_who_may_loosen_may_also_tighten() -> None:
    assert MAY_LOOSEN < MAY_KILL
