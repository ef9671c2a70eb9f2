"""Inclusion merging by hand, and against the slow one on random bars."""

import random

import numpy as np
import pytest

from common.screens.fractals import merge
from tests.unit.screens.slow import merged_bars


def last_two(bars: list[tuple[int, int]]) -> list[tuple[int, int]]:
    table = np.array(bars, np.int64).reshape(-1, 1, 2)
    pair = merge(table[:, :, 0], table[:, :, 1])
    if not pair.known[0]:
        return []
    return [(int(pair.k1_high[0]), int(pair.k1_low[0])), (int(pair.k2_high[0]), int(pair.k2_low[0]))]


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ([(10, 8), (9, 7)], [(10, 8), (9, 7)]),
        ([(10, 8), (9, 7), (8, 7)], [(10, 8), (8, 7)]),  # fell before: lower high, lower low
        ([(9, 7), (10, 8), (11, 7)], [(9, 7), (11, 8)]),  # rose before: higher high, higher low
        ([(10, 5), (9, 6), (8, 4)], [(9, 6), (8, 4)]),  # the first pair includes: it is dropped
        ([(10, 8), (9, 7), (8, 6), (8, 6)], [(9, 7), (8, 6)]),  # equal bars include each other
        ([(10, 8)], []),
        ([(10, 5), (9, 6), (8, 7)], []),
        ([(0, 0), (0, 0), (10, 8), (9, 7)], [(10, 8), (9, 7)]),  # padding in front
    ],
)
def test_by_hand(bars: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert last_two(bars) == expected


def test_random_bars_equal_the_slow_merge() -> None:
    rng = random.Random(7)
    found = 0
    for _ in range(300):
        lows = [rng.randrange(90, 110) for _ in range(rng.randrange(1, 40))]
        bars = [(low + rng.randrange(1, 12), low) for low in lows]
        expected = merged_bars(bars)[-2:]
        assert last_two(bars) == expected
        found += bool(expected)
    assert found > 200
