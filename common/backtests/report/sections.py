"""The sections of the report that are tables: HTML from a result and its statistics."""

import json
from collections.abc import Mapping, Sequence

from common.backtests.metrics import HEADLINE, METRICS, Unit, Value
from common.backtests.report.markup import both, cell, esc, head, heads, number, row, say, section, table
from common.backtests.report.words import WORDS
from common.backtests.result import VERDICTS, BacktestResult, Coverage, Unfilled
from common.backtests.statistics import ReasonRow, Statistics
from common.backtests.text import (
    GRAIN_WORDS,
    OUTCOMES,
    VERDICT_WORDS,
    day_text,
    metric_text,
    percent,
    reason_words,
    signed_yuan,
    yuan,
)
from common.backtests.trades import Trade
from common.domain.calendar import clock
from common.domain.reasons import Reason
from common.domain.values import format_price

TRADES_MAX = 2000
UNFILLED_MAX = 200
COLOURED = {"total_return", "annual_return", "benchmark_return", "excess_return", "pnl", "mean_gain"}
"""Metrics shown in the colour of their sign."""


def metric_cell(name: str, value: Value) -> str:
    """Return the cell of a metric's value."""
    unit = f" <small>{both('元', 'yuan')}</small>" if METRICS[name].unit is Unit.CASH else ""
    text = both(*(metric_text(lang, name, value) for lang in ("zh", "en")))
    return number(text + unit, value, name in COLOURED)


def name_of(name: str) -> str:
    """Return a metric's name with its formula behind it."""
    metric = METRICS[name]
    return f'<span title="{esc(metric.formula)}">{both(metric.zh, metric.en)}</span>'


def reason_of(reason: Reason) -> str:
    """Return a reason's words."""
    return "–" if reason is Reason.NONE else both(reason_words("zh", reason), reason_words("en", reason))


def cards(statistics: Statistics) -> str:
    """Return the headline figures."""
    cells = []
    for name in HEADLINE:
        value = statistics.metrics[name]
        colour = "" if not value or name not in COLOURED else " up" if value > 0 else " down"
        text = both(*(metric_text(lang, name, value) for lang in ("zh", "en")))
        unit = both("元", "yuan") if METRICS[name].unit is Unit.CASH else ""
        cells.append(
            f'<div class="card"><b class="v{colour}">{text} <small>{unit}</small></b><span>{name_of(name)}</span></div>'
        )
    return f'<div class="cards">{"".join(cells)}</div>'


def verdicts(result: BacktestResult, by_verdict: Mapping[str, Statistics]) -> str:
    """Return the headline metrics of the three verdicts side by side."""
    here = result.inputs.verdict
    columns = [head(say("t.metric"))]
    for verdict in VERDICTS:
        mark = " ★" if verdict == here else ""
        title = esc(" / ".join(VERDICT_WORDS[verdict]))
        columns.append(head(f'<span title="{title}">{say("v." + verdict)}{mark}</span>', True))
    rows = []
    for name in HEADLINE:
        cells = [
            metric_cell(name, by_verdict[verdict].metrics[name])
            if verdict in by_verdict
            else number(say("note.not_run"))
            for verdict in VERDICTS
        ]
        rows.append(row([cell(name_of(name)), *cells]))
    zh, en = (WORDS["v." + here][at] for at in (0, 1))
    note = both(WORDS["note.verdicts"][0].format(verdict=zh), WORDS["note.verdicts"][1].format(verdict=en))
    return section("verdicts", table(columns, rows), note=note)


def data(result: BacktestResult) -> str:
    """Return the box that says what the data allows: which sessions had minutes, and why those."""
    days = [line.day for line in result.equity]
    counted = [(run, sum(run.first <= day <= run.last for day in days)) for run in result.coverage]
    daily = sum(count for run, count in counted if run.grain == "daily")
    rows = [_coverage(run, count) for run, count in counted]
    columns = heads("dates", "sessions", "grain", "why", "had")
    told = [say("note.bars")] if any(run.grain != "snapshots" for run in result.coverage) else []
    told += [say("note.daily")] if daily else []
    if missing := sum(run.stock_days - run.stock_days_had for run in result.coverage):
        told.append(say("note.partial", missing=missing))
    told += [both(remark.zh, remark.en) for remark in result.remarks]
    points = "".join(f"<li>{point}</li>" for point in (*told, say("note.past")))
    first = say("note.data", total=len(days), minutes=len(days) - daily, daily=daily)
    return section("data", f"<ul>{points}</ul>", table(columns, rows), note=first)


