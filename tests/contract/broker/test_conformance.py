"""What every broker must do behind the gateway: each test asserts what was reported AND what it did to the books.

An adapter joins through `harness.py` (read its docstring); the tests name no broker. Fees of the orders here: commission
0.015 % and at least 5.00 yuan, transfer fee 0.001 %, stamp duty 0.05 % on sales.
"""

import pytest

from common.domain.ids import client_order_id
from common.domain.lots import Lot
from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.orders import (
    CancelRejected,
    Denied,
    Journalled,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
)
from services.order_gateway.calls import Cancel, CancelRefused, DealDone, Reports
from tests.contract.broker.harness import ASK, BID, CASH, DAY, NEXT, A, Bench

NEED = 1_000 * 9_990 + 5_000 + 100
"""What the usual order holds: 1,000 x 9.99, commission 5.00, transfer fee 0.10 (0.0999)."""


# ---------------------------------------------------------------------- accept, fill, partial


def test_an_accepted_order_rests_and_holds_its_cash(bench: Bench) -> None:
    first = len(bench.rows)
    order = bench.place("k")
    assert bench.kinds(first) == ["OrderSubmitted", "OrderAccepted"]
    (accepted,) = bench.events(OrderAccepted)
    assert isinstance(accepted, OrderAccepted)
    assert accepted.broker_id
    assert (order.state, order.broker_id, order.filled) == (OrderState.WORKING, accepted.broker_id, 0)
    assert bench.cash == (CASH, NEED, CASH - NEED)
    assert bench.ledger.positions == {}


def test_a_marketable_order_fills_and_is_booked(bench: Bench) -> None:
    order = bench.place("k", 1_000, ASK)
    (fill,) = bench.events(OrderFilled)
    assert isinstance(fill, OrderFilled)
    assert (fill.coid, fill.shares, fill.price, fill.fees, fill.tax) == (order.coid, 1_000, 10_000, 5_100, 0)
    assert order.state is OrderState.FILLED
    assert bench.cash == (CASH - 10_005_100, 0, CASH - 10_005_100)
    holding = bench.held_of(A)
    assert (holding.shares, holding.bought_today, holding.sellable, holding.cost) == (1_000, 1_000, 0, 10_000_000)
    assert holding.lots == (Lot(DAY, 1_000),)
    bench.check_fold()


def test_a_partial_fill_keeps_the_rest_working(bench: Bench) -> None:
    order = bench.place("k")
    bench.counter.trade(bench, order.coid, 300)
    (fill,) = bench.events(OrderFilled)
    assert isinstance(fill, OrderFilled)
    assert (fill.shares, fill.price) == (300, 9_990)
    # 300 x 9.99 = 2,997.00; commission 5.00; transfer fee 0.03
    assert (order.state, order.left, fill.fees) == (OrderState.PARTIAL, 700, 5_030)
    # 700 x 9.99 and what is left of the fees that were held: 5.10 - 5.03
    assert bench.cash[:2] == (CASH - 2_997_000 - 5_030, 700 * 9_990 + 70)
    assert bench.held_of(A).shares == 300
    bench.counter.trade(bench, order.coid, 700)
    fills = bench.events(OrderFilled)
    assert [fill.shares for fill in fills] == [300, 700]  # type: ignore[union-attr]
    assert len({fill.deal_id for fill in fills}) == 2  # type: ignore[union-attr]
    assert (order.state, bench.ledger.frozen_cash) == (OrderState.FILLED, 0)
    # the minimum commission was paid once: 5.00 + 0.10 in all
    assert bench.ledger.cash == CASH - 9_990_000 - 5_100
    bench.check_fold()


def test_a_sell_holds_its_shares_and_brings_cash(bench: Bench) -> None:
    bench.buy_and_hold()
    before = bench.ledger.cash
    order = bench.place("s", 600, 10.05, Side.SELL)
    holding = bench.held_of(A)
    assert (holding.shares, holding.frozen, holding.sellable) == (1_000, 600, 400)
    bench.counter.trade(bench, order.coid, 200)
    assert (order.state, holding.shares, holding.frozen, holding.sellable) == (OrderState.PARTIAL, 800, 400, 400)
    assert (holding.cost, holding.lots) == (8_000_000, (Lot(DAY, 800),))
    # 200 x 10.05 = 2,010.00; commission 5.00, stamp duty 1.01 (1.005), transfer fee 0.02
    assert bench.ledger.cash - before == 2_010_000 - 6_030
    assert bench.ledger.sold_day == 2_010_000 - 6_030
    assert bench.ledger.withdrawable == before
    bench.check_fold()


# ---------------------------------------------------------------------- cancels


