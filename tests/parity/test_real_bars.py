"""Both engines on real bars: 28 sessions of 1-minute bars of stocks picked by hindsight, so the returns mean nothing."""

from pathlib import Path

import pytest

from common.backtests.check import faults_of
from common.backtests.result import VERDICTS, BacktestResult, Verdict
from common.backtests.trades import trades_of
from common.domain.values import Side
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.job import Job, run_job

pytestmark = pytest.mark.real_data
FIRST, LAST = 20260616, 20260724
# The default screen meets no touch in these days. Many small slots, since most stocks have minutes for a day or two only
# and are held until they have some again.
WIDE = {"limit_up": {"amplitude_bp_max": 5_000, "st_unknown": "allow"}}
SETTINGS = DeskSettings(cash=100_000_000_000, positions_max=400, slot_bp=25)


def run(engine: str, history: Path, cache: Path, verdicts: tuple[Verdict, ...] = VERDICTS) -> list[BacktestResult]:
    config = parse_config({"screens": WIDE}, "test")
    job = Job(
        rules_of(config)["limit_up"], rule_params(config, "limit_up"), load_screens(config)["limit_up"], history, FIRST,
        LAST, engine, 1, SETTINGS, verdicts, cache=cache,
    )  # fmt: skip
    return run_job(job, lambda *_: None)


@pytest.mark.timeout(240)  # the shared data is imported first, in whichever test needs it first
def test_the_engines_agree_on_real_minutes(real_history: Path, tmp_path: Path) -> None:
    compiled = run("compiled", real_history, tmp_path)
    (reference,) = run("backtrader", real_history, tmp_path, ("expected",))
    pessimistic, expected, optimistic = compiled
    assert [fault for each in compiled for fault in faults_of(each)] == []
    assert (expected.fills, expected.events, expected.equity) == (reference.fills, reference.events, reference.equity)
    assert (expected.unfilled, expected.refused) == (reference.unfilled, reference.refused)
    assert expected.open_positions == reference.open_positions
    assert sum(not trade.open for trade in trades_of(expected)) >= 30
    bought = [{fill.symbol for fill in each.fills if fill.side is Side.BUY} for each in compiled]
    assert bought[0] <= bought[1] <= bought[2], "whoever believes more buys more"
    had, asked = (sum(getattr(run, name) for run in expected.coverage) for name in ("stock_days_had", "stock_days"))
    assert 300 <= had < asked, "most of the pool has no minutes, and the result says so"
    assert [run for run in expected.coverage if run.first <= FIRST <= run.last]
    assert len(pessimistic.fills) > 0
    assert len(optimistic.fills) > 0