def _coverage(run: Coverage, sessions: int) -> str:
    share = say("data.had", had=f"{run.stock_days_had:,}", asked=f"{run.stock_days:,}")
    grain = cell(both(*GRAIN_WORDS[run.grain]))
    dates = f"<span class=nw>{day_text(run.first)} –</span> <span class=nw>{day_text(run.last)}</span>"
    return row(
        [cell(dates), number(say("data.sessions", count=sessions)), grain, cell(both(run.zh, run.en)), number(share)]
    )


def months(statistics: Statistics) -> str:
    """Return the heat map of months: a row a year."""
    gains = {found.month: found.gain for found in statistics.by_month}
    if not gains:
        return section("months", f"<p>{say('note.no_sessions')}</p>")
    columns = [*heads("year"), *(head(f"{month}") for month in range(1, 13)), *heads("whole")]
    rows = []
    for year in range(min(gains) // 100, max(gains) // 100 + 1):
        whole, cells = 1.0, []
        for month in range(year * 100 + 1, year * 100 + 13):
            whole *= 1 + gains.get(month, 0.0)
            cells.append(_heat(gains[month]) if month in gains else "<td></td>")
        rows.append(row([f'<th scope="row">{year}</th>', *cells, _heat(whole - 1)]))
    keys = ("month", "sessions", "gain", "pnl", "trades", "wins", "fees")
    lines = [
        row([
            cell(f"{found.month // 100}-{found.month % 100:02d}"), number(str(found.sessions)),
            number(percent(found.gain), found.gain, True), number(signed_yuan(found.pnl), found.pnl, True),
            number(str(found.closed)), number(str(found.wins)), number(yuan(found.fees)),
        ])
        for found in statistics.by_month
    ]  # fmt: skip
    more = f"<details><summary>{say('more.months')}</summary>{table(heads(*keys), lines)}</details>"
    return section("months", table(columns, rows, "heat"), more, note=say("note.months"))


def _heat(gain: float) -> str:
    depth = min(1.0, abs(gain) / 0.12)
    colour = "200,16,46" if gain > 0 else "10,125,60"
    back = f' style="background:rgba({colour},{0.06 + 0.5 * depth:.2f})"' if round(gain, 4) else ""
    return f'<td class="n"{back}>{gain * 100:.1f}</td>'


def metrics(statistics: Statistics) -> str:
    """Return every metric with its formula."""
    rows = [
        row([cell(both(METRICS[name].zh, METRICS[name].en)), metric_cell(name, value), cell(f"<code>{esc(METRICS[name].formula)}</code>")])
        for name, value in statistics.metrics.items()
    ]  # fmt: skip
    return section("metrics", table(heads("metric", "value", "formula"), rows), note=say("note.metrics"))


def reasons(statistics: Statistics) -> str:
    """Return the closed trades by what ended them, and by what began them."""
    if not statistics.by_exit:
        return section("reasons", f"<p>{say('note.no_trades')}</p>")
    keys = ("trades", "wins", "losses", "win_rate", "pnl", "mean_gain", "holding")
    tables = [
        table([head(say(title)), *heads(*keys)], [_reason(found) for found in rows])
        for title, rows in (("t.exit", statistics.by_exit), ("t.entry", statistics.by_entry))
    ]
    return section("reasons", *tables, note=say("note.reasons"))


def _reason(found: ReasonRow) -> str:
    return row([
        cell(reason_of(found.reason)), number(str(found.trades)), number(str(found.wins)), number(str(found.losses)),
        number(percent(found.win_rate)), number(signed_yuan(found.pnl), found.pnl, True),
        number(percent(found.mean_gain), found.mean_gain, True), number(f"{found.holding_mean:.1f}"),
    ])  # fmt: skip


def trades(result: BacktestResult, statistics: Statistics) -> str:
    """Return the trades, newest last; each row knows its stock for the candles."""
    shown = statistics.trades[:TRADES_MAX]
    if not shown:
        return section("trades", f"<p>{say('note.no_trades')}</p>")
    keys = (
        "symbol",
        "name",
        "opened",
        "closed",
        "held",
        "shares",
        "bought",
        "sold",
        "fees",
        "pnl",
        "gain",
        "entry",
        "exit",
    )
    rows = [_trade(trade, result.names.get(trade.symbol, "")) for trade in shown]
    cut = (
        say("note.trades_cut", shown=len(shown), count=len(statistics.trades))
        if len(statistics.trades) > len(shown)
        else ""
    )
    note = say("note.trades") + cut
    return section("trades", table(heads(*keys), rows, "tall", "trade-table"), note=note)


def _trade(trade: Trade, name: str) -> str:
    closed = say("t.open") if trade.open else f"{day_text(trade.closed)} {clock(trade.closed_s)[:5]}"
    cells = [
        cell(esc(trade.symbol)), cell(esc(name)), cell(f"{day_text(trade.opened)} {clock(trade.opened_s)[:5]}"),
        cell(closed), number(str(trade.sessions)), number(f"{trade.shares_bought:,}"), number(yuan(trade.amount_bought)),
        number(yuan(trade.amount_sold)), number(yuan(trade.fees + trade.tax)), number(signed_yuan(trade.pnl), trade.pnl, True),
        number(percent(trade.gain), trade.gain, True), cell(reason_of(trade.entry)),
        cell("" if trade.open else reason_of(trade.exit)),
    ]  # fmt: skip
    return row(cells, f' data-symbol="{esc(trade.symbol)}" data-day="{trade.opened}"')


def unfilled(result: BacktestResult, statistics: Statistics) -> str:
    """Return what was refused or missed: counted by reason, then row by row."""
    rows = result.unfilled_rows()
    if not rows:
        return section("unfilled", f"<p>{say('note.none')}</p>")
    counts = [
        row([cell(both(*OUTCOMES[found.outcome.name])), cell(reason_of(found.reason)), number(f"{found.times:,}")])
        for found in statistics.unfilled
    ]
    shown = rows[:UNFILLED_MAX]
    keys = ("day", "time", "symbol", "side", "outcome", "wanted", "price", "reason", "cause")
    lines = table(heads(*keys), [_unfilled(found) for found in shown], "tall")
    cut = say("note.unfilled_cut", shown=len(shown), count=len(rows)) if len(rows) > len(shown) else ""
    more = f"<details><summary>{say('more.rows')}</summary><p class='note'>{cut}</p>{lines}</details>"
    return section("unfilled", table(heads("outcome", "reason", "times"), counts), more)


def _unfilled(found: Unfilled) -> str:
    numbers = ", ".join(f"{key}={value}" for key, value in found.detail.items())
    why = f'<span title="{esc(numbers)}">{reason_of(found.reason)}</span>'
    return row([
        cell(day_text(found.day)), cell(clock(found.second)), cell(esc(found.symbol)), cell(say(f"side.{found.side.name}")),
        cell(both(*OUTCOMES[found.outcome.name])), number(f"{found.filled:,} / {found.shares:,}" if found.shares else "–"),
        number(format_price(found.price) if found.price else "–"), cell(why), cell(reason_of(found.cause)),
    ])  # fmt: skip


def inputs(result: BacktestResult) -> str:
    """Return what is needed to make the result again."""
    told = result.inputs
    rows: Sequence[tuple[str, str]] = (
        ("rule", esc(told.rule)),
        ("params", f"<code>{esc(json.dumps(told.params))}</code>"),
        ("settings", f"<code>{esc(json.dumps(told.settings))}</code>"),
        ("span", f"{day_text(told.first)} – {day_text(told.last)}"),
        ("engine", esc(told.engine)),
        ("verdict", both(*VERDICT_WORDS[told.verdict])),
        ("cash", yuan(told.start_cash)),
        ("universe", esc(told.universe)),
        ("data", f"<code>{esc(told.data_hash)}</code>"),
        ("code", f"<code>{esc(told.code_hash)}</code>"),
        ("rulebook", f"<code>{esc(told.rulebook_hash)}</code>"),
    )
    lines = [row([f'<th scope="row">{say("in." + key)}</th>', f'<td class="wrap">{inner}</td>']) for key, inner in rows]
    return section("inputs", f'<table class="facts"><tbody>{"".join(lines)}</tbody></table>', note=say("note.inputs"))
