"""Rounds in which what arrives at the sockets of real processes is dropped, doubled, reordered, delayed or damaged.

python -m tests.faults.frames_sweep [--rounds 100] [--at-once 3] [--seed 1]
Every kind of fault at 1, 5 and 20 %, and all of them together, round after round; `--rounds` is for each of those.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.faults.frames import Faults
from tests.faults.proxy import SHIFT, Proxy
from tests.faults.rig import SERVICES, Zygote
from tests.faults.rounds import Round, play_all
from tests.simulation.mini_market import DAYS

KINDS: dict[str, tuple[str, ...]] = {
    "drop": ("drop",),
    "double": ("double",),
    "reorder": ("reorder",),
    "delay": ("delay",),
    "flip": ("flip",),
    "all": ("drop", "double", "reorder", "delay", "flip"),
    "wire": (),
}
"""What is hurt; `wire` is the bytes of ZeroMQ itself, CURVE or not: flips, cuts and delays in `proxy.py`."""
PERCENTS = (1, 5, 20)
ONE_DAY_FROM = 20
"""From this rate on a round plays one day: nearly every push loses something and has to be asked for."""
LIMIT_S = 90.0


def faults_of(kind: str, percent: int) -> Faults:
    return Faults(**dict.fromkeys(KINDS[kind], percent))


class FrameRound(Round):
    """A run over bad links; a service that dies of a bad message is as wrong as a book that differs."""

    def __init__(
        self, folder: Path, zygote: Zygote, seed: int, kind: str, percent: int, days: int = 0, **more: Any
    ) -> None:
        self.kind, self.percent = kind, percent
        self.proxy: Proxy | None = None
        shift = SHIFT if kind == "wire" else 0
        faults = replace(faults_of(kind, percent), seed=seed, proxy_shift=shift)
        days = days or (1 if percent >= ONE_DAY_FROM else len(DAYS))
        super().__init__(folder, zygote, seed, faults=faults, days=days, **{"limit_s": LIMIT_S, **more})

    def begin(self) -> None:
        """Lay the wires first. Odds are smaller there: each hit costs a connection and what was on its way."""
        if self.kind == "wire":
            rate = 2 * self.percent
            self.proxy = Proxy(self.rig.base_port, self.seed, flip=rate, cut=rate, delay=25 * rate)
        super().begin()

    def check(self) -> str:
        """Say what is wrong besides the books: a round whose links were good proves nothing."""
        hurt = self.proxy.hurt if self.proxy else len(list(self.folder.glob("*.hurt")))
        return super().check() or ("" if hurt else "no message was hurt")

    def close(self, wrong: str) -> None:
        """End it, wires and all."""
        super().close(wrong)
        if self.proxy:
            self.proxy.close()


def main() -> int:
    """Play rounds and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chosen = [(kind, percent) for _ in range(asked.rounds) for kind in KINDS for percent in PERCENTS]

    def make(folder: Path, zygote: Zygote, number: int) -> Round:
        return FrameRound(folder, zygote, asked.seed * 1_000_003 + number, *chosen[number])

    began, bad = time.monotonic(), 0
    for done in play_all(len(chosen), asked.at_once, make, "frames"):
        bad += bool(done.wrong)
    seconds = time.monotonic() - began
    print(
        f"frames: {len(chosen)} rounds ({len(KINDS)} kinds x {len(PERCENTS)} rates x {asked.rounds}) on "
        f"{len(SERVICES)} processes, {bad} bad, {seconds:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
