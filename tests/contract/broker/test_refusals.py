"""Orders that must be refused, by the gateway and by the counter behind it: a reason, and books as if nothing had been.

Part of the conformance suite (`harness.py` says how an adapter joins).
"""

import pytest

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.orders import Denied, IntentDenied, OrderFilled, OrderRejected, SubmitOrder
from tests.contract.broker.harness import ASK, BID, CASH, A, Bench


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
    # A counter may give the order a number before it looks at it.
    kinds = [kind for kind in bench.kinds(first) if kind != "OrderAccepted"]
    assert kinds == ["OrderSubmitted", "OrderRejected"]
    (rejected,) = bench.events(OrderRejected)
    assert isinstance(rejected, OrderRejected)
    assert rejected.reason in (reason, Reason.BROKER_REJECTED)
    assert bench.ledger.order(made.coid).state is OrderState.REJECTED
    assert (bench.cash, bench.ledger.positions) == ((CASH, 0, CASH), {})
    bench.place("other", 100, 9.81)  # so that the stock is still matched
    bench.quote(9.84, 9.85)
    assert made.coid not in {fill.coid for fill in bench.events(OrderFilled)}  # type: ignore[union-attr]


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
