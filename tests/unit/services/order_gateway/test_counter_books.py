"""What a counter shows, and what the gateway makes of it: deals, cancels, orders of others, books that differ."""

import pytest

from common.domain.orders import OrderState
from common.domain.positions import external_coid
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.orders import (
    BooksCompared,
    CancelRequest,
    Denied,
    ExternalOrderSeen,
    Journalled,
    OrderAccepted,
    OrderFilled,
    OrderRejected,
)
from services.order_gateway.calls import (
    Accepted,
    CancelRefused,
    CancelTaken,
    CounterDeal,
    CounterPosition,
    CounterState,
    CounterStatus,
)
from services.order_gateway.reconcile import differences
from services.order_gateway.settling import Settling
from tests.counter_rig import CASH, DAY, NEXT, A, B, Desk, stranger

# ---------------------------------------------------------------------- deals


def test_a_deal_before_its_order_is_known_waits_for_it() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.deal(order, 400, remark=""))
    assert (desk.numbers["deals_parked"], order.filled) == (1, 0)
    desk.say(Accepted(order.coid, "c1"))
    assert (desk.numbers["deals_parked"], order.filled, order.state) == (0, 400, OrderState.PARTIAL)


def test_a_deal_is_matched_by_its_cut_remark_and_booked_once() -> None:
    desk = Desk()
    order = desk.place()
    deal = desk.deal(order, 400, remark=order.coid[:12])
    desk.say(deal, deal)
    desk.boot()
    desk.up()
    desk.say(deal)
    assert (order.filled, len(desk.events(OrderFilled))) == (400, 1)
    assert desk.events(OrderAccepted) == [OrderAccepted(order.coid, "c1")]


def test_the_same_number_on_another_day_is_another_deal() -> None:
    desk = Desk()
    order = desk.place()
    deal = desk.deal(order, 400)
    assert desk.core._broker.deal_key(deal) != desk.core._broker.deal_key(desk.deal(order, 400, day=NEXT))  # type: ignore[attr-defined]  # the counter's desk


def test_a_status_moves_no_shares_and_ends_nothing_before_the_deals() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.CANCELLED, 300))
    assert (order.state, order.filled) == (OrderState.WORKING, 0)
    desk.say(desk.deal(order, 300))
    assert (order.state, order.filled, order.ended) == (OrderState.CANCELLED, 300, Reason.ENDED_AT_BROKER)


def test_a_late_fill_is_booked_and_told() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.CANCELLED), desk.deal(order, 200))
    assert (order.state, order.filled, desk.ledger.positions[A].shares) == (OrderState.CANCELLED, 200, 200)
    assert "late fill after the order ended" in desk.logged


@pytest.mark.parametrize("changes", [{"shares": 1_100}, {"price": 10_000}, {"symbol": B}, {"side": 2}, {"shares": 0}])
def test_a_deal_that_cannot_be_is_told_and_not_booked(changes: dict[str, object]) -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Accepted(order.coid, "c1"))
    shares = changes.get("shares", 100)
    assert isinstance(shares, int)
    desk.say(desk.deal(order, shares, **{name: each for name, each in changes.items() if name != "shares"}))
    assert (order.filled, desk.ledger.positions) == (0, {})
    assert "a deal that cannot be" in desk.logged


# ---------------------------------------------------------------------- cancels


def test_an_accepted_request_is_no_cancel_and_a_lost_one_is_sent_again() -> None:
    desk = Desk()
    order = desk.place()
    assert desk.ask(CancelRequest("c", order.coid)) == Journalled("c", order.coid)
    assert not desk.cancels, "the counter's number is not known yet"
    desk.say(Accepted(order.coid, "c1"))
    assert [call.broker_id for call in desk.cancels] == ["c1"]
    desk.say(CancelTaken(order.coid))
    assert order.state is OrderState.WORKING
    shown = desk.shown(order, CounterStatus.WORKING)
    for _ in range(11):
        desk.ask_again(1.0, orders=[shown])
    assert len(desk.cancels) == 2
    desk.say(desk.shown(order, CounterStatus.CANCELLED))
    assert (order.state, order.ended) == (OrderState.CANCELLED, Reason.HAND_CANCEL)


def test_a_refused_cancel_leaves_the_order() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Accepted(order.coid, "c1"))
    desk.ask(CancelRequest("c", order.coid))
    desk.say(CancelRefused("", order.coid, Reason.ORDER_ENDED))
    assert order.state is OrderState.WORKING
    assert not desk.core.books.unanswered_cancels()


# ---------------------------------------------------------------------- others, and books that differ


