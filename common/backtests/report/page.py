"""The report as one HTML file: everything inline, nothing fetched, readable without scripts."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from common.backtests.check import candles_fault, others_fault
from common.backtests.report import sections
from common.backtests.report.charts import chart_data
from common.backtests.report.markup import both, esc, say, section
from common.backtests.result import BacktestResult, Candle
from common.backtests.statistics import Statistics, statistics_of
from common.backtests.text import VERDICT_WORDS, day_text
from common.domain.errors import InvariantError

STATIC = "common.backtests.report"


def report_html(result: BacktestResult, others: Sequence[BacktestResult] = (), candles: Sequence[Candle] = ()) -> str:
    """Return the report of a result; `others` are the same backtest under the other fill verdicts.

    `candles` are raw bars of the traded stocks, daily or of minutes.
    """
    if fault := others_fault(result, others) or candles_fault(candles):
        raise InvariantError(fault)
    statistics = statistics_of(result)
    by_verdict: dict[str, Statistics] = {other.inputs.verdict: statistics_of(other) for other in others}
    body = [
        _header(result),
        sections.cards(statistics),
        sections.data(result),
        section("equity", '<div id="chart-equity" class="chart tall-chart"></div>'),
        sections.verdicts(result, {**by_verdict, result.inputs.verdict: statistics}),
        sections.months(statistics),
        sections.reasons(statistics),
        sections.trades(result, statistics),
        _candles(bool(candles) and bool(statistics.trades)),
        sections.unfilled(result, statistics),
        sections.metrics(statistics),
        sections.inputs(result),
    ]
    data = chart_data(result, statistics, others, candles)
    return _page(result, "\n".join(body), data)


def _header(result: BacktestResult) -> str:
    told = result.inputs
    span = say("head.span", first=day_text(told.first), last=day_text(told.last), sessions=len(result.equity))
    return (
        f"<header><div><h1>{esc(told.rule)} <small>{say('head.report')}</small></h1><p>{span} · "
        f"{esc(told.engine)} · {both(*VERDICT_WORDS[told.verdict])}</p></div>"
        '<div class="langs"><button type="button" data-lang="zh">中文</button>'
        '<button type="button" data-lang="en">English</button></div></header>'
        f"<noscript><p class='note'>{say('note.no_script')}</p></noscript>"
    )


def _candles(some: bool) -> str:
    if not some:
        return section("candles", f"<p>{say('note.candles_none')}</p>")
    return section(
        "candles",
        f'<label>{say("c.stock")} <select id="stock"></select></label> <span id="cut" class="note" hidden></span>',
        '<div id="chart-candles" class="chart"></div>',
        note=say("note.candles"),
    )


@cache
def static(name: str) -> str:
    """Return a file of the static folder."""
    return (resources.files(STATIC) / "static" / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"


def _page(result: BacktestResult, body: str, data: str) -> str:
    """Put the page together; its policy lets nothing be fetched, and no script run but the two that are ours."""
    library, ours = static("echarts.min.js"), static("report.js")
    policy = (
        f"default-src 'none'; script-src {_digest(library)} {_digest(ours)}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    title = f"{esc(result.inputs.rule)} {day_text(result.inputs.first)} – {day_text(result.inputs.last)} · Pankou 盘口"
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{static('report.css')}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f'<script type="application/json" id="chart-data">{data}</script>\n'
        f"<script>{library}</script>\n<script>{ours}</script>\n</body>\n</html>\n"
    )
