"""The whole audit of a journal: numbering, every order, the money, the causes."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.messages.orders import EventRow, OrderFilled, OrderSubmitted
from common.runtime.store import StoredRow, read_rows
from services.cli.journal.evidence import Evidence, check_causes, evidence_of
from services.cli.journal.findings import Finding, Findings
from services.cli.journal.money import Money, Rates
from services.cli.journal.trails import Trail, Trails


@dataclass
class Audited:
    """What is in a journal and what is wrong with it."""

    rows: Sequence[StoredRow]
    events: list[EventRow]
    trails: dict[str, Trail]
    evidence: Evidence
    broken: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    @property
    def fills(self) -> int:
        """Return how many deals it holds."""
        return sum(isinstance(row.event, OrderFilled) for row in self.events)


def read_and_audit(path: Path, rates: Rates | None) -> Audited:
    """Audit a gateway's journal together with the disks of risk and signal in the same folder, where they are."""
    gc.disable()  # all that is read stays: walking through it while it grows would take most of the time
    try:
        # The gateway's first: what caused its rows is on the other disks already.
        gateway = read_rows(path)
        risk = read_rows(path.with_name("risk_manager.db"))
        signal = read_rows(path.with_name("signal_engine.db"))
    finally:
        gc.enable()
    signal_rows = [row.record for row in signal.rows if row.record is not None]
    evidence = evidence_of(gateway.kept.values(), risk.kept.values(), signal_rows)
    return audit(gateway.rows, evidence, rates)


def audit(rows: Sequence[StoredRow], evidence: Evidence, rates: Rates | None) -> Audited:
    """Check every invariant; goes on after a broken one."""
    findings = Findings()
    events = numbered(rows, findings)
    trails, money = Trails(findings), Money(findings, rates)
    for row in events:
        trails.take(row)
        money.take(row)
    trails.finish()
    money.finish()
    check_causes(trails.orders.values(), evidence, findings)
    if rates is None:
        findings.note("fees_unchecked")
    return Audited(rows, events, trails.orders, evidence, findings.broken, findings.notes)


def numbered(rows: Sequence[StoredRow], findings: Findings) -> list[EventRow]:
    """Check that rows run 1..n without a hole and pushes never fall; returns those that are events."""
    events: list[EventRow] = []
    before, push, at_ns = 0, 0, 0
    for row in rows:
        if row.seq != before + 1:
            findings.add("hole", row.seq, first=before + 1, last=row.seq - 1)
        before = row.seq
        if 0 < row.at_ns < at_ns:
            findings.note("clock_back", row.seq)
        at_ns = max(at_ns, row.at_ns)
        if not isinstance(row.record, EventRow):
            findings.add("damaged", row.seq, text=row.fault or type(row.record).__name__)
            continue
        if row.record.seq != row.seq:
            findings.add("wrong_number", row.seq, said=row.record.seq)
        if row.record.push < push:
            findings.add("push_falls", row.seq, push=row.record.push, before=push)
        push = max(push, row.record.push)
        if row.record.stage not in (0, 1):
            findings.add("bad_stage", row.seq, stage=row.record.stage)
        # Findings name the row of the file, whatever the record calls itself.
        events.append(EventRow(row.seq, row.record.push, row.record.stage, row.record.event))
    return events


def submitted(events: Sequence[EventRow]) -> int:
    """Return how many orders there are."""
    return sum(isinstance(row.event, OrderSubmitted) for row in events)
