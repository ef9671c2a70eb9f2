"""Ratios: against empyrical (stored and live), by hand, where they are undefined, and on bad numbers."""

import importlib.util
import math
import statistics
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.backtests import ratios
from tests.unit.backtests.equity_series import EXPECTED, NAMES, Recipe, ask_empyrical, series

CLOSE = 1e-9
EQUITY = st.lists(st.integers(10**6, 10**12), min_size=1, max_size=60)


def ours(values: list[int]) -> dict[str, float | None]:
    returns = ratios.returns_of(values)
    found = (
        ratios.total_return(values),
        ratios.annual_return(values),
        ratios.volatility(returns),
        ratios.sharpe(returns),
        ratios.sortino(returns),
        ratios.max_drawdown(values),
        ratios.calmar(values),
    )
    return dict(zip(NAMES, found, strict=True))


@pytest.mark.parametrize("recipe", EXPECTED, ids=lambda recipe: f"seed{recipe[0]}")
def test_the_stored_numbers_of_empyrical(recipe: Recipe) -> None:
    found = ours(series(recipe))
    for name, wanted in zip(NAMES, EXPECTED[recipe], strict=True):
        value = found[name]
        assert value is not None, name
        assert math.isclose(value, wanted, rel_tol=CLOSE, abs_tol=CLOSE), (name, value, wanted)


@pytest.mark.skipif(
    importlib.util.find_spec("empyrical") is None,
    reason="empyrical-reloaded is not installed (it needs scipy); the stored numbers above hold its answers",
)
@pytest.mark.parametrize("recipe", EXPECTED, ids=lambda recipe: f"seed{recipe[0]}")
def test_empyrical_itself(recipe: Recipe) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own, about its dependencies
        import empyrical

        theirs = ask_empyrical(empyrical, series(recipe))
    found = ours(series(recipe))
    for name in NAMES:
        assert found[name] == pytest.approx(theirs[name], rel=CLOSE, abs=CLOSE), name


def test_three_sessions_by_hand() -> None:
    # 100 -> 110 -> 99 -> 108.9: returns +0.1, -0.1, +0.1
    values = [100, 110, 99, 108.9]
    returns = ratios.returns_of(values)
    assert returns == pytest.approx([0.1, -0.1, 0.1])
    assert ratios.total_return(values) == pytest.approx(0.089)
    assert ratios.annual_return(values) == pytest.approx(1.089 ** (244 / 3) - 1)
    # mean 0.1/3, deviations 0.2/3, -0.4/3, 0.2/3: variance (0.04 + 0.16 + 0.04) / 9 / 2 = 0.04/3
    assert ratios.volatility(returns) == pytest.approx(math.sqrt(0.04 / 3 * 244))
    assert ratios.sharpe(returns) == pytest.approx(0.1 / 3 / math.sqrt(0.04 / 3) * math.sqrt(244))
    # only the fall counts: sqrt(0.01 / 3)
    assert ratios.sortino(returns) == pytest.approx(0.1 / 3 / math.sqrt(0.01 / 3) * math.sqrt(244))
    assert ratios.drawdowns(values) == pytest.approx([0, 0, -0.1, -0.01])
    assert ratios.max_drawdown(values) == pytest.approx(-0.1)
    assert ratios.calmar(values) == pytest.approx((1.089 ** (244 / 3) - 1) / 0.1)


@pytest.mark.parametrize(
    ("values", "undefined"),
    [
        ([100], set(NAMES)),
        ([100, 101], {"annual_return", "annual_volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio"}),
        ([100, 100, 100], {"sharpe_ratio", "sortino_ratio", "calmar_ratio"}),
        ([100, 110, 130], {"sortino_ratio", "calmar_ratio"}),
        ([100, 90, 80], set()),
        ([1, 2, 4, 8], {"sharpe_ratio", "sortino_ratio", "calmar_ratio"}),
    ],
    ids=["no session", "one session", "flat", "only up", "only down", "the same gain every day"],
)
def test_undefined_is_none(values: list[int], undefined: set[str]) -> None:
    assert {name for name, value in ours(values).items() if value is None} == undefined


def test_a_year_beyond_any_number_is_undefined() -> None:
    assert ratios.annual_return([1, 10**9, 10**18]) is None
    assert ratios.calmar([1, 10**9, 10**8, 10**18]) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 0, -1])
def test_bad_values_are_refused(bad: float) -> None:
    for question in (ratios.total_return, ratios.annual_return, ratios.max_drawdown, ratios.calmar, ratios.returns_of):
        with pytest.raises(ValueError, match="finite number above zero"):
            question([100.0, bad, 101.0])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_bad_returns_are_refused(bad: float) -> None:
    for question in (ratios.volatility, ratios.sharpe, ratios.sortino, ratios.mean):
        with pytest.raises(ValueError, match="not finite"):
            question([0.1, bad, 0.2])


@given(EQUITY)
def test_nothing_is_ever_infinite_or_nan(values: list[int]) -> None:
    assert all(value is None or math.isfinite(value) for value in ours(values).values())


@given(EQUITY)
def test_drawdowns_lie_between_minus_one_and_zero(values: list[int]) -> None:
    found = ratios.drawdowns(values)
    assert all(-1 < value <= 0 for value in found)
    assert found[0] == 0
    assert ratios.max_drawdown(values) in (None, min(found))


@given(EQUITY, st.integers(2, 1000))
def test_the_unit_of_money_does_not_matter(values: list[int], times: int) -> None:
    assert ours([value * times for value in values]) == ours(values)


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=40))
def test_deviation_agrees_with_the_standard_library(returns: list[float]) -> None:
    assert ratios.deviation(returns) == pytest.approx(statistics.stdev(returns), rel=1e-9, abs=1e-12)
