"""The gateway's core, the QMT adapter and the vendor's real layer together, before a client with bad habits.

What must hold whatever the client does: the counter never has an order of ours twice, the journal alone gives the books,
and what nobody knows is asked for until it is known.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.orders import BooksCompared, OrderFilled, OrderInDoubt, OrderRejected
from services.order_gateway.adapters.xt_session import Modules
from tests.contract.broker.harness import ASK, BID, A, Bench
from tests.contract.broker.xt_counter import XtCounter
from tests.gateway_rig import CrashError
from tests.xt_rig import NEEDS_WHEEL

pytestmark = NEEDS_WHEEL


class Floor:
    """The gateway and the client behind it."""

    def __init__(self, modules: Modules) -> None:
        self.counter = XtCounter(modules)
        self.bench = Bench(self.counter)
        self.venue, self.habits = self.counter.venue, self.counter.venue.habits

    def wait(self, seconds: float, step: float = 0.2) -> None:
        """Let time pass, and hear what comes."""
        for _ in range(round(seconds / step)):
            self.bench.wait(step)
            self.counter._hear(self.bench)

    def lose(self) -> None:
        """Cut the link, and wait until a new session has been reconciled."""
        self.venue.drop()
        self.counter._hear(self.bench)
        self.wait(3)

    def check(self) -> None:
        """Assert what holds always."""
        coids = [entry.coid for entry in self.venue.orders if entry.coid]
        assert len(coids) == len(set(coids)), "the counter has an order of ours twice"
        self.bench.check_fold()

    def set(self, **habits: Any) -> None:
        for name, value in habits.items():
            setattr(self.habits, name, value)


@pytest.fixture
def floor(vendor: Modules) -> Iterator[Floor]:
    found = Floor(vendor)
    yield found
    found.check()
    found.counter.end()


def test_answered_with_minus_one_and_alive(floor: Floor) -> None:
    floor.set(minus_one_lives=True, pushes=False)
    order = floor.bench.place("k")
    assert order.state is OrderState.SENDING
    floor.wait(1)
    assert (order.state, order.broker_id) == (OrderState.WORKING, "1001")


def test_answered_with_minus_one_and_not_there(floor: Floor) -> None:
    floor.bench.place("before", 500)
    frozen = floor.bench.ledger.frozen_cash
    floor.venue.refuses = lambda req: "no"
    floor.set(junk="minus")
    order = floor.bench.place("k")
    assert order.state is OrderState.SENDING, "a -1 proves nothing"
    floor.wait(3)
    assert floor.bench.events(OrderRejected) == [OrderRejected(order.coid, Reason.BROKER_REJECTED)]
    assert floor.bench.ledger.frozen_cash == frozen
    assert floor.bench.events(OrderInDoubt) == []


def test_answered_with_minus_one_where_no_remark_was_ever_seen(floor: Floor) -> None:
    floor.set(minus_one_lives=True, pushes=False, remark=lambda _: "")
    order = floor.bench.place("k")
    floor.bench.boot()  # what only the process knew is gone
    floor.wait(3)
    assert floor.bench.ledger.order(order.coid).state is OrderState.IN_DOUBT, "it may well live under another name"


@pytest.mark.parametrize("pushes", [True, False])
def test_an_answer_that_is_lost(floor: Floor, pushes: bool) -> None:
    floor.set(silent={"orderStockWithSeq"}, pushes=pushes)
    order = floor.bench.place("k")
    floor.wait(1)
    assert order.state is OrderState.WORKING


def test_an_order_that_never_arrives_waits_for_a_person(floor: Floor) -> None:
    floor.venue.refuses = lambda req: "no"
    floor.set(junk="minus", silent={"orderStockWithSeq"})
    order = floor.bench.place("k")
    floor.wait(3)
    assert order.state is OrderState.IN_DOUBT
    assert len(floor.venue.requests("orderStockWithSeq")) == 1, "a machine does not send it again"


def test_a_link_that_is_lost_with_an_order_under_way(floor: Floor) -> None:
    floor.set(silent={"orderStockWithSeq"}, pushes=False)
    order = floor.bench.place("k")
    floor.lose()
    assert order.state is OrderState.WORKING
    floor.set(pushes=True)
    floor.venue.trade(floor.venue.orders[0], 1_000)
    floor.counter._hear(floor.bench)
    assert (order.state, floor.bench.held_of(A).shares) == (OrderState.FILLED, 1_000)


def test_a_fill_while_the_link_is_down_is_booked_when_it_is_back(floor: Floor) -> None:
    order = floor.bench.place("k")
    floor.venue.drop()
    floor.counter._hear(floor.bench)
    floor.venue.trade(floor.venue.orders[0], 400)
    floor.wait(3)
    assert (order.state, order.filled) == (OrderState.PARTIAL, 400)


@pytest.mark.parametrize("replays", ["day", "old"])
def test_a_replay_after_a_reconnect_writes_nothing(floor: Floor, replays: str) -> None:
    floor.bench.place("k", 1_000, ASK)
    rows = len(floor.bench.events(OrderFilled))
    floor.set(replays=replays, twice=True)
    floor.lose()
    assert len(floor.bench.events(OrderFilled)) == rows == 1
    assert floor.bench.held_of(A).shares == 1_000


@pytest.mark.parametrize("none_is_empty", [True, False])
def test_positions_that_are_empty_because_the_far_side_is_away_change_nothing(
    floor: Floor, none_is_empty: bool
) -> None:
    floor.bench.place("k", 1_000, ASK)
    floor.set(empty_positions=True, none_is_empty=none_is_empty)
    floor.lose()
    assert floor.bench.held_of(A).shares == 1_000
    assert floor.bench.core._broker.blocked  # type: ignore[attr-defined]  # the counter's desk: no word, no buys
    assert floor.bench.events(BooksCompared) == []
    floor.set(empty_positions=False)
    floor.wait(3)
    assert not floor.bench.core._broker.blocked  # type: ignore[attr-defined]  # as above


def test_a_crash_between_journal_and_answer_leaves_one_order(floor: Floor) -> None:
    bench = floor.bench
    made = bench.order("k", A, 1_000, BID)
    bench.crash = lambda where: where == "effect"
    with pytest.raises(CrashError):
        bench.submit(made)
    bench.crash = lambda where: False
    bench.boot()
    floor.wait(3)
    assert bench.ledger.order(made.coid).state is OrderState.IN_DOUBT
    assert floor.venue.orders == []


def test_a_crash_after_the_order_was_given_finds_it(floor: Floor) -> None:
    bench = floor.bench
    floor.set(pushes=False, silent={"orderStockWithSeq"})
    order = bench.place("k")
    floor.counter._hear(bench)
    bench.boot()
    floor.wait(3)
    order = bench.ledger.order(order.coid)
    assert (order.state, order.broker_id) == (OrderState.WORKING, "1001")


@pytest.mark.parametrize("remark", ["", "rewritten"])
def test_remarks_that_do_not_come_back(floor: Floor, remark: str) -> None:
    floor.set(remark=lambda _: remark)
    order = floor.bench.place("k")
    floor.venue.trade(floor.venue.orders[0], 300)
    floor.counter._hear(floor.bench)
    assert (order.state, order.filled) == (OrderState.PARTIAL, 300)
    assert not any(record.rule == "external" for record in floor.bench.ledger.orders.values())
    floor.bench.ask_cancel(order.coid)
    floor.counter._hear(floor.bench)
    assert order.state is OrderState.CANCELLED


def test_an_order_by_hand_is_adopted_and_not_touched(floor: Floor) -> None:
    floor.venue.by_hand(A, Side.BUY, 500, 9.5, traded=100)
    floor.counter._hear(floor.bench)
    floor.wait(1)
    assert floor.bench.held_of(A).shares == 100
    assert floor.venue.requests("cancelOrderStockWithSeq") == []


def test_a_cancel_that_is_not_answered_is_asked_for_again(floor: Floor) -> None:
    order = floor.bench.place("k")
    floor.set(cancel_result=-1)
    floor.bench.ask_cancel(order.coid)
    floor.wait(1)
    floor.set(cancel_result=0)
    floor.wait(3)
    assert order.state is OrderState.CANCELLED
    assert len(floor.venue.requests("cancelOrderStockWithSeq")) >= 2
