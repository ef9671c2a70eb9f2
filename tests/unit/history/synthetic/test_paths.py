"""Prices of a session: the clock, written paths that keep their word, drawn ones that keep away from limits."""

import numpy as np
import pytest

from common.domain.calendar import S0915, S0925, S1130, S1300, S1457, S1500, hms
from common.domain.values import Board
from common.history.synthetic.actors import CAST
from common.history.synthetic.draws import Draws
from common.history.synthetic.paths import drawn, grid_of, lines, written
from common.history.synthetic.universe import LONG_AGO, Stock, facts_of


def stock_of(board: Board = Board.MAIN, sigma: int = 25_000) -> Stock:
    return Stock("600001.SH", "n", board, 12_000, 100_000_000, sigma, 20_000, 500_000, base=1)


@pytest.mark.parametrize(("interval", "pushes"), [(3, 5003), (15, 1003), (7, 2149), (60, 254)])
def test_the_clock(interval: int, pushes: int) -> None:
    grid = grid_of(interval)
    seconds = grid.seconds.tolist()
    assert seconds == sorted(set(seconds))
    assert len(seconds) == pushes
    assert (seconds[0], seconds[grid.opened], seconds[-1]) == (S0915, S0925, S1500)
    assert {S1130, S1300, S1457, hms("14:56:30")} <= set(seconds)
    assert not [second for second in seconds if S1130 < second < S1300]
    assert not grid.virtual[grid.opened]
    assert grid.virtual.sum() == sum(second < S0925 or S1457 < second < S1500 for second in seconds)


def test_lines() -> None:
    assert lines([(10, 100), (20, 200)], np.array([0, 10, 15, 20, 99])).tolist() == [100, 100, 150, 200, 200]
    assert lines([(10, 100)], np.array([0, 99])).tolist() == [100, 100]


@pytest.mark.parametrize("interval", [3, 15])
def test_a_written_path_reaches_its_limit_when_it_says(interval: int) -> None:
    grid = grid_of(interval)
    facts = facts_of(stock_of(), 4, 20260105, LONG_AGO)
    path = [("09:30", 12.05), ("11:00", 13.2), ("11:04", 12.9), ("15:00", 12.6)]
    for seed in range(5):
        prices = written(path, facts, grid, Draws(seed))
        touched = grid.seconds[prices >= facts.up]
        assert hms("10:59") < touched.min() <= hms("11:00")
        assert touched.max() < hms("11:01")
        assert prices[grid.seconds == hms("11:04")].item() == 12_900
        assert (prices[grid.opened], prices[-1]) == (12_050, 12_600)
        assert len(set(prices[grid.seconds > hms("11:10")].tolist())) > 20, "it trembles"


def test_drawn_paths_keep_away_from_limits_unless_lively() -> None:
    grid = grid_of(15)
    touched = 0
    for seed in range(400):
        draws, facts = Draws(seed), facts_of(stock_of(sigma=60_000), 4, 20260105, LONG_AGO)
        lively = seed % 2 == 0
        prices = drawn(stock_of(sigma=60_000), facts, lively, grid, draws)
        assert facts.down <= int(prices.min()) <= int(prices.max()) <= facts.up
        assert not (prices % 10).any()
        at_limit = bool(((prices == facts.up) | (prices == facts.down)).any())
        assert lively or not at_limit
        touched += at_limit
    assert 2 <= touched <= 20


def test_the_cast_stays_inside_its_limits() -> None:
    for actor in CAST:
        close = round(actor.close * 1000)
        board = Board.CHINEXT if actor.symbol.startswith("30") else Board.MAIN
        stock = Stock(actor.symbol, "n", board, close, 1, 1, 1, 1)
        stock.ex = dict(actor.ex)
        for day in range(3):
            facts = facts_of(stock, day, 20260105 + day, LONG_AGO)
            for _, yuan in actor.paths.get(day, ()):
                assert facts.down <= round(yuan * 1000) <= facts.up, (actor.role, day, yuan)
            if day in actor.paths:
                stock.close = round(actor.paths[day][-1][1] * 1000)
