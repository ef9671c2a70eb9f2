"""The gateway behind a counter: how it begins, what silence means, what is sent again, what waits for a person."""

import pytest

from common.domain.orders import OrderState
from common.domain.positions import OrderRecord, external_coid
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.header import Role
from common.messages.orders import (
    AccountOpened,
    DayRolled,
    DealsCounted,
    Denied,
    ExternalOrderSeen,
    Journalled,
    OrderInDoubt,
    OrderResolved,
    OrderSentAgain,
    PositionFound,
    ResolveRequest,
    ToldDeal,
)
from common.messages.outputs import Message
from services.order_gateway.calls import (
    Connect,
    CounterDeal,
    CounterOrder,
    CounterStatus,
    LinkDown,
    LinkUp,
    Unanswered,
)
from tests.counter_rig import DAY, A, B, Desk

# ---------------------------------------------------------------------- the beginning


def test_the_journal_begins_with_what_the_account_holds() -> None:
    old = CounterDeal("d0", "c0", "", DAY, B, 1, 100, 20_000)
    done = CounterOrder("c0", "", DAY, B, 1, 100, 20_000, CounterStatus.FILLED, 100)
    desk = Desk(link=False)
    assert [type(call) for call in desk.calls] == [Connect]
    desk.up()
    desk.state([done], [old], {B: 300}, cash=5_000_000)
    kinds = [type(row.event) for row in desk.rows]
    assert [kind for kind in kinds if kind is not DayRolled] == [
        AccountOpened,
        PositionFound,
        DealsCounted,
        ExternalOrderSeen,
    ]
    assert (desk.ledger.cash, desk.ledger.positions[B].shares, desk.ledger.positions[B].rule) == (
        5_000_000,
        300,
        "external",
    )
    desk.say(old)
    assert desk.ledger.positions[B].shares == 300, "it is in what the account held"


def test_nothing_is_sent_before_the_counters_books_were_read() -> None:
    desk = Desk()
    desk.say(LinkDown(1))
    answer = desk.submit(desk.order("b", A, 100, 9.99))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NOT_RECONCILED
    desk.up()
    assert not desk.sent
    desk.state()
    desk.place()
    assert len(desk.sent) == 1


def test_a_sell_is_taken_while_the_link_is_lost_and_goes_out_after_it() -> None:
    desk = Desk(positions={A: 1_000})
    desk.say(LinkDown(1))
    desk.place("s", 500, 10.0, Side.SELL)
    assert not desk.sent
    desk.up()
    assert not desk.sent
    desk.state(positions={A: 1_000})
    assert [call.order.shares for call in desk.sent] == [500]


def test_a_lost_link_gets_a_new_session() -> None:
    desk = Desk()
    connects = sum(isinstance(call, Connect) for call in desk.calls)
    desk.say(LinkDown(1))
    desk.wait(1.0)
    assert sum(isinstance(call, Connect) for call in desk.calls) == connects + 1
    desk.say(LinkUp(2))
    desk.say(LinkDown(1))
    assert desk.numbers["counter_up"] == 1, "the word of an old session"


# ---------------------------------------------------------------------- silence, absence, doubt


def test_silence_is_no_refusal() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Unanswered(order.coid))
    assert (order.state, order.frozen > 0) == (OrderState.SENDING, True)


def test_an_order_is_absent_after_two_answers_to_questions_asked_after_settle() -> None:
    desk = Desk()
    order = desk.place()
    for _ in range(9):
        desk.ask_again(1.0)
    assert len(desk.sent) == 1, "asked within settle: says nothing"
    desk.ask_again(1.0)
    desk.ask_again(1.0)
    assert len(desk.sent) == 1, "absent once"
    desk.ask_again(1.0)
    assert [call.order.coid for call in desk.sent] == [order.coid] * 2
    assert desk.events(OrderSentAgain) == [OrderSentAgain(order.coid, 2)]


def test_an_answer_of_none_is_not_an_empty_one() -> None:
    desk = Desk()
    order = desk.place()
    for _ in range(30):
        desk.ask_again(1.0, complete=False)
    assert (len(desk.sent), order.state) == (1, OrderState.SENDING)
    assert desk.numbers["answers_missing"] == 30


def test_an_order_found_by_a_query_is_adopted() -> None:
    desk = Desk()
    order = desk.place()
    desk.ask_again(1.0, orders=[desk.shown(order, CounterStatus.WORKING)])
    assert (order.state, order.broker_id) == (OrderState.WORKING, "c1")


def test_after_a_start_settle_begins_at_the_start() -> None:
    desk = Desk()
    desk.place()
    desk.wait(60)
    desk.boot()
    desk.up()
    desk.state()
    for _ in range(9):
        desk.ask_again(1.0)
    assert not desk.events(OrderSentAgain)


def test_an_order_whose_time_has_passed_is_not_sent_again() -> None:
    desk = Desk()
    order = desk.place()
    for _ in range(4):
        desk.quote()
    for _ in range(12):
        desk.ask_again(1.0)
    assert (len(desk.sent), order.state, order.ended) == (1, OrderState.REJECTED, Reason.EXPIRED)


def in_doubt(desk: Desk) -> OrderRecord:
    order = desk.place()
    for _ in range(13):
        desk.ask_again(1.0)
    assert order.state is OrderState.IN_DOUBT
    return order


