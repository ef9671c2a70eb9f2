"""The register of metrics: name, words, formula, unit and function of each; documents, tables and reports read it.

size: one table, and the few functions that only it uses.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from common.backtests import ratios
from common.backtests.result import BacktestResult, Outcome
from common.backtests.trades import Trade
from common.domain.values import Cash, Side

Value = int | float | None
"""Amounts and counts are integers, ratios are floats, None is undefined."""


class Unit(Enum):
    """How a metric is written."""

    PERCENT = "percent"
    """A ratio, shown x 100."""
    RATIO = "ratio"
    CASH = "cash"
    """0.001 yuan."""
    COUNT = "count"
    SESSIONS = "sessions"


class Facts(NamedTuple):
    """What the functions look at."""

    result: BacktestResult
    trades: list[Trade]
    """All of them."""
    closed: list[Trade]
    values: list[Cash]
    """Start cash, then the equity of every close: E0 .. En."""
    returns: list[float]


class Metric(NamedTuple):
    """One metric."""

    zh: str
    en: str
    unit: Unit
    formula: str
    when_zh: str
    """When it is undefined, in Chinese; empty = never."""
    when_en: str
    of: Callable[[Facts], Value]
    peer: str = ""
    """The function of empyrical that gives the same."""


def win_rate(facts: Facts) -> Value:
    """Return the share of closed trades that made money."""
    return len(_wins(facts)) / len(facts.closed) if facts.closed else None


def profit_loss_ratio(facts: Facts) -> Value:
    """Return the mean win over the mean loss."""
    wins, losses = _wins(facts), _losses(facts)
    if not wins or not losses:
        return None
    return sum(wins) * len(losses) / (-sum(losses) * len(wins))


def turnover(facts: Facts) -> Value:
    """Return half of all buys and sells over the mean equity of the closes."""
    if not facts.result.equity:
        return None
    traded = sum(fill.amount for fill in facts.result.fills)
    return traded * len(facts.result.equity) / (2 * sum(row.equity for row in facts.result.equity))


def annual_turnover(facts: Facts) -> Value:
    """Return the turnover of a year."""
    found = turnover(facts)
    return None if found is None else found * ratios.SESSIONS_PER_YEAR / len(facts.result.equity)


def benchmark_return(facts: Facts) -> Value:
    """Return the total return of the benchmark."""
    held = facts.result.benchmark
    return None if held is None else ratios.total_return((held.base, *held.closes))


def excess_return(facts: Facts) -> Value:
    """Return the total return less that of the benchmark."""
    ours, theirs = ratios.total_return(facts.values), benchmark_return(facts)
    return None if ours is None or theirs is None else ours - theirs


def cost_share(facts: Facts) -> Value:
    """Return all fees over all buys and sells."""
    traded = sum(fill.amount for fill in facts.result.fills)
    return sum(fill.fees for fill in facts.result.fills) / traded if traded else None


def _wins(facts: Facts) -> list[Cash]:
    return [trade.pnl for trade in facts.closed if trade.pnl > 0]


def _losses(facts: Facts) -> list[Cash]:
    return [trade.pnl for trade in facts.closed if trade.pnl < 0]


def _gains(facts: Facts) -> list[float]:
    return [trade.gain for trade in facts.closed]


def _traded(facts: Facts, side: Side) -> Cash:
    return sum(fill.amount for fill in facts.result.fills if fill.side is side)


def _unfilled(facts: Facts, outcome: Outcome) -> int:
    bare = sum(len(row.symbols) for row in facts.result.refused) if outcome is Outcome.REFUSED else 0
    return bare + sum(row.outcome is outcome for row in facts.result.unfilled)


def _tax(facts: Facts) -> Cash:
    return sum(trade.tax for trade in facts.trades)


_NO_DAYS = ("没有交易日", "no session")
_ONE_DAY = ("不足 2 个交易日", "fewer than 2 sessions")
_NO_SPREAD = ("不足 2 个交易日，或每日收益都相同", "fewer than 2 sessions, or all daily returns the same")
_NO_FALL = ("不足 2 个交易日，或没有下跌的日子", "fewer than 2 sessions, or no session with a loss")
_NO_TRADES = ("没有已平仓的交易", "no closed trade")
_NO_BENCHMARK = ("没有给出基准", "no benchmark was given")
_NEVER = ("", "")

# fmt: off
METRICS: dict[str, Metric] = {
    "start_equity": Metric("初始资金", "start equity", Unit.CASH, "E0", *_NEVER, lambda f: f.values[0]),
    "end_equity": Metric("期末权益", "end equity", Unit.CASH, "En", *_NEVER, lambda f: f.values[-1]),
    "pnl": Metric("盈亏", "profit and loss", Unit.CASH, "En - E0 = sum(P of all trades)", *_NEVER, lambda f: f.values[-1] - f.values[0]),
    "sessions": Metric("交易日数", "sessions", Unit.SESSIONS, "n", *_NEVER, lambda f: len(f.result.equity)),
    "total_return": Metric("总收益率", "total return", Unit.PERCENT, "En / E0 - 1", *_NO_DAYS, lambda f: ratios.total_return(f.values), "cum_returns_final"),
    "annual_return": Metric("年化收益率", "annual return", Unit.PERCENT, "(En / E0) ^ (244 / n) - 1", *_ONE_DAY, lambda f: ratios.annual_return(f.values), "annual_return"),
    "benchmark_return": Metric("基准收益率", "benchmark return", Unit.PERCENT, "Bn / B0 - 1", *_NO_BENCHMARK, benchmark_return),
    "excess_return": Metric("超额收益率", "excess return", Unit.PERCENT, "(En / E0 - 1) - (Bn / B0 - 1)", *_NO_BENCHMARK, excess_return),
    "volatility": Metric("年化波动率", "annual volatility", Unit.PERCENT, "s * sqrt(244)", *_ONE_DAY, lambda f: ratios.volatility(f.returns), "annual_volatility"),
    "sharpe": Metric("夏普比率", "Sharpe ratio", Unit.RATIO, "m / s * sqrt(244)", *_NO_SPREAD, lambda f: ratios.sharpe(f.returns), "sharpe_ratio"),
    "sortino": Metric("索提诺比率", "Sortino ratio", Unit.RATIO, "m * 244 / (sqrt(sum(min(r, 0) ^ 2) / n) * sqrt(244))", *_NO_FALL, lambda f: ratios.sortino(f.returns), "sortino_ratio"),
    "max_drawdown": Metric("最大回撤", "max drawdown", Unit.PERCENT, "min over t of Et / max(E0 .. Et) - 1", *_NO_DAYS, lambda f: ratios.max_drawdown(f.values), "max_drawdown"),
    "calmar": Metric("卡玛比率", "Calmar ratio", Unit.RATIO, "annual_return / |max_drawdown|", "不足 2 个交易日，或没有回撤", "fewer than 2 sessions, or no drawdown", lambda f: ratios.calmar(f.values), "calmar_ratio"),
    "trades": Metric("已平仓交易", "closed trades", Unit.COUNT, "N", *_NEVER, lambda f: len(f.closed)),
    "open_trades": Metric("未平仓", "open trades", Unit.COUNT, "positions held at the last close", *_NEVER, lambda f: len(f.trades) - len(f.closed)),
    "wins": Metric("盈利次数", "wins", Unit.COUNT, "W = count(P > 0)", *_NEVER, lambda f: len(_wins(f))),
    "losses": Metric("亏损次数", "losses", Unit.COUNT, "L = count(P < 0)", *_NEVER, lambda f: len(_losses(f))),
    "win_rate": Metric("胜率", "win rate", Unit.PERCENT, "W / N", *_NO_TRADES, win_rate),
    "profit_loss_ratio": Metric("盈亏比", "profit/loss ratio", Unit.RATIO, "(sum(P > 0) / W) / (-sum(P < 0) / L)", "没有盈利或没有亏损的交易", "no win or no loss", profit_loss_ratio),
    "mean_gain": Metric("平均每笔收益率", "mean return of a trade", Unit.PERCENT, "sum(g) / N", *_NO_TRADES, lambda f: ratios.mean(_gains(f))),
    "best_gain": Metric("最好一笔", "best trade", Unit.PERCENT, "max(g)", *_NO_TRADES, lambda f: max(_gains(f), default=None)),
    "worst_gain": Metric("最差一笔", "worst trade", Unit.PERCENT, "min(g)", *_NO_TRADES, lambda f: min(_gains(f), default=None)),
    "holding_mean": Metric("平均持有交易日", "mean sessions held", Unit.RATIO, "sum(h) / N", *_NO_TRADES, lambda f: ratios.mean([t.sessions for t in f.closed])),
    "holding_max": Metric("最长持有交易日", "most sessions held", Unit.SESSIONS, "max(h)", *_NO_TRADES, lambda f: max((t.sessions for t in f.closed), default=None)),
    "exposure": Metric("平均仓位", "exposure", Unit.PERCENT, "sum over t of Mt / Et / n", *_NO_DAYS, lambda f: ratios.mean([row.market_value / row.equity for row in f.result.equity])),
    "time_in_market": Metric("持仓日占比", "time in the market", Unit.PERCENT, "count(Mt > 0) / n", *_NO_DAYS, lambda f: ratios.mean([float(row.market_value > 0) for row in f.result.equity])),
    "bought": Metric("买入金额", "bought", Unit.CASH, "sum(shares * price of buys)", *_NEVER, lambda f: _traded(f, Side.BUY)),
    "sold": Metric("卖出金额", "sold", Unit.CASH, "sum(shares * price of sells)", *_NEVER, lambda f: _traded(f, Side.SELL)),
    "turnover": Metric("换手率", "turnover", Unit.PERCENT, "(bought + sold) / 2 / (sum over t of Et / n)", *_NO_DAYS, turnover),
    "annual_turnover": Metric("年化换手率", "annual turnover", Unit.PERCENT, "turnover * 244 / n", *_NO_DAYS, annual_turnover),
    "commission": Metric("佣金", "commission", Unit.CASH, "sum(commission)", *_NEVER, lambda f: sum(x.commission for x in f.result.fills)),
    "stamp": Metric("印花税", "stamp duty", Unit.CASH, "sum(stamp)", *_NEVER, lambda f: sum(x.stamp for x in f.result.fills)),
    "transfer": Metric("过户费", "transfer fee", Unit.CASH, "sum(transfer)", *_NEVER, lambda f: sum(x.transfer for x in f.result.fills)),
    "dividend_tax": Metric("红利税", "dividend tax", Unit.CASH, "sum(tax)", *_NEVER, _tax),
    "costs": Metric("成本合计", "all costs", Unit.CASH, "commission + stamp + transfer + dividend_tax", *_NEVER, lambda f: sum(x.fees for x in f.result.fills) + _tax(f)),
    "cost_share": Metric("费用占成交额", "fees over amount traded", Unit.PERCENT, "(commission + stamp + transfer) / (bought + sold)", "没有成交", "no deal", cost_share),
    "fills": Metric("成交笔数", "fills", Unit.COUNT, "count(fills)", *_NEVER, lambda f: len(f.result.fills)),
    "refused": Metric("被拒", "refused", Unit.COUNT, "count(refused)", *_NEVER, lambda f: _unfilled(f, Outcome.REFUSED)),
    "missed": Metric("未全成", "missed fills", Unit.COUNT, "count(orders that ended with something unfilled)", *_NEVER, lambda f: _unfilled(f, Outcome.MISSED)),
}
# fmt: on
"""Every metric by name, in the order they are shown."""

HEADLINE = (
    *("total_return", "annual_return", "max_drawdown", "sharpe", "win_rate", "profit_loss_ratio", "wins", "losses"),
    *("volatility", "sortino", "calmar", "trades", "exposure", "costs"),
)
"""What is shown first, and side by side for the three verdicts."""