def test_a_cancel_frees_what_the_order_held(bench: Bench) -> None:
    order = bench.place("k")
    first = len(bench.rows)
    assert bench.ask_cancel(order.coid) == Journalled("c", order.coid)
    assert bench.kinds(first) == ["CancelSubmitted", "OrderCancelled"]
    assert bench.events(OrderCancelled) == [OrderCancelled(order.coid, 1_000, Reason.HAND_CANCEL)]
    assert order.state is OrderState.CANCELLED
    assert bench.cash == (CASH, 0, CASH)
    bench.place("other", 100, 9.81)  # so that the stock is still matched
    bench.quote(9.84, 9.85)
    assert order.filled == 0, "what is cancelled does not fill"


def test_a_cancel_of_a_part_keeps_what_was_filled(bench: Bench) -> None:
    order = bench.place("k")
    bench.counter.trade(bench, order.coid, 300)
    bench.ask_cancel(order.coid)
    assert bench.events(OrderCancelled) == [OrderCancelled(order.coid, 700, Reason.HAND_CANCEL)]
    assert (order.state, order.filled) == (OrderState.CANCELLED, 300)
    assert bench.cash == (CASH - 2_997_000 - 5_030, 0, CASH - 2_997_000 - 5_030)
    assert bench.held_of(A).shares == 300


def test_a_cancelled_sell_gives_its_shares_back(bench: Bench) -> None:
    bench.buy_and_hold()
    order = bench.place("s", 600, 10.05, Side.SELL)
    bench.counter.trade(bench, order.coid, 100)
    bench.ask_cancel(order.coid)
    holding = bench.held_of(A)
    assert (holding.shares, holding.frozen, holding.sellable) == (900, 0, 900)


@pytest.mark.parametrize("past_our_checks", [False, True], ids=["gateway", "counter"])
def test_a_cancel_refused_by_phase_leaves_the_order_working(bench: Bench, past_our_checks: bool) -> None:
    order = bench.place("k")
    bench.number += 1
    bench.tape.push(bench.number, "14:57:03", {})
    bench.play()
    if past_our_checks:
        bench.force_cancel("c", order.coid)
        assert bench.events(CancelRejected) == [CancelRejected("c", order.coid, Reason.CANCEL_REFUSED_BY_PHASE)]
    else:
        answer = bench.ask_cancel(order.coid)
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.CANCEL_REFUSED_BY_PHASE
    assert order.state is OrderState.WORKING
    assert bench.cash == (CASH, NEED, CASH - NEED)


def test_a_cancel_of_what_nobody_knows_changes_nothing(bench: Bench) -> None:
    first = len(bench.rows)
    answer = bench.ask_cancel("260105NOBODY00000000")
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.NO_SUCH_ORDER
    end = bench.tape.pushes[bench.at][-1]
    call = Cancel("x", "260105NOBODY00000000", A, end.push, end.ts_ns, DAY)  # type: ignore[attr-defined]  # a push ends with its PushEnd
    (reports,) = bench.broker.perform(call)
    assert isinstance(reports, Reports)
    assert reports.reports == (CancelRefused("x", "260105NOBODY00000000", Reason.ORDER_ENDED),)
    bench.report(reports)
    assert bench.kinds(first) == ["IntentDenied"]
    assert bench.cash == (CASH, 0, CASH)


def test_a_cancel_of_an_order_that_has_ended_is_refused(bench: Bench) -> None:
    order = bench.place("k", 1_000, ASK)
    answer = bench.ask_cancel(order.coid)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ORDER_ENDED
    assert (order.state, bench.held_of(A).shares) == (OrderState.FILLED, 1_000)


# ---------------------------------------------------------------------- deals out of turn


def test_a_late_buy_after_the_cancel_is_booked_and_alerted(bench: Bench) -> None:
    order = bench.place("k")
    bench.ask_cancel(order.coid)
    first = len(bench.rows)
    deal = bench.counter.trade_late(bench, order.coid, 200, 1)
    assert bench.kinds(first) == ["OrderFilled"]
    assert deal in bench.ledger.deals
    assert bench.logged[-1] == "late fill after the order ended"
    assert (order.state, order.filled) == (OrderState.CANCELLED, 200)
    # 200 x 9.99 = 1,998.00; commission 5.00; transfer fee 0.02
    assert bench.cash == (CASH - 1_998_000 - 5_020, 0, CASH - 1_998_000 - 5_020)
    assert (bench.held_of(A).shares, bench.held_of(A).sellable) == (200, 0)
    bench.check_fold()


def test_a_late_sell_takes_shares_that_another_sell_holds(bench: Bench) -> None:
    bench.buy_and_hold()
    old = bench.place("s1", 1_000, 10.05, Side.SELL)
    bench.ask_cancel(old.coid)
    new = bench.place("s2", 1_000, 10.06, Side.SELL)
    bench.counter.trade_late(bench, old.coid, 300, 1)
    assert bench.logged[-1] == "late fill after the order ended"
    holding = bench.held_of(A)
    assert (holding.shares, holding.frozen, holding.sellable) == (700, 1_000, 0), "never below zero"
    bench.ask_cancel(new.coid, "c2")
    assert (holding.shares, holding.frozen, holding.sellable) == (700, 0, 700)
    bench.check_fold()


