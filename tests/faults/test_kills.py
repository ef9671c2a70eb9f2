"""kill -9 of real processes all through a replayed run changes nothing; `nox -s kills` plays the long form."""

from pathlib import Path

import pytest

from tests.faults.kills import KillRound
from tests.faults.rig import Zygote
from tests.faults.rounds import play

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


def test_kills_all_through_the_days_change_nothing(tmp_path: Path, zygote: Zygote) -> None:
    rounds = play([KillRound(tmp_path / str(seed), zygote, seed) for seed in range(5)])
    assert [each.wrong for each in rounds] == [""] * 5
    assert sum(each.rig.kills for each in rounds) >= 40
