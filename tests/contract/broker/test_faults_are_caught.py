"""The conformance suite fails for brokers that are wrong on purpose: each fault names the tests that must catch it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from common.domain.errors import InvariantError
from common.domain.positions import Ledger
from common.messages.outputs import Message
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.calls import (
    Accepted,
    Cancel,
    Cancelled,
    CancelRefused,
    DealDone,
    Rejected,
    Reports,
    Restore,
    Submit,
)
from tests.contract.broker import test_conformance as suite
from tests.contract.broker import test_refusals as refusals
from tests.contract.broker.harness import Bench, PaperCounter
from tests.gateway_rig import Broker


def edited(results: Sequence[Message], change: Callable[[Any], Sequence[Any]]) -> list[Message]:
    """Return reports with each fact replaced by what `change` makes of it."""
    return [
        replace(result, reports=tuple(new for report in result.reports for new in change(report)))
        for result in results
        if isinstance(result, Reports)
    ]


class Forgetful(PaperBroker):
    """Has lost every order after a restart."""

    def perform(self, call: Message) -> Sequence[Message]:
        return [] if isinstance(call, Restore) else super().perform(call)


class Silent(PaperBroker):
    """Cancels and says nothing."""

    def perform(self, call: Message) -> Sequence[Message]:
        return edited(super().perform(call), lambda report: [] if isinstance(report, Cancelled) else [report])


class Deaf(PaperBroker):
    """Confirms cancels and keeps the orders working."""

    def perform(self, call: Message) -> Sequence[Message]:
        if not isinstance(call, Cancel):
            return super().perform(call)
        return [Reports(call.push, call.ts_ns, (Cancelled(call.coid, 0),))]


class Eager(PaperBroker):
    """Accepts every order and cancel, whatever is wrong with it."""

    def perform(self, call: Message) -> Sequence[Message]:
        def change(report: Any) -> Sequence[Any]:
            if isinstance(report, Rejected):
                return [Accepted(report.coid, "b")]
            return [Cancelled(report.coid, 0)] if isinstance(report, CancelRefused) else [report]

        return edited(super().perform(call), change)


class Renaming(PaperBroker):
    """Gives deals the same id again after a restart."""

    def perform(self, call: Message) -> Sequence[Message]:
        if isinstance(call, Restore):
            call = Restore(tuple(order._replace(deals=0) for order in call.orders))
        return super().perform(call)


class Nameless(PaperBroker):
    """Accepts orders without an id of its own."""

    def perform(self, call: Message) -> Sequence[Message]:
        return edited(
            super().perform(call),
            lambda report: [replace(report, broker_id="")] if isinstance(report, Accepted) else [report],
        )


class Generous(PaperBroker):
    """Fills every order at once, at its limit."""

    def perform(self, call: Message) -> Sequence[Message]:
        if not isinstance(call, Submit):
            return super().perform(call)
        order = call.order
        facts = (Accepted(order.coid, "b"), DealDone(order.coid, f"{order.coid}-1", order.shares, order.price))
        return [Reports(call.push, call.ts_ns, facts)]


class Miserly(PaperBroker):
    """Never fills what rests."""

    def perform(self, call: Message) -> Sequence[Message]:
        return edited(
            super().perform(call),
            lambda report: [] if isinstance(report, DealDone) and not isinstance(call, Submit) else [report],
        )


class Lifo(PaperBroker):
    """Serves the newest order first after a restart."""

    def perform(self, call: Message) -> Sequence[Message]:
        if isinstance(call, Restore):
            call = Restore(tuple(reversed(call.orders)))
        return super().perform(call)


class Faulty(PaperCounter):
    """The paper exchange behind a faulty adapter."""

    def __init__(self, fault: type[PaperBroker]) -> None:
        self._fault = fault

    def connect(self) -> Broker:
        return self._fault()


FAULTS: list[tuple[type[PaperBroker], Callable[[Bench], None]]] = [
    (Forgetful, suite.test_a_restart_goes_on_with_what_rests),
    (Silent, suite.test_a_cancel_frees_what_the_order_held),
    (Silent, suite.test_a_cancelled_sell_gives_its_shares_back),
    (Deaf, suite.test_a_cancel_frees_what_the_order_held),
    (Deaf, lambda bench: suite.test_a_cancel_refused_by_phase_leaves_the_order_working(bench, True)),
    (Eager, suite.test_a_cancel_of_what_nobody_knows_changes_nothing),
    *((Eager, lambda bench, what=what: refusals.test_the_counter_refuses_what_slipped_through(bench, what)) for what in refusals.COUNTER_REFUSES),
    (Eager, refusals.test_a_sell_outside_the_cage_gives_its_shares_back),
    (Renaming, suite.test_a_restart_goes_on_with_what_rests),
    (Nameless, suite.test_an_accepted_order_rests_and_holds_its_cash),
    (Generous, suite.test_an_accepted_order_rests_and_holds_its_cash),
    (Generous, suite.test_a_partial_fill_keeps_the_rest_working),
    (Miserly, suite.test_a_partial_fill_keeps_the_rest_working),
    (Miserly, suite.test_a_sell_holds_its_shares_and_brings_cash),
    (Lifo, suite.test_a_restart_keeps_the_order_of_arrival),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "test"), FAULTS, ids=[f"{number}-{fault.__name__}" for number, (fault, _) in enumerate(FAULTS)]
)
def test_a_wrong_broker_is_caught(fault: type[PaperBroker], test: Callable[[Bench], None]) -> None:
    bench = Bench(Faulty(fault))
    with pytest.raises((AssertionError, InvariantError, ValueError)):
        test(bench)


class TwiceBooked(Ledger):
    """Books that forget which deals they have."""

    def filled(self, *args: Any) -> None:
        super().filled(*args)
        self.deals.clear()


def test_books_that_forget_deals_are_caught() -> None:
    bench = Bench(PaperCounter())
    books = TwiceBooked()
    for name in Ledger.__dataclass_fields__:
        setattr(books, name, getattr(bench.ledger, name))
    bench.core.books.ledger = books
    with pytest.raises((AssertionError, InvariantError)):
        suite.test_a_deal_that_is_told_twice_is_booked_once(bench)
