"""Every order's way through the journal, checked row by row without the ledger: a second opinion, which goes on."""

from dataclasses import dataclass, field

from common.domain.ids import COID_LENGTH, HAND, client_order_id
from common.domain.orders import ENDED, OrderState
from common.domain.positions import EXTERNAL_RULE, external_coid
from common.domain.reasons import Reason
from common.domain.values import Side, day_of_push
from common.messages.orders import (
    CancelRejected,
    CancelSubmitted,
    EventRow,
    ExternalOrderSeen,
    IntentDenied,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderResolved,
    OrderSentAgain,
    OrderSubmitted,
    SubmitOrder,
    VerdictGiven,
)
from common.messages.signals import VerdictStatus
from services.cli.journal.findings import Findings

LATE_AFTER = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
"""A deal may still come in for an order that ended so: it is booked and raises an alert."""


@dataclass(slots=True)
class Trail:
    """One order as the rows tell it."""

    order: SubmitOrder
    row: int
    state: OrderState = OrderState.SENDING
    filled: int = 0
    broker_id: str = ""
    attempts: int = 1
    ended_row: int = 0
    cancels: dict[str, int] = field(default_factory=dict)
    """Key of each cancel that nobody has answered to its row."""

    @property
    def external(self) -> bool:
        """Tell whether others gave it to the broker."""
        return self.order.rule == EXTERNAL_RULE

    @property
    def open(self) -> bool:
        """Tell whether it may still fill."""
        return self.state not in ENDED

    @property
    def left(self) -> int:
        """Return the shares not filled."""
        return self.order.shares - self.filled


