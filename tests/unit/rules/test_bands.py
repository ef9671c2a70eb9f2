"""The limits of many stocks at once are those of each."""

import numpy as np
import pytest

from common.domain.values import Board
from common.rules.bands import bands
from common.rules.price_limits import ListingPhase, price_band

DAYS = (20100104, 20131213, 20140612, 20140613, 20190722, 20200821, 20200824, 20201231, 20210104, 20211115, 20230407,
        20230410, 20260703, 20260706, 20261125)  # fmt: skip


@pytest.mark.parametrize("day", DAYS)
def test_arrays_say_what_the_kernel_says(day: int) -> None:
    rng = np.random.default_rng(day)
    n = 3000
    board = rng.choice([int(board) for board in Board], n)
    prev = np.where(rng.random(n) < 0.3, rng.integers(0, 30, n), rng.integers(30, 300_000, n)) * 10
    st = rng.integers(0, 2, n)
    phase = np.where(rng.random(n) < 0.6, 0, rng.choice([int(phase) for phase in ListingPhase], n))
    session = np.where(rng.random(n) < 0.4, 0, rng.integers(1, 8, n))
    listed = np.where(
        rng.random(n) < 0.5, 0, rng.choice([20100105, 20131212, 20140613, 20200821, 20230407, 20230410], n)
    )
    exchange = rng.integers(0, 4, n)
    found = bands(board, day, prev, st, phase, session, listed, exchange)
    facts = (board, prev, st, phase, session, listed, exchange)
    for at, (b, p, s, ph, number, since, ex) in enumerate(zip(*(column.tolist() for column in facts), strict=True)):
        one = price_band(b, day, p, bool(s), ph, number, since, ex)
        assert (found.up[at], found.down[at]) == (one.up, one.down), (b, p, s, ph, number, since, ex)


def test_one_value_may_stand_for_all() -> None:
    found = bands(Board.MAIN, 20260706, [10_050, 0, 1_880], [0, 0, 1])
    assert found.up.tolist() == [11_060, 0, 2_070]
    assert found.down.tolist() == [9_050, 0, 1_690]


def test_no_stocks_no_limits() -> None:
    assert bands([], 20260706, [], []).up.tolist() == []
