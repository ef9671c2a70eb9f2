"""From the gateway's events to the books: one place, used by the gateway, risk and signal alike."""

from common.domain.positions import Ledger, external_coid
from common.messages.orders import (
    AccountOpened,
    CorporateAction,
    DayClosed,
    DayRolled,
    DealsCounted,
    Event,
    ExternalOrderSeen,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderResolved,
    OrderSubmitted,
    PositionFound,
    PositionWrittenOff,
)


def fold(ledger: Ledger, event: Event) -> None:
    """Apply one event to the books; events that change no books (cancels asked, verdicts) are passed over."""
    match event:
        case OrderFilled():
            ledger.filled(event.coid, event.deal_id, event.shares, event.price, event.fees, event.tax)
        case OrderSubmitted(order=order):
            ledger.submitted(
                order.coid, order.key, order.symbol, order.side, order.shares, order.price, order.rule, order.cause,
                order.push, order.ts_ns, event.frozen,
            )  # fmt: skip
        case OrderAccepted():
            ledger.accepted(event.coid, event.broker_id)
        case OrderCancelled():
            ledger.cancelled(event.coid, event.reason)
        case OrderRejected():
            ledger.rejected(event.coid, event.reason)
        case OrderExpired():
            ledger.expired(event.coid)
        case OrderInDoubt():
            ledger.in_doubt(event.coid)
        case DayRolled():
            ledger.roll_day(event.day, event.prev_day)
        case CorporateAction():
            ledger.corporate_action(
                event.symbol, event.shares_before, event.shares_after, event.cash, event.cost_after, event.reference,
                event.taxable,
            )  # fmt: skip
        case PositionWrittenOff():
            ledger.written_off(event.symbol, event.shares, event.cash)
        case DayClosed():
            ledger.close_day(event.result.equity, event.marks)
        case ExternalOrderSeen():
            ledger.external(
                event.coid, event.broker_id, event.symbol, event.side, event.shares, event.price, event.day
            )  # fmt: skip
        case OrderResolved():
            other = external_coid(ledger.order(event.coid).day, event.broker_id)
            if event.broker_id and other in ledger.orders:
                ledger.adopted(event.coid, other)
        case PositionFound():
            ledger.found(event.symbol, event.shares, event.bought_today, event.cost)
        case DealsCounted():
            ledger.deals.update(event.deal_ids)
        case AccountOpened():
            ledger.open_account(event.account, event.cash)
        case _:
            pass