class Trails:
    """Takes rows in order."""

    def __init__(self, findings: Findings) -> None:
        self.orders: dict[str, Trail] = {}
        self._findings = findings
        self._deals: dict[str, int] = {}
        self._cancels: dict[str, int] = {}
        self._denied: dict[str, int] = {}
        self._verdicts: dict[str, int] = {}
        self._keys: dict[str, int] = {}

    def take(self, row: EventRow) -> None:
        """Check one row against what came before it."""
        seq, event = row.seq, row.event
        match event:
            case OrderSubmitted(order=order):
                self._submitted(seq, row.push, order)
            case OrderFilled():
                self._filled(seq, event)
            case OrderAccepted():
                self._accepted(seq, event)
            case OrderRejected():
                self._ended(seq, event.coid, OrderState.REJECTED)
                self._reason(seq, event.coid, event.reason)
            case OrderCancelled():
                self._ended(seq, event.coid, OrderState.CANCELLED, event.left)
            case OrderExpired():
                self._ended(seq, event.coid, OrderState.EXPIRED, event.left)
            case OrderInDoubt():
                self._in_doubt(seq, event.coid)
            case OrderSentAgain():
                self._sent_again(seq, event)
            case OrderResolved():
                self._resolved(seq, event)
            case ExternalOrderSeen():
                self._external(seq, event)
            case CancelSubmitted():
                self._cancel(seq, event)
            case CancelRejected():
                self._cancel_refused(seq, event)
            case IntentDenied():
                self._once(self._denied, event.key, seq, "denied_twice")
                self._reason(seq, event.key, event.reason)
                if event.key in self._keys:
                    self._findings.add("denied_and_sent", self._keys[event.key], seq, key=event.key)
            case VerdictGiven(verdict=verdict):
                self._once(self._verdicts, verdict.key, seq, "verdict_twice")
                if verdict.status is VerdictStatus.DENIED:
                    self._reason(seq, verdict.key, verdict.reason)
            case _:
                pass

    def finish(self) -> None:
        """Say what is open at the end."""
        for coid, trail in self.orders.items():
            if trail.state is OrderState.IN_DOUBT:
                self._findings.note("in_doubt", trail.row, coid=coid)
            for key, seq in trail.cancels.items():
                self._findings.note("cancel_open", seq, coid=coid, key=key)

    # ------------------------------------------------------------------ orders

    def _submitted(self, seq: int, push: int, order: SubmitOrder) -> None:
        found, day = self._findings, day_of_push(order.push)
        if order.coid in self.orders:
            found.add("sent_twice", self.orders[order.coid].row, seq, coid=order.coid)
            return
        self.orders[order.coid] = Trail(order, seq)
        if not order.key or order.cause is Reason.NONE or not order.rule:
            found.add("no_cause", seq, coid=order.coid, key=order.key, cause=order.cause.name)
        if len(order.coid) != COID_LENGTH or order.coid != client_order_id(day, order.key):
            found.add("wrong_id", seq, coid=order.coid, key=order.key, wanted=client_order_id(day, order.key))
        if order.rule != HAND and not _names(order.key, order):
            found.add("strange_key", seq, coid=order.coid, key=order.key, symbol=order.symbol, day=day)
        if order.key in self._denied:
            found.add("denied_and_sent", self._denied[order.key], seq, key=order.key)
        self._once(self._keys, order.key, seq, "key_twice")
        if order.side not in (Side.BUY, Side.SELL) or order.shares <= 0 or order.price <= 0:
            found.add("bad_order", seq, coid=order.coid, shares=order.shares, price=order.price, side=order.side)
        if order.push > push:
            found.add("before_its_push", seq, coid=order.coid, push=order.push, row_push=push)

    def _filled(self, seq: int, fill: OrderFilled) -> None:
        found, trail = self._findings, self.orders.get(fill.coid)
        self._once(self._deals, fill.deal_id, seq, "deal_twice")
        if trail is None:
            found.add("fill_without_order", seq, coid=fill.coid, deal=fill.deal_id)
            return
        order = trail.order
        trail.filled += fill.shares
        if fill.shares <= 0 or fill.price <= 0 or fill.fees < 0 or fill.tax < 0 or not fill.deal_id:
            found.add("bad_fill", seq, coid=fill.coid, shares=fill.shares, price=fill.price, fees=fill.fees)
        if (fill.symbol, fill.side, fill.rule, fill.cause) != (order.symbol, order.side, order.rule, order.cause):
            found.add("fill_of_another", trail.row, seq, coid=fill.coid, symbol=fill.symbol)
        if trail.filled > order.shares:
            found.add("filled_too_much", trail.row, seq, coid=fill.coid, filled=trail.filled, ordered=order.shares)
        worse = fill.price > order.price if order.side == Side.BUY else fill.price < order.price
        if worse and not trail.external:
            found.add("worse_than_limit", trail.row, seq, coid=fill.coid, price=fill.price, limit=order.price)
        if trail.open:
            trail.state = OrderState.PARTIAL if trail.left > 0 else OrderState.FILLED
            self._close(trail, seq)
        elif trail.state in LATE_AFTER:
            found.note("late_fill", trail.ended_row, seq, coid=fill.coid, state=trail.state.name)
        elif trail.state is OrderState.REJECTED:
            found.add("bad_move", trail.row, seq, coid=fill.coid, state=trail.state.name, event="OrderFilled")

    def _accepted(self, seq: int, event: OrderAccepted) -> None:
        trail = self._known(seq, event.coid)
        if trail is None:
            return
        if trail.broker_id and event.broker_id != trail.broker_id:
            self._findings.add("two_broker_ids", trail.row, seq, coid=event.coid, broker_id=event.broker_id)
        if not trail.open and trail.state is not OrderState.FILLED:
            self._bad_move(seq, trail, "OrderAccepted")
        trail.broker_id = event.broker_id
        if trail.state in (OrderState.SENDING, OrderState.IN_DOUBT):
            trail.state = OrderState.PARTIAL if trail.filled else OrderState.WORKING

    def _sent_again(self, seq: int, event: OrderSentAgain) -> None:
        trail = self._known(seq, event.coid)
        if trail is None:
            return
        trail.attempts += 1
        if trail.state is not OrderState.SENDING or trail.external or event.attempt != trail.attempts:
            self._bad_move(seq, trail, f"OrderSentAgain {event.attempt}")
        self._findings.note("sent_again", trail.row, seq, coid=event.coid, attempt=event.attempt)

    def _external(self, seq: int, event: ExternalOrderSeen) -> None:
        if event.coid in self.orders:
            self._findings.add("sent_twice", self.orders[event.coid].row, seq, coid=event.coid)
            return
        if event.coid != external_coid(event.day, event.broker_id):
            self._findings.add("wrong_id", seq, coid=event.coid, wanted=external_coid(event.day, event.broker_id))
        made = SubmitOrder(
            event.coid, event.coid, event.symbol, event.side, event.shares, event.price, 0, 0, 0, EXTERNAL_RULE,
            Reason.EXTERNAL,
        )  # fmt: skip
        self.orders[event.coid] = Trail(made, seq, OrderState.WORKING, broker_id=event.broker_id)
        self._findings.note("external", seq, coid=event.coid, broker_id=event.broker_id, remark=event.remark)

    def _resolved(self, seq: int, event: OrderResolved) -> None:
        trail = self._known(seq, event.coid)
        if trail is None:
            return
        if trail.state is not OrderState.IN_DOUBT:
            self._bad_move(seq, trail, "OrderResolved")
        if not event.why.strip() or not event.by:
            self._findings.add("no_reason", seq, key=event.key)
        if event.broker_id:
            self._adopt(seq, trail, self.orders.get(external_coid(day_of_push(trail.order.push), event.broker_id)))

    def _adopt(self, seq: int, trail: Trail, theirs: Trail | None) -> None:
        order = trail.order
        same = theirs is not None and (theirs.order.symbol, theirs.order.side) == (order.symbol, order.side)
        if theirs is None or not same or theirs.filled > trail.left:
            self._findings.add("adopts_another", trail.row, seq, coid=order.coid)
            return
        trail.filled, trail.broker_id = trail.filled + theirs.filled, theirs.broker_id
        trail.state = OrderState.PARTIAL if trail.filled else OrderState.WORKING
        if trail.left <= 0:
            trail.state = OrderState.FILLED
        elif not theirs.open:
            trail.state = OrderState.CANCELLED
        self._close(trail, seq)
        theirs.state, theirs.filled, theirs.ended_row = OrderState.CANCELLED, theirs.order.shares, seq

    def _ended(self, seq: int, coid: str, state: OrderState, left: int | None = None) -> None:
        trail = self._known(seq, coid)
        if trail is None:
            return
        if not trail.open or (state is OrderState.REJECTED and trail.filled):
            self._bad_move(seq, trail, state.name)
            return
        if left is not None and left != trail.left:
            self._findings.add("wrong_rest", trail.row, seq, coid=coid, left=left, wanted=trail.left)
        trail.state = state
        self._close(trail, seq)

    def _in_doubt(self, seq: int, coid: str) -> None:
        trail = self._known(seq, coid)
        if trail is None:
            return
        if not trail.open:
            self._bad_move(seq, trail, OrderState.IN_DOUBT.name)
            return
        trail.state = OrderState.IN_DOUBT

    def _close(self, trail: Trail, seq: int) -> None:
        if not trail.open:
            trail.ended_row = seq
            trail.cancels.clear()  # whatever was asked for, the end is the answer

    # ------------------------------------------------------------------ cancels

    def _cancel(self, seq: int, event: CancelSubmitted) -> None:
        self._once(self._cancels, event.key, seq, "cancel_twice")
        self._reason(seq, event.key, event.reason)
        trail = self._known(seq, event.coid)
        if trail is None:
            return
        if trail.open:
            trail.cancels[event.key] = seq
        else:
            self._findings.add("cancel_of_ended", trail.ended_row, seq, coid=event.coid, key=event.key)

    def _cancel_refused(self, seq: int, event: CancelRejected) -> None:
        trail = self._known(seq, event.coid)
        self._reason(seq, event.key, event.reason)
        if event.key not in self._cancels:
            self._findings.add("answer_without_cancel", seq, coid=event.coid, key=event.key)
        elif trail is not None:
            trail.cancels.pop(event.key, None)

    # ------------------------------------------------------------------ inside

    def _known(self, seq: int, coid: str) -> Trail | None:
        trail = self.orders.get(coid)
        if trail is None:
            self._findings.add("unknown_order", seq, coid=coid)
        return trail

    def _bad_move(self, seq: int, trail: Trail, event: str) -> None:
        facts = {"coid": trail.order.coid, "state": trail.state.name, "event": event}
        self._findings.add("bad_move", trail.ended_row or trail.row, seq, **facts)

    def _reason(self, seq: int, key: str, reason: Reason) -> None:
        if reason is Reason.NONE:
            self._findings.add("no_reason", seq, key=key)

    def _once(self, seen: dict[str, int], key: str, seq: int, check: str) -> None:
        if key in seen:
            self._findings.add(check, seen[key], seq, key=key)
        else:
            seen[key] = seq


def base_key(key: str) -> str:
    """Return the key of the decision an order works for: reprices carry `|r<n>` after it."""
    head, mark, tail = key.rpartition("|r")
    return head if mark and tail.isdigit() else key


def _names(key: str, order: SubmitOrder) -> bool:
    """Tell whether a rule's key (strategy|day|symbol|check|attempt) names the order's rule and stock."""
    parts = base_key(key).split("|")
    return len(parts) == 5 and parts[0] == order.rule and parts[2] == order.symbol and parts[1].isdigit()
