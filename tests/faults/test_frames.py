"""Bad links between real processes change nothing; `nox -s frames` plays every kind at every rate."""

from pathlib import Path

import pytest

from tests.faults.frames_sweep import FrameRound
from tests.faults.rig import Zygote
from tests.faults.rounds import play

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]


def test_bad_links_change_nothing(tmp_path: Path, zygote: Zygote) -> None:
    rounds = play(
        [
            FrameRound(tmp_path / "all-1", zygote, 1, "all", 1),
            FrameRound(tmp_path / "all-5", zygote, 2, "all", 5, days=1),
            FrameRound(tmp_path / "wire-1", zygote, 3, "wire", 1),
        ]
    )
    assert [each.wrong for each in rounds] == ["", "", ""]
