"""Seeded series of integer equity that come out the same everywhere, and what empyrical-reloaded makes of them.

How `EXPECTED` was made: for each (seed, sessions, swing_bp, drift_bp) the returns of `series(...)` went through
empyrical-reloaded 0.7.1 with `annualization=244` (numpy 2.4, pandas 3.1, Python 3.11), all 17 digits kept:

    python -m pip install empyrical-reloaded
    python -m tests.unit.backtests.equity_series        # prints the table below

`test_ratios.py` compares with the table always, and with the library itself wherever it is installed. It is no
dependency of the project, because it needs scipy.
"""

from collections.abc import Callable
from typing import Any

Recipe = tuple[int, int, int, int]
NAMES = ("cum_returns_final", "annual_return", "annual_volatility", "sharpe_ratio", "sortino_ratio", "max_drawdown", "calmar_ratio")  # fmt: skip


def series(recipe: Recipe) -> list[int]:
    """Return start cash and the equity of every session, 0.001 yuan: a linear congruential generator, integers only."""
    seed, sessions, swing_bp, drift_bp = recipe
    state, values = seed, [1_000_000_000]
    for _ in range(sessions):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        change_bp = (state >> 33) % (2 * swing_bp + 1) - swing_bp + drift_bp
        values.append(values[-1] * (10_000 + change_bp) // 10_000)
    return values


def ask_empyrical(library: Any, values: list[int]) -> dict[str, float]:
    """Return what the library says of a series."""
    import numpy as np

    level = np.array(values, dtype=np.float64)
    returns = level[1:] / level[:-1] - 1
    year: dict[str, Callable[[], float]] = {
        "cum_returns_final": lambda: library.cum_returns_final(returns),
        "annual_return": lambda: library.annual_return(returns, annualization=244),
        "annual_volatility": lambda: library.annual_volatility(returns, annualization=244),
        "sharpe_ratio": lambda: library.sharpe_ratio(returns, annualization=244),
        "sortino_ratio": lambda: library.sortino_ratio(returns, annualization=244),
        "max_drawdown": lambda: library.max_drawdown(returns),
        "calmar_ratio": lambda: library.calmar_ratio(returns, annualization=244),
    }
    return {name: float(year[name]()) for name in NAMES}


# fmt: off
EXPECTED: dict[Recipe, tuple[float, ...]] = {
    (1, 244, 150, 5): (0.2801917559999998, 0.2801917559999998, 0.13865105985376774, 1.8514094531836756, 2.8990962313453417, -0.1068901026795114, 2.6213068280053835),
    (2, 244, 150, -8): (-0.19451422600000057, -0.19451422600000057, 0.13295773704444874, -1.5598951770716072, -2.011429389643292, -0.23915170674776065, -0.813350774891854),
    (3, 488, 300, 10): (0.8725416700000033, 0.36840844414231944, 0.27388875977885596, 1.282454683128667, 1.942385590890119, -0.21259923356746183, 1.732877574205442),
    (4, 61, 80, 0): (0.008242444999998266, 0.03337965191062198, 0.07497002939152625, 0.4748549556834892, 0.7140629312926854, -0.0387966505454736, 0.8603745797977496),
    (5, 1220, 200, 3): (1.4039726479999945, 0.1917520410858533, 0.1806223887899468, 1.0617726805517878, 1.58305384026674, -0.15305241336571143, 1.2528521234596344),
    (6, 2, 100, 1): (0.0015196400000001553, 0.20352572708425898, 0.19881649830937084, 0.9818098681944505, 2.15519239359758, -0.008199999999999931, 24.82021062003179),
    (7, 20, 500, -40): (-0.03301705600000038, -0.33608951160761347, 0.46261013233596837, -0.6645771447356934, -0.9407890111747322, -0.12898376100000022, -2.605673063042509),
    (8, 2440, 120, 6): (3.014469402999996, 0.14911320463417632, 0.1073811160914071, 1.3483741865958914, 2.055291823589078, -0.12986287142176897, 1.1482358506449937),
}
# fmt: on
"""(seed, sessions, swing, drift in basis points a session) to what the library says, in the order of `NAMES`."""


if __name__ == "__main__":
    import empyrical

    for recipe in EXPECTED:
        found = ask_empyrical(empyrical, series(recipe))
        print(f"    {recipe}: ({', '.join(repr(value) for value in found.values())}),")
