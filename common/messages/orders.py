"""Orders: what risk sends to the gateway, what people ask of it, what it journals and publishes.

size: plain structs and no logic; the union of events belongs beside its members.
"""

from typing import Annotated

import msgspec

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.messages.bounds import (
    Cash,
    Coid,
    Count,
    Day,
    HandKey,
    Key,
    Label,
    Name,
    Number,
    Numbers,
    Price,
    PushId,
    Remark,
    Second,
    Seq,
    Shares,
    SideNumber,
    Small,
    Symbol,
    Time,
)
from common.messages.signals import Verdict


class SubmitOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """An order that passed risk; only the risk manager's key may send it."""

    coid: Coid
    """20 characters, hashed from `key` (`domain/ids.py`)."""
    key: Key
    symbol: Symbol
    side: SideNumber
    shares: Shares
    price: Price
    push: PushId
    ts_ns: Time
    """Data time of the push it belongs to."""
    valid_until_ns: Time
    """Data time after which it must not be sent to the broker any more."""
    rule: Name
    """Rule name, or "hand"."""
    cause: Reason
    wide_price: bool = False


class CancelOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask to cancel a working order."""

    key: Key
    coid: Coid
    push: PushId
    reason: Reason


class Journalled(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The gateway has an order or a cancel on disk. Not yet: the broker has it."""

    key: Key
    coid: Coid


