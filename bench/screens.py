"""Screens beside pandas and polars: `python -m bench.screens [--history DIR] [--stocks N] [--days N] [--json]`.

The 60-session amplitude of a made-up market with ex-days, all three on the same integers, equal on every stock and day.
With --history (a folder that `pankou data import` made): both screens of one day, and of every day of 2018-07 to
2020-08. Noise: best of a few runs each. polars works on all cores, ours on one: on a loaded machine compare CPU seconds.
The peers get the products of price and factor ready made and do not round, ours the steps of the factors; it
multiplies, rounds and counts.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from common.history.batch import screen_days
from common.history.daily import History
from common.runtime.screens import shipped_screens
from common.screens.compiled import extremes, steps_of
from common.screens.cross import half_up

WINDOW, BP_MAX = 60, 1_500
BOUNDS = {"x_polars": 8, "x_pandas": 20, "one_day_ms": 1, "both_screens_ms": 50, "series_s": 3, "rss_mb": 1_024}
SERIES = (20180703, 20200824)
ASKED = (20260302, 20260320)


def best(times: int, run: Callable[[], object]) -> tuple[float, float]:
    """Return the least seconds of some runs, by the wall and of all cores together."""
    walls, cores = [], []
    for _ in range(times):
        wall, core = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    return min(walls), min(cores)


def market(days: int, stocks: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return highs, lows (0.001 yuan, sessions x stocks) and factors with an ex-day a year a stock."""
    rng = np.random.default_rng(1)
    close = np.exp(np.cumsum(rng.normal(0, 0.012, (days, stocks)), axis=0)) * 10_000
    close = np.maximum(close.astype(np.int64) // 10 * 10, 500)
    high = close + rng.integers(0, 30, close.shape) * 10
    low = np.maximum(close - rng.integers(0, 9, close.shape) * 10, 10)
    steps = np.where(rng.random(close.shape) < 1 / 244, rng.integers(1, 100_000_000, close.shape), 0)
    factor = 1_000_000_000 + steps.cumsum(axis=0)
    resting = rng.random(close.shape) < 0.01
    return (*(np.where(resting, 0, each).astype(np.int32) for each in (high, low)), factor)


def amplitudes(days: int, stocks: int) -> dict[str, float]:
    """Measure the amplitude over everything, three ways."""
    high, low, factor = market(days, stocks)
    now, steps = factor[WINDOW - 1 :], steps_of(factor)
    tables = [np.zeros(now.shape, np.int32) for _ in range(3)]

    def ours() -> None:
        extremes(high, low, steps, WINDOW, *tables)

    one, at_once = [each[:1].copy() for each in tables], steps_of(factor[:WINDOW])
    extremes(high[:WINDOW], low[:WINDOW], at_once, WINDOW, *one)  # compiles
    frame = pl.DataFrame(
        {
            "stock": np.repeat(np.arange(stocks, dtype=np.int32), days),
            "high": (high * factor).T.ravel(),
            "low": np.where(low > 0, low * factor, np.iinfo(np.int64).max).T.ravel(),
        }
    )

    def of_polars() -> pl.DataFrame:
        return frame.select(
            pl.col("high").rolling_max(WINDOW).over("stock"), pl.col("low").rolling_min(WINDOW).over("stock")
        )

    plain = pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})

    def of_pandas() -> list[pd.Series]:
        groups = plain.groupby("stock", sort=False)
        return [groups["high"].rolling(WINDOW).max(), groups["low"].rolling(WINDOW).min()]

    ours()
    peer = of_polars()
    shaped = [peer[name].to_numpy().reshape(stocks, days).T[WINDOW - 1 :] for name in ("high", "low")]
    top, bottom = (half_up(each.astype(np.int64), now) for each in shaped)
    assert np.array_equal(tables[0], top)
    assert np.array_equal(tables[1], bottom)
    wall, core = best(7, ours)
    polars_wall, polars_core = best(4, of_polars)
    pandas_wall, pandas_core = best(2, of_pandas)
    day, _ = best(50, lambda: extremes(high[:WINDOW], low[:WINDOW], at_once, WINDOW, *one))
    return {
        "ours_s": wall, "polars_s": polars_wall, "pandas_s": pandas_wall, "x_polars": polars_wall / wall,
        "x_pandas": pandas_wall / wall, "cpu_x_polars": polars_core / core, "cpu_x_pandas": pandas_core / core,
        "one_day_ms": 1e3 * day, "ties": float((top * 10_000 == (10_000 + BP_MAX) * bottom).sum()),
    }  # fmt: skip


def screens(folder: Path) -> dict[str, float]:
    """Measure the shipped screens on imported history."""
    history, chosen = History(folder), [screen.asking(True) for screen in shipped_screens().values()]
    days = history.calendar().between(*ASKED)
    list(screen_days(history, chosen, days[:1]))  # reads the files
    one, one_core = min(best(1, lambda day=day: list(screen_days(history, chosen, [day]))) for day in days[1:])  # type: ignore[misc]  # mypy cannot infer the default
    span = history.calendar().between(*SERIES)
    found = 0

    def whole() -> None:
        nonlocal found
        found = sum(int(each.passed.sum()) for row in screen_days(history, chosen, span) for each in row)

    cold, cold_core = best(1, whole)
    series, series_core = best(3, whole)
    return {
        "both_screens_ms": 1e3 * one, "both_screens_cpu_ms": 1e3 * one_core, "series_s": series,
        "series_cpu_s": series_core, "series_with_compiling_s": cold, "series_with_compiling_cpu_s": cold_core, "series_days": len(span), "series_names": found,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--history", type=Path)
    options.add_argument("--stocks", type=int, default=5_400)
    options.add_argument("--days", type=int, default=2_440)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    figures = screens(chosen.history) if chosen.history else {}  # first: the other takes all the memory
    figures |= amplitudes(chosen.days, chosen.stocks)
    if chosen.json:
        print(json.dumps(figures | {"bounds": BOUNDS}))
        return
    for name, value in figures.items():
        bound = BOUNDS.get(name)
        good = bound is None or (value >= bound if name.startswith("x_") else value <= bound)
        print(f"{name:28} {value:12.3f}" + ("" if bound is None else f"  bound {bound}: {'ok' if good else 'missed'}"))


if __name__ == "__main__":
    main()
