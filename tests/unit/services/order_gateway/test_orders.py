"""Known ids are answered and never sent again; cancels; who may ask what."""

import pytest
from msgspec.structs import replace

from common.domain.errors import InvariantError
from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.messages.control import Fault
from common.messages.header import Role
from common.messages.orders import (
    AccountOpened,
    CancelOrder,
    CancelRejected,
    CancelRequest,
    CancelSubmitted,
    Denied,
    EventRow,
    Journalled,
    OrderCancelled,
    OrderFilled,
    OrderSubmitted,
)
from services.order_gateway.books import Books, unique_of
from services.order_gateway.calls import Accepted, Cancel, CancelRefused, DealDone, Expired, Rejected, Reports, Submit
from services.order_gateway.orders import base_key
from tests.builders import DAY, PREV_DAY, Quote, table
from tests.gateway_rig import Rig, Tape

A = "600001.SH"


def rig(at: str = "09:30:06") -> Rig:
    tape = Tape()
    tape.open(table({A: 10.0}), PREV_DAY)
    tape.push(1, "09:30:03", {A: Quote(10.0, bid=[(9.99, 500)], ask=[(10.0, 300)])})
    tape.push(2, at)
    made = Rig(tape=tape)
    made.play(2)
    return made


def submits(gateway: Rig) -> int:
    return len([call for call in gateway.calls if isinstance(call, Submit)])


def test_the_same_order_again_is_answered_and_not_sent_again() -> None:
    gateway = rig()
    order = gateway.order("k", A, 500, 10.0)
    assert gateway.submit(order) == gateway.submit(order) == Journalled("k", order.coid)
    assert (submits(gateway), len(gateway.events(OrderSubmitted))) == (1, 1)
    gateway.boot()
    assert gateway.submit(order) == Journalled("k", order.coid)
    assert (submits(gateway), len(gateway.events(OrderSubmitted))) == (1, 1)


@pytest.mark.parametrize("change", [{"shares": 600}, {"price": 9_990}, {"key": "another"}, {"rule": "hand"}])
def test_the_same_id_with_another_body_is_a_conflict(change: dict[str, object]) -> None:
    gateway = rig()
    order = gateway.order("k", A, 500, 10.0)
    gateway.submit(order)
    other = replace(order, **change)
    assert gateway.submit(other) == Denied(other.key, Reason.KEY_CONFLICT, {}, order.coid)
    assert len(gateway.events(OrderSubmitted)) == 1


def test_an_id_that_a_broker_would_cut_is_refused() -> None:
    gateway = rig()
    answer = gateway.submit(gateway.order("k", A, 100, 10.0, coid="X" * 21))
    assert isinstance(answer, Denied)
    assert answer.detail == {"coid_length": 21}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.RISK])
def test_only_risk_may_send_orders_and_its_cancels(role: Role) -> None:
    gateway = rig()
    order = gateway.order("k", A, 100, 9.9)
    answer = gateway.ask(order, role)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NOT_ALLOWED
    gateway.submit(order)
    answer = gateway.ask(CancelOrder("c", order.coid, order.push, Reason.REPRICE), role)
    assert isinstance(answer, Denied)
    assert gateway.ledger.order(order.coid).state is OrderState.WORKING
    assert len(gateway.rows) == 4


def test_a_person_cancels_directly_and_the_same_key_cancels_once() -> None:
    gateway = rig()
    order = gateway.order("k", A, 500, 10.0)
    gateway.submit(order)
    request = CancelRequest("c", order.coid)
    assert gateway.ask(request) == gateway.ask(request) == Journalled("c", order.coid)
    assert gateway.events(OrderCancelled) == [OrderCancelled(order.coid, 200, Reason.HAND_CANCEL)]
    assert gateway.events(CancelSubmitted) == [CancelSubmitted("c", order.coid, Reason.HAND_CANCEL, order.ts_ns)]
    answer = gateway.ask(CancelRequest("c", "OTHER"))
    assert answer == Denied("c", Reason.KEY_CONFLICT, {}, "OTHER")
    ended = gateway.ask(CancelRequest("c2", order.coid))
    assert isinstance(ended, Denied)
    assert ended.reason is Reason.ORDER_ENDED
    assert gateway.ask(CancelRequest("c2", order.coid)) == ended
    assert gateway.ask(CancelRequest("c2", "OTHER")) == Denied("c2", Reason.KEY_CONFLICT, {}, "OTHER")


