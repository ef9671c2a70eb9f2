"""Pools and explanations as people read them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common.domain.calendar import clock
from common.messages.signals import Condition, Explanation, Pool
from services.cli.render import heads
from services.cli.show import day_text, name_text, numbers_text, table, value_text
from services.cli.texts import say

if TYPE_CHECKING:
    from common.screens.screen import Screened


def pool_lines(lang: str, pool: Pool) -> list[str]:
    """Return a pool: its head line and one row a stock with the numbers the rule will see."""
    lines = [
        say(lang, "pool.head", rule=pool.rule, day=day_text(pool.day), count=len(pool.rows), universe=pool.universe)
    ]
    if not pool.ready:
        lines.append(say(lang, "pool.not_ready", note=pool.note))
    elif pool.note:
        lines.append(pool.note)
    lines += st_lines(lang, pool.unknown_st_allowed, pool.unknown_st, pool.unknown_st_in)
    if pool.rows:
        names = list(pool.rows[0].context)
        titles = [*heads(lang, "symbol", "name"), *(name_text(lang, name) for name in names)]
        cells = [
            (row.symbol, row.name, *(value_text(lang, n, row.context.get(n, 0)) for n in names)) for row in pool.rows
        ]
        lines.append(table(titles, cells, range(2, 2 + len(names))))
    return lines


def st_lines(lang: str, allowed: bool, left_out: int, let_in: int) -> list[str]:
    """Say how many names an unknown ST state decided, and which way."""
    if allowed:
        return [say(lang, "pool.unknown_st_in", count=let_in)]
    return [say(lang, "pool.unknown_st", count=left_out)] if left_out else []


def pool_rows(pool: Pool) -> list[dict[str, Any]]:
    """Return a pool as flat rows: the stock, then the numbers of all conditions."""
    return [
        {"day": pool.day, "symbol": row.symbol, "name": row.name, **row.context, **row.conditions} for row in pool.rows
    ]


def range_rows(results: "Sequence[Screened]") -> list[dict[str, Any]]:
    """Return the pools of many days as flat rows: day, stock, the numbers of all conditions."""
    rows: list[dict[str, Any]] = []
    for found in results:
        at = found.passed.nonzero()[0]
        columns = {name: values[at].tolist() for name, values in found.numbers.items()}
        symbols = [found.symbols[each] for each in at.tolist()]
        for place, symbol in enumerate(symbols):
            rows.append(
                {"day": found.day, "symbol": symbol} | {name: column[place] for name, column in columns.items()}
            )
    return rows


def range_lines(lang: str, results: "Sequence[Screened]") -> list[str]:
    """Return the pools of many days: one line a day, one row a stock with what its rule reads."""
    ready = [found for found in results if not found.lacks]
    if not ready:
        return []
    screen = ready[0].screen
    names = screen.context
    cells = []
    for found in ready:
        columns = found.context()
        for at in found.passed.nonzero()[0].tolist():
            numbers = (value_text(lang, name, int(columns[name][at])) for name in names)
            cells.append((day_text(found.day), found.symbols[at], *numbers))
    titles = [*heads(lang, "day", "symbol"), *(name_text(lang, name) for name in names)]
    lines = [table(titles, cells, range(2, 2 + len(names)))] if cells else []
    lines.append(say(lang, "screen.range", rule=screen.name, days=len(ready), count=len(cells)))
    left_out, let_in = sum(found.unknown_st for found in ready), sum(found.unknown_st_in for found in ready)
    return lines + st_lines(lang, screen.allows_unknown_st, left_out, let_in)


def explanation_lines(lang: str, symbol: str, day: int, parts: Mapping[str, Explanation]) -> list[str]:
    """Return every condition of the screens, then every check of the rules, by rule."""
    lines = [say(lang, "explain.head", symbol=symbol, day=day_text(day))]
    for peer, part in parts.items():
        for rule, checks in part.checks.items():
            lines += ["", say(lang, f"explain.{peer}", rule=rule), *condition_lines(lang, checks)]
        if part.note:
            lines += ["", part.note]
        elif not part.checks:
            lines += ["", say(lang, f"explain.{peer}_empty")]
    return lines


def condition_lines(lang: str, checks: Sequence[Condition]) -> list[str]:
    """Return one line a condition: verdict, time, name, numbers, what followed."""
    rows = [
        (
            say(lang, "explain.pass" if check.passed else "explain.fail"),
            clock(check.second_of_day) if check.second_of_day else "",
            name_text(lang, check.name),
            numbers_text(lang, check.numbers),
            " ".join(text for text in (check.text, check.outcome) if text),
        )
        for check in checks
    ]
    return table(heads(lang, "verdict", "time", "check", "numbers", "outcome"), rows).splitlines()
