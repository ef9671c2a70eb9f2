"""Hostile peers against a real system: the gate's share; `nox -s fuzz` sends as much as one likes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.rig import System
from tests.fuzz.assault import HELD_AT, SMALLEST, attack

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]  # it starts the whole system
MESSAGES = 20_000


@pytest.fixture
def held(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "home")
    try:
        system.start(*SMALLEST)
        system.wait_for_push(HELD_AT)
        yield system
    finally:
        system.stop()


def test_hostile_peers_get_nothing_and_break_nothing(held: System) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    assert len(held.books()["orders"]) > 0, "there must be something to lose"
    done = attack(held, MESSAGES, seed)
    print(done.line())
    assert done.messages >= MESSAGES
    assert done.refused > MESSAGES // 3
