"""Days out of history, a job from its inputs to results that add up, and what an ex-day does to a holding."""

from pathlib import Path

import numpy as np
import pytest

from common.backtests.check import faults_of
from common.backtests.result import EventKind
from common.domain.errors import HistoryError, UserError
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.days import HistoryDays
from services.backtest_worker.bars import NOT_THERE, DayBars, Facts, PoolRows, bar_at
from services.backtest_worker.corporate import corporate_action
from services.backtest_worker.job import Job, coverage_of, run_job
from tests.unit.history.folder import daily_row, write_folder
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LAST, PARTIAL, QUIET, TOUCHED, UP, make

CONFIG = parse_config({}, "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("history"))


def job(folder: Path, cache: Path, engine: str = "compiled") -> Job:
    rule = rules_of(CONFIG)["limit_up"]
    screen = load_screens(CONFIG)["limit_up"]
    return Job(
        rule, rule_params(CONFIG, "limit_up"), screen, folder, FIRST, LAST, engine, 5, DeskSettings(), cache=cache
    )


def test_a_day_knows_its_pool_its_facts_and_where_its_bars_lie(folder: Path) -> None:
    screen = load_screens(CONFIG)["limit_up"]
    days = HistoryDays(folder, screen, ("float_value",), 5, FIRST, LAST)
    first = next(iter(days))
    assert [days.symbols[stock] for stock in first.pool.stocks] == [QUIET, TOUCHED, PARTIAL]
    assert first.pool.context[:, 0].tolist() == [5_000_000_000_000] * 3
    assert (first.day, first.prev_day) == (FIRST, DAYS[79])
    assert first.facts.up_limit.tolist() == [UP] * 3
    assert first.facts.raw_prev_close.tolist() == [10_000] * 3
    assert not first.facts.ex_day.any()
    at = {symbol: days.symbols.index(symbol) for symbol in (QUIET, TOUCHED, PARTIAL)}
    assert first.first_row[at[PARTIAL]] == NOT_THERE, "a stock-day that lacks a bar is not traded"
    touch = bar_at(first, at[TOUCHED], 9)
    assert touch is not None
    assert (touch.high, touch.close) == (UP, UP)
    assert days.had[0][:3] == (FIRST, 3, 2)


@pytest.mark.parametrize("engine", ["compiled", "backtrader"])
def test_a_touch_is_bought_and_the_disappointment_sold(folder: Path, tmp_path: Path, engine: str) -> None:
    told: list[tuple[str, int, int]] = []
    results = run_job(job(folder, tmp_path, engine), lambda *what: told.append(what))
    assert [each.inputs.verdict for each in results] == ["pessimistic", "expected", "optimistic"]
    assert [fault for each in results for fault in faults_of(each)] == []
    main = results[0]
    bought, *sold = main.fills
    assert (bought.day, bought.side, bought.symbol, bought.price) == (FIRST, Side.BUY, TOUCHED, UP)
    assert bought.reason is Reason.LIMIT_UP_TOUCH
    assert {(fill.day, fill.price, fill.reason) for fill in sold} == {(DAYS[81], 10_300, Reason.STOP_LOSS)}
    assert sum(fill.shares for fill in sold) == bought.shares
    assert main.fills[0].shares % 100 == 0
    assert len(main.equity) == 4
    assert told[-1][1:] == (4, 4)
    assert [(run.first, run.grain, run.stock_days_had, run.stock_days) for run in main.coverage] == [
        (FIRST, "minute5", 2, 3),
        (DAYS[81], "minute5", 9, 9),
    ]
    assert any("缺分钟线" in remark.zh for remark in main.remarks)


def test_both_engines_write_the_same_result(folder: Path, tmp_path: Path) -> None:
    one, other = (run_job(job(folder, tmp_path, engine), lambda *_: None) for engine in ("compiled", "backtrader"))
    for mine, theirs in zip(one, other, strict=True):
        assert (mine.fills, mine.equity) == (theirs.fills, theirs.equity)
        assert (mine.unfilled, mine.refused) == (theirs.unfilled, theirs.refused)
    assert one[0].inputs.data_hash == other[0].inputs.data_hash
    assert len(one[0].inputs.rulebook_hash) == 20


def test_what_cannot_be_run_says_why(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no engine nope"):
        run_job(job(folder, tmp_path, "nope"), lambda *_: None)
    with pytest.raises(HistoryError, match="no trading day"):
        run_job(job(folder, tmp_path)._replace(first=20250705, last=20250706), lambda *_: None)


def test_an_empty_pool_is_said_and_undefined_stays_undefined(folder: Path, tmp_path: Path) -> None:
    asked = job(folder, tmp_path)
    config = parse_config(
        {"screens": {"limit_up": {"float_value_min": 9_000_000_000, "float_value_max": 9_100_000_000}}}, "t"
    )
    (result, *_) = run_job(asked._replace(screen=load_screens(config)["limit_up"]), lambda *_: None)
    assert (result.fills, result.unfilled, result.refused) == ((), (), ())
    assert [run.en for run in result.coverage] == ["no stock passed the screen"]
    assert list(coverage_of([], "minute5")) == []


def facts(**changes: int) -> Facts:
    base = {
        "board": 1, "exchange": 1, "prev_close": 9_500, "raw_prev_close": 10_000, "up_limit": 10_450,
        "down_limit": 8_550, "float_shares": 1, "ex_cash_e6": 500_000, "ex_bonus_e6": 0, "ex_day": 1, "gone": 0,
        "auction": 0, "st": 0,
    }  # fmt: skip
    named = {name: np.array([value]) for name, value in (base | changes).items()}
    return Facts(**{**named, "ex_day": named["ex_day"].astype(bool), "gone": named["gone"].astype(bool)})


@pytest.mark.parametrize(
    ("changes", "kind", "shares", "cash", "cost"),
    [
        ({}, EventKind.EX_DAY, 1_000, 500_000, 9_500_000),
        ({"ex_cash_e6": 0, "ex_bonus_e6": 1_000_000, "prev_close": 5_000}, EventKind.EX_DAY, 2_000, 0, 10_000_000),
        ({"gone": 1}, EventKind.DELISTED, 0, 0, 0),
    ],
)
def test_an_ex_day_is_no_gain_and_no_loss(
    changes: dict[str, int], kind: EventKind, shares: int, cash: int, cost: int
) -> None:
    ledger = Ledger()
    ledger.open_account("a", 20_000_000)
    ledger.roll_day(20260105, 20260102)
    ledger.submitted("1", "1", QUIET, Side.BUY, 1_000, 10_000, "r", Reason.HAND_OPEN, 0, 0, 10_000_000)
    ledger.filled("1", "1-1", 1_000, 10_000, 0)
    ledger.roll_day(20260106, 20260105)
    none: np.ndarray[tuple[int], np.dtype[np.int64]] = np.zeros(0, np.int64)
    made = facts(**changes)
    day = DayBars(20260106, 20260105, (), none, None, made, PoolRows(none, none))  # type: ignore[arg-type]  # no bars needed
    event = corporate_action(ledger, day, 0, QUIET)
    assert event is not None
    assert (event.kind, event.shares_after, event.cash) == (kind, shares, cash)
    holding = ledger.positions.get(QUIET)
    assert (holding.shares, holding.cost) == (shares, cost) if holding is not None else kind is EventKind.DELISTED
    if holding is not None:
        assert corporate_action(ledger, day._replace(facts=facts(ex_day=0)), 0, QUIET) is None


def test_people_read_limits_st_and_adjusted_closes_in_backtraders_lines(folder: Path) -> None:
    from services.backtest_worker.adapters.bt_feeds import columns_of

    screen = load_screens(CONFIG)["limit_up"]
    days = HistoryDays(folder, screen, ("float_value",), 5, FIRST, LAST)
    played = list(days)
    stock = days.symbols.index(TOUCHED)
    columns = columns_of(played, stock)
    assert {len(column) for column in columns.values()} == {4 * 48}
    assert columns["up_limit"][0] == 11.0
    assert columns["float_cap"][0] == 10.0 * 500_000_000
    assert columns["high"][9] == 11.0
    assert set(columns["is_st"]) == {0.0}
    assert columns["adj_close"][0] == columns["close"][0]
    assert len(columns_of(played, days.symbols.index(PARTIAL))["close"]) == 3 * 48


def test_a_stock_that_goes_ex_while_it_is_away_goes_ex_once(tmp_path: Path) -> None:
    away = DAYS[81:83]
    rows = [
        daily_row(
            day, QUIET, 10_000 if day < away[0] else 5_000, suspended=day in away,
            factor_e9=10**9 if day < away[0] else 2 * 10**9,
        )
        for day in DAYS
    ]  # fmt: skip
    write_folder(tmp_path, DAYS, rows)
    screen = load_screens(CONFIG)["limit_up"]
    moved = {
        day.day: (int(day.facts.raw_prev_close[0]), int(day.facts.prev_close[0]))
        for day in HistoryDays(tmp_path, screen, ("float_value",), 5, FIRST, LAST)
    }
    assert moved == {FIRST: (10_000, 10_000), away[0]: (10_000, 5_000), away[1]: (5_000, 5_000), LAST: (5_000, 5_000)}
    (later,) = HistoryDays(tmp_path, screen, ("float_value",), 5, away[1], away[1])
    assert later.facts.raw_prev_close[0] == 5_000, "also where the backtest begins within the pause"
