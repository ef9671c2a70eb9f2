"""Hand orders: relayed to risk, answered by its verdict, refused or served alone when risk is silent."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from common.domain.ids import client_order_id
from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.control import Fault
from common.messages.header import Role
from common.messages.kept import RelayedHand
from common.messages.orders import CloseRequest, Denied, Journalled, OpenRequest, OrderSubmitted, VerdictGiven
from common.messages.outputs import Message
from common.messages.signals import Verdict, VerdictStatus
from services.order_gateway.hand import HandDesk
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import Rig, Tape

A, B = "600001.SH", "300003.SZ"
BUY = OpenRequest("h1", A, 100, 10_000)
SELL = CloseRequest("h2", A)


def rig(pushes: int = 6) -> Rig:
    """Return a gateway that holds 1,000 A from yesterday and 200 B from today."""
    tape = Tape()
    closes = {A: 10.0, B: 20.0}
    tape.open(table(closes, day=20260104), PREV_DAY)
    tape.push(1, "09:30:03", {A: Quote(10.0, ask=[(10.0, 9_000)])})
    tape.push(2, "15:00:00", {A: Quote(10.0)})
    tape.open(table(closes), 20260104)
    tape.push(1, "09:30:03", {B: Quote(20.0, ask=[(20.0, 900)])})
    tape.push(2, "09:30:06", {A: Quote(10.0, bid=[(9.99, 500), (9.98, 900)], ask=[(10.0, 200)])})
    tape.push(3, "15:00:00", {A: Quote(10.0)})
    made = Rig(tape=tape)
    made.play(2)
    made.submit(made.order("old", A, 1_000, 10.0))
    made.play(3)
    made.submit(made.order("new", B, 200, 20.0))
    made.play(pushes - 5)
    return made


def says(status: VerdictStatus, reason: Reason = Reason.NONE) -> Callable[[Message], Verdict]:
    return lambda request: Verdict(request.key, status, reason, coid="C")  # type: ignore[attr-defined]


def test_the_verdict_of_risk_is_journalled_then_answered_and_stays() -> None:
    gateway = rig()
    gateway.risk = says(VerdictStatus.APPROVED)
    answer = gateway.ask(BUY)
    assert answer == Verdict("h1", VerdictStatus.APPROVED, coid="C")
    assert gateway.events(VerdictGiven) == [VerdictGiven(answer)]
    gateway.risk = says(VerdictStatus.DENIED)
    assert gateway.ask(BUY) == answer
    gateway.boot()
    assert gateway.ask(BUY) == answer
    assert len(gateway.events(VerdictGiven)) == 1


def test_the_same_key_with_another_body_is_a_conflict_also_after_a_restart() -> None:
    gateway = rig()
    gateway.risk = says(VerdictStatus.APPROVED)
    gateway.ask(BUY)
    for _ in range(2):
        for other in (replace(BUY, shares=200), CloseRequest("h1", A, 100, 10_000)):
            answer = gateway.ask(other)
            assert isinstance(answer, Verdict)
            assert (answer.status, answer.reason) == (VerdictStatus.DENIED, Reason.KEY_CONFLICT)
        gateway.boot()
    assert len(gateway.events(VerdictGiven)) == 1
    assert isinstance(HandDesk, type)
    assert [key for key, record in gateway.disk.load()[1].items() if isinstance(record, RelayedHand)] == ["hand/h1"]


def test_two_clients_with_one_key_get_one_verdict() -> None:
    gateway = rig()
    assert gateway.ask(BUY) is None
    assert gateway.ask(BUY) is None
    assert len([key for key in gateway.asking if key.startswith("relay|")]) == 1
    gateway.risk = says(VerdictStatus.APPROVED)
    (key,) = gateway.asking
    gateway.answer(key, Verdict("h1", VerdictStatus.APPROVED))
    answers = [messages for messages in gateway.replies.values() if messages == [Verdict("h1", VerdictStatus.APPROVED)]]
    assert len(answers) == 2


def test_a_pending_verdict_is_asked_for_again() -> None:
    gateway = rig()
    gateway.risk = says(VerdictStatus.PENDING)
    assert gateway.ask(BUY) is None
    gateway.risk = says(VerdictStatus.APPROVED)
    gateway.wait(0.1)
    assert gateway.events(VerdictGiven) == []
    gateway.wait(0.2)
    assert len(gateway.events(VerdictGiven)) == 1


def test_opening_is_denied_when_risk_is_silent_and_a_late_approval_changes_nothing() -> None:
    gateway = rig()
    assert gateway.ask(BUY) is None
    gateway.wait(1.9)
    assert gateway.events(VerdictGiven) == []
    gateway.wait(0.2)
    (given,) = gateway.events(VerdictGiven)
    assert isinstance(given, VerdictGiven)
    assert (given.verdict.status, given.verdict.reason) == (VerdictStatus.DENIED, Reason.RISK_SILENT)
    assert [given.verdict] in gateway.replies.values()
    assert gateway.asking == {}
    for key in ("h1", "h1|r1"):
        late = gateway.submit(gateway.order(key, A, 100, 10.0, rule="hand"))
        assert isinstance(late, Denied)
        assert late.reason is Reason.RISK_SILENT
    assert gateway.ask(BUY) == given.verdict


def test_closing_is_served_when_risk_is_silent() -> None:
    gateway = rig()
    gateway.ask(SELL)
    gateway.wait(2.1)
    (given,) = gateway.events(VerdictGiven)
    assert isinstance(given, VerdictGiven)
    verdict, coid = given.verdict, client_order_id(DAY, "h2")
    assert (verdict.status, verdict.coid, verdict.shares) == (VerdictStatus.APPROVED, coid, 1_000)
    assert verdict.price == 9_800, "2 % below the last price"
    order = gateway.ledger.order(coid)
    assert (order.rule, order.cause, order.state) == ("hand", Reason.HAND_CLOSE, OrderState.FILLED)
    assert A not in gateway.ledger.positions
    seqs = [row.seq for row in gateway.rows]
    assert seqs == list(range(1, len(seqs) + 1))
    late = gateway.order("h2", A, 1_000, 9.9, Side.SELL, rule="hand", cause=Reason.HAND_CLOSE)
    assert gateway.submit(late) == Journalled("h2", coid), "risk's own order for the same key is the one served"
    assert len([event for event in gateway.events(OrderSubmitted) if event.order.key == "h2"]) == 1  # type: ignore[union-attr]


def test_a_close_whose_order_risk_had_sent_already_is_not_sent_twice() -> None:
    gateway = rig()
    gateway.ask(SELL)
    order = gateway.order("h2", A, 1_000, 9.99, Side.SELL, rule="hand", cause=Reason.HAND_CLOSE)
    gateway.submit(order)
    gateway.wait(2.1)
    (given,) = gateway.events(VerdictGiven)
    assert isinstance(given, VerdictGiven)
    assert (given.verdict.coid, given.verdict.price) == (order.coid, 9_990)
    assert len([event for event in gateway.events(OrderSubmitted) if event.order.symbol == A]) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("request_", "reason", "numbers"),
    [
        (CloseRequest("h", A, 100, 9_500), Reason.OUTSIDE_CAGE, {"price": 9_500, "cage_low": 9_790}),
        (CloseRequest("h", A, 150), Reason.ODD_LOT, {"shares": 150}),
    ],
)
def test_a_close_served_alone_passes_the_same_checks(
    request_: CloseRequest, reason: Reason, numbers: dict[str, int]
) -> None:
    gateway = rig()
    gateway.ask(request_)
    gateway.wait(2.1)
    (given,) = gateway.events(VerdictGiven)
    assert isinstance(given, VerdictGiven)
    assert (given.verdict.status, given.verdict.reason) == (VerdictStatus.DENIED, reason)
    assert numbers.items() <= given.verdict.detail.items()


def test_a_living_risk_is_waited_for() -> None:
    gateway = rig()
    gateway.core.on_peer("risk_manager", True, gateway.now_ns)
    gateway.core.on_peer("screener", False, gateway.now_ns)
    gateway.ask(BUY)
    for _ in range(20):
        gateway.wait(1)
    assert gateway.events(VerdictGiven) == []
    gateway.core.on_peer("risk_manager", False, gateway.now_ns)
    gateway.wait(0.3)
    (given,) = gateway.events(VerdictGiven)
    assert isinstance(given, VerdictGiven)
    assert given.verdict.reason is Reason.RISK_SILENT


BAD: list[tuple[OpenRequest | CloseRequest, Reason, dict[str, int]]] = [
    (OpenRequest("h", A, 150, 10_000), Reason.ODD_LOT, {"shares": 150, "lot": 100}),
    (OpenRequest("h", A, 0, 10_000), Reason.BAD_QUANTITY, {"shares": 0}),
    (OpenRequest("h", A, 100, 10_005), Reason.OFF_TICK, {"price": 10_005}),
    (OpenRequest("h", A, 100, -10), Reason.OFF_TICK, {"price": -10}),
    (OpenRequest("h", A, 100, 11_010), Reason.OUTSIDE_BAND, {"up_limit": 11_000, "down_limit": 9_000}),
    (OpenRequest("h", "600999.SH", 100), Reason.UNKNOWN_SYMBOL, {}),
    (CloseRequest("h", "600999.SH"), Reason.UNKNOWN_SYMBOL, {}),
    (CloseRequest("h", B), Reason.T1_UNSELLABLE, {"sellable": 0, "bought_today": 200}),
    (CloseRequest("h", B, 100), Reason.T1_UNSELLABLE, {"sellable": 0, "bought_today": 200}),
    (CloseRequest("h", A, 1_100), Reason.INSUFFICIENT_SHARES, {"sellable": 1_000}),
    (CloseRequest("h", A, -100), Reason.BAD_QUANTITY, {"shares": -100}),
    (CloseRequest("h", A, 100, 8_990), Reason.OUTSIDE_BAND, {"price": 8_990}),
]


@pytest.mark.parametrize(("request_", "reason", "numbers"), BAD)
def test_what_no_push_can_mend_is_denied_at_once(
    request_: OpenRequest | CloseRequest, reason: Reason, numbers: dict[str, int]
) -> None:
    gateway = rig()
    gateway.risk = says(VerdictStatus.APPROVED)
    answer = gateway.ask(request_)
    assert isinstance(answer, Verdict)
    assert (answer.status, answer.reason, answer.symbol) == (VerdictStatus.DENIED, reason, request_.symbol)
    assert numbers.items() <= answer.detail.items()
    assert gateway.events(VerdictGiven) == [VerdictGiven(answer)]
    assert gateway.ask(request_) == answer


def test_no_position_is_said_so() -> None:
    gateway = rig()
    del gateway.ledger.positions[B]
    answer = gateway.ask(CloseRequest("h", B))
    assert isinstance(answer, Verdict)
    assert answer.reason is Reason.NO_POSITION


def test_after_the_close_orders_are_denied() -> None:
    gateway = rig(7)
    answer = gateway.ask(BUY)
    assert isinstance(answer, Verdict)
    assert (answer.reason, answer.detail) == (Reason.PHASE_CLOSED, {"phase": 6})
    wrong = gateway.ask(OpenRequest("h", A, 150))
    assert isinstance(wrong, Verdict)
    assert wrong.reason is Reason.ODD_LOT, "a wrong order is told what is wrong with it at any hour"


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.OPERATOR, Role.WEB)])
def test_only_people_order_by_hand(role: Role) -> None:
    gateway = rig()
    answer = gateway.ask(BUY, role)
    assert isinstance(answer, Verdict)
    assert answer.reason is Reason.NOT_ALLOWED
    assert gateway.events(VerdictGiven) == []


def test_before_the_market_is_there_nothing_is_relayed() -> None:
    gateway = Rig()
    answer = gateway.ask(BUY)
    assert isinstance(answer, Fault)
    assert answer.reason is Reason.NOT_READY
    assert gateway.disk.kept == {}


def test_an_answer_to_another_question_is_no_verdict() -> None:
    gateway = rig()
    gateway.ask(BUY)
    gateway.answer("something else", Verdict("h1", VerdictStatus.APPROVED))
    gateway.report(Verdict("h1", VerdictStatus.APPROVED))
    assert gateway.events(VerdictGiven) == []
