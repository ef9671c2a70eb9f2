"""One day of a run as lines that can be laid side by side: signals, verdicts, orders, fills, the close."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from common.domain.orders import Action, OrderState
from common.domain.reasons import Reason
from common.domain.values import Day, PushId, day_of_push
from common.messages.kept import CheckRecord, KeptState, KeptVerdict, SignalCursor
from common.messages.orders import (
    CancelSubmitted,
    DayClosed,
    DayResult,
    EventRow,
    IntentDenied,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderSubmitted,
)
from common.messages.signals import Pool, Signal, SignalVerdicts, Verdict, VerdictStatus
from common.runtime.store import read_store

KINDS = ("signal", "verdict", "order", "fill", "close")
"""In the order in which one follows from another."""


class Line(NamedTuple):
    """One thing that happened, under a key that both sides have."""

    kind: str
    key: str
    symbol: str
    rule: str
    push: PushId
    values: dict[str, Any]


class Traces(NamedTuple):
    """What a run left behind that can explain why its day was not the pipeline's."""

    hand_cancels: frozenset[str] = frozenset()
    """Orders that a person cancelled."""
    hand_exits: frozenset[str] = frozenset()
    """Stocks whose standing exit a person ended."""
    gap: PushId = 0
    """Pushes before this one were lost to the signal engine."""
    gap_symbols: frozenset[str] = frozenset()
    """Stocks of which it noted that a step came after a gap."""
    state_why: str = ""
    """What a person said when the trading state was changed last; empty = nobody did."""
    pools: Mapping[str, frozenset[str]] = {}
    """The symbols of the day's pool, by rule."""


class DayBooks(NamedTuple):
    """Everything of one day, and the close before it."""

    lines: dict[tuple[str, str], Line]
    before: DayResult | None
    close: DayResult | None
    times: dict[PushId, int]
    """Data time in ns of the pushes of which it is known."""
    traces: Traces


def read_run(folder: Path, day: Day, through: PushId) -> DayBooks:
    """Read a day of a run from the disks of its services, up to a push; works while they run and after."""
    rows, _ = read_store(folder / "order_gateway.db")
    signal_rows, signal_kept = read_store(folder / "signal_engine.db")
    _, risk_kept = read_store(folder / "risk_manager.db")
    _, screener_kept = read_store(folder / "screener.db")
    events = [row for row in rows if isinstance(row, EventRow)]
    # Risk forgets the verdicts of long ago; those on decisions are in the signal engine's journal for ever.
    verdicts = {v.key: v for row in signal_rows if isinstance(row, SignalVerdicts) for v in row.verdicts}
    verdicts |= {record.verdict.key: record.verdict for record in risk_kept.values() if isinstance(record, KeptVerdict)}
    signals = [row for row in signal_rows if isinstance(row, Signal)]
    pools = [pool for pool in screener_kept.values() if isinstance(pool, Pool)]
    traces = traces_of(events, verdicts.values(), day)
    states = [record for record in risk_kept.values() if isinstance(record, KeptState)]
    cursors = [record for record in signal_kept.values() if isinstance(record, SignalCursor)]
    traces = traces._replace(
        gap=next((cursor.gap for cursor in cursors if cursor.day == day), 0),
        gap_symbols=gap_symbols(signal_rows, day),
        state_why=next((state.why for state in states if state.why != "first start"), ""),
        pools=pools_of(pools, day),
    )
    return day_books(events, verdicts.values(), signals, day, through, traces)


def pools_of(pools: Iterable[Pool], day: Day) -> dict[str, frozenset[str]]:
    """Return the symbols of the pools of a day."""
    return {pool.rule: frozenset(row.symbol for row in pool.rows) for pool in pools if pool.day == day}


def gap_symbols(rows: Iterable[object], day: Day) -> frozenset[str]:
    """Return the stocks of which the signal engine noted a step after a gap."""
    return frozenset(
        row.symbol
        for row in rows
        if isinstance(row, CheckRecord) and row.day == day
        if any(check.name == "no_gap" and not check.passed for check in row.checks)
    )


def traces_of(rows: Iterable[EventRow], verdicts: Iterable[Verdict], day: Day) -> Traces:
    """Return what people did that no tape carries."""
    cancels = frozenset(
        row.event.coid
        for row in rows
        if isinstance(row.event, CancelSubmitted) and row.event.reason is Reason.HAND_CANCEL
    )
    exits = frozenset(v.symbol for v in verdicts if v.cause is Reason.HAND_CANCEL and day_of_push(v.push) == day)
    return Traces(hand_cancels=cancels, hand_exits=exits)


