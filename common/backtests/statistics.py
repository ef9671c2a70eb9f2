"""The statistics of a result: every metric of the register, and tables by reason, by month and of what was not filled."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from common.backtests import ratios
from common.backtests.check import faults_of
from common.backtests.metrics import METRICS, Facts, Value
from common.backtests.result import BacktestResult, Outcome
from common.backtests.trades import Trade, trades_of
from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from common.domain.values import Cash

Month = int
"""A calendar month as yyyymm."""


class ReasonRow(NamedTuple):
    """The closed trades that one reason began or ended."""

    reason: Reason
    trades: int
    wins: int
    losses: int
    win_rate: float
    pnl: Cash
    mean_gain: float
    holding_mean: float


class MonthRow(NamedTuple):
    """One calendar month."""

    month: Month
    sessions: int
    gain: float
    """Equity of its last close over that of the close before its first session, less 1."""
    pnl: Cash
    closed: int
    """Trades that ended in it."""
    wins: int
    fees: Cash


class UnfilledRow(NamedTuple):
    """What was refused or missed for one reason."""

    outcome: Outcome
    reason: Reason
    times: int


class Statistics(NamedTuple):
    """Everything counted from one result."""

    metrics: dict[str, Value]
    trades: list[Trade]
    by_exit: list[ReasonRow]
    by_entry: list[ReasonRow]
    by_month: list[MonthRow]
    unfilled: list[UnfilledRow]


def facts_of(result: BacktestResult) -> Facts:
    """Gather what the metrics look at; raises `InvariantError` where the books of the result do not add up."""
    if faults := faults_of(result):
        raise InvariantError(f"the result does not add up: {'; '.join(faults)}")
    trades = trades_of(result)
    values = [result.inputs.start_cash, *(row.equity for row in result.equity)]
    closed = [trade for trade in trades if not trade.open]
    return Facts(result, trades, closed, values, ratios.returns_of(values))


def statistics_of(result: BacktestResult) -> Statistics:
    """Count everything."""
    facts = facts_of(result)
    return Statistics(
        {name: metric.of(facts) for name, metric in METRICS.items()},
        facts.trades,
        _by_reason(facts.closed, lambda trade: trade.exit),
        _by_reason(facts.closed, lambda trade: trade.entry),
        _by_month(facts),
        _by_refusal(result),
    )


def _by_reason(trades: Iterable[Trade], reason_of: Callable[[Trade], Reason]) -> list[ReasonRow]:
    groups: dict[Reason, list[Trade]] = {}
    for trade in trades:
        groups.setdefault(reason_of(trade), []).append(trade)
    return [_reason_row(reason, groups[reason]) for reason in sorted(groups)]


def _reason_row(reason: Reason, trades: list[Trade]) -> ReasonRow:
    count, wins = len(trades), sum(trade.pnl > 0 for trade in trades)
    return ReasonRow(
        reason,
        count,
        wins,
        sum(trade.pnl < 0 for trade in trades),
        wins / count,
        sum(trade.pnl for trade in trades),
        ratios.mean([trade.gain for trade in trades]) or 0.0,
        ratios.mean([trade.sessions for trade in trades]) or 0.0,
    )


def _by_month(facts: Facts) -> list[MonthRow]:
    ends = {row.day // 100: row.equity for row in facts.result.equity}
    sessions = Counter(row.day // 100 for row in facts.result.equity)
    closed = Counter(trade.closed // 100 for trade in facts.closed)
    wins = Counter(trade.closed // 100 for trade in facts.closed if trade.pnl > 0)
    fees: Counter[Month] = Counter()
    for fill in facts.result.fills:
        fees[fill.day // 100] += fill.fees
    found = []
    before = facts.values[0]
    for month, end in sorted(ends.items()):
        gain, pnl = end / before - 1, end - before
        found.append(MonthRow(month, sessions[month], gain, pnl, closed[month], wins[month], fees[month]))
        before = end
    return found


def _by_refusal(result: BacktestResult) -> list[UnfilledRow]:
    counts = Counter((row.outcome, row.reason) for row in result.unfilled)
    for row in result.refused:
        counts[Outcome.REFUSED, row.reason] += len(row.symbols)
    order = sorted(counts, key=lambda key: (key[0], -counts[key], key[1]))
    return [UnfilledRow(outcome, reason, counts[outcome, reason]) for outcome, reason in order]
