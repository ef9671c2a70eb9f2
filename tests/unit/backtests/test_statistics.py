"""Statistics of whole results: what is undefined, the tables of what was not filled, the register and its page."""

import pytest

from common.backtests.metrics import HEADLINE, METRICS, Unit
from common.backtests.reference import TITLES, metrics_page, result_page
from common.backtests.result import (
    BacktestResult,
    Benchmark,
    BookEvent,
    Candle,
    Coverage,
    EquityRow,
    Fill,
    Inputs,
    OpenPosition,
    Outcome,
    Refused,
    Unfilled,
)
from common.backtests.statistics import statistics_of
from common.backtests.text import metric_name, metric_text, percent, yuan
from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from common.domain.values import Side
from tests.backtest_books import S1000, START, Books, random_books
from tests.conftest import CHECKOUT

D = [20260105, 20260106, 20260107, 20260108]
NEEDS_TRADES = {"win_rate", "profit_loss_ratio", "mean_gain", "best_gain", "worst_gain", "holding_mean", "holding_max"}
NEEDS_SESSIONS = {"total_return", "max_drawdown", "exposure", "time_in_market", "turnover", "annual_turnover"}
NEEDS_TWO = {"annual_return", "volatility"}
NEEDS_SPREAD = {"sharpe", "sortino", "calmar"}
NEEDS_BENCHMARK = {"benchmark_return", "excess_return"}


def undefined(books: Books) -> set[str]:
    return {name for name, value in statistics_of(books.result()).metrics.items() if value is None}


def test_no_session_at_all() -> None:
    found = undefined(Books())
    assert found == NEEDS_TRADES | NEEDS_SESSIONS | NEEDS_TWO | NEEDS_SPREAD | NEEDS_BENCHMARK | {"cost_share"}
    assert statistics_of(Books().result()).by_month == []


def test_sessions_without_a_trade() -> None:
    books = Books()
    for day in D:
        books.close(day)
    assert undefined(books) == NEEDS_TRADES | NEEDS_SPREAD | NEEDS_BENCHMARK | {"cost_share"}
    metrics = statistics_of(books.result()).metrics
    assert (metrics["total_return"], metrics["volatility"], metrics["turnover"], metrics["exposure"]) == (0, 0, 0, 0)
    assert (metrics["trades"], metrics["wins"], metrics["losses"], metrics["costs"]) == (0, 0, 0, 0)


def test_one_session() -> None:
    books = Books()
    books.buy(D[0], "600001.SH", 100, 10_000)
    books.close(D[0], {"600001.SH": 9_000})
    assert undefined(books) == NEEDS_TRADES | NEEDS_TWO | NEEDS_SPREAD | NEEDS_BENCHMARK


def test_no_losses() -> None:
    books = Books()
    books.buy(D[0], "600001.SH", 100, 10_000)
    books.close(D[0], {"600001.SH": 10_100})
    books.sell(D[1], "600001.SH", 100, 10_300)
    books.close(D[1])
    assert undefined(books) == {"profit_loss_ratio", "sortino", "calmar"} | NEEDS_BENCHMARK
    assert statistics_of(books.result()).metrics["win_rate"] == 1.0


def test_turnover_exposure_and_benchmark_by_hand() -> None:
    books = Books()
    books.buy(D[0], "600001.SH", 10_000, 10_000)
    books.close(D[0], {"600001.SH": 10_000})
    books.sell(D[1], "600001.SH", 10_000, 12_000)
    books.close(D[1])
    metrics = statistics_of(books.result(benchmark=Benchmark("CSI 300", 4_000_000, (4_040_000, 4_120_000)))).metrics
    # bought 100,000, sold 120,000; equity 1,000,000 and 1,020,000: 110,000 / 1,010,000, a year of 244 for these 2
    assert metrics["turnover"] == pytest.approx(110 / 1010)
    assert metrics["annual_turnover"] == pytest.approx(110 / 1010 * 122)
    # held 10 % on one close of two
    assert metrics["exposure"] == pytest.approx(0.05)
    assert metrics["time_in_market"] == 0.5
    assert metrics["benchmark_return"] == pytest.approx(0.03)
    assert metrics["excess_return"] == pytest.approx(0.02 - 0.03)


