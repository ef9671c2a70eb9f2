"""Both rules on a year of the synthetic market, and on real minute bars: the figures, and the pages made of them.

    python -m docs.year --collect [SHARED]   runs everything and writes docs/samples/year.json (SHARED: real market data)
    python -m docs.year                      writes the pages from it; --check compares them

The pages hold no number that was typed. Of the real data only counts are kept: it may not be passed on.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common.backtests.metrics import METRICS
from common.backtests.result import VERDICTS, BacktestResult
from common.backtests.statistics import statistics_of
from common.backtests.text import (
    OUTCOMES,
    VERDICT_WORDS,
    Lang,
    day_text,
    metric_name,
    metric_text,
    percent,
    signed_yuan,
)
from common.domain.reasons import WORDS, Reason
from common.history.importing_history import import_path
from common.history.synthetic.year import YearParams, make_year
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.job import Job, run_job

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "samples" / "year.json"
PAGES: dict[Lang, Path] = {
    "zh": HERE / "explanation" / "backtest-year.md", "en": HERE / "explanation" / "backtest-year.en.md",
}  # fmt: skip
RULES = ("limit_up", "bottom_fractal")
REAL_DAYS = (20260616, 20260724)
REAL_SCREEN = {"limit_up": {"amplitude_bp_max": 5_000, "st_unknown": "allow"}}
REAL_SETTINGS = DeskSettings(cash=100_000_000_000, positions_max=400, slot_bp=25)
SEEDS = range(1, 11)
"""Other markets of the same kind: how far chance alone moves a return."""
SHOWN = (
    "total_return", "annual_return", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "trades", "win_rate",
    "profit_loss_ratio", "mean_gain", "best_gain", "worst_gain", "holding_mean", "exposure", "turnover", "commission", "stamp", "transfer",
    "dividend_tax", "fills", "refused", "missed",
)  # fmt: skip


# ---------------------------------------------------------------------- the figures


def _job(rule: str, history: Path, days: tuple[int, int], interval: int, cache: Path, **more: Any) -> Job:
    config = parse_config({"screens": more.get("screens", {})}, "docs")
    return Job(
        rules_of(config)[rule], rule_params(config, rule), load_screens(config)[rule], history, *days, "compiled", interval,
        more.get("settings", DeskSettings()), cache=cache,
    )  # fmt: skip


def _told(results: list[BacktestResult]) -> dict[str, Any]:
    by_verdict = {each.inputs.verdict: statistics_of(each) for each in results}
    main = by_verdict["expected"]
    (result,) = [each for each in results if each.inputs.verdict == "expected"]
    return {
        "verdicts": {name: {metric: told.metrics[metric] for metric in SHOWN} for name, told in by_verdict.items()},
        "by_exit": [[row.reason.name, row.trades, row.wins, row.losses, row.pnl] for row in main.by_exit],
        "by_month": [[row.month, row.sessions, row.gain, row.pnl, row.closed, row.wins] for row in main.by_month],
        "unfilled": [[row.outcome.name, row.reason.name, row.times] for row in main.unfilled],
        "remarks": [[remark.zh, remark.en] for remark in result.remarks],
        "hashes": [result.inputs.data_hash, result.inputs.code_hash, result.inputs.rulebook_hash],
    }


def collect(shared: Path | None) -> dict[str, Any]:
    """Run everything; without `shared` the figures of the real bars stay what they were."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        params = YearParams()
        days = make_year(root / "year", params)
        runs = {
            rule: _told(run_job(_job(rule, root / "year", days, 5, root / "cache"), lambda *_: None)) for rule in RULES
        }
        seeds: dict[str, list[Any]] = {rule: [] for rule in RULES}
        for seed in SEEDS:
            make_year(root / str(seed), params._replace(seed=seed))
            for rule in RULES:
                results = run_job(_job(rule, root / str(seed), days, 5, root / "cache"), lambda *_: None)
                (main,) = [each for each in results if each.inputs.verdict == "expected"]
                seeds[rule].append(statistics_of(main).metrics["total_return"])
        made = {"params": params._asdict(), "days": days, "runs": runs, "seeds": seeds}
        if shared is None:
            return {**made, "real": json.loads(FIGURES.read_text("utf-8"))["real"]}
        import_path(shared, root / "real", None, lambda *_: None)
        more = {"screens": REAL_SCREEN, "settings": REAL_SETTINGS}
        results = run_job(_job("limit_up", root / "real", REAL_DAYS, 1, root / "cache", **more), lambda *_: None)
        return {**made, "real": _real(results)}


