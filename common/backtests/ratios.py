"""Ratios of a series, as floats. What has no value is None: never 0 in its place, never infinite.

Definitions are those of `empyrical` with 244 sessions a year and no riskless rate; `docs/reference/metrics.md` has them.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

SESSIONS_PER_YEAR = 244
NOISE = 1e-15
"""A spread of daily returns below it is rounding, not risk."""


def returns_of(values: Sequence[float]) -> list[float]:
    """Return the change of each value over the one before."""
    check_values(values)
    return [after / before - 1 for before, after in pairwise(values)]


def check_values(values: Sequence[float]) -> None:
    """Raise ValueError where a value is no finite number above zero: nothing is counted from it."""
    for at, value in enumerate(values):
        if not math.isfinite(value) or value <= 0:
            raise ValueError(f"value {at} of the series is {value}: it must be a finite number above zero")


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None of nothing."""
    if not values:
        return None
    found = math.fsum(values) / len(values)
    if not math.isfinite(found):
        raise ValueError("a value of the series is not finite")
    return found


def deviation(returns: Sequence[float]) -> float | None:
    """Return the sample standard deviation (n - 1); None below two values."""
    middle = mean(returns)
    if middle is None or len(returns) < 2:
        return None
    return math.sqrt(math.fsum((value - middle) ** 2 for value in returns) / (len(returns) - 1))


def total_return(values: Sequence[float]) -> float | None:
    """Return last / first - 1 of a series of values; None below two."""
    check_values(values)
    return values[-1] / values[0] - 1 if len(values) > 1 else None


def annual_return(values: Sequence[float]) -> float | None:
    """Return (last / first) ^ (244 / sessions) - 1; None below two sessions, or where it is beyond any number."""
    check_values(values)
    sessions = len(values) - 1
    if sessions < 2:
        return None
    try:
        return float((values[-1] / values[0]) ** (SESSIONS_PER_YEAR / sessions)) - 1
    except OverflowError:
        return None


def volatility(returns: Sequence[float]) -> float | None:
    """Return the sample standard deviation x sqrt(244)."""
    spread = deviation(returns)
    return None if spread is None else spread * math.sqrt(SESSIONS_PER_YEAR)


def sharpe(returns: Sequence[float]) -> float | None:
    """Return mean / sample standard deviation x sqrt(244); None without any spread."""
    middle, spread = mean(returns), deviation(returns)
    if middle is None or spread is None or spread < NOISE:
        return None
    return middle / spread * math.sqrt(SESSIONS_PER_YEAR)


def sortino(returns: Sequence[float]) -> float | None:
    """Return mean x 244 / (root of the mean square of the falls x sqrt(244)); None below two values or without a fall."""
    middle = mean(returns)
    if middle is None or len(returns) < 2:
        return None
    downside = math.sqrt(math.fsum(min(value, 0.0) ** 2 for value in returns) / len(returns))
    if downside < NOISE:
        return None
    return middle / downside * math.sqrt(SESSIONS_PER_YEAR)


def drawdowns(values: Sequence[float]) -> list[float]:
    """Return how far each value lies under the highest so far, as a ratio of it: zero or below."""
    check_values(values)
    found, peak = [], 0.0
    for value in values:
        peak = max(peak, value)
        found.append(value / peak - 1)
    return found


def max_drawdown(values: Sequence[float]) -> float | None:
    """Return the deepest drawdown, zero or below; None below two values."""
    return min(drawdowns(values)) if len(values) > 1 else None


def calmar(values: Sequence[float]) -> float | None:
    """Return annual return / |max drawdown|; None without a drawdown."""
    annual, deepest = annual_return(values), max_drawdown(values)
    return None if annual is None or not deepest else annual / abs(deepest)