def day_books(
    rows: Sequence[EventRow],
    verdicts: Iterable[Verdict],
    signals: Iterable[Signal],
    day: Day,
    through: PushId,
    traces: Traces,
) -> DayBooks:
    """Gather a day up to a push from a journal, verdicts and signals."""
    lines = [signal_line(signal) for signal in signals]
    lines += [verdict_line(verdict) for verdict in verdicts]
    lines += order_lines(rows, through)
    lines += [fill_line(row, row.event) for row in rows if isinstance(row.event, OrderFilled)]
    # A day whose end was lost is closed by the first push of the next one.
    done = [row for row in rows if row.push <= through or day_of_push(row.push) < day]
    closes = {row.event.result.day: row.event.result for row in done if isinstance(row.event, DayClosed)}
    close = closes.get(day)
    if close is not None:
        values = {"equity": close.equity, "cash": close.cash, "fees": close.fees}
        lines.append(Line("close", str(day), "", "", through, values))
    times = {signal.push: signal.ts_ns for signal in signals}
    times |= {row.event.order.push: row.event.order.ts_ns for row in rows if isinstance(row.event, OrderSubmitted)}
    times |= {row.push: row.event.ts_ns for row in rows if isinstance(row.event, OrderFilled)}
    kept = {(line.kind, line.key): line for line in lines if day_of_push(line.push) == day and line.push <= through}
    earlier = [result for at, result in sorted(closes.items()) if at < day]
    return DayBooks(kept, earlier[-1] if earlier else None, close, times, traces)


def signal_line(signal: Signal) -> Line:
    """Return a decision of a rule."""
    values = {
        "action": Action(signal.action).name, "reason": signal.reason.name, "fraction_bp": signal.fraction_bp,
        "cancel_at_s": signal.cancel_at_s, "push": signal.push,
    }  # fmt: skip
    return Line("signal", signal.key, signal.symbol, signal.rule, signal.push, values)


def verdict_line(verdict: Verdict) -> Line:
    """Return what risk said to it."""
    values = {
        "status": VerdictStatus(verdict.status).name, "reason": verdict.reason.name, "shares": verdict.shares,
        "price": verdict.price, "push": verdict.push,
    }  # fmt: skip
    return Line("verdict", verdict.key, verdict.symbol, verdict.rule, verdict.push, values)


def fill_line(row: EventRow, deal: OrderFilled) -> Line:
    """Return one deal."""
    values = {"shares": deal.shares, "price": deal.price, "fees": deal.fees, "push": row.push}
    return Line("fill", deal.deal_id, deal.symbol, deal.rule, row.push, values)


def order_lines(rows: Iterable[EventRow], through: PushId) -> list[Line]:
    """Return every order with how it stood after a push."""
    found: dict[str, Line] = {}
    for row in rows:
        event = row.event
        if row.push > through:
            continue
        if isinstance(event, OrderSubmitted):
            order = event.order
            values = {
                "side": order.side, "shares": order.shares, "price": order.price, "cause": order.cause.name,
                "push": row.push, "filled": 0, "ended": "",
            }  # fmt: skip
            found[order.coid] = Line("order", order.coid, order.symbol, order.rule, row.push, values)
        elif isinstance(event, IntentDenied) and event.coid not in found and event.coid:
            values = {"ended": f"{OrderState.REJECTED.name} {event.reason.name}", "push": row.push}
            found[event.coid] = Line("order", event.coid, "", "", row.push, values)
        elif isinstance(event, OrderFilled) and event.coid in found:
            found[event.coid].values["filled"] += event.shares
        elif (ended := ended_text(event)) and getattr(event, "coid", "") in found:
            found[getattr(event, "coid", "")].values["ended"] = ended
    return list(found.values())


def ended_text(event: object) -> str:
    """Return how an order ended, in the words of the code; empty where the event ends none."""
    match event:
        case OrderCancelled(reason=reason):
            return f"{OrderState.CANCELLED.name} {reason.name}"
        case OrderRejected(reason=reason):
            return f"{OrderState.REJECTED.name} {reason.name}"
        case OrderExpired():
            return OrderState.EXPIRED.name
        case OrderInDoubt():
            return OrderState.IN_DOUBT.name
        case _:
            return ""
