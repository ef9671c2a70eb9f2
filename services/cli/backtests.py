"""Statistics of a backtest at the command line: tables for people, one JSON shape for programs."""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from common.backtests.metrics import METRICS, Unit
from common.backtests.result import BacktestResult, Fill
from common.backtests.statistics import Statistics
from common.backtests.text import (
    OUTCOMES,
    VERDICT_WORDS,
    day_text,
    metric_name,
    metric_text,
    percent,
    reason_words,
    signed_yuan,
)
from common.domain.calendar import clock
from services.cli.render import heads
from services.cli.show import plain
from services.cli.texts import say

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 110
"""Columns of the tables where the terminal does not say."""


def as_json(result: BacktestResult, statistics: Statistics) -> dict[str, Any]:
    """Return the statistics and the deals as JSON data; amounts are integers in 0.001 yuan, undefined is null."""
    return {
        "inputs": plain(result.inputs),
        "coverage": plain(result.coverage),
        "remarks": plain(result.remarks),
        "statistics": dict(statistics.metrics),
        "by_exit": plain(statistics.by_exit),
        "by_entry": plain(statistics.by_entry),
        "by_month": plain(statistics.by_month),
        "unfilled": plain(statistics.unfilled),
        "fills": [fill_row(fill) for fill in result.fills],
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    """Return one deal as JSON data."""
    return {
        "day": fill.day,
        "time": clock(fill.second),
        "symbol": fill.symbol,
        "side": fill.side.name,
        "shares": fill.shares,
        "price": fill.price,
        "fees": fill.fees,
        "reason": fill.reason.name,
        "rule": fill.rule,
    }


def statistics_text(lang: str, result: BacktestResult, statistics: Statistics, colour: bool = False) -> str:
    """Return the tables of a result as text; `colour` for a terminal: red is up."""
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=WIDTH, force_terminal=colour, highlight=False, markup=False, emoji=False)
    console.print(head_text(lang, result))
    for table in (
        _metrics(lang, statistics),
        _by_exit(lang, statistics),
        _by_month(lang, statistics),
        _unfilled(lang, statistics),
    ):
        if table.row_count:
            console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def head_text(lang: str, result: BacktestResult) -> str:
    """Return what was run, and what data it had."""
    told = result.inputs
    daily = {run.first: run.last for run in result.coverage if run.grain == "daily"}
    without = sum(any(first <= row.day <= last for first, last in daily.items()) for row in result.equity)
    words = VERDICT_WORDS[told.verdict][0 if lang == "zh" else 1]
    span = {"first": day_text(told.first), "last": day_text(told.last)}
    total = len(result.equity)
    lines = [
        say(lang, "stats.head", rule=told.rule, engine=told.engine, verdict=words, **span),
        say(lang, "stats.data", total=total, minutes=total - without, daily=without),
        *(remark.zh if lang == "zh" else remark.en for remark in result.remarks),
    ]
    return "\n".join(lines)


def _table(title: str, columns: Sequence[str], right: Iterable[int]) -> "Table":
    from rich import box
    from rich.table import Table

    flush = set(right)
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at in flush else "left", no_wrap=True)
    return table


def _metrics(lang: str, statistics: Statistics) -> "Table":
    """Return the metrics in two columns side by side."""
    table = _table(say(lang, "stats.metrics"), heads(lang, "metric", "figure", "metric", "figure"), (1, 3))
    names = list(METRICS)
    half = (len(names) + 1) // 2
    for at in range(half):
        left = _metric(lang, statistics, names[at])
        table.add_row(*left, *(_metric(lang, statistics, names[at + half]) if at + half < len(names) else ("", "")))
    return table


def _metric(lang: str, statistics: Statistics, name: str) -> tuple[str, str]:
    unit = say(lang, "word.yuan") if METRICS[name].unit is Unit.CASH else ""
    return metric_name(lang, name), f"{metric_text(lang, name, statistics.metrics[name])} {unit}".rstrip()


def _by_exit(lang: str, statistics: Statistics) -> "Table":
    columns = heads(lang, "cause", "trades", "wins", "losses", "win_rate", "pnl", "mean_gain", "holding")
    table = _table(say(lang, "stats.by_exit"), columns, range(1, 8))
    for row in statistics.by_exit:
        table.add_row(
            reason_words(lang, row.reason), str(row.trades), str(row.wins), str(row.losses),
            percent(row.win_rate, lang), signed_yuan(row.pnl), percent(row.mean_gain, lang), f"{row.holding_mean:.1f}",
            style=_shade(row.pnl),
        )  # fmt: skip
    return table


def _by_month(lang: str, statistics: Statistics) -> "Table":
    table = _table(
        say(lang, "stats.by_month"), heads(lang, "month", "sessions", "return", "pnl", "trades", "wins"), range(1, 6)
    )
    for row in statistics.by_month:
        table.add_row(
            f"{row.month // 100}-{row.month % 100:02d}", str(row.sessions), percent(row.gain, lang),
            signed_yuan(row.pnl), str(row.closed), str(row.wins), style=_shade(row.pnl),
        )  # fmt: skip
    return table


def _unfilled(lang: str, statistics: Statistics) -> "Table":
    table = _table(say(lang, "stats.unfilled"), heads(lang, "outcome", "words", "count"), (2,))
    for row in statistics.unfilled:
        outcome = OUTCOMES[row.outcome.name][0 if lang == "zh" else 1]
        table.add_row(outcome, reason_words(lang, row.reason), str(row.times))
    return table


def _shade(amount: int) -> str:
    return "" if not amount else "red" if amount > 0 else "green"
