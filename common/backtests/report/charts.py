"""What the charts of the report are drawn from: plain data, as small as it can be."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from common.backtests import ratios
from common.backtests.report.markup import clean
from common.backtests.report.words import WORDS
from common.backtests.result import BacktestResult, Candle, EventKind, Fill
from common.backtests.statistics import Statistics
from common.backtests.text import day_text
from common.backtests.trades import Trade
from common.domain.calendar import clock
from common.domain.values import TICK, Side, Symbol

BARS_MAX = 10_000
"""Bars in one report, about 300 KB."""
WINDOWS = ((40, 20), (20, 10), (10, 5), (5, 3))
"""Bars before the first deal and after the last one of a trade: the first of these with which all trades fit."""
Spans = dict[Symbol, set[int]]


def chart_data(
    result: BacktestResult,
    statistics: Statistics,
    others: Sequence[BacktestResult],
    candles: Sequence[Candle],
) -> str:
    """Return the JSON of all charts, safe inside a script element."""
    stocks, cut = stock_data(result, statistics.trades, candles)
    values = [result.inputs.start_cash, *(line.equity for line in result.equity)]
    found: dict[str, Any] = {
        "words": {key: list(texts) for key, texts in WORDS.items() if key.startswith(("c.", "v.", "note.candles"))},
        "days": [day_text(line.day) for line in result.equity],
        "equity": [line.equity // 10 for line in result.equity],
        "gain": gains(values),
        "drawdown": [percent4(value) for value in ratios.drawdowns(values)[1:]],
        "benchmark": _benchmark(result),
        "verdict": result.inputs.verdict,
        "others": [_other(result, other) for other in others],
        "stocks": stocks,
        "cut": cut,
    }
    return safe_json(found)


def safe_json(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in, nor begin another."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def percent4(value: float) -> float:
    """Return a ratio as percent with four decimals."""
    return round(value * 100, 4)


def gains(values: Sequence[int]) -> list[float]:
    """Return how far each value but the first is above the first, in percent."""
    return [percent4(value / values[0] - 1) for value in values[1:]]


def _benchmark(result: BacktestResult) -> dict[str, Any] | None:
    held = result.benchmark
    return None if held is None else {"name": clean(held.name), "gain": gains((held.base, *held.closes))}


def _other(result: BacktestResult, other: BacktestResult) -> dict[str, Any]:
    """Return the line of another verdict on the sessions of this one; None where it has no such session."""
    equity = {line.day: line.equity for line in other.equity}
    start = other.inputs.start_cash
    line = [percent4(equity[row.day] / start - 1) if row.day in equity else None for row in result.equity]
    return {"verdict": other.inputs.verdict, "gain": line}


def stock_data(
    result: BacktestResult, trades: Sequence[Trade], candles: Sequence[Candle], bars_max: int = BARS_MAX
) -> tuple[list[dict[str, Any]], bool]:
    """Return bars and marks of the traded stocks, and whether some trades found no room; a bar without prices is none."""
    bars: dict[Symbol, list[Candle]] = {}
    for candle in candles:
        if min(candle.open, candle.high, candle.low, candle.close) > 0:
            bars.setdefault(candle.symbol, []).append(candle)
    for rows in bars.values():
        rows.sort(key=lambda candle: (candle.day, candle.second))
    ranked = sorted((trade for trade in trades if trade.symbol in bars), key=lambda trade: -abs(trade.pnl))
    spans: Spans = {}
    for before, after in WINDOWS:
        spans, left = _spans(ranked, bars, before, after, bars_max)
        if not left:
            break
    order = dict.fromkeys(trade.symbol for trade in trades if trade.symbol in spans)
    fills: dict[Symbol, list[Fill]] = {}
    for fill in result.fills:
        fills.setdefault(fill.symbol, []).append(fill)
    return [_stock(result, symbol, fills[symbol], bars[symbol], spans[symbol]) for symbol in order], left > 0


def _spans(
    trades: Sequence[Trade], bars: Mapping[Symbol, list[Candle]], before: int, after: int, bars_max: int
) -> tuple[Spans, int]:
    """Return the bars around each trade, the largest profit or loss first, and how many trades found no room."""
    found: Spans = {}
    total = left = 0
    for trade in trades:
        rows = bars[trade.symbol]
        first = _bar_at(rows, trade.opened, trade.opened_s)
        last = _bar_at(rows, trade.closed, trade.closed_s) if trade.closed else len(rows)
        wanted = set(range(max(0, first - before), min(len(rows), last + after + 1)))
        new = wanted - found.get(trade.symbol, set())
        if total + len(new) > bars_max:
            left += 1
            continue
        total += len(new)
        found.setdefault(trade.symbol, set()).update(new)
    return found, left


def _bar_at(rows: Sequence[Candle], day: int, second: int) -> int:
    """Return the place of the bar that holds a moment: the day's, or the first minute bar that ends at it or later."""
    at = bisect_left(rows, (day, 0), key=lambda candle: (candle.day, candle.second))
    while at < len(rows) - 1 and rows[at].day == day and 0 < rows[at].second < second:
        at += 1
    return min(at, len(rows) - 1)


def _stock(
    result: BacktestResult, symbol: Symbol, fills: Sequence[Fill], bars: Sequence[Candle], chosen: set[int]
) -> dict[str, Any]:
    rows: list[Candle] = []
    for at in sorted(chosen):
        if rows and at - 1 not in chosen:
            rows.append(Candle(symbol, 0, 0, 0, 0, 0, 0, 0))  # what lies between is left out, and looks so
        rows.append(bars[at])
    place = {(bar.day, bar.second): at for at, bar in enumerate(rows)}
    marks = []
    for fill in fills:
        bar = bars[_bar_at(bars, fill.day, fill.second)]
        if bar.day == fill.day and (bar.day, bar.second) in place:
            side = 1 if fill.side is Side.BUY else 2
            marks.append([place[bar.day, bar.second], side, fill.price, fill.shares, clock(fill.second)])
    return {
        "symbol": clean(symbol),
        "name": clean(result.names.get(symbol, "")),
        "at": [_label(bar) for bar in rows],
        "bars": [number for bar in rows for number in (_fen(bar.open), _fen(bar.close), _fen(bar.low), _fen(bar.high))],
        "marks": marks,
        "ex": _ex_days(result, symbol, rows),
    }


def _ex_days(result: BacktestResult, symbol: Symbol, rows: Sequence[Candle]) -> list[list[int]]:
    """Return the ex-days of a held stock: place of the day's first bar, shares before and after, cash."""
    first: dict[int, int] = {}
    for at, bar in enumerate(rows):
        first.setdefault(bar.day, at)
    return [
        [first[event.day], event.shares_before, event.shares_after, event.cash]
        for event in result.events
        if event.symbol == symbol and event.kind is EventKind.EX_DAY and event.day in first
    ]


def _label(bar: Candle) -> str:
    """Return the time of a bar; a place where bars were left out has none."""
    if not bar.day:
        return "…"
    return day_text(bar.day) + (f" {clock(bar.second)[:5]}" if bar.second else "")


def _fen(price: int) -> int | float:
    """Return a price in 0.01 yuan, whole wherever it is."""
    return price // TICK if price % TICK == 0 else price / TICK
