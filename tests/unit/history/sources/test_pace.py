"""Asking politely, on a clock that moves only when somebody waits."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.calendar import NS, ts_of
from common.domain.errors import SourceBusyError, SourceError
from common.history.sources.pace import DayCount, PolitePacer, Retries, TokenBucket
from common.history.sources.source import Rate
from tests.unit.history.sources.vendor import Wall


@given(st.lists(st.integers(0, 3 * NS), min_size=1, max_size=60), st.integers(1, 600), st.integers(1, 5))
def test_no_minute_has_more_calls_than_allowed(gaps: list[int], per_minute: int, burst: int) -> None:
    bucket, now, calls = TokenBucket(per_minute, burst), 10**18, []
    for gap in gaps:
        now += gap
        now += bucket.take(now)
        calls.append(now)
    for at, begin in enumerate(calls):
        inside = [call for call in calls[at:] if call < begin + 60 * NS]
        assert len(inside) <= per_minute + burst


def test_waits_grow_and_end() -> None:
    assert [Retries().wait_s(tried) for tried in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


def pacer(tmp_path: Path, wall: Wall, rate: Rate = Rate(60_000)) -> PolitePacer:  # noqa: B008 - a frozen tuple
    return PolitePacer("vendor", rate, wall, DayCount(tmp_path / "calls.json", rate.per_day), Retries(times=2))


def test_a_read_is_repeated_and_then_given_up(tmp_path: Path) -> None:
    wall, tried = Wall(), []

    def busy() -> None:
        tried.append(wall.now_ns())
        raise SourceBusyError("no answer", wait_s=5)

    with pytest.raises(SourceBusyError, match=r"no answer \(asked 3 times\)"):
        pacer(tmp_path, wall).call(busy)
    assert [(later - earlier) // NS for earlier, later in pairwise(tried)] == [5, 5]


def test_the_calls_of_a_day_are_counted_over_restarts(tmp_path: Path) -> None:
    rate = Rate(60_000, per_day=10)
    wall = Wall(ts_of(20260109, 12 * 3600))
    for _ in range(9):
        pacer(tmp_path, wall, rate).call(lambda: None)
    with pytest.raises(SourceError, match="9 calls today"):
        pacer(tmp_path, wall, rate).call(lambda: None)
    wall.at_ns = ts_of(20260110, 60)
    assert pacer(tmp_path, wall, rate).call(lambda: 7) == 7


def test_a_lost_count_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "calls.json").write_text("{", "utf-8")
    assert pacer(tmp_path, Wall(), Rate(60_000, per_day=10)).call(lambda: 7) == 7
