"""Whatever happened in a backtest, its books and its statistics hold together."""

import math

from hypothesis import given
from hypothesis import strategies as st

from common.backtests.check import faults_of
from common.backtests.codec import decode_files, encode_files
from common.backtests.result import BacktestResult
from common.backtests.statistics import statistics_of
from common.backtests.trades import trades_of
from common.domain.values import Side
from tests.backtest_books import random_books


@st.composite
def results(draw: st.DrawFn) -> BacktestResult:
    seed = draw(st.integers(0, 10**9))
    return random_books(seed, draw(st.integers(1, 30)), draw(st.integers(0, 40)), draw(st.integers(1, 20))).result()


@given(results())
def test_the_trades_are_the_change_of_the_equity(result: BacktestResult) -> None:
    """Profit and loss of the closed trades = change of the equity less what the open ones made so far."""
    assert faults_of(result) == []
    trades = trades_of(result)
    change = result.equity[-1].equity - result.inputs.start_cash
    closed = sum(trade.pnl for trade in trades if not trade.open)
    still = sum(trade.pnl for trade in trades if trade.open)
    assert closed == change - still
    assert sum(trade.value_left for trade in trades) == result.equity[-1].market_value


@given(results())
def test_nothing_is_lost_between_deals_and_trades(result: BacktestResult) -> None:
    trades = trades_of(result)
    for side, shares, amount in (
        (Side.BUY, sum(t.shares_bought for t in trades), sum(t.amount_bought for t in trades)),
        (Side.SELL, sum(t.shares_sold for t in trades), sum(t.amount_sold for t in trades)),
    ):
        deals = [fill for fill in result.fills if fill.side is side]
        assert (shares, amount) == (sum(fill.shares for fill in deals), sum(fill.amount for fill in deals))
    assert sum(trade.fees for trade in trades) == sum(fill.fees for fill in result.fills)
    assert sum(trade.income - trade.tax for trade in trades) == sum(event.cash for event in result.events)
    assert sum(trade.buys + trade.sells for trade in trades) == len(result.fills)
    assert all(trade.sessions >= 0 and trade.open == (trade.shares_left > 0) for trade in trades)


@given(results())
def test_the_tables_add_up_to_the_metrics(result: BacktestResult) -> None:
    found = statistics_of(result)
    metrics = found.metrics
    assert metrics["trades"] == sum(row.trades for row in found.by_exit) == sum(row.trades for row in found.by_entry)
    assert metrics["wins"] == sum(row.wins for row in found.by_exit) == sum(row.wins for row in found.by_month)
    assert metrics["losses"] == sum(row.losses for row in found.by_exit)
    assert metrics["pnl"] == sum(row.pnl for row in found.by_month)
    assert metrics["sessions"] == sum(row.sessions for row in found.by_month)
    assert metrics["trades"] == sum(row.closed for row in found.by_month)
    compound = math.prod(1 + row.gain for row in found.by_month) - 1
    total = metrics["total_return"]
    assert total is not None
    assert math.isclose(compound, total, abs_tol=1e-9)
    assert len(result.unfilled_rows()) == sum(row.times for row in found.unfilled)
    kinds = ("commission", "stamp", "transfer", "dividend_tax")
    assert metrics["costs"] == sum(metrics[kind] or 0 for kind in kinds)


@given(results())
def test_no_metric_is_infinite_or_nan(result: BacktestResult) -> None:
    assert all(value is None or math.isfinite(value) for value in statistics_of(result).metrics.values())


@given(results())
def test_kept_and_read_back_is_the_same(result: BacktestResult) -> None:
    assert decode_files(encode_files(result)) == (result, [])