def _real(results: list[BacktestResult]) -> dict[str, Any]:
    """Count; returns of stocks picked by hindsight mean nothing and are left out."""
    told = _told(results)
    (result,) = [each for each in results if each.inputs.verdict == "expected"]
    counts = ("trades", "fills", "refused", "missed")
    return {
        "days": REAL_DAYS, "sessions": len(result.equity),
        "stock_days": [sum(run.stock_days_had for run in result.coverage), sum(run.stock_days for run in result.coverage)],
        "coverage": [[run.first, run.last, run.stock_days_had, run.stock_days] for run in result.coverage],
        "verdicts": {name: {each: values[each] for each in counts} for name, values in told["verdicts"].items()},
        "by_exit": [row[:2] for row in told["by_exit"]], "unfilled": told["unfilled"],
    }  # fmt: skip


# ---------------------------------------------------------------------- the pages


def _say(lang: Lang, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _table(head: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join(["---"] * len(head)) + " |"
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def _reason(lang: Lang, name: str) -> str:
    words = WORDS[Reason[name]]
    return f"`{name}` {_say(lang, words.zh, words.en).partition('；')[0].partition(';')[0]}"


def _verdicts(lang: Lang, verdicts: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    head = [_say(lang, "指标", "metric"), *(f"`{verdict}`" for verdict in VERDICTS)]
    rows = (
        [metric_name(lang, name), *(metric_text(lang, name, verdicts[verdict][name]) for verdict in VERDICTS)] for name in names
    )  # fmt: skip
    yield from _table(head, rows)


def _unfilled(lang: Lang, rows: list[Any]) -> Iterator[str]:
    if rows:
        head = [_say(lang, "结果", "outcome"), _say(lang, "原因", "reason"), _say(lang, "次数", "times")]
        at = 0 if lang == "zh" else 1
        yield from _table(
            head, ([OUTCOMES[outcome][at], _reason(lang, why), f"{times:,}"] for outcome, why, times in rows)
        )


def _rule(lang: Lang, rule: str, told: dict[str, Any]) -> Iterator[str]:
    yield f"## `{rule}`\n"
    yield from _verdicts(lang, told["verdicts"], SHOWN)
    yield _say(lang, "以下按 `expected` 的账。", "What follows is by the books of `expected`.") + "\n"
    head = (
        ["卖出原因", "笔数", "盈", "亏", "盈亏（元）"]
        if lang == "zh"
        else ["exit", "trades", "won", "lost", "P&L (yuan)"]
    )
    yield from _table(
        head, ([_reason(lang, why), str(n), str(won), str(lost), signed_yuan(pnl)] for why, n, won, lost, pnl in told["by_exit"])
    )  # fmt: skip
    head = (
        ["月份", "交易日", "收益率", "盈亏（元）", "平仓", "盈"]
        if lang == "zh"
        else ["month", "sessions", "return", "P&L (yuan)", "closed", "won"]
    )
    yield from _table(
        head,
        (
            [f"{month // 100}-{month % 100:02d}", str(n), percent(gain, lang), signed_yuan(pnl), str(closed), str(won)]
            for month, n, gain, pnl, closed, won in told["by_month"]
        ),
    )
    yield from _unfilled(lang, told["unfilled"])
    yield from (f"- {remark[0 if lang == 'zh' else 1]}" for remark in told["remarks"])
    if told["remarks"]:
        yield ""


def _year(lang: Lang, figures: dict[str, Any]) -> Iterator[str]:
    params, (first, last) = figures["params"], figures["days"]
    other = "[English](backtest-year.en.md)" if lang == "zh" else "[中文](backtest-year.md)"
    yield (
        _say(
            lang, "# 一年的合成市场，和 28 天的真实 K 线", "# A year of the synthetic market, and 28 days of real bars"
        )
        + "\n"
    )
    yield other + "\n"
    yield _say(
        lang,
        "两条策略在同一个合成年份上跑一遍，再在真实的 1 分钟线上跑一遍。\n这一页由程序写成（`python -m docs.year`），没有一个数是手打的。\n",
        "Both rules on the same made-up year, and one of them on real 1-minute bars.\nThis page is written by a program (`python -m docs.year`); no number of it was typed.\n",
    )
    yield _say(lang, "## 自己重做", "## Do it again yourself") + "\n"
    yield (
        "```console\n$ pankou data synthetic year"
        + f" --stocks {params['stocks']} --sessions {params['sessions']} --seed {params['seed']}"
    )
    for rule in RULES:
        yield f"$ pankou backtest run {rule} --history year --from {day_text(first)} --to {day_text(last)}"
    yield "$ pankou backtest report $PANKOU_HOME/backtests/1\n```\n"
    hashes = {rule: figures["runs"][rule]["hashes"] for rule in RULES}
    data, rulebook = hashes[RULES[0]][0], hashes[RULES[0]][2]
    codes = "、".join(f"`{rule}` `{hashes[rule][1]}`" for rule in RULES)
    yield _say(
        lang,
        f"{params['stocks']} 只股票，{params['sessions']} 个交易日，5 分钟线，一百万元，最多 5 只、每只两成。数据 `{data}`，市场规则 `{rulebook}`，策略 {codes}。\n最后一条命令写出一个离线的 HTML 报告：净值、回撤、逐月、每笔交易的 K 线与买卖点，三种成交判定并列。\n",
        f"{params['stocks']} stocks, {params['sessions']} sessions, 5-minute bars, a million yuan, at most 5 positions of a fifth each. Data `{data}`, market rules `{rulebook}`, rules {codes.replace('、', ', ')}.\nThe last command writes one offline HTML report: equity, drawdown, months, candles with marks for every trade, the three fill verdicts side by side.\n",
    )
    spread = _spread(lang, figures["seeds"])
    yield _say(lang, "## 能得出什么，不能得出什么", "## What this shows, and what it does not") + "\n"
    yield _say(
        lang,
        f"合成市场是随机数：涨停之后的第二天没有任何可以知道的东西。\n所以这里的收益率说明不了策略好坏，换一个种子就是另一个数：{spread}。\n它说明的是机制：选股、触发、排队、T+1、各种卖出原因、手续费与除权怎样走完一年，三种成交判定差多少。\n`limit_up` 在 5 分钟线上的排队是按假设估计的，悲观与乐观之间才是诚实的范围。\n",
        f"The synthetic market is chance: the day after a limit there is nothing to be known.\nSo a return here says nothing for or against a rule; another seed is another number: {spread}.\nWhat it shows is the mechanism: how screens, triggers, queues, T+1, every exit, fees and ex-days go through a year, and how far the three fill verdicts lie apart.\nThe queue of `limit_up` on 5-minute bars is an assumption; the honest answer lies between pessimistic and optimistic.\n",
    )
    yield from ("- " + VERDICT_WORDS[verdict][0 if lang == "zh" else 1] for verdict in VERDICTS)
    yield ""


def _spread(lang: Lang, seeds: dict[str, list[float]]) -> str:
    """Tell between what and what the returns of other seeds lie."""
    first, last = SEEDS[0], SEEDS[-1]
    told = [
        _say(lang, f"`{rule}` 从 {percent(min(got), lang)} 到 {percent(max(got), lang)}", f"`{rule}` from {percent(min(got), lang)} to {percent(max(got), lang)}")
        for rule, got in seeds.items()
    ]  # fmt: skip
    return _say(lang, f"种子 {first} 到 {last} 里，", f"over the seeds {first} to {last}, ") + _say(
        lang, "，", ", "
    ).join(told)


def _real_bars(lang: Lang, real: dict[str, Any]) -> Iterator[str]:
    first, last = (day_text(day) for day in real["days"])
    had, asked = real["stock_days"]
    yield _say(lang, "## 真实的 1 分钟线", "## Real 1-minute bars") + "\n"
    yield _say(
        lang,
        f"{first} 至 {last}，{real['sessions']} 个交易日，`limit_up`；默认选股在这些天里碰不到一次涨停，所以放宽：振幅 50 % 以内，ST 未知的也要，400 个小仓位。\n这些分钟线是事后挑的强势股，收益率没有任何意义，所以不列；列出的只是发生了多少件事。\n股票池里 {asked:,} 个股票日，有完整分钟线的只有 {had:,} 个，其余不交易；卖出也要等那只股票又有分钟线的日子。\n",
        f"{first} to {last}, {real['sessions']} sessions, `limit_up`; the shipped screen meets no limit in these days, so it is relaxed: amplitude up to 50 %, unknown ST states let in, 400 small slots.\nThese minutes were picked by hindsight, of strong stocks: returns on them mean nothing and are left out; what is listed is how many things happened.\nOf {asked:,} stock-days of the pool {had:,} have whole minutes, the others are not traded; an exit too waits for a day on which its stock has minutes again.\n",
    )
    yield from _verdicts(lang, real["verdicts"], ("trades", "fills", "refused", "missed"))
    head = ["卖出原因", "笔数"] if lang == "zh" else ["exit", "trades"]
    yield from _table(head, ([_reason(lang, why), str(count)] for why, count in real["by_exit"]))
    yield from _unfilled(lang, real["unfilled"])
    head = (
        ["从", "到", "有分钟线的股票日", "股票池的股票日"]
        if lang == "zh"
        else ["from", "to", "stock-days with minutes", "stock-days of the pool"]
    )
    yield from _table(head, ([day_text(a), day_text(b), f"{n:,}", f"{of:,}"] for a, b, n, of in real["coverage"]))
    yield _say(
        lang,
        "编译引擎与 backtrader 在这些 K 线上的成交、现金与权益逐项相等（`tests/parity/test_real_bars.py`）。",
        "The compiled engine and backtrader agree on these bars in every deal, in cash and in equity (`tests/parity/test_real_bars.py`).",
    )


def page(lang: Lang, figures: dict[str, Any]) -> str:
    """Return a page."""
    lines = [*_year(lang, figures)]
    for rule in RULES:
        lines += _rule(lang, rule, figures["runs"][rule])
    return "\n".join([*lines, *_real_bars(lang, figures["real"])]).rstrip() + "\n"


def stale() -> list[str]:
    """Return the pages that are not what the figures say."""
    figures = json.loads(FIGURES.read_text("utf-8"))
    return [
        path.name
        for lang, path in PAGES.items()
        if not path.is_file() or path.read_text("utf-8") != page(lang, figures)
    ]


def main(args: list[str]) -> int:
    """Collect, write or check."""
    assert set(SHOWN) <= set(METRICS)
    if args == ["--check"]:
        old = stale()
        for name in old:
            print(
                f"docs/explanation/{name} is not what docs/samples/year.json says; run: python -m docs.year",
                file=sys.stderr,
            )
        return 1 if old else 0
    if args[:1] == ["--collect"]:
        figures = collect(Path(args[1]) if len(args) > 1 else None)
        FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    figures = json.loads(FIGURES.read_text("utf-8"))
    for lang, path in PAGES.items():
        path.write_text(page(lang, figures), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
