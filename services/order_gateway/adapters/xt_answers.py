"""Whether an answer to a query can be believed, and what it then says. Pure.

None is what the vendor returns for nothing and for a failure, and even an empty list has been seen of a link whose far
side was away. So a list is believed to be empty only where the rest of the answer fits that: money is shown before and
after, no share is worth anything, no order is known, no order has traded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec.structs import replace

from common.domain.calendar import day_of, hms, second_of_day
from services.order_gateway.adapters.xt_identity import Identity, Verdict
from services.order_gateway.adapters.xt_parse import (
    Defect,
    milli,
    parse_cash,
    parse_order,
    parse_position,
    parse_trade,
)
from services.order_gateway.calls import CounterDeal, CounterOrder, CounterState, CounterStatus

CLOSED_S = hms("15:05")
"""From this second of the day on, what still stands has expired, whatever its status says; the last deals have come."""
_STANDING = (CounterStatus.WORKING, CounterStatus.UNKNOWN)


@dataclass
class Question:
    """A query whose parts come one by one."""

    asked_ns: int
    until_ns: int
    known: tuple[str, ...] = ()
    parts: dict[str, Any] = field(default_factory=dict)


class Answer(NamedTuple):
    """What else an answer showed."""

    doubt: str
    """Why it is not believed; empty where it is, or where it only came too early to tell whose orders these are."""
    defects: tuple[Defect, ...]


def read_state(question: Question, identity: Identity, account: str, now_ns: int) -> tuple[CounterState, Answer]:
    """Return the counter's books from all parts of an answer, `complete` only where each of them can be believed."""
    asked_ns, parts, today, defects = question.asked_ns, question.parts, day_of(now_ns), list[Defect]()

    def read(part: str, parse: Any) -> list[Any]:
        rows = [row for row in parts[part] or () if row.account_id is None or row.account_id == account]
        return _readable((parse(row) for row in rows), defects)

    orders = read("orders", lambda row: parse_order(row, today))
    deals = read("trades", lambda row: parse_trade(row, today))
    positions = read("positions", parse_position)
    known = [*question.known, *(number for day, number in identity.tied if day == today)]
    doubt = _doubt(parts, orders, deals, known)
    if not doubt and any(defect.strange for defect in defects):
        doubt = "a row cannot be read"  # it may be the very order that would else count as absent
    cash = parse_cash(parts["asset_after"]) if not doubt else None
    if not doubt and cash is None:
        doubt = "its money cannot be read"
    certain, named = identity.listed(_expired(orders, now_ns), now_ns)
    told = [identity.deal(deal, now_ns) for deal in deals]
    answer = Answer(doubt, tuple(defects))
    if cash is None or not certain or any(verdict is Verdict.HOLD for verdict, _ in told):
        return CounterState(asked_ns, complete=False), answer
    held = tuple(position for position in positions if position.shares)
    return CounterState(asked_ns, True, tuple(named), tuple(deal for _, deal in told), held, cash), answer


def _readable(parsed: Iterable[Any], defects: list[Defect]) -> list[Any]:
    good: list[Any] = []
    for each in parsed:
        (defects if isinstance(each, Defect) else good).append(each)
    return good


def _doubt(
    parts: Mapping[str, Any], orders: Sequence[CounterOrder], deals: Sequence[CounterDeal], known: Sequence[str]
) -> str:
    if parts["asset"] is None or parts["asset_after"] is None:
        return "no money shown"
    if not parts["positions"] and (milli(parts["asset_after"].market_value) or 0) > 0:
        return "shares are worth something, and no position is shown"
    if known and not orders:
        return "orders are known, and none is shown"
    if not deals and any(order.traded for order in orders):
        return "orders have traded, and no deal is shown"
    return ""


def _expired(orders: Sequence[CounterOrder], now_ns: int) -> list[CounterOrder]:
    """End what still stands after the close: clients go on showing it as if it stood."""
    if second_of_day(now_ns) < CLOSED_S:
        return list(orders)
    return [replace(o, status=CounterStatus.EXPIRED) if o.status in _STANDING else o for o in orders]
