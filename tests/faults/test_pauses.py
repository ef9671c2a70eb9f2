"""Services that stand still, spin, are cut off or come twice change nothing; `nox -s pauses` plays the long form."""

from pathlib import Path

import pytest

from tests.faults.pauses import CableRound, SpinRound, StopRound, TwoGateways
from tests.faults.rig import Zygote
from tests.faults.rounds import play

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


def test_frozen_spinning_cut_off_and_doubled(tmp_path: Path, zygote: Zygote) -> None:
    rounds = play(
        [
            StopRound(tmp_path / "stop", zygote, 1),
            SpinRound(tmp_path / "spin", zygote, 2),
            CableRound(tmp_path / "cable", zygote, 3),
            TwoGateways(tmp_path / "two", zygote, 4),
        ]
    )
    assert [each.wrong for each in rounds] == [""] * 4
