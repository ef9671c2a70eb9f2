"""Chance in whole numbers: pinned, and of the shape it says."""

import numpy as np

from common.history.synthetic.draws import E6, Draws


def test_the_same_seed_gives_the_same_numbers_everywhere() -> None:
    draws = Draws(7)
    assert [draws.whole(0, 1000) for _ in range(6)] == [944, 625, 684, 897, 578, 775]
    assert draws.bells(4).tolist() == [-454_500, 671_878, -145_386, -1_029_615]
    assert draws.sizes(5).tolist() == [400, 320, 1100, 320, 4480]


def test_the_bell() -> None:
    bells = Draws(1).bells(40_000)
    assert abs(int(bells.mean())) < 20_000
    assert abs(int(bells.std()) - E6) < 15_000
    assert int(np.abs(bells).max()) < 3_500_000


def test_trades_are_a_thousand_on_average() -> None:
    assert abs(float(Draws(2).sizes(40_000).mean()) - 1000) < 20


def test_quantiles_are_joined_by_straight_lines() -> None:
    draws = Draws(3)
    values = np.array([draws.quantile((10, 20, 1000)) for _ in range(4000)])
    assert values.min() >= 10
    assert values.max() < 1000
    assert abs(float((values < 20).mean()) - 0.5) < 0.03
    assert abs(float(np.median(values[values >= 20])) - 510) < 30
