"""The report of a run: gathered from the services' answers, kept as text and JSON beside the run."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Day, day_of_push
from common.messages.control import Status, StatusRequest
from common.messages.orders import (
    Account,
    AccountRequest,
    CorporateAction,
    EventRow,
    IntentDenied,
    OrderFilled,
    OrderRejected,
    OrderRow,
    Orders,
    OrdersRequest,
    PositionRow,
    Positions,
    PositionsRequest,
    PositionWrittenOff,
    VerdictGiven,
)
from common.messages.signals import (
    Pool,
    PoolRequest,
    SignalList,
    SignalsRequest,
    Verdict,
    Verdicts,
    VerdictsRequest,
    VerdictStatus,
)
from services.cli import show
from services.cli.books import GATEWAY, Fill, events_from, fills_in
from services.cli.session import Session

LATE = "late_"


class Denial(NamedTuple):
    """One refusal: by risk, by the gateway or by the broker."""

    day: Day
    push: int
    by: str
    rule: str
    symbol: str
    side: int
    action: int
    cause: Reason
    reason: Reason
    detail: dict[str, int]


class Report(NamedTuple):
    """Everything a run did."""

    run: str
    days: list[Day]
    pools: list[Pool]
    signals: list[Verdict]
    """Decisions of rules with what became of each."""
    hand: list[Verdict]
    denials: list[Denial]
    orders: list[OrderRow]
    fills: list[Fill]
    corporate: list[CorporateAction]
    positions: list[PositionRow]
    account: Account
    times: dict[int, int]
    """Data time in ns of the pushes in which something was decided or ordered."""
    late: dict[str, int] = {}  # noqa: RUF012 - never written to
    """Pushes that a service had not done when the next one was due (real time only)."""
    written_off: list[PositionWrittenOff] = []  # noqa: RUF012 - never written to
    """Positions that a delisting took out of the books."""

    @property
    def cancels(self) -> list[OrderRow]:
        """Orders that ended with something unfilled."""
        return [row for row in self.orders if row.ended is not Reason.NONE]

    def counts(self) -> dict[str, int]:
        """Return how many there are of each."""
        return {
            "days": len(self.days),
            "signals": len(self.signals),
            "hand": len(self.hand),
            "denials": len(self.denials),
            "orders": len(self.orders),
            "fills": len(self.fills),
            "unfilled": len(self.cancels),
            "positions": len(self.positions),
        }


def gather(session: Session, run: Path, rules: list[str]) -> Report:
    """Ask the services for everything the report says."""
    rows = list(events_from(session, 1))
    account = session.ask(GATEWAY, AccountRequest(), Account)
    days = days_of(rows, account)
    verdicts = list(session.ask("risk_manager", VerdictsRequest(), Verdicts).rows)
    orders = list(session.ask(GATEWAY, OrdersRequest(), Orders).rows)
    return Report(
        run=run.name,
        days=days,
        pools=[session.ask("screener", PoolRequest(rule, day), Pool) for day in days for rule in rules],
        signals=[verdict for verdict in verdicts if verdict.action],
        hand=hand_verdicts(verdicts, rows),
        denials=denials_of(verdicts, rows, orders),
        orders=orders,
        fills=fills_in(rows),
        corporate=[row.event for row in rows if isinstance(row.event, CorporateAction)],
        written_off=[row.event for row in rows if isinstance(row.event, PositionWrittenOff)],
        positions=list(session.ask(GATEWAY, PositionsRequest(), Positions).rows),
        account=account,
        times=times_of(session, rows, orders),
        late=late_of(session.ask("market_data", StatusRequest(), Status, control=True)),
    )


def late_of(status: Status) -> dict[str, int]:
    """Return who was late for how many pushes; nobody is in lockstep."""
    found = {name.removeprefix(LATE): count for name, count in status.numbers.items() if name.startswith(LATE)}
    return {name: count for name, count in found.items() if count}


def times_of(session: Session, rows: list[EventRow], orders: list[OrderRow]) -> dict[int, int]:
    """Return the data time of pushes, from decisions, orders and fills; verdicts carry only the push."""
    decided = session.ask("signal_engine", SignalsRequest(), SignalList).rows
    found = {signal.push: signal.ts_ns for signal in decided} | {order.push: order.ts_ns for order in orders}
    return found | {row.push: row.event.ts_ns for row in rows if isinstance(row.event, OrderFilled)}


def days_of(rows: list[EventRow], account: Account) -> list[Day]:
    """Return the days the run touched."""
    found = {day_of_push(row.push) for row in rows if row.push} | {result.day for result in account.days}
    return sorted(found - {0})


def hand_verdicts(verdicts: list[Verdict], rows: list[EventRow]) -> list[Verdict]:
    """Return the verdicts on people's orders, those the gateway gave while risk was silent included."""
    found = {verdict.key: verdict for verdict in verdicts if not verdict.action}
    for row in rows:
        if isinstance(row.event, VerdictGiven):
            found.setdefault(row.event.verdict.key, row.event.verdict)
    return sorted(found.values(), key=lambda verdict: verdict.push)


def denials_of(verdicts: list[Verdict], rows: list[EventRow], orders: list[OrderRow]) -> list[Denial]:
    """Return every refusal with its numbers, by push: risk's verdicts, the gateway's and the broker's own."""
    found = [_denied("risk", v) for v in verdicts if v.status is VerdictStatus.DENIED]
    seen = {verdict.key for verdict in verdicts}
    by_coid = {order.coid: order for order in orders}
    for row in rows:
        event = row.event
        if isinstance(event, VerdictGiven):
            if event.verdict.status is VerdictStatus.DENIED and event.verdict.key not in seen:
                found.append(_denied("gateway", event.verdict)._replace(push=row.push, day=day_of_push(row.push)))
        elif isinstance(event, IntentDenied | OrderRejected):
            by = "gateway" if isinstance(event, IntentDenied) else "broker"
            found.append(_refused(by, event, row, by_coid.get(event.coid)))
    return sorted(found, key=lambda denial: denial.push)


def _denied(by: str, verdict: Verdict) -> Denial:
    return Denial(
        day_of_push(verdict.push),
        verdict.push,
        by,
        verdict.rule,
        verdict.symbol,
        verdict.side,
        verdict.action,
        verdict.cause,
        verdict.reason,
        verdict.detail,
    )


def _refused(by: str, event: IntentDenied | OrderRejected, row: EventRow, order: OrderRow | None) -> Denial:
    return Denial(
        day_of_push(row.push),
        row.push,
        by,
        order.rule if order else "",
        order.symbol if order else "",
        order.side if order else 0,
        int(Action.NONE),
        order.cause if order else Reason.NONE,
        event.reason,
        event.detail,
    )


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON data; amounts are integers in 0.001 yuan."""
    data = {name: show.plain(value) for name, value in report._asdict().items()}
    data["fills"] = [{"day": f.day, "push": f.push, **show.plain(f.fill)} for f in report.fills]
    del data["times"]
    data["counts"] = report.counts()
    return data


def write(report: Report, text: str, run: Path) -> Path:
    """Keep the report as report.txt and report.json in the run's folder; returns the text's path."""
    _replace(run / "report.json", json.dumps(as_json(report), ensure_ascii=False, indent=1) + "\n")
    _replace(run / "report.txt", text + "\n")
    return run / "report.txt"


def _replace(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
