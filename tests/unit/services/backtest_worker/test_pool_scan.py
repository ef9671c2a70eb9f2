"""The pool is scanned ahead of the desks, in order, and the same whether in a thread or not."""

from collections.abc import Iterator

import numpy as np
import pytest

from common.strategies import RULES
from services.backtest_worker import pool_scan
from services.backtest_worker.adapters.compiled import compile_rule
from services.backtest_worker.bars import DayBars
from services.backtest_worker.pool_scan import PoolDay, PoolScan, Scans
from tests.parity.made_bars import MadeBars

RULE = RULES["limit_up"]
DAYS = 6


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Scans:
    return compile_rule(RULE, tmp_path_factory.mktemp("machine_code"))


def made(seed: int) -> tuple[MadeBars, list[DayBars]]:
    bars = MadeBars(seed, stocks=9, days=DAYS)
    return bars, list(bars.days(RULE.Context._fields))


def played(scans: Scans, seed: int) -> list[tuple[DayBars, PoolDay]]:
    bars, days = made(seed)
    return list(PoolScan(RULE, RULE.Params(), scans, len(bars.symbols)).ahead(days))


def test_a_thread_finds_what_is_found_without_one(scans: Scans, monkeypatch: pytest.MonkeyPatch) -> None:
    here = [played(scans, seed) for seed in range(4)]
    monkeypatch.setattr(pool_scan, "SMALL", 0)
    there = [played(scans, seed) for seed in range(4)]
    bars, days = made(3)
    alone = list(PoolScan(RULE, RULE.Params(), scans, len(bars.symbols)).one_by_one(days))
    here, there = [*here, here[3]], [*there, alone]
    marked = 0
    for one, other in zip(here, there, strict=True):
        for (day, mine), (same, theirs) in zip(one, other, strict=True):
            assert day.day == same.day
            assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
            assert int(mine.counts.sum()) == sum(int(word).bit_count() for word in mine.masks.ravel())
            marked += int(mine.counts.sum())
    assert marked > 10


def test_days_are_taken_only_a_little_ahead(scans: Scans, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_days = 2
    monkeypatch.setattr(pool_scan, "AHEAD", ahead_days)
    bars, days = made(1)
    taken: list[int] = []

    def told() -> Iterator[DayBars]:
        for day in days:
            taken.append(day.day)
            yield day

    ahead = PoolScan(RULE, RULE.Params(), scans, len(bars.symbols)).ahead(told())
    for number, _ in enumerate(ahead, 1):
        assert len(taken) <= number + ahead_days
    assert len(taken) == DAYS


def test_what_fails_in_the_thread_is_raised_where_the_days_are_played(
    scans: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ArithmeticError("no such price")

    monkeypatch.setattr(pool_scan, "SMALL", 0)
    bars, days = made(2)
    scan = PoolScan(RULE, RULE.Params(), scans._replace(scan_pool=fails), len(bars.symbols))
    with pytest.raises(ArithmeticError, match="no such price"):
        list(scan.ahead(days))