def test_cancels_of_nothing_and_by_nobody_are_refused() -> None:
    gateway = rig()
    answer = gateway.ask(CancelRequest("c", "NOBODY"))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NO_SUCH_ORDER
    for role in (Role.STRANGER, Role.RISK, Role.READ_ONLY):
        refused = gateway.ask(CancelRequest("c3", "NOBODY"), role)
        assert isinstance(refused, Denied)
        assert refused.reason is Reason.NOT_ALLOWED


def test_cancels_are_refused_where_the_exchange_takes_none() -> None:
    gateway = rig("14:57:00")
    order = gateway.order("k", A, 500, 10.0)
    gateway.submit(order)
    gateway.play()
    answer = gateway.ask(CancelRequest("c", order.coid))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.CANCEL_REFUSED_BY_PHASE
    assert gateway.ledger.order(order.coid).open


def test_a_cancel_before_the_market_is_there_is_a_fault_for_people_and_silence_for_risk() -> None:
    gateway = Rig()
    answer = gateway.ask(CancelRequest("c", "NOBODY"))
    assert isinstance(answer, Fault)
    assert answer.reason is Reason.NOT_READY
    assert gateway.ask(CancelOrder("c", "NOBODY", 1, Reason.REPRICE), Role.RISK) is None
    assert gateway.rows == [EventRow(1, 0, 0, AccountOpened(1_000_000_000, "paper"))]


def test_a_refused_cancel_leaves_the_order_and_may_be_asked_again() -> None:
    gateway = rig()
    order = gateway.order("k", A, 500, 10.0)
    gateway.submit(order)
    gateway.broker.perform(Cancel("x", order.coid, A, order.push, order.ts_ns, DAY))
    gateway.ask(CancelRequest("c", order.coid))
    assert gateway.events(CancelRejected) == [CancelRejected("c", order.coid, Reason.ORDER_ENDED)]
    assert gateway.ledger.order(order.coid).open
    assert gateway.core.books.unanswered_cancels() == []


def test_reports_of_unknown_orders_and_known_deals_change_nothing() -> None:
    gateway = rig()
    order = gateway.order("k", A, 300, 10.0)
    gateway.submit(order)
    rows = gateway.rows
    stray = (
        Accepted("NOBODY", "b"),
        Accepted(order.coid, "b"),
        DealDone(order.coid, f"{order.coid}-1", 300, 10_000),
        Rejected(order.coid, Reason.BROKER_REJECTED),
        Expired(order.coid, 1),
        CancelRefused("x", order.coid, Reason.NONE),
    )
    gateway.report(Reports(order.push, order.ts_ns, stray))
    assert gateway.rows == rows
    assert len(gateway.events(OrderFilled)) == 1


def test_a_late_deal_of_a_cancelled_order_is_booked_and_said() -> None:
    gateway = rig()
    order = gateway.order("k", A, 500, 10.0)
    gateway.submit(order)
    gateway.ask(CancelRequest("c", order.coid))
    late = DealDone(order.coid, "late-1", 100, 10_000)
    gateway.report(Reports(order.push, order.ts_ns, (late,)))
    gateway.report(Reports(order.push, order.ts_ns, (late,)))
    assert gateway.ledger.positions[A].shares == 400
    assert gateway.ledger.order(order.coid).state is OrderState.CANCELLED
    assert gateway.logged.count("late fill after the order ended") == 1


def test_reprices_belong_to_their_intent() -> None:
    assert base_key("limit_up|20260105|600001.SH|STOP_LOSS|1|r12") == "limit_up|20260105|600001.SH|STOP_LOSS|1"
    assert base_key("hand-00ff|rx") == "hand-00ff|rx"
    assert base_key("hand-00ff") == "hand-00ff"


def test_the_journal_has_no_holes() -> None:
    books = Books()
    with pytest.raises(InvariantError, match="journal row 2"):
        books.restore([EventRow(2, 0, 0, AccountOpened(1, "paper"))])
    with pytest.raises(InvariantError, match="holds a Denied"):
        books.restore([Denied("k", Reason.NONE)])
    assert unique_of(AccountOpened(1, "paper")) == ""
