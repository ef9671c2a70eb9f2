"""A rule of one's own through the real processes: found in the home folder, copied into the run, traded, compared."""

import shutil

import pytest

from common.domain.reasons import Reason
from common.messages.orders import OrderFilled
from tests.conftest import CHECKOUT
from tests.e2e.rig import System

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]
SETTINGS = """
[account.rule_slots]
early_strength = 3
limit_up = 1
bottom_fractal = 1

[rules.early_strength]
screen = "limit_up"
"""


def test_the_example_trades(system: System, size: tuple[str, ...]) -> None:
    (system.home / "rules").mkdir()
    shutil.copy(CHECKOUT / "docs" / "examples" / "early_strength.py", system.home / "rules")
    with (system.home / "config.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    done = system.pankou("run", *size)
    assert done.returncode == 0, done.stdout + done.stderr
    # Edited or gone: the run has its own copy.
    shutil.rmtree(system.home / "rules")
    fills = [row.event for row in system.books()["rows"] if isinstance(row.event, OrderFilled)]
    mine = [fill for fill in fills if fill.rule == "early_strength"]
    assert len(mine) >= 5
    assert {fill.cause for fill in mine} <= {Reason.RULE_ENTRY, Reason.RULE_EXIT, Reason.STOP_LOSS}
    assert "a rule of your own enters" in done.stdout
    assert len(system.check_pipeline().fills) == len(fills)
    compared = system.pankou("tape", "diff", "20260107")
    assert compared.returncode == 0, compared.stdout + compared.stderr


def test_a_broken_rule_starts_nothing(system: System, size: tuple[str, ...]) -> None:
    (system.home / "rules").mkdir()
    (system.home / "rules" / "mine.py").write_text("import numba\n", encoding="utf-8")
    done = system.pankou("run", *size)
    assert done.returncode == 2
    assert "mine.py:1: import numba" in done.stderr
    assert not (system.home / "runs").exists()
