"""The journal in memory: every row, the books folded from them, and what was answered under which key."""

from collections.abc import Sequence

from common.domain.errors import InvariantError
from common.domain.positions import Ledger, OrderRecord
from common.domain.reasons import Reason
from common.domain.values import Day, PushId, Shares, Symbol
from common.messages.event_feed import belongs
from common.messages.fold import fold
from common.messages.orders import (
    BooksCompared,
    CancelRejected,
    CancelSubmitted,
    CorporateAction,
    DayClosed,
    DayResult,
    DayRolled,
    Event,
    EventRow,
    ExternalOrderSeen,
    IntentDenied,
    OrderAccepted,
    OrderFilled,
    OrderResolved,
    OrderSentAgain,
    OrderSubmitted,
    PositionWrittenOff,
    SubmitOrder,
    VerdictGiven,
)
from common.messages.outputs import Append, Message, Output, Publish
from common.messages.signals import Verdict
from common.messages.topics import EVENT
from services.order_gateway.counters import Counters


class Books:
    """Rows 1..n without a hole. The same code takes rows at a restart and writes new ones, so both give the same."""

    def __init__(self) -> None:
        self.rows: list[EventRow] = []
        self.ledger = Ledger()
        self.submitted: dict[str, SubmitOrder] = {}
        """Orders as they came, by coid."""
        self.denied: dict[str, IntentDenied] = {}
        """Refusals of orders and cancels by key."""
        self.verdicts: dict[str, Verdict] = {}
        """Answers to hand orders by key."""
        self.cancels: dict[str, CancelSubmitted] = {}
        """Cancels by key."""
        self.open_cancels: dict[str, CancelSubmitted] = {}
        """Cancels by coid that the broker has not answered."""
        self.broker_ids: dict[tuple[Day, str], str] = {}
        """Order by day and the broker's number, externals among them."""
        self.attempts: dict[str, int] = {}
        """How often an order was sent, where it was more than once."""
        self.compared: BooksCompared | None = None
        """What was said last about the broker's books."""
        self.resolved: dict[str, OrderResolved] = {}
        """What people settled, by key."""
        self.days: list[DayResult] = []
        self.counters = Counters()
        self._taken: dict[tuple[Symbol, int], Shares] = {}
        self._taken_push: PushId = 0

    @property
    def last_seq(self) -> int:
        """Return the number of the newest row."""
        return len(self.rows)

    @property
    def last_push(self) -> PushId:
        """Return the push of the newest row."""
        return self.rows[-1].push if self.rows else 0

    @property
    def closed_day(self) -> Day:
        """Return the last day that was closed."""
        return self.days[-1].day if self.days else 0

    def restore(self, rows: Sequence[Message]) -> None:
        """Take back the journal's rows."""
        for row in rows:
            if not isinstance(row, EventRow):
                raise InvariantError(f"the journal holds a {type(row).__name__}")
            self._take(row)

    def write(self, event: Event, push: PushId, stage: int) -> list[Output]:
        """Add a row: fold it, journal it, publish it."""
        row = EventRow(self.last_seq + 1, push, stage, event)
        self._take(row)
        return [Append(row, unique_of(event)), Publish(EVENT, row)]

    def matched_seq(self, push: PushId) -> int:
        """Return the number of the last row that is evaluated in `push` or before."""
        return next((row.seq for row in reversed(self.rows) if belongs(row, push)), 0)

    def taken(self, push: PushId, symbol: Symbol, side: int) -> Shares:
        """Return what was filled of a stock and side within a push."""
        return self._taken.get((symbol, side), 0) if push == self._taken_push else 0

    def open_order(self, coid: str) -> OrderRecord | None:
        """Return an order that may still fill."""
        order = self.ledger.orders.get(coid)
        return order if order is not None and order.open else None

    def _take(self, row: EventRow) -> None:
        if row.seq != self.last_seq + 1 or row.push < self.last_push:
            raise InvariantError(f"journal row {row.seq} of push {row.push} after {self.last_seq} of {self.last_push}")
        fold(self.ledger, row.event)
        self.rows.append(row)
        self._index(row)
        self.counters.take(row.event)

    def _index(self, row: EventRow) -> None:
        match row.event:
            case OrderFilled() as fill:
                if row.push != self._taken_push:
                    self._taken, self._taken_push = {}, row.push
                at = (fill.symbol, fill.side)
                self._taken[at] = self._taken.get(at, 0) + fill.shares
            case OrderAccepted(coid=coid, broker_id=broker_id):
                self.broker_ids[self.ledger.order(coid).day, broker_id] = coid
            case ExternalOrderSeen() as seen:
                self.broker_ids[seen.day, seen.broker_id] = seen.coid
            case OrderSentAgain() as again:
                self.attempts[again.coid] = again.attempt
            case OrderResolved() as resolved:
                self.resolved[resolved.key] = resolved
                if resolved.broker_id:
                    self.broker_ids[self.ledger.order(resolved.coid).day, resolved.broker_id] = resolved.coid
            case BooksCompared() as compared:
                self.compared = compared
            case OrderSubmitted(order=order):
                self.submitted[order.coid] = order
            case CancelSubmitted() as cancel:
                self.cancels[cancel.key] = cancel
                self.open_cancels[cancel.coid] = cancel
            case CancelRejected() as refused:
                self.open_cancels.pop(refused.coid, None)
            case IntentDenied() as denial:
                self.denied[denial.key] = denial
            case VerdictGiven(verdict=verdict):
                self.verdicts[verdict.key] = verdict
            case DayClosed(result=result):
                self.days.append(result)
            case _:
                pass

    def cancel_reason(self, coid: str) -> Reason:
        """Return why a cancel of the order was asked for."""
        cancel = self.open_cancels.get(coid)
        return cancel.reason if cancel is not None else Reason.NONE

    def unanswered_cancels(self) -> list[CancelSubmitted]:
        """Return the cancels of open orders that the broker has not answered, oldest first."""
        return [cancel for coid, cancel in self.open_cancels.items() if self.open_order(coid) is not None]


def unique_of(event: Event) -> str:
    """Return what at most one row may carry, so that a second one stops the process instead of entering the books."""
    match event:
        case OrderSubmitted(order=order):
            return f"order:{order.coid}"
        case OrderFilled():
            return f"deal:{event.deal_id}"
        case OrderSentAgain():
            return f"again:{event.coid}:{event.attempt}"
        case OrderResolved():
            return f"resolved:{event.key}"
        case ExternalOrderSeen():
            return f"order:{event.coid}"
        case CancelSubmitted():
            return f"cancel:{event.key}"
        case IntentDenied():
            return f"denied:{event.key}"
        case VerdictGiven(verdict=verdict):
            return f"intent:{verdict.key}"
        case DayRolled():
            return f"day:{event.day}"
        case CorporateAction():
            return f"ex:{event.day}:{event.symbol}"
        case PositionWrittenOff():
            return f"gone:{event.day}:{event.symbol}"
        case DayClosed(result=result):
            return f"close:{result.day}"
        case _:
            return ""
