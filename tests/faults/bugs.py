"""Seeded bugs."""

import time
from collections.abc import Callable
from typing import NamedTuple

from common.runtime import service
from common.runtime.service import Shell


class Bug(NamedTuple):
    """A wrong version of something."""

    plant: Callable[[], None]
    caught_by: str


SPIN_AFTER_STEPS, SPIN_S = 120, 1.0


def _spins() -> None:
    steps = 0
    step = Shell.step

    def spinning(self: Shell, wait_ms: int = service.POLL_MS_MAX) -> None:
        nonlocal steps
        steps += 1
        if steps == SPIN_AFTER_STEPS:
            end = time.monotonic() + SPIN_S
            while time.monotonic() < end:
                pass
        step(self, wait_ms)

    Shell.step = spinning  # type: ignore[method-assign]  # a seeded bug


BUGS: dict[str, Bug] = {"spins": Bug(_spins, "nothing: a loop that comes back in time harms nobody")}
