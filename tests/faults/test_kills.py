"""kill -9 of real processes all through a replayed run changes nothing; `nox -s kills` plays the long form."""

from pathlib import Path

import pytest

from tests.faults.kills import KillRound
from tests.faults.rig import Zygote
from tests.faults.rounds import Round, play
from tests.simulation.mini_market import DAYS

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


def test_kills_all_through_the_days_change_nothing(tmp_path: Path, zygote: Zygote) -> None:
    """Ten rounds: seven of one day, in which things are bought, and three of all days, in which they are sold."""
    days = [1] * 7 + [len(DAYS)] * 3
    rounds: list[Round] = []
    for seeds in (range(5), range(5, 10)):
        rounds += play([KillRound(tmp_path / str(seed), zygote, seed, days=days[seed]) for seed in seeds])
    assert [each.wrong for each in rounds] == [""] * 10
    assert sum(each.rig.kills for each in rounds) >= 50