def test_an_external_order_is_adopted_booked_and_never_touched() -> None:
    desk = Desk()
    seen = stranger()
    desk.say(seen, CounterDeal("d8", "c8", "by hand", DAY, B, 1, 200, 20_000), seen)
    coid = external_coid(DAY, "c8")
    (row,) = desk.events(ExternalOrderSeen)
    assert isinstance(row, ExternalOrderSeen)
    assert (row.coid, row.remark) == (coid, "by hand")
    assert (desk.ledger.positions[B].shares, desk.ledger.positions[B].rule) == (200, "external")
    assert desk.ledger.cash == CASH - 200 * 20_000 - 5_040
    answer = desk.ask(CancelRequest("c", coid))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.EXTERNAL
    assert not desk.cancels
    desk.say(stranger(status=CounterStatus.CANCELLED, traded=200))
    assert desk.ledger.order(coid).state is OrderState.CANCELLED


def test_an_order_of_ours_that_is_twice_at_the_counter_is_told() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.WORKING), desk.shown(order, CounterStatus.WORKING, broker_id="c2"))
    assert "the counter has an order of ours twice" in desk.logged
    assert desk.ledger.order(external_coid(DAY, "c2")).open


def test_the_replay_of_an_old_day_is_no_news() -> None:
    desk = Desk()
    old = stranger(day=20251231)
    desk.say(old, CounterDeal("d8", "c8", "by hand", 20251231, B, 1, 200, 20_000))
    assert not desk.events(ExternalOrderSeen)
    assert (desk.ledger.positions, desk.numbers["deals_parked"], desk.numbers["old_days"]) == ({}, 0, 2)


def test_books_that_differ_stop_buys_and_nothing_else_and_clear_themselves() -> None:
    desk = Desk(positions={A: 1_000})
    desk.ask_again(30, positions={A: 900})
    desk.ask_again(1.0, positions={A: 900})
    assert desk.events(BooksCompared) == [BooksCompared(False, {A: -100})]
    assert desk.words["books_differ"] == f"{A} -100"
    assert "books and counter differ" in desk.logged
    answer = desk.submit(desk.order("b", A, 100, 9.99))
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.detail) == (Reason.NOT_RECONCILED, {A: -100})
    order = desk.place("s", 500, 10.0, Side.SELL)
    assert len(desk.sent) == 1
    desk.say(Accepted(order.coid, "c1"))
    desk.ask(CancelRequest("c", order.coid))
    assert len(desk.cancels) == 1
    desk.ask_again(1.0, orders=[desk.shown(order, CounterStatus.WORKING)], positions={A: 1_000})
    assert desk.events(BooksCompared)[-1] == BooksCompared(True)
    assert not desk.core._broker.blocked
    assert desk.ledger.positions[A].shares == 1_000, "never an invented fill"


def test_one_difference_alone_is_not_told() -> None:
    desk = Desk()
    desk.ask_again(30, cash=CASH - 1)
    desk.ask_again(1.0)
    assert not desk.events(BooksCompared)


def test_an_answer_older_than_our_deals_is_not_compared() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.deal(order, 1_000))
    shown = desk.shown(order, CounterStatus.WORKING)
    for _ in range(3):
        desk.ask_again(30, orders=[shown])
    assert not desk.events(BooksCompared)


def test_an_order_that_vanishes_is_a_difference() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(Accepted(order.coid, "c1"))
    desk.ask_again(30)
    desk.ask_again(1.0)
    assert desk.events(BooksCompared) == [BooksCompared(False, {order.coid: -1_000})]
    assert order.state is OrderState.WORKING


# ---------------------------------------------------------------------- the parts


def test_each_answer_counts_once() -> None:
    settling = Settling(10)
    settling.sent("a", 100)
    assert settling.unseen(110) == []
    assert settling.unseen(111) == []
    assert settling.unseen(111) == [], "the same answer"
    assert settling.unseen(112) == ["a"]
    settling.answered("a")
    assert settling.unseen(200) == []
    settling.sent("a", 300)
    assert settling.unseen(310) == []


def test_differences_are_the_counters_less_ours() -> None:
    desk = Desk(positions={A: 1_000})
    state = CounterState(0, True, (), (), (CounterPosition(A, 700, 0, 0), CounterPosition(B, 100, 0, 0)), CASH + 7)
    assert differences(desk.ledger, state, {}, 0) == {A: -300, B: 100, "cash": 7}
    assert differences(desk.ledger, state, {}, 7) == {A: -300, B: 100}


def test_a_rejected_order_says_why() -> None:
    desk = Desk()
    order = desk.place()
    desk.say(desk.shown(order, CounterStatus.REJECTED))
    assert desk.events(OrderRejected) == [OrderRejected(order.coid, Reason.BROKER_REJECTED)]
