"""A sweep at the command line: the best sets as a table, heat maps, and what to know before believing them."""

import io
from typing import TYPE_CHECKING

from common.backtests.metrics import Value
from common.backtests.sweep_report import cell_text, columns_of, heats_of, params_text, span_of, told_of
from common.backtests.sweeps import Heat, SetRow, Sweep
from common.backtests.text import day_text, metric_name
from services.cli.texts import say

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 150
"""Columns of the tables where the terminal does not say."""
SHADES = ("", "color(153)", "color(111)", "color(69)", "bold color(27)")
ACROSS_MAX = 12
"""Values of a parameter beside each other; wider heat maps are on the page only."""


def sweep_text(lang: str, sweep: Sweep, top: int, colour: bool = False) -> str:
    """Return a sweep as text; `colour` for a terminal."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=WIDTH, force_terminal=colour, highlight=False, markup=False, emoji=False)
    console.print(say(lang, "sweep.head", rule=sweep.rule, first=day_text(sweep.first), last=day_text(sweep.last)))
    console.print(_sets_title(lang, sweep, top), _sets(lang, sweep, top), sep="\n")
    for heat in heats_of(sweep):
        if len(sweep.axes[heat.across]) <= ACROSS_MAX:
            title = say(lang, "sweep.heat", metric=metric_name(lang, sweep.by), down=heat.down, across=heat.across)
            console.print(title, _heat(lang, sweep, heat), sep="\n")
    for line in told_lines(lang, sweep):
        console.print(line)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def told_lines(lang: str, sweep: Sweep) -> list[str]:
    """Return the best set, and beside it the number of trials and what luck alone would have shown."""
    told = told_of(sweep)
    best = next((row for row in sweep.rows if row.metrics.get(sweep.by) is not None), None)
    name = metric_name(lang, sweep.by)
    lines = []
    if best is None:
        lines.append(say(lang, "sweep.no_best", metric=name))
    else:
        value = cell_text(lang, sweep.by, best.metrics[sweep.by])
        facts = {"params": params_text(best), "metric": name, "value": value, "trials": told.trials}
        lines.append(say(lang, "sweep.best", **facts))
        if sweep.split:
            after = cell_text(lang, sweep.by, best.after.get(sweep.by))
            lines.append(say(lang, "sweep.best_after", split=day_text(sweep.split), metric=name, value=after))
    if told.luck_sharpe is not None:
        lines.append(say(lang, "sweep.luck", trials=told.trials, luck=f"{told.luck_sharpe:.2f}"))
    if told.agreement is not None:
        lines.append(say(lang, "sweep.agreement", agreement=f"{told.agreement:+.2f}"))
    if told.failed:
        lines.append(say(lang, "sweep.failed", count=told.failed, why=next(_faults(sweep))))
    if told.refused:
        lines.append(say(lang, "sweep.refused", count=told.refused, why=next(r.fault for r in sweep.rows if not r.key)))
    return lines


def _faults(sweep: Sweep) -> "filter[str]":
    return filter(None, (row.fault or row.fault_after for row in sweep.rows if row.key))


def _table() -> "Table":
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False)


def _sets_title(lang: str, sweep: Sweep, top: int) -> str:
    """Return what stands above the table; a title inside it would be folded to its width."""
    key = "sweep.sets_split" if sweep.split else "sweep.sets"
    shown, total = min(top, len(sweep.rows)), len(sweep.rows)
    return say(lang, key, shown=shown, total=total, metric=metric_name(lang, sweep.by))


def _sets(lang: str, sweep: Sweep, top: int) -> "Table":
    table = _table()
    names = columns_of(sweep)
    for text in ("#", *sweep.axes, *(metric_name(lang, name) for name in names)):
        table.add_column(text, justify="right", no_wrap=True)
    for place, row in enumerate(sweep.rows[:top], 1):
        params = [str(value) for value in row.params.values()]
        table.add_row(str(place), *params, *(_cell(lang, sweep, row, name) for name in names))
    return table


def _cell(lang: str, sweep: Sweep, row: SetRow, name: str) -> str:
    """Write a metric; beside it the same out of sample, where there is a split."""
    sides: list[tuple[dict[str, Value], str]] = [(row.metrics, row.fault)]
    if sweep.split and row.key:
        sides.append((row.after, row.fault_after))
    return " | ".join("!" if fault else cell_text(lang, name, metrics.get(name)) for metrics, fault in sides)


def _heat(lang: str, sweep: Sweep, heat: Heat) -> "Table":
    from rich.text import Text

    table = _table()
    for text in (f"{heat.down} \\ {heat.across}", *map(str, sweep.axes[heat.across])):
        table.add_column(text, justify="right", no_wrap=True)
    least, most = span_of(heat)
    for value, line in zip(sweep.axes[heat.down], heat.cells, strict=True):
        cells = [
            Text("–" if each is None else cell_text(lang, sweep.by, each), _shade(each, least, most)) for each in line
        ]
        table.add_row(str(value), *cells)
    return table


def _shade(value: float | None, least: float, most: float) -> str:
    if value is None or most <= least:
        return ""
    return SHADES[min(len(SHADES) - 1, int((value - least) / (most - least) * len(SHADES)))]