def test_refused_and_missed_are_counted_by_reason() -> None:
    books = Books()
    for reason, outcome, times in (
        (Reason.SLOTS_FULL, Outcome.REFUSED, 3),
        (Reason.BELOW_ONE_LOT, Outcome.REFUSED, 1),
        (Reason.CANCEL_AT_TIME, Outcome.MISSED, 2),
    ):
        row = Unfilled(D[0], S1000, "600001.SH", Side.BUY, outcome, 500, 100, 9_000, reason, Reason.LIMIT_UP_TOUCH, "r")
        books.unfilled += [row] * times
    books.close(D[0])
    found = statistics_of(books.result())
    assert [tuple(row) for row in found.unfilled] == [
        (Outcome.REFUSED, Reason.SLOTS_FULL, 3),
        (Outcome.REFUSED, Reason.BELOW_ONE_LOT, 1),
        (Outcome.MISSED, Reason.CANCEL_AT_TIME, 2),
    ]
    assert (found.metrics["refused"], found.metrics["missed"]) == (4, 2)


def test_books_that_do_not_add_up_are_not_counted() -> None:
    books = random_books(3, 20, 10)
    books.equity[-1] = books.equity[-2]
    with pytest.raises(InvariantError, match="not ascending"):
        statistics_of(books.result())


def test_the_register_is_whole() -> None:
    assert set(HEADLINE) <= set(METRICS)
    metrics = statistics_of(random_books(1).result()).metrics
    assert list(metrics) == list(METRICS)
    for name, metric in METRICS.items():
        assert metric.zh, name
        assert metric.en, name
        assert metric.formula, name
        assert bool(metric.when_zh) == bool(metric.when_en), name
        value = metrics[name]
        whole = metric.unit in (Unit.CASH, Unit.COUNT, Unit.SESSIONS)
        assert value is None or isinstance(value, int if whole else int | float), name


def test_a_metric_that_may_be_undefined_says_when() -> None:
    some = undefined(Books()) | {"profit_loss_ratio"}
    assert {name for name, metric in METRICS.items() if metric.when_en} == some


def test_the_page_names_every_metric_with_its_formula() -> None:
    page = metrics_page()
    for name, metric in METRICS.items():
        assert f"| `{name}` | {metric.zh} | {metric.en} |" in page
        assert f"`{metric.formula}`".replace("|", "\\|") in page


def test_the_format_page_names_every_field() -> None:
    page = result_page((CHECKOUT / "common" / "backtests" / "result.py").read_text("utf-8"))
    for kind in (BacktestResult, Inputs, Coverage, EquityRow, Fill, BookEvent, Unfilled, Refused, OpenPosition, Candle):
        assert f"**{TITLES[kind.__name__]}**" in page
        assert all(f"| `{field}` |" in page for field in kind.__struct_fields__)


@pytest.mark.parametrize(
    ("name", "value", "zh", "en"),
    [
        ("sharpe", None, "未定义", "undefined"),
        ("total_return", 0.05079, "5.08%", "5.08%"),
        ("total_return", -0.00001, "0.00%", "0.00%"),
        ("sharpe", 1.005, "1.00", "1.00"),
        ("end_equity", 1_050_795_395, "1,050,795.395", "1,050,795.395"),
        ("pnl", 50_000, "+50.00", "+50.00"),
        ("pnl", -1_234_560, "-1,234.56", "-1,234.56"),
        ("trades", 1234, "1,234", "1,234"),
    ],
)
def test_values_as_text(name: str, value: float | None, zh: str, en: str) -> None:
    assert (metric_text("zh", name, value), metric_text("en", name, value)) == (zh, en)


def test_names_and_small_texts() -> None:
    assert (metric_name("zh", "sharpe"), metric_name("en", "sharpe")) == ("夏普比率", "Sharpe ratio")
    assert (percent(0.1, signed=True), percent(None, "en"), yuan(-5)) == ("+10.00%", "undefined", "-0.005")
    assert statistics_of(Books().result()).metrics["start_equity"] == START
