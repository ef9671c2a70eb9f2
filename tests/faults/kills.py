"""Rounds of kill -9 on real processes, spread over a replayed run; the dead come back after 0.02 to 0.25 s.

python -m tests.faults.kills [--rounds 300] [--at-once 3] [--seed 1]
Every round plays the mini market (three days, 370 pushes) from an empty folder to its end and compares the books with
those of a run that nobody disturbed. Kills come in bursts, a random victim every 0.2 s, so that a second one dies while
the first recovers; between bursts the run goes on for some pushes, so that every part of the days is hit.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from common.messages.kept import PlayerPosition
from tests.faults.rig import SERVICES, Zygote
from tests.faults.rounds import Round, play_all
from tests.simulation.mini_market import DAYS

EVERY_S = 0.2
BURSTS, BURST_MAX = 7, 3
PUSHES_A_DAY = 122


def played(position: PlayerPosition) -> int:
    """Return how many pushes have begun since the start of the first day."""
    if not position.push:
        return 0
    day, number = divmod(position.push, 100_000)
    return DAYS.index(day) * PUSHES_A_DAY + number


class KillRound(Round):
    """Kills in bursts at pushes drawn beforehand."""

    def __init__(self, folder: Path, zygote: Zygote, seed: int, **more: Any) -> None:
        super().__init__(folder, zygote, seed, **more)
        last = PUSHES_A_DAY * self.days - 5
        bursts = -(-BURSTS * self.days // len(DAYS))
        self._bursts = sorted(self.rig.random.randrange(last) for _ in range(bursts))
        self._left = 0
        self._next = 0.0

    def disturb(self) -> None:
        """Kill who is due."""
        now = time.monotonic()
        if not self._left and self._bursts and played(self.rig.position()) >= self._bursts[0]:
            self._bursts.pop(0)
            self._left = self.rig.random.randint(1, BURST_MAX)
        if self._left and now >= self._next:
            self._next = now + EVERY_S
            victims = list(SERVICES)
            self.rig.random.shuffle(victims)
            self._left -= any(self.rig.kill(victim) for victim in victims)


def main() -> int:
    """Play rounds and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()

    def make(folder: Path, zygote: Zygote, number: int) -> Round:
        return KillRound(folder, zygote, asked.seed * 1_000_003 + number)

    began = time.monotonic()
    done = list(play_all(asked.rounds, asked.at_once, make, "kills"))
    kills, bad = sum(each.rig.kills for each in done), sum(bool(each.wrong) for each in done)
    seconds = time.monotonic() - began
    print(
        f"kills: {asked.rounds} rounds, {kills} kills -9, {kills / asked.rounds:.1f} a round, {bad} bad, "
        f"{seconds:.0f} s, {seconds / asked.rounds:.1f} s a round"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
