"""What every broker must do behind the gateway: each test asserts what was reported AND what it did to the books.

An adapter joins through `harness.py` (read its docstring); the tests name no broker. Fees of the orders here: commission
0.015 % and at least 5.00 yuan, transfer fee 0.001 %, stamp duty 0.05 % on sales.
"""

import pytest

from common.domain.ids import client_order_id
from common.domain.lots import Lot
from common.domain.orders import OrderState
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.fold import fold
from common.messages.header import Role
from common.messages.orders import (
    CancelRejected,
    CancelRequest,
    Denied,
    IntentDenied,
    Journalled,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    SubmitOrder,
)
from services.order_gateway.calls import Cancel, CancelRefused, DealDone, Reports
from tests.contract.broker.harness import ASK, BID, CASH, COUNTERS, DAY, NEXT, A, Bench

NEED = 1_000 * 9_990 + 5_000 + 100
"""What the usual order holds: 1,000 x 9.99, commission 5.00, transfer fee 0.10 (0.0999)."""


@pytest.fixture(params=sorted(COUNTERS))
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(COUNTERS[request.param]())


def ask_cancel(bench: Bench, coid: str, key: str = "c") -> object:
    return bench.ask(CancelRequest(key, coid), Role.OPERATOR)


def check_fold(bench: Bench) -> None:
    """The journal alone gives the same books."""
    again = Ledger()
    for row in bench.rows:
        fold(again, row.event)
    assert again == bench.ledger


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
    check_fold(bench)


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
    check_fold(bench)


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
    check_fold(bench)


# ---------------------------------------------------------------------- cancels


def test_a_cancel_frees_what_the_order_held(bench: Bench) -> None:
    order = bench.place("k")
    first = len(bench.rows)
    assert ask_cancel(bench, order.coid) == Journalled("c", order.coid)
    assert bench.kinds(first) == ["CancelSubmitted", "OrderCancelled"]
    assert bench.events(OrderCancelled) == [OrderCancelled(order.coid, 1_000, Reason.HAND_CANCEL)]
    assert order.state is OrderState.CANCELLED
    assert bench.cash == (CASH, 0, CASH)
    bench.place("other", 100, 9.81)  # so that the stock is still matched
    bench.quote(9.84, 9.85)
    assert bench.events(OrderFilled) == [], "what is cancelled does not fill"


def test_a_cancel_of_a_part_keeps_what_was_filled(bench: Bench) -> None:
    order = bench.place("k")
    bench.counter.trade(bench, order.coid, 300)
    ask_cancel(bench, order.coid)
    assert bench.events(OrderCancelled) == [OrderCancelled(order.coid, 700, Reason.HAND_CANCEL)]
    assert (order.state, order.filled) == (OrderState.CANCELLED, 300)
    assert bench.cash == (CASH - 2_997_000 - 5_030, 0, CASH - 2_997_000 - 5_030)
    assert bench.held_of(A).shares == 300


def test_a_cancelled_sell_gives_its_shares_back(bench: Bench) -> None:
    bench.buy_and_hold()
    order = bench.place("s", 600, 10.05, Side.SELL)
    bench.counter.trade(bench, order.coid, 100)
    ask_cancel(bench, order.coid)
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
        answer = ask_cancel(bench, order.coid)
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.CANCEL_REFUSED_BY_PHASE
    assert order.state is OrderState.WORKING
    assert bench.cash == (CASH, NEED, CASH - NEED)


def test_a_cancel_of_what_nobody_knows_changes_nothing(bench: Bench) -> None:
    first = len(bench.rows)
    answer = ask_cancel(bench, "260105NOBODY00000000")
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
    answer = ask_cancel(bench, order.coid)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.ORDER_ENDED
    assert (order.state, bench.held_of(A).shares) == (OrderState.FILLED, 1_000)


# ---------------------------------------------------------------------- deals out of turn


def test_a_late_buy_after_the_cancel_is_booked_and_alerted(bench: Bench) -> None:
    order = bench.place("k")
    ask_cancel(bench, order.coid)
    first = len(bench.rows)
    deal = bench.counter.trade_late(bench, order.coid, 200, 1)
    assert bench.kinds(first) == ["OrderFilled"]
    assert deal in bench.ledger.deals
    assert bench.logged[-1] == "late fill after the order ended"
    assert (order.state, order.filled) == (OrderState.CANCELLED, 200)
    # 200 x 9.99 = 1,998.00; commission 5.00; transfer fee 0.02
    assert bench.cash == (CASH - 1_998_000 - 5_020, 0, CASH - 1_998_000 - 5_020)
    assert (bench.held_of(A).shares, bench.held_of(A).sellable) == (200, 0)
    check_fold(bench)


def test_a_late_sell_takes_shares_that_another_sell_holds(bench: Bench) -> None:
    bench.buy_and_hold()
    old = bench.place("s1", 1_000, 10.05, Side.SELL)
    ask_cancel(bench, old.coid)
    new = bench.place("s2", 1_000, 10.05, Side.SELL)
    bench.counter.trade_late(bench, old.coid, 300, 1)
    assert bench.logged[-1] == "late fill after the order ended"
    holding = bench.held_of(A)
    assert (holding.shares, holding.frozen, holding.sellable) == (700, 1_000, 0), "never below zero"
    ask_cancel(bench, new.coid, "c2")
    assert (holding.shares, holding.frozen, holding.sellable) == (700, 0, 700)
    check_fold(bench)


