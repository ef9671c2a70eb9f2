"""Compiled windows equal the plain ones on random bars: gaps, ex-days, ties, listings in the middle."""

import numpy as np
import pytest

from common.screens.compiled import pair_table, span_table
from common.screens.cross import Bars
from common.screens.plain import PlainWindows
from common.screens.st import Spells

NO_SPELLS = Spells(*(np.zeros(0, np.int64) for _ in Spells._fields))
BIG = 40_000_000_000
"""A factor x 1e9 as old listings have it."""


def random_bars(rng: np.random.Generator, sessions: int, stocks: int) -> Bars:
    close = 10_000 + rng.integers(-12, 13, (sessions, stocks)).cumsum(axis=0) * 10
    close = np.maximum(close, 500)
    high, low = close + rng.integers(0, 8, close.shape) * 10, close - rng.integers(0, 8, close.shape) * 10
    steps = np.where(rng.random(close.shape) < 0.02, rng.integers(1, BIG // 20, close.shape), 0)
    factor = BIG + steps.cumsum(axis=0)
    traded = rng.random(close.shape) > rng.choice([0.0, 0.05, 0.6], stocks)
    traded &= np.arange(sessions)[:, None] >= rng.choice([0, 0, 0, sessions // 2, sessions], stocks)
    return Bars(*(np.where(traded, each, 0) for each in (high, low, close, factor, close * 70)))


def anchors(bars: Bars, rows: range) -> np.ndarray:  # type: ignore[type-arg]
    """Return the factor of the last bar up to each row, 0 before the first one."""
    held = np.zeros(bars.factor.shape[1], np.int64)
    table = []
    for row in range(rows.stop):
        held = np.where(bars.factor[row] > 0, bars.factor[row], held)
        table.append(held)
    return np.array(table[rows.start :])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("window", [1, 2, 7, 60])
def test_spans(seed: int, window: int) -> None:
    days, stocks = 90, 300  # more stocks than one tile, and no multiple of it
    bars = random_bars(np.random.default_rng(seed), days + window - 1, stocks)
    now = anchors(bars, range(window - 1, days + window - 1))
    table = span_table(bars, now, window)
    moved = 0
    for day in range(days):
        part = Bars(*(each[day : day + window] for each in bars))
        expected = PlainWindows(0, part, part, now[day], NO_SPELLS).span(window)
        for name, found, wanted in zip(expected._fields, table.at(day), expected, strict=True):
            assert np.array_equal(found, wanted), (day, name)
        moved += int((part.factor != now[day])[part.high > 0].sum())
    assert moved > 100 or window == 1


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [2, 3, 20, 60])
def test_merged_pairs(seed: int, count: int) -> None:
    days, stocks = 60, 150
    bars = random_bars(np.random.default_rng(seed), days + count - 1, stocks)
    first = Bars(*(each[:count] for each in bars))
    order = np.argsort(first.close > 0, axis=0, kind="stable")
    seeds = Bars(*(np.take_along_axis(each, order, axis=0) for each in first))
    stacked = Bars(*(np.vstack([seed, each[count:]]) for seed, each in zip(seeds, bars, strict=True)))
    now = anchors(bars, range(count - 1, days + count - 1))
    table = pair_table(stacked, now, count)
    known = 0
    for day in range(days):
        so_far = Bars(*(each[: day + count] for each in bars))
        order = np.argsort(so_far.close > 0, axis=0, kind="stable")[-count:]
        traded = Bars(*(np.take_along_axis(each, order, axis=0) for each in so_far))
        expected = PlainWindows(0, traded, traded, now[day], NO_SPELLS).merged(count)
        found = table.at(day)
        assert np.array_equal(found.known, expected.known)
        sure = expected.known
        for name in ("k1_high", "k1_low", "k2_high", "k2_low"):
            assert np.array_equal(getattr(found, name)[sure], getattr(expected, name)[sure]), (day, name)
        known += int(sure.sum())
    assert known > 1000


def test_halves_round_up_whatever_the_size() -> None:
    # price x factor / now = n + 1/2 exactly, then a little less, a little more
    now = np.array([[2, 2, 2, 2 * BIG, 2 * BIG, 2 * BIG]], np.int64)
    factor = np.array([[1, 1, 1, BIG, BIG - 1, BIG + 1]], np.int64)
    price = np.array([[10_005, 10_004, 10_006, 1_234_567, 1_234_567, 1_234_567]], np.int64)
    rested = np.zeros_like(price)  # the day after the bar: no trade, another factor
    bars = Bars(*(np.vstack([each, rested]) for each in (price, price, price, factor, price)))
    table = span_table(bars, now, 2)
    assert table.high[0].tolist() == [5_003, 5_002, 5_003, 617_284, 617_283, 617_284]
    assert table.low[0].tolist() == table.high[0].tolist()