def test_a_late_buy_that_costs_more_than_there_is_leaves_a_debt(bench: Bench) -> None:
    old = bench.place("k", 9_000)
    bench.ask_cancel(old.coid)
    bench.place("k2", 9_100)
    bench.counter.trade_late(bench, old.coid, 9_000, 1)
    assert bench.ledger.free_cash < 0
    assert bench.ledger.withdrawable == 0
    answer = bench.submit(bench.order("k3", A, 100, BID))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.INSUFFICIENT_CASH
    bench.check_fold()


def test_a_deal_that_is_told_twice_is_booked_once(bench: Bench) -> None:
    order = bench.place("k")
    bench.counter.trade(bench, order.coid, 300)
    (fill,) = bench.events(OrderFilled)
    assert isinstance(fill, OrderFilled)
    rows, cash = list(bench.rows), bench.cash
    bench.counter.repeat(bench, fill)
    bench.boot()
    bench.counter.repeat(bench, fill)
    assert bench.rows == rows
    assert (bench.cash, bench.held_of(A).shares) == (cash, 300)


def test_a_deal_that_comes_before_the_answer_to_its_order(bench: Bench) -> None:
    bench.holding = True
    made = bench.order("k", A, 1_000, BID)
    bench.submit(made)
    order = bench.ledger.order(made.coid)
    assert (order.state, bench.ledger.frozen_cash) == (OrderState.SENDING, NEED)
    bench.report(Reports(made.push, made.ts_ns, (DealDone(made.coid, "early", 400, 9_990),)))
    assert (order.state, order.filled) == (OrderState.PARTIAL, 400)
    assert bench.held_of(A).shares == 400
    bench.release()
    assert (order.state, order.left) == (OrderState.PARTIAL, 600)
    bench.check_fold()


def test_a_deal_of_an_order_that_is_not_ours_is_told_and_not_booked(bench: Bench) -> None:
    rows = list(bench.rows)
    end = bench.tape.pushes[bench.at][-1]
    stranger = DealDone("260105STRANGER000000", "d", 100, 10_000)
    bench.report(Reports(end.push, end.ts_ns, (stranger,)))  # type: ignore[attr-defined]  # a push ends with its PushEnd
    assert bench.logged[-1] == "broker reports an unknown order"
    assert (bench.rows, bench.cash) == (rows, (CASH, 0, CASH))


# ---------------------------------------------------------------------- day ends, restarts


def test_the_close_ends_what_rests(bench: Bench) -> None:
    order = bench.place("k")
    bench.counter.trade(bench, order.coid, 300)
    bench.counter.close(bench)
    assert bench.events(OrderExpired) == [OrderExpired(order.coid, 700)]
    assert (order.state, order.filled) == (OrderState.EXPIRED, 300)
    assert bench.ledger.frozen_cash == 0
    bench.next_day()
    holding = bench.held_of(A)
    assert (bench.ledger.day, holding.shares, holding.sellable) == (NEXT, 300, 300)
    assert len(bench.events(OrderFilled)) == 1, "yesterday's order is gone"
    bench.check_fold()


def test_a_restart_goes_on_with_what_rests(bench: Bench) -> None:
    order = bench.place("k")
    bench.counter.trade(bench, order.coid, 300)
    rows, cash = list(bench.rows), bench.cash
    for _ in range(2):
        bench.boot()
        assert (bench.rows, bench.cash) == (rows, cash), "a restart writes nothing"
    bench.counter.trade(bench, order.coid, 200)
    fills = bench.events(OrderFilled)
    assert [fill.shares for fill in fills] == [300, 200]  # type: ignore[union-attr]
    assert len({fill.deal_id for fill in fills}) == 2  # type: ignore[union-attr]
    order = bench.ledger.order(order.coid)
    assert (order.state, order.left, bench.held_of(A).shares) == (OrderState.PARTIAL, 500, 500)
    bench.ask_cancel(order.coid)
    assert bench.events(OrderCancelled) == [OrderCancelled(order.coid, 500, Reason.HAND_CANCEL)]
    assert bench.ledger.frozen_cash == 0
    bench.check_fold()


def test_a_restart_keeps_the_order_of_arrival(bench: Bench) -> None:
    first, second = bench.place("k1", 300), bench.place("k2", 400)
    bench.boot()
    bench.counter.trade(bench, first.coid, 300)
    found = {order.key: order.filled for order in bench.ledger.orders.values()}
    assert found == {first.key: 300, second.key: 0}


def test_the_same_order_sent_twice_is_one_order(bench: Bench) -> None:
    made = bench.order("k", A, 1_000, BID)
    assert bench.submit(made) == bench.submit(made) == Journalled("k", made.coid)
    bench.boot()
    assert bench.submit(made) == Journalled("k", made.coid)
    assert made.coid == client_order_id(DAY, "k")
    assert (len(bench.ledger.orders), bench.ledger.frozen_cash) == (1, NEED)
    bench.counter.trade(bench, made.coid, 1_000)
    assert bench.held_of(A).shares == 1_000
