"""Rounds of kill -9 on real processes, spread over a replayed run; the dead come back after 0.02 to 0.25 s.

python -m tests.faults.kills [--rounds 300] [--at-once 3] [--seed 1]
Every round plays the mini market (three days, 370 pushes) from an empty folder to its end and compares the books with
those of a run that nobody disturbed. Kills come in bursts, a random victim every 0.2 s, so that a second one dies while
the first recovers; between bursts the run goes on for some pushes, so that every part of the days is hit.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from common.messages.kept import PlayerPosition
from tests.faults.mini import undisturbed
from tests.faults.rig import SERVICES, Rig, Zygote
from tests.simulation.mini_market import DAYS

EVERY_S = 0.2
BURSTS, BURST_MAX = 7, 3
PUSHES_A_DAY = 122
LIMIT_S = 60.0


class Killer:
    """Kills in bursts at pushes drawn beforehand."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        last = PUSHES_A_DAY * len(DAYS) - 5
        self._bursts = sorted(rig.random.randrange(last) for _ in range(BURSTS))
        self._left = 0
        self._next = 0.0

    def step(self) -> None:
        now = time.monotonic()
        if not self._left and self._bursts and _played(self.rig.position()) >= self._bursts[0]:
            self._bursts.pop(0)
            self._left = self.rig.random.randint(1, BURST_MAX)
        if self._left and now >= self._next:
            self._next = now + EVERY_S
            victims = list(SERVICES)
            self.rig.random.shuffle(victims)
            self._left -= any(self.rig.kill(victim) for victim in victims)


def _played(position: PlayerPosition) -> int:
    """Return how many pushes have begun since the start of the first day."""
    if not position.push:
        return 0
    day, number = divmod(position.push, 100_000)
    return DAYS.index(day) * PUSHES_A_DAY + number


class Round:
    """One round; `step` it until it is over."""

    def __init__(self, folder: Path, zygote: Zygote, seed: int) -> None:
        self.rig = Rig(folder, zygote, seed=seed)
        self.rig.start()
        self._killer = Killer(self.rig)
        self._end = time.monotonic() + LIMIT_S
        self.over, self.wrong = False, ""

    def step(self) -> None:
        rig = self.rig
        if self.over:
            return
        rig.step(0.005)
        if rig.finished():
            differ = "" if rig.books() == undisturbed() else "the books differ"
            self._close(f"died by itself: {rig.deaths}\n{rig.logs()}" if rig.deaths else differ)
        elif time.monotonic() > self._end:
            self._close(f"not finished within {LIMIT_S:.0f} s\n{rig.logs()}")
        else:
            self._killer.step()

    def _close(self, wrong: str) -> None:
        self.over, self.wrong = True, wrong
        self.rig.close()


def play_rounds(folder: Path, zygote: Zygote, seeds: Sequence[int]) -> list[Round]:
    """Play rounds side by side: most of the time everybody waits for somebody who recovers."""
    rounds = [Round(folder / str(seed), zygote, seed) for seed in seeds]
    try:
        while not all(each.over for each in rounds):
            for each in rounds:
                each.step()
    finally:
        for each in rounds:
            each.rig.close()
    return rounds


def main() -> int:
    """Play rounds and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began, kills, bad, zygote = time.monotonic(), 0, 0, Zygote()
    for first in range(0, asked.rounds, asked.at_once):
        folder = Path(tempfile.mkdtemp(prefix="pankou-kills-"))
        seeds = [asked.seed * 1_000_003 + number for number in range(first, min(first + asked.at_once, asked.rounds))]
        for seed, played in zip(seeds, play_rounds(folder, zygote, seeds), strict=True):
            kills += played.rig.kills
            if played.wrong:
                bad += 1
                print(f"BAD round of seed {seed} in {folder / str(seed)}: {played.wrong}", flush=True)
            else:
                shutil.rmtree(folder / str(seed))
    zygote.close()
    seconds = time.monotonic() - began
    print(
        f"kills: {asked.rounds} rounds, {kills} kills -9, {kills / asked.rounds:.1f} a round, {bad} bad, "
        f"{seconds:.0f} s, {seconds / asked.rounds:.1f} s a round"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
