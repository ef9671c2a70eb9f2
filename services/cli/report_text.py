"""The report of a run as text."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.domain.values import Side, day_of_push, push_number
from common.messages.orders import CorporateAction, OrderRow, PositionWrittenOff
from common.messages.signals import Verdict, VerdictStatus
from services.cli.books import deals_of
from services.cli.render import (
    days_table,
    deals_table,
    heads,
    positions_table,
    rule_text,
    side_text,
    state_text,
)
from services.cli.report import Denial, Report
from services.cli.show import day_text, numbers_text, price_text, reason_text, signed, table, time_text, yuan
from services.cli.texts import say

Row = TypeVar("Row")
POOL_NAMES_MAX = 12
"""Names of a pool shown in the report; `pankou pool DAY` shows all."""


def report_text(lang: str, report: Report) -> str:
    """Return the whole report."""
    sections = [
        title(lang, "report.head", run=report.run, first=_first_day(report), last=_last_day(report)),
        title(lang, "report.pools"),
        *pool_rows(lang, report),
        title(lang, "report.signals", count=len(report.signals)),
        signals_table(lang, report.signals, report.times),
        title(lang, "report.denials", count=len(report.denials)),
        denials_table(lang, report.denials, report.times),
        title(lang, "report.fills", count=len(report.fills)),
        deals_table(lang, deals_of(report.fills)),
        title(lang, "report.unfilled", count=len(report.cancels)),
        unfilled_table(lang, report.cancels, report.times),
    ]
    if report.corporate:
        sections += [title(lang, "report.corporate"), corporate_table(lang, report.corporate)]
    if report.written_off:
        sections += [title(lang, "report.written_off"), written_off_table(lang, report.written_off)]
    if report.late:
        late = ", ".join(f"{name} {count}" for name, count in report.late.items())
        sections += ["", say(lang, "report.late", late=late)]
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
        line = say(
            lang, "report.pool", day=day_text(pool.day), rule=pool.rule, count=len(pool.rows), universe=pool.universe
        )
        lines.append(
            line + (f"\n  {', '.join(names)}{more}" if names else "") + (f"\n  {pool.note}" if pool.note else "")
        )
    return lines or [say(lang, "none.pools")]


def action_text(lang: str, action: int, side: int) -> str:
    """Return what was wanted: a rule's action, or the side of a hand order."""
    return say(lang, f"action.{Action(action).name}") if action else side_text(lang, side)


def outcome(lang: str, verdict: Verdict) -> str:
    """Return what became of a decision."""
    if verdict.status is VerdictStatus.DENIED:
        return say(lang, "verdict.DENIED", why=verdict.reason.name)
    return say(lang, f"verdict.{verdict.status.name}", coid=verdict.coid)


def moment(times: Mapping[int, int], push: int) -> str:
    """Return the time of a push, its number where nobody noted the time."""
    return time_text(times[push]) if push in times else f"#{push_number(push)}"


def span(times: Mapping[int, int], pushes: Sequence[int]) -> str:
    """Return when something happened, from the first time to the last."""
    first, last = moment(times, pushes[0]), moment(times, pushes[-1])
    return first if first == last else f"{first}–{last}"


def grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> list[list[Row]]:
    """Put together rows that say the same, in the order of their beginnings."""
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def signals_table(lang: str, rows: Sequence[Verdict], times: Mapping[int, int]) -> str:
    """Return the decisions of the rules with their verdicts; a decision that came again and again is one line."""
    if not rows:
        return say(lang, "none.signals")
    cells = [
        (
            day_text(day_of_push(same[0].push)),
            span(times, [row.push for row in same]),
            len(same),
            same[0].rule,
            same[0].symbol,
            action_text(lang, same[0].action, same[0].side),
            reason_text(lang, same[0].cause),
            same[0].shares or "",
            price_text(same[0].price) if same[0].price else "",
            outcome(lang, same[0]),
        )
        for same in grouped(
            rows, lambda row: (day_of_push(row.push), row.rule, row.symbol, row.cause, outcome(lang, row))
        )
    ]
    titles = heads(lang, "day", "time", "count", "rule", "symbol", "action", "cause", "shares", "price", "verdict")
    return table(titles, cells, (2, 7, 8))


def denials_table(lang: str, rows: Sequence[Denial], times: Mapping[int, int]) -> str:
    """Return the refusals, each with its reason in words and its numbers; those that say the same are one line."""
    if not rows:
        return say(lang, "none.denials")
    cells = [
        (
            day_text(same[0].day),
            span(times, [row.push for row in same]),
            len(same),
            say(lang, f"by.{same[0].by}"),
            rule_text(lang, same[0].rule),
            same[0].symbol,
            action_text(lang, same[0].action, same[0].side or Side.BUY),
            same[0].reason.name,
            reason_text(lang, same[0].reason),
            numbers_text(lang, same[0].detail),
        )
        for same in grouped(rows, lambda row: (*row[2:9], row.day, *row.detail.items()))
    ]
    titles = heads(lang, "day", "time", "count", "by", "rule", "symbol", "action", "reason", "words", "numbers")
    return table(titles, cells, (2,))


def unfilled_table(lang: str, rows: Sequence[OrderRow], times: Mapping[int, int]) -> str:
    """Return the orders that ended with something unfilled."""
    if not rows:
        return say(lang, "none.unfilled")
    cells = [
        (
            day_text(day_of_push(row.push)),
            moment(times, row.push),
            side_text(lang, row.side),
            row.symbol,
            price_text(row.price),
            f"{row.filled}/{row.shares}",
            state_text(lang, row.state),
            reason_text(lang, row.ended) if row.ended is not Reason.NONE else "",
        )
        for row in rows
    ]
    return table(heads(lang, "day", "time", "side", "symbol", "price", "filled", "state", "ended"), cells, (4, 5))


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
            yuan(row.taxable),
            yuan(row.cost_after),
        )
        for row in rows
    ]
    titles = heads(lang, "day", "symbol", "prev_close", "reference", "shares", "dividend", "taxable", "cost")
    return table(titles, cells, (2, 3, 5, 6, 7))


def written_off_table(lang: str, rows: Sequence[PositionWrittenOff]) -> str:
    """Return the positions that a delisting took out of the books."""
    cells = [
        (day_text(row.day), row.symbol, row.shares, price_text(row.last), yuan(row.cost), yuan(row.cash))
        for row in rows
    ]
    return table(heads(lang, "day", "symbol", "shares", "last", "cost", "cash"), cells, (2, 3, 4, 5))


def totals(lang: str, report: Report) -> str:
    """Return the closing lines: the account and how to look further."""
    account = report.account
    return say(
        lang,
        "report.totals",
        equity=yuan(account.equity),
        cash=yuan(account.cash),
        withdrawable=yuan(account.withdrawable),
        fees=yuan(account.fees_total),
        taxes=yuan(account.taxes_total),
        gain=signed(account.equity - account.start_cash),
    )
