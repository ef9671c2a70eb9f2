"""Events that change no books are passed over; the others reach the ledger (see the gateway's restart tests)."""

from common.domain.orders import OrderState
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.fold import fold
from common.messages.orders import (
    AccountOpened,
    CancelRejected,
    CancelSubmitted,
    DayRolled,
    Event,
    IntentDenied,
    OrderAccepted,
    OrderInDoubt,
    OrderRejected,
    OrderSubmitted,
    SubmitOrder,
    VerdictGiven,
)
from common.messages.signals import Verdict, VerdictStatus

ORDER = SubmitOrder("c", "k", "600001.SH", Side.BUY, 100, 10_000, 1, 1, 2, "limit_up", Reason.LIMIT_UP_TOUCH)
OPENED: tuple[Event, ...] = (AccountOpened(10_000_000, "paper"), DayRolled(20260105, 20260104))


def folded(*events: Event) -> Ledger:
    ledger = Ledger()
    for event in (*OPENED, *events):
        fold(ledger, event)
    return ledger


def test_events_without_effect_on_the_books() -> None:
    silent: tuple[Event, ...] = (
        IntentDenied("k", "c", Reason.ODD_LOT),
        VerdictGiven(Verdict("k", VerdictStatus.DENIED)),
        CancelSubmitted("x", "c", Reason.HAND_CANCEL),
        CancelRejected("x", "c", Reason.CANCEL_REFUSED_BY_PHASE),
    )
    assert folded(*silent) == folded()


def test_the_life_of_an_order() -> None:
    sent = OrderSubmitted(ORDER, 1_005_000)
    ledger = folded(sent, OrderInDoubt("c"))
    assert (ledger.order("c").state, ledger.frozen_cash) == (OrderState.IN_DOUBT, 1_005_000)
    fold(ledger, OrderAccepted("c", "b7"))
    assert (ledger.order("c").state, ledger.order("c").broker_id) == (OrderState.WORKING, "b7")
    refused = folded(sent, OrderRejected("c", Reason.BROKER_REJECTED))
    assert (refused.order("c").ended, refused.frozen_cash) == (Reason.BROKER_REJECTED, 0)