class Denied(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A refusal with its reason and numbers; a final answer, journalled under the key."""

    key: Key
    reason: Reason
    detail: Numbers = {}
    coid: Coid = ""


# ------------------------------------------------------------------ what anybody with an operator's key may ask


class OpenRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Buy by hand. Answered by a Verdict."""

    key: HandKey
    symbol: Symbol
    shares: Shares
    price: Price = 0
    """0.001 yuan; 0 = marketable."""
    wide_price: bool = False


class CloseRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Sell by hand. Answered by a Verdict."""

    key: HandKey
    symbol: Symbol
    shares: Shares = 0
    """0 = all that is sellable."""
    price: Price = 0
    """0.001 yuan; 0 = marketable."""
    wide_price: bool = False


class CancelRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Cancel an order by its client order id, directly at the gateway. Answered by Journalled or Denied."""

    key: HandKey
    coid: Coid


class ToldDeal(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A deal as a person reads it from the broker's statement."""

    deal_id: Key
    shares: Shares
    price: Price
    """0.001 yuan."""


class ResolveRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Settle an order in doubt by a person's knowledge. Answered by Journalled or Denied."""

    key: HandKey
    coid: Coid
    why: Remark
    """How the person knows; kept in the journal."""
    broker_id: Coid = ""
    """The broker's own number of the order; "" = it never reached the broker."""
    deals: Annotated[tuple[ToldDeal, ...], msgspec.Meta(max_length=500)] = ()
    """What was traded under it, where the broker does not show the order any more; the rest is over."""


class CancelExitRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """End a standing exit of a stock (asked of the risk manager). Answered by a Verdict."""

    key: HandKey
    symbol: Symbol


class PositionsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for all positions."""


class AccountRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for the account."""


class OrdersRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for orders, newest day by default."""

    day: Day = 0
    """0 = all."""
    state: Small = 0
    """`OrderState`; 0 = any."""


class FillsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for fills."""

    day: Day = 0
    """0 = all."""


class EventsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for journal rows from a number on, up to the newest."""

    from_seq: Seq
    limit: Count = 2000


class PositionRow(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One position as the account holds it."""

    symbol: Symbol
    shares: Shares
    sellable: Shares
    """May be sold now: not bought today, not held by open sells."""
    cost: Cash
    """Total cost of the held shares without fees, 0.001 yuan."""
    last: Price
    market_value: Cash
    rule: Name
    opened_day: Day
    frozen: Shares = 0
    """Held by open sells."""
    bought_today: Shares = 0
    """Sellable from the next trading day on (T+1)."""
    tax_due: Cash = 0
    """Dividend tax if all of it were sold today, 0.001 yuan."""


class Positions(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Answer to PositionsRequest."""

    rows: tuple[PositionRow, ...]


class DayResult(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The account at a close."""

    day: Day
    equity: Cash
    cash: Cash
    market_value: Cash
    fees: Cash
    """Fees of the day."""
    pnl: Cash
    """Change of equity over the day."""
    taxes: Cash = 0
    """Dividend tax of the day."""


class Account(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Answer to AccountRequest. Amounts in 0.001 yuan."""

    cash: Cash
    """Cash that is not frozen."""
    frozen: Cash
    """Held by open buys, fees included."""
    withdrawable: Cash
    """Free cash less the proceeds of today's sells, never below zero."""
    market_value: Cash
    equity: Cash
    fees_total: Cash
    day: Day
    start_cash: Cash
    days: tuple[DayResult, ...] = ()
    taxes_total: Cash = 0
    """Dividend tax withheld so far."""
    dividends_total: Cash = 0
    """Cash dividends received so far, before tax."""
    sold_today: Cash = 0
    """Proceeds of today's sells: may be spent today, withdrawn from the next trading day on."""


class OrderRow(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One order as the gateway knows it."""

    coid: Coid
    key: Key
    symbol: Symbol
    side: SideNumber
    shares: Shares
    price: Price
    filled: Shares
    state: OrderState
    rule: Name
    cause: Reason
    push: PushId
    ts_ns: Time
    ended: Reason = Reason.NONE
    """Why it ended, where it was cancelled, rejected or expired."""


class Orders(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Answer to OrdersRequest."""

    rows: tuple[OrderRow, ...]


# ------------------------------------------------------------------ events: rows of the journal, published by seq


class AccountOpened(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The first event of a paper account."""

    cash: Cash
    account: Name


class OrderSubmitted(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The order is on disk in state SENDING; the broker may or may not have it."""

    order: SubmitOrder
    frozen: Cash
    """Cash held for a buy, fees included."""


class OrderAccepted(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The broker has it."""

    coid: Coid
    broker_id: Key


class OrderRejected(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The broker refused it."""

    coid: Coid
    reason: Reason
    detail: Numbers = {}


class OrderFilled(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One deal."""

    coid: Coid
    deal_id: Key
    symbol: Symbol
    side: SideNumber
    shares: Shares
    price: Price
    fees: Cash
    """All fees this deal adds, 0.001 yuan (the minimum commission is per order)."""
    ts_ns: Time
    rule: Name
    cause: Reason
    tax: Cash = 0
    """Dividend tax withheld from a sale, 0.001 yuan."""


class CancelSubmitted(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A cancel is on disk; the broker may or may not have it."""

    key: Key
    coid: Coid
    reason: Reason
    ts_ns: Time = 0
    """Data time it was asked at."""


class OrderCancelled(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The broker confirmed the cancel of what was left."""

    coid: Coid
    left: Shares
    reason: Reason


class CancelRejected(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The broker refused a cancel; the order stands."""

    key: Key
    coid: Coid
    reason: Reason


class OrderExpired(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The day ended with something left unfilled."""

    coid: Coid
    left: Shares


class OrderInDoubt(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Nobody can tell whether the broker has it; trading in it stops until a person or the day-end file decides."""

    coid: Coid


class IntentDenied(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The gateway itself refused an order or a hand order; kept under its key."""

    key: Key
    coid: Coid
    reason: Reason
    detail: Numbers = {}


class VerdictGiven(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The gateway answered a hand order with this verdict; kept under its key."""

    verdict: Verdict


class DayRolled(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A new trading day began: yesterday's buys are sellable, yesterday's orders are gone."""

    day: Day
    prev_day: Day


class CorporateAction(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A held stock went ex: shares and cash changed, cost and prices were rescaled."""

    day: Day
    symbol: Symbol
    prev_close_raw: Price
    reference: Price
    """Ex-right reference price; ratio = reference / prev_close_raw."""
    shares_before: Shares
    shares_after: Shares
    cash: Cash
    """Dividend paid in, 0.001 yuan."""
    cost_after: Cash
    taxable: Cash = 0
    """What is taxed when the shares are sold: the dividend, and bonus shares out of profit at 1.00 yuan each."""


class PositionWrittenOff(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A held stock was delisted: the position left the books for `cash`."""

    day: Day
    symbol: Symbol
    shares: Shares
    cost: Cash
    """Total cost of the shares that are gone, 0.001 yuan."""
    last: Price
    """Last close before the delisting, 0.001 yuan."""
    cash: Cash
    """Paid in for the shares; 0 = written off in full."""


class DayClosed(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The books at a close."""

    result: DayResult
    marks: Numbers = {}
    """Closing price of each position: values it on a day that has no quote of the stock."""


class KillSwitchSet(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The kill switch was turned on (no order leaves) or off, by somebody and for a reason."""

    on: bool
    why: Remark
    by: Name


class LimitRaised(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A limit of the gateway was set for the rest of a day; it falls back with the next one."""

    day: Day
    name: Name
    value: Number
    """As in the configuration: numbers of orders, or yuan."""
    why: Remark
    by: Name


class AccountArmed(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A live account may open positions on this day before `until_s`; 0 = not any more."""

    account: Name
    day: Day
    until_s: Second
    """Second of the day."""
    by: Name


class OrderSentAgain(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The broker proved not to have the order: it is sent once more under the same id."""

    coid: Coid
    attempt: Count
    """2 = the first time again."""


class OrderResolved(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A person settled an order in doubt; the row after it says what became of the order."""

    key: HandKey
    coid: Coid
    broker_id: Coid
    """The broker's number of it; "" = it never reached the broker."""
    by: Name
    why: Remark
    deals: Annotated[tuple[ToldDeal, ...], msgspec.Meta(max_length=500)] = ()


class ExternalOrderSeen(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The broker has an order that is not ours: its deals are booked, it is never touched."""

    coid: Coid
    """`X`, the day and the broker's number: no order of ours begins so."""
    broker_id: Coid
    day: Day
    symbol: Symbol
    side: SideNumber
    shares: Shares
    """What may still be traded under it when it was first seen."""
    price: Price
    remark: Label = ""


class BooksCompared(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Our books and the broker's were found to differ, or to be equal again."""

    equal: bool
    differences: Numbers = {}
    """By symbol (shares) or `cash` (0.001 yuan): the broker's less ours; by order id: shares that live there only."""


class PositionFound(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The account held this when its journal began."""

    symbol: Symbol
    shares: Shares
    bought_today: Shares
    cost: Cash
    """Total cost, 0.001 yuan."""


class DealsCounted(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Deals that are in the cash and the positions with which the journal began."""

    deal_ids: Annotated[tuple[Key, ...], msgspec.Meta(max_length=50_000)]


Event = (
    AccountOpened
    | OrderSubmitted
    | OrderAccepted
    | OrderRejected
    | OrderFilled
    | CancelSubmitted
    | OrderCancelled
    | CancelRejected
    | OrderExpired
    | OrderInDoubt
    | IntentDenied
    | VerdictGiven
    | DayRolled
    | CorporateAction
    | PositionWrittenOff
    | DayClosed
    | KillSwitchSet
    | LimitRaised
    | AccountArmed
    | OrderSentAgain
    | OrderResolved
    | ExternalOrderSeen
    | BooksCompared
    | PositionFound
    | DealsCounted
)
"""What the journal's rows hold."""


class EventRow(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One row of the gateway's journal: an event with its number and the push it happened in."""

    seq: Seq
    push: PushId
    stage: Small
    """0: during the match of the push (evaluated in it); 1: after it (belongs to the next push)."""
    event: Event


class MatchedThrough(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Resting orders were matched against push `push`; rows up to `seq` belong to it."""

    push: PushId
    seq: Seq


class Events(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Answer to EventsRequest."""

    rows: tuple[EventRow, ...]
    last_seq: Seq
    matched: MatchedThrough | None = None
