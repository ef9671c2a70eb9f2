"""The report of a run as text."""

from collections.abc import Sequence

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Side, push_number
from common.messages.orders import CorporateAction, OrderRow
from common.messages.signals import Verdict, VerdictStatus
from services.cli.render import (
    days_table,
    fills_table,
    heads,
    positions_table,
    rule_text,
    side_text,
    state_text,
)
from services.cli.report import Denial, Report
from services.cli.show import day_text, numbers_text, price_text, reason_text, signed, table, yuan
from services.cli.texts import say

POOL_NAMES_MAX = 12
"""Names of a pool shown in the report; `pankou pool DAY` shows all."""


def report_text(lang: str, report: Report) -> str:
    """Return the whole report."""
    sections = [
        title(lang, "report.head", run=report.run, first=_first_day(report), last=_last_day(report)),
        title(lang, "report.pools"),
        *pool_rows(lang, report),
        title(lang, "report.signals", count=len(report.signals)),
        signals_table(lang, report.signals),
        title(lang, "report.denials", count=len(report.denials)),
        denials_table(lang, report.denials),
        title(lang, "report.fills", count=len(report.fills)),
        fills_table(lang, report.fills),
        title(lang, "report.unfilled", count=len(report.cancels)),
        unfilled_table(lang, report.cancels),
    ]
    if report.corporate:
        sections += [title(lang, "report.corporate"), corporate_table(lang, report.corporate)]
    sections += [
        title(lang, "report.positions"),
        positions_table(lang, report.positions),
        title(lang, "report.days"),
        days_table(lang, report.account),
        "",
        totals(lang, report),
    ]
    return "\n".join(sections)


def title(lang: str, key: str, **facts: object) -> str:
    """Return a section's title, set apart by an empty line."""
    return "\n== " + say(lang, key, **facts)


def _first_day(report: Report) -> str:
    return day_text(report.days[0]) if report.days else "-"


def _last_day(report: Report) -> str:
    return day_text(report.days[-1]) if report.days else "-"


def pool_rows(lang: str, report: Report) -> list[str]:
    """Return one line a pool."""
    lines = []
    for pool in report.pools:
        names = [f"{row.symbol} {row.name}".strip() for row in pool.rows[:POOL_NAMES_MAX]]
        more = say(lang, "report.more", count=len(pool.rows) - len(names)) if len(pool.rows) > len(names) else ""
        line = say(lang, "report.pool", day=day_text(pool.day), rule=pool.rule, count=len(pool.rows), universe=pool.universe)
        lines.append(line + ("\n  " + ", ".join(names) + more if names else ""))
    return lines or [say(lang, "none.pools")]


def action_text(lang: str, action: int, side: int) -> str:
    """Return what was wanted: a rule's action, or the side of a hand order."""
    return say(lang, f"action.{Action(action).name}") if action else side_text(lang, side)


def outcome(lang: str, verdict: Verdict) -> str:
    """Return what became of a decision."""
    if verdict.status is VerdictStatus.DENIED:
        return say(lang, "verdict.DENIED", why=verdict.reason.name)
    return say(lang, f"verdict.{verdict.status.name}", coid=verdict.coid)


def signals_table(lang: str, rows: Sequence[Verdict]) -> str:
    """Return the decisions of the rules, each with its verdict."""
    if not rows:
        return say(lang, "none.signals")
    cells = [
        (
            day_text(row.push // 100_000),
            push_number(row.push),
            row.rule,
            row.symbol,
            action_text(lang, row.action, row.side),
            reason_text(lang, row.cause),
            row.shares or "",
            price_text(row.price) if row.price else "",
            outcome(lang, row),
        )
        for row in rows
    ]
    return table(heads(lang, "day", "push", "rule", "symbol", "action", "cause", "shares", "price", "verdict"), cells, (1, 6, 7))


def denials_table(lang: str, rows: Sequence[Denial]) -> str:
    """Return the refusals, each with its reason in words and its numbers."""
    if not rows:
        return say(lang, "none.denials")
    cells = [
        (
            day_text(row.day),
            push_number(row.push),
            say(lang, f"by.{row.by}"),
            rule_text(lang, row.rule),
            row.symbol,
            action_text(lang, row.action, row.side or Side.BUY),
            row.reason.name,
            reason_text(lang, row.reason),
            numbers_text(lang, row.detail),
        )
        for row in rows
    ]
    return table(heads(lang, "day", "push", "by", "rule", "symbol", "action", "reason", "words", "numbers"), cells, (1,))


def unfilled_table(lang: str, rows: Sequence[OrderRow]) -> str:
    """Return the orders that ended with something unfilled."""
    if not rows:
        return say(lang, "none.unfilled")
    cells = [
        (
            day_text(row.push // 100_000),
            push_number(row.push),
            side_text(lang, row.side),
            row.symbol,
            price_text(row.price),
            f"{row.filled}/{row.shares}",
            state_text(lang, row.state),
            reason_text(lang, row.ended) if row.ended is not Reason.NONE else "",
        )
        for row in rows
    ]
    return table(heads(lang, "day", "push", "side", "symbol", "price", "filled", "state", "ended"), cells, (1, 4, 5))


def corporate_table(lang: str, rows: Sequence[CorporateAction]) -> str:
    """Return the ex-days of held stocks."""
    cells = [
        (
            day_text(row.day),
            row.symbol,
            price_text(row.prev_close_raw),
            price_text(row.reference),
            f"{row.shares_before} → {row.shares_after}",
            yuan(row.cash),
            yuan(row.cost_after),
        )
        for row in rows
    ]
    return table(heads(lang, "day", "symbol", "prev_close", "reference", "shares", "dividend", "cost"), cells, (2, 3, 5, 6))


def totals(lang: str, report: Report) -> str:
    """Return the closing lines: the account and how to look further."""
    account = report.account
    return say(
        lang,
        "report.totals",
        equity=yuan(account.equity),
        cash=yuan(account.cash),
        fees=yuan(account.fees_total),
        gain=signed(account.equity - account.start_cash),
    )