def test_parked_orders_wait_for_a_person_and_are_shown() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    assert desk.events(OrderInDoubt) == [OrderInDoubt(order.coid)]
    assert "order in doubt" in desk.logged
    assert (desk.words["in_doubt"], desk.numbers["in_doubt"]) == (order.coid, 1)
    assert order.frozen > 0
    assert len(desk.sent) == 1


def test_an_order_in_doubt_that_shows_after_all_is_adopted() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    desk.say(desk.shown(order, CounterStatus.WORKING))
    assert order.state is OrderState.WORKING


def resolve(desk: Desk, order: OrderRecord, role: Role = Role.OPERATOR, **changes: object) -> Message | None:
    fields: dict[str, object] = {"key": "r", "coid": order.coid, "why": "asked the broker"}
    return desk.ask(ResolveRequest(**(fields | changes)), role)  # type: ignore[arg-type]  # forwarded by name


def test_a_person_says_that_it_never_arrived() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    assert resolve(desk, order) == Journalled("r", order.coid)
    assert desk.events(OrderResolved) == [OrderResolved("r", order.coid, "", "tester", "asked the broker")]
    assert (order.state, order.ended, desk.ledger.frozen_cash) == (OrderState.REJECTED, Reason.RESOLVED_ABSENT, 0)
    assert resolve(desk, order) == Journalled("r", order.coid), "asked again under its key"
    assert len(desk.events(OrderResolved)) == 1
    answer = resolve(desk, order, broker_id="c9")
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.KEY_CONFLICT


def test_a_person_names_the_order_that_the_counter_shows_without_a_remark() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    stranger = desk.shown(order, CounterStatus.WORKING, 400, remark="", broker_id="c7")
    desk.say(stranger, desk.deal(order, 400, remark="", broker_id="c7"))
    assert desk.ledger.positions[A].shares == 400
    assert resolve(desk, order, broker_id="c7") == Journalled("r", order.coid)
    assert (order.state, order.filled, order.broker_id) == (OrderState.PARTIAL, 400, "c7")
    assert desk.ledger.positions[A].rule == order.rule
    assert desk.ledger.frozen_cash == order.frozen
    desk.say(desk.deal(order, 600, "d2", remark="", broker_id="c7"))
    assert (order.state, desk.ledger.positions[A].shares, desk.ledger.frozen_cash) == (OrderState.FILLED, 1_000, 0)
    assert not desk.ledger.orders[external_coid(DAY, "c7")].open


def test_a_person_reads_deals_from_the_statement() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    told = (ToldDeal("d5", 300, 9_980),)
    assert resolve(desk, order, broker_id="c5", deals=told) == Journalled("r", order.coid)
    assert (order.state, order.filled, order.left) == (OrderState.CANCELLED, 300, 700)
    assert (desk.ledger.positions[A].shares, desk.ledger.frozen_cash) == (300, 0)
    desk.say(desk.deal(order, 300, "d5", broker_id="c5", price=9_980))
    assert desk.ledger.positions[A].shares == 300, "told by the counter later: the same deal"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"why": " "}, Reason.WHY_MISSING),
        ({"deals": (ToldDeal("d", 100, 9_990),)}, Reason.BAD_QUANTITY),
        ({"broker_id": "c5", "deals": (ToldDeal("d", 1_100, 9_990),)}, Reason.BAD_QUANTITY),
        ({"broker_id": "c5", "deals": (ToldDeal("d", 0, 9_990),)}, Reason.BAD_QUANTITY),
        ({"role": Role.WEB}, Reason.NOT_ALLOWED),
        ({"role": Role.RISK}, Reason.NOT_ALLOWED),
        ({"coid": "260105NOBODY00000000"}, Reason.NO_SUCH_ORDER),
    ],
)
def test_what_cannot_be_resolved_is_refused(changes: dict[str, object], reason: Reason) -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    rows = list(desk.rows)
    answer = resolve(desk, order, **changes)  # type: ignore[arg-type]  # forwarded by name
    assert isinstance(answer, Denied)
    assert answer.reason is reason
    assert (desk.rows, order.state) == (rows, OrderState.IN_DOUBT)


def test_an_order_that_the_counter_shows_needs_no_deals_told() -> None:
    desk = Desk(park=True)
    order = in_doubt(desk)
    desk.say(desk.shown(order, CounterStatus.WORKING, 400, remark="", broker_id="c7"))
    answer = resolve(desk, order, broker_id="c7", deals=(ToldDeal("d5", 300, 9_980),))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NO_SUCH_BROKER_ORDER
    assert order.state is OrderState.IN_DOUBT


def test_only_what_is_in_doubt_is_resolved() -> None:
    desk = Desk()
    order = desk.place()
    answer = resolve(desk, order)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NOT_IN_DOUBT


def test_the_kill_switch_keeps_back_what_was_journalled_and_not_sent() -> None:
    desk = Desk(positions={A: 1_000})
    desk.say(LinkDown(1))
    order = desk.place("s", 500, 10.0, Side.SELL)
    desk.core._market.guard.kill_file = lambda: True
    desk.up()
    desk.state(positions={A: 1_000})
    assert (desk.sent, order.state, order.ended) == ([], OrderState.REJECTED, Reason.KILL_SWITCH)


def test_the_kill_switch_keeps_back_what_was_proved_absent() -> None:
    desk = Desk()
    order = desk.place()
    desk.core._market.guard.kill_file = lambda: True
    for _ in range(12):
        desk.ask_again(1.0)
    assert (len(desk.sent), order.state, order.ended) == (1, OrderState.REJECTED, Reason.KILL_SWITCH)
