"""An audit and the lives of orders as people read them, and as JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side
from services.cli.journal.audit import Audited, submitted
from services.cli.journal.findings import Finding
from services.cli.journal.life import Life, Step, spans_ms, stations
from services.cli.render import heads, side_text, state_text
from services.cli.show import name_text, numbers_text, plain, price_text, reason_text, table, time_text, yuan
from services.cli.texts import TEXTS, say

_PRICES = frozenset({"price", "limit"})
_MONEY = frozenset(
    {"fees", "tax", "frozen", "cash", "free_cash", "frozen_cash", "equity", "market_value", "pnl", "taxes"}
)
_NAMED = frozenset({"said", "wanted", "amount"})
"""Numbers of which another fact tells what they count."""


def finding_lines(lang: str, findings: list[Finding]) -> list[str]:
    """Return one line a finding: its rows, what it is, its numbers."""
    lines = []
    for found in findings:
        rows = ", ".join(map(str, found.rows))
        place = say(lang, "journal.rows", rows=rows) if rows else say(lang, "journal.whole")
        numbers = " ".join(f"{name}={_fact(found, name, value)}" for name, value in found.facts.items())
        words = say(lang, f"broken.{found.check}")
        lines.append(f"{place}  {words}" + (f" [{numbers}]" if numbers else ""))
    return lines


def _fact(found: Finding, name: str, value: object) -> str:
    counts = str(found.facts.get("name", ""))
    money = name in _MONEY or (name in _NAMED and (counts in _MONEY or found.check in ("fees_wrong", "frozen_wrong")))
    if isinstance(value, int) and not isinstance(value, bool):
        return price_text(value) if name in _PRICES else yuan(value) if money else str(value)
    return str(value)


def audit_lines(lang: str, file: str, audited: Audited) -> list[str]:
    """Return the audit as a report."""
    counts = {"rows": len(audited.rows), "orders": submitted(audited.events), "fills": audited.fills}
    lines = [say(lang, "journal.head", file=file, **counts)]
    if audited.notes:
        lines += [say(lang, "journal.notes"), *(f"  {line}" for line in finding_lines(lang, audited.notes))]
    if audited.broken:
        lines.append(say(lang, "journal.broken", count=len(audited.broken)))
        lines += [f"  {line}" for line in finding_lines(lang, audited.broken)]
    else:
        lines.append(say(lang, "journal.clean"))
    return lines


def life_lines(lang: str, life: Life) -> list[str]:
    """Return the life of an order: a head line, then what happened, each with its times."""
    state = say(lang, "journal.denied") if life.state == "DENIED" else state_text(lang, OrderState[life.state])
    lines = ["", say(lang, "journal.life", coid=life.coid or "-", symbol=life.symbol, key=life.key, state=state)]
    rows = [
        (
            step.row or "",
            time_text(step.ts_ns) if step.ts_ns else "",
            wall_text(step.at_ns),
            say(lang, f"life.{step.kind}"),
            reason_text(lang, step.reason) if step.reason is not Reason.NONE else "",
            step_text(lang, step),
        )
        for step in life.steps
    ]
    lines += table(heads(lang, "row", "data_time", "wall_time", "what", "why", "numbers"), rows, (0,)).splitlines()
    for step in life.steps:
        passed = stations(step.trace)
        if len(passed) > 1:
            lines.append(trace_text(lang, step.row, passed))
    return lines


def trace_text(lang: str, row: int, passed: list[tuple[str, int]]) -> str:
    """Return when a chain of causes passed its stations, and how long each took."""
    first, at = passed[0]
    parts = [say(lang, f"station.{first}") + f" {wall_text(at)}"]
    parts += [say(lang, f"station.{name}") + f" +{ms:.3f} ms" for name, ms in spans_ms(passed)]
    return say(lang, "journal.trace", row=row, stations=" -> ".join(parts))


def step_text(lang: str, step: Step) -> str:
    """Return the numbers of a step on one line."""
    parts = []
    for name, value in step.facts.items():
        if name == "numbers":
            parts.append(numbers_text(lang, value))
        elif step.kind == "check" and name == "name":
            parts.append(name_text(lang, value))
        elif name == "side":
            parts.append(side_text(lang, value) if value in (Side.BUY, Side.SELL) else str(value))
        elif name == "passed":
            parts.append(say(lang, "explain.pass" if value else "explain.fail"))
        elif name in ("status", "action"):
            parts.append(f"{_name(lang, name)}={_word(lang, name, value)}")
        elif name in _PRICES:
            parts.append(f"{_name(lang, name)}={price_text(value)}")
        elif name in _MONEY:
            parts.append(f"{_name(lang, name)}={yuan(value)}")
        else:
            parts.append(f"{_name(lang, name)}={value}")
    return " ".join(part for part in parts if part)


def _name(lang: str, name: str) -> str:
    return say(lang, f"head.{name}") if f"head.{name}" in TEXTS else name


def _word(lang: str, name: str, value: str) -> str:
    return say(lang, f"verdict_status.{value}") if name == "status" else say(lang, f"action.{value}")


def wall_text(at_ns: int) -> str:
    """Write a wall time in Shanghai to the millisecond; empty where it is not known."""
    if not at_ns:
        return ""
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC) + timedelta(hours=8)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_ns // 1_000_000 % 1000:03d}"


def as_json(file: str, audited: Audited, lives: list[Life] | None) -> dict[str, Any]:
    """Return all of it as data; `lives` only where they were asked for."""
    data: dict[str, Any] = {
        "file": file,
        "rows": len(audited.rows),
        "orders": submitted(audited.events),
        "fills": audited.fills,
        "broken": plain(audited.broken),
        "notes": plain(audited.notes),
    }
    return data if lives is None else {**data, "lives": plain(lives)}
