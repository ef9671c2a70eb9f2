"""Pools and explanations as people read them."""

from collections.abc import Mapping, Sequence

from common.domain.calendar import clock
from common.messages.signals import Condition, Explanation, Pool
from services.cli.render import heads
from services.cli.show import day_text, name_text, numbers_text, table, value_text
from services.cli.texts import say


def pool_lines(lang: str, pool: Pool) -> list[str]:
    """Return a pool: its head line and one row a stock with the numbers the rule will see."""
    lines = [
        say(lang, "pool.head", rule=pool.rule, day=day_text(pool.day), count=len(pool.rows), universe=pool.universe)
    ]
    if not pool.ready:
        lines.append(say(lang, "pool.not_ready", note=pool.note))
    elif pool.note:
        lines.append(pool.note)
    if pool.unknown_st:
        lines.append(say(lang, "pool.unknown_st", count=pool.unknown_st))
    if pool.rows:
        names = list(pool.rows[0].context)
        titles = [*heads(lang, "symbol", "name"), *(name_text(lang, name) for name in names)]
        cells = [
            (row.symbol, row.name, *(value_text(lang, n, row.context.get(n, 0)) for n in names)) for row in pool.rows
        ]
        lines.append(table(titles, cells, range(2, 2 + len(names))))
    return lines


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