def test_a_late_buy_that_costs_more_than_there_is_leaves_a_debt(bench: Bench) -> None:
    old = bench.place("k", 9_000)
    ask_cancel(bench, old.coid)
    bench.place("k2", 9_000)
    bench.counter.trade_late(bench, old.coid, 9_000, 1)
    assert bench.ledger.free_cash < 0
    assert bench.ledger.withdrawable == 0
    answer = bench.submit(bench.order("k3", A, 100, BID))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.INSUFFICIENT_CASH
    check_fold(bench)


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
    check_fold(bench)


def test_a_deal_of_an_order_that_is_not_ours_is_told_and_not_booked(bench: Bench) -> None:
    rows = list(bench.rows)
    end = bench.tape.pushes[bench.at][-1]
    stranger = DealDone("260105STRANGER000000", "d", 100, 10_000)
    bench.report(Reports(end.push, end.ts_ns, (stranger,)))  # type: ignore[attr-defined]  # a push ends with its PushEnd
    assert bench.logged[-1] == "broker reports an unknown order"
    assert (bench.rows, bench.cash) == (rows, (CASH, 0, CASH))


# ---------------------------------------------------------------------- refusals


def bad(bench: Bench, what: str) -> tuple[SubmitOrder, Reason]:
    """Return an order that must be refused, and why."""
    orders = {
        "odd lot": (bench.order("bad", A, 150, BID), Reason.ODD_LOT),
        "insufficient cash": (bench.order("bad", A, 20_000, BID), Reason.INSUFFICIENT_CASH),
        "nothing to sell": (bench.order("bad", A, 100, BID, Side.SELL), Reason.INSUFFICIENT_SHARES),
        "above the band": (bench.order("bad", A, 100, 11.01, wide_price=True), Reason.OUTSIDE_BAND),
        "below the band": (bench.order("bad", A, 100, 8.99, wide_price=True), Reason.OUTSIDE_BAND),
        # the best ask is 10.00: 10.00 x 1.02 = 10.20
        "above the cage": (bench.order("bad", A, 100, 10.21, wide_price=True), Reason.OUTSIDE_CAGE),
        "off tick": (bench.order("bad", A, 100, 9.985), Reason.OFF_TICK),
        "too large": (bench.order("bad", A, 1_000_100, BID), Reason.ORDER_TOO_LARGE),
    }
    return orders[what]


REFUSED = [
    *("odd lot", "insufficient cash", "nothing to sell", "above the band", "below the band", "above the cage"),
    *("off tick", "too large"),
]
COUNTER_REFUSES = ["odd lot", "above the band", "below the band", "above the cage", "off tick"]
"""What can reach the counter when our view is behind; the books themselves refuse the others before anything is sent."""


@pytest.mark.parametrize("what", REFUSED)
def test_the_gateway_refuses_before_the_counter_hears_of_it(bench: Bench, what: str) -> None:
    made, reason = bad(bench, what)
    first, calls = len(bench.rows), len(bench.calls)
    answer = bench.submit(made)
    assert isinstance(answer, Denied)
    assert answer.reason is reason
    assert bench.kinds(first) == ["IntentDenied"]
    assert len(bench.calls) == calls
    assert (bench.cash, bench.ledger.orders, bench.ledger.positions) == ((CASH, 0, CASH), {}, {})


@pytest.mark.parametrize("what", COUNTER_REFUSES)
def test_the_counter_refuses_what_slipped_through(bench: Bench, what: str) -> None:
    made, reason = bad(bench, what)
    first = len(bench.rows)
    bench.force(made)
    assert bench.kinds(first) == ["OrderSubmitted", "OrderRejected"]
    (rejected,) = bench.events(OrderRejected)
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason in (reason, Reason.BROKER_REJECTED)
    assert bench.ledger.order(made.coid).state is OrderState.REJECTED
    assert (bench.cash, bench.ledger.positions) == ((CASH, 0, CASH), {})
    bench.place("other", 100, 9.81)  # so that the stock is still matched
    bench.quote(9.84, 9.85)
    assert bench.events(OrderFilled) == []


def test_a_sell_outside_the_cage_gives_its_shares_back(bench: Bench) -> None:
    bench.buy_and_hold()
    made = bench.order("bad", A, 500, 9.78, Side.SELL, wide_price=True)  # the best bid is 9.99: 9.99 x 0.98 = 9.79
    bench.force(made)
    (rejected,) = bench.events(OrderRejected)
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason in (Reason.OUTSIDE_CAGE, Reason.BROKER_REJECTED)
    assert (bench.held_of(A).frozen, bench.held_of(A).sellable) == (0, 1_000)


def test_what_was_bought_today_cannot_be_sold(bench: Bench) -> None:
    bench.place("k", 1_000, ASK)
    answer = bench.submit(bench.order("s", A, 1_000, BID, Side.SELL))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.T1_UNSELLABLE
    assert (bench.held_of(A).shares, bench.held_of(A).frozen) == (1_000, 0)
    assert len(bench.events(IntentDenied)) == 1


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
    check_fold(bench)


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
    ask_cancel(bench, order.coid)
    assert bench.events(OrderCancelled) == [OrderCancelled(order.coid, 500, Reason.HAND_CANCEL)]
    assert bench.ledger.frozen_cash == 0
    check_fold(bench)


def test_a_restart_keeps_the_order_of_arrival(bench: Bench) -> None:
    first, second = bench.place("k1", 300), bench.place("k2", 300)
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
