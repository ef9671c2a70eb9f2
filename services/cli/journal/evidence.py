"""Whether an order has the cause it names: the signal in the signal engine's journal, the verdict of risk, the hand order."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from common.domain.ids import HAND
from common.domain.orders import Action
from common.domain.values import Side, day_of_push
from common.messages.kept import CheckRecord, KeptVerdict, PlacedHandOrder, RelayedHand
from common.messages.market import HandOrder
from common.messages.outputs import Message
from common.messages.signals import Signal, SignalVerdicts, Verdict, VerdictStatus
from services.cli.journal.findings import Findings
from services.cli.journal.trails import Trail, base_key


class Evidence(NamedTuple):
    """What other disks, and the gateway's kept records, say of orders; by key."""

    signals: Mapping[str, Signal]
    checks: Mapping[str, CheckRecord]
    verdicts: Mapping[str, Verdict]
    hand: Mapping[str, HandOrder]
    has_signals: bool = False
    """A signal engine's journal is there."""
    first_risk_day: int = 0
    """Oldest day of which risk still has verdicts; 0 = no record of risk is there."""


def evidence_of(
    gateway_kept: Iterable[Message], risk_kept: Iterable[Message], signal_rows: Iterable[Message]
) -> Evidence:
    """Gather it from the rows and records of the three services."""
    signals: dict[str, Signal] = {}
    checks: dict[str, CheckRecord] = {}
    verdicts: dict[str, Verdict] = {}
    for row in signal_rows:
        if isinstance(row, Signal):
            signals[row.key] = row
        elif isinstance(row, CheckRecord) and row.key:
            checks[row.key] = row
        elif isinstance(row, SignalVerdicts):
            verdicts |= {verdict.key: verdict for verdict in row.verdicts}
    risk = list(risk_kept)
    verdicts |= {record.verdict.key: record.verdict for record in risk if isinstance(record, KeptVerdict)}
    hand = {
        record.order.key: record.order
        for record in (*gateway_kept, *risk)
        if isinstance(record, RelayedHand | PlacedHandOrder)
    }
    days = [day_of_push(record.verdict.push) for record in risk if isinstance(record, KeptVerdict)]
    first = min((day for day in days if day), default=0)
    return Evidence(signals, checks, verdicts, hand, bool(signals), first)


def check_causes(trails: Iterable[Trail], evidence: Evidence, findings: Findings) -> None:
    """Find orders whose cause nobody has, or has otherwise, and orders that risk had denied."""
    for trail in trails:
        order = trail.order
        if trail.external:
            continue
        key = base_key(order.key)
        facts = {"coid": order.coid, "key": order.key}
        verdict = evidence.verdicts.get(key)
        if verdict is not None and verdict.status is VerdictStatus.DENIED:
            findings.add("denied_by_risk", trail.row, **facts, reason=verdict.reason.name)
        if order.rule == HAND:
            kept = evidence.first_risk_day and day_of_push(order.push) >= evidence.first_risk_day
            if kept and verdict is None and key not in evidence.hand:
                findings.add("no_hand_order", trail.row, **facts)
            continue
        if not evidence.has_signals:
            continue
        signal = evidence.signals.get(key)
        if signal is None:
            findings.add("no_signal", trail.row, **facts)
            continue
        side = Side.BUY if signal.action is Action.ENTER else Side.SELL
        if (signal.symbol, signal.rule, signal.reason, side) != (order.symbol, order.rule, order.cause, order.side):
            findings.add("signal_of_another", trail.row, **facts, reason=signal.reason.name, symbol=signal.symbol)
