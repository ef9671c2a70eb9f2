"""The whole life of an order: why it was made, what risk said, and every row about it, with its times."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Day, PushId, day_of_push
from common.messages.header import Trace
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
from common.messages.signals import Verdict, VerdictStatus
from services.cli.journal.audit import Audited
from services.cli.journal.evidence import Evidence
from services.cli.journal.trails import base_key


class Step(NamedTuple):
    """One thing that happened to an order, or before it."""

    kind: str
    """`life.KIND` of the texts says it in words."""
    row: int
    """Row of the journal; 0 where another disk or record says it."""
    push: PushId
    ts_ns: int
    """Data time; 0 = not known."""
    at_ns: int
    """Wall time of the commit; 0 = not known."""
    reason: Reason
    facts: dict[str, Any]
    trace: Trace = Trace()


class Life(NamedTuple):
    """One order, or an intent that never became one."""

    coid: str
    key: str
    symbol: str
    state: str
    """Name of the `OrderState` at the end, DENIED where it never was an order."""
    steps: tuple[Step, ...]


def lives(audited: Audited, wanted: str, day: Day) -> list[Life]:
    """Return the lives of the orders with this id, key or stock (of a day, 0 = all), oldest first."""
    coids = [
        coid
        for coid, trail in audited.trails.items()
        if wanted in (coid, trail.order.key, base_key(trail.order.key), trail.order.symbol)
        and day in (0, day_of_push(trail.order.push))
    ]
    times = times_of(audited)
    found = [_order_life(audited, coid, times) for coid in coids]
    return found + _denied(audited, wanted, day, times, {audited.trails[coid].order.key for coid in coids})


def times_of(audited: Audited) -> dict[PushId, int]:
    """Return the data time of every push of which a row or a signal tells it."""
    times = {signal.push: signal.ts_ns for signal in audited.evidence.signals.values()}
    for row in audited.events:
        if isinstance(row.event, OrderSubmitted):
            times[row.event.order.push] = row.event.order.ts_ns
        elif isinstance(row.event, OrderFilled):
            times[row.push] = row.event.ts_ns
    return times


def _order_life(audited: Audited, coid: str, times: dict[PushId, int]) -> Life:
    trail = audited.trails[coid]
    order = trail.order
    steps = _causes(audited.evidence, base_key(order.key), times)
    stored = {row.seq: row for row in audited.rows}
    for row in audited.events:
        step = _row_step(row, order, times)
        if step is not None:
            beside = stored[row.seq]
            steps.append(step._replace(at_ns=beside.at_ns, trace=beside.trace))
    return Life(coid, order.key, order.symbol, trail.state.name, tuple(steps))


def _causes(evidence: Evidence, key: str, times: dict[PushId, int]) -> list[Step]:
    steps: list[Step] = []
    facts: dict[str, Any]
    hand, signal, check = evidence.hand.get(key), evidence.signals.get(key), evidence.checks.get(key)
    if hand is not None:
        facts = {"side": hand.side, "symbol": hand.symbol, "shares": hand.shares, "price": hand.price}
        steps.append(Step("hand", 0, 0, 0, 0, Reason.NONE, facts))
    if check is not None:
        for each in check.checks:
            facts = {"name": each.name, "passed": each.passed, "numbers": dict(each.numbers)}
            steps.append(
                Step("check", 0, signal.push if signal else 0, signal.ts_ns if signal else 0, 0, Reason.NONE, facts)
            )
    if signal is not None:
        facts = {"rule": signal.rule, "action": Action(signal.action).name, "symbol": signal.symbol}
        steps.append(Step("decided", 0, signal.push, signal.ts_ns, 0, signal.reason, facts))
    verdict = evidence.verdicts.get(key)
    if verdict is not None:
        steps.append(_verdict_step("risk", 0, verdict)._replace(ts_ns=times.get(verdict.push, 0)))
    return steps


def _verdict_step(kind: str, row: int, verdict: Verdict) -> Step:
    facts = {
        "status": VerdictStatus(verdict.status).name, "shares": verdict.shares, "price": verdict.price,
        "numbers": dict(verdict.detail),
    }  # fmt: skip
    return Step(kind, row, verdict.push, 0, 0, verdict.reason, facts)


def _row_step(row: EventRow, order: SubmitOrder, times: dict[PushId, int]) -> Step | None:
    """Return what a row says of the order, None where it says nothing of it."""
    event, ts_ns = row.event, times.get(row.push, 0)
    about = order.coid == getattr(event, "coid", "")

    def step(kind: str, reason: Reason = Reason.NONE, at: int = 0, **facts: Any) -> Step:
        return Step(kind, row.seq, row.push, at or ts_ns, 0, reason, facts)

    match event:
        case OrderSubmitted(order=made) if made.coid == order.coid:
            facts = {"side": made.side, "shares": made.shares, "price": made.price, "frozen": event.frozen}
            return step("submitted", made.cause, made.ts_ns, **facts)
        case VerdictGiven(verdict=verdict) if verdict.key == base_key(order.key):
            return _verdict_step("answered", row.seq, verdict)._replace(push=row.push, ts_ns=ts_ns)
        case OrderAccepted() if about:
            return step("accepted", broker_id=event.broker_id)
        case OrderRejected() if about:
            return step("rejected", event.reason, numbers=dict(event.detail))
        case OrderFilled() if about:
            numbers = {"shares": event.shares, "price": event.price, "fees": event.fees, "tax": event.tax}
            return step("filled", Reason.NONE, event.ts_ns, deal=event.deal_id, **numbers)
        case CancelSubmitted() if about:
            return step("cancel_asked", event.reason, key=event.key)
        case CancelRejected() if about:
            return step("cancel_refused", event.reason, key=event.key)
        case IntentDenied() if about:
            return step("denied", event.reason, key=event.key, numbers=dict(event.detail))
        case OrderCancelled() if about:
            return step("cancelled", event.reason, left=event.left)
        case OrderExpired() if about:
            return step("expired", Reason.DAY_END, left=event.left)
        case OrderInDoubt() if about:
            return step("in_doubt")
        case OrderSentAgain() if about:
            return step("sent_again", attempt=event.attempt)
        case OrderResolved() if about:
            return step("resolved", by=event.by, why=event.why, broker_id=event.broker_id)
        case ExternalOrderSeen() if about:
            facts = {"side": event.side, "shares": event.shares, "price": event.price}
            return step("external", Reason.EXTERNAL, **facts, broker_id=event.broker_id)
        case _:
            return step("other", what=type(event).__name__) if about else None


def _denied(audited: Audited, wanted: str, day: Day, times: dict[PushId, int], known: set[str]) -> list[Life]:
    """Return the intents of this id, key or stock that never became an order."""
    ordered = {trail.order.key for trail in audited.trails.values()} | known
    keys: dict[str, Life] = {}
    stored = {row.seq: row for row in audited.rows}
    for row in audited.events:
        event = row.event
        if isinstance(event, IntentDenied):
            key, coid, symbol = event.key, event.coid, _symbol_of(event.key)
            step = Step(
                "denied", row.seq, row.push, times.get(row.push, 0), 0, event.reason, {"numbers": dict(event.detail)}
            )
        elif isinstance(event, VerdictGiven) and event.verdict.status is VerdictStatus.DENIED:
            key, coid, symbol = event.verdict.key, event.verdict.coid, event.verdict.symbol
            step = _verdict_step("answered", row.seq, event.verdict)._replace(push=row.push)
        else:
            continue
        # A denied cancel belongs to the life of its order.
        if key in ordered or coid in audited.trails or day not in (0, day_of_push(row.push)):
            continue
        if wanted in (coid, key, base_key(key), symbol):
            beside = stored[row.seq]
            step = step._replace(at_ns=beside.at_ns, trace=beside.trace)
            steps = keys[key].steps if key in keys else tuple(_causes(audited.evidence, base_key(key), times))
            keys[key] = Life(coid, key, symbol, "DENIED", (*steps, step))
    for key, verdict in audited.evidence.verdicts.items():
        # Risk said no by itself: the gateway never heard of it.
        mine = wanted in (key, verdict.symbol, verdict.coid) and day in (0, day_of_push(verdict.push))
        if mine and verdict.status is VerdictStatus.DENIED and key not in keys and key not in ordered:
            keys[key] = Life(verdict.coid, key, verdict.symbol, "DENIED", tuple(_causes(audited.evidence, key, times)))
    return list(keys.values())


def _symbol_of(key: str) -> str:
    parts = key.split("|")
    return parts[2] if len(parts) >= 5 else ""


def stations(trace: Trace) -> list[tuple[str, int]]:
    """Return the stations of a chain of causes that were passed, in order, with their wall times."""
    return [(name.removesuffix("_ns"), at) for name, at in trace._asdict().items() if at]


def spans_ms(passed: Sequence[tuple[str, int]]) -> list[tuple[str, float]]:
    """Return the milliseconds from each station to the next."""
    return [(name, (at - before) / 1e6) for (_, before), (name, at) in pairwise(passed)]
