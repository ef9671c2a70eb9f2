"""A round: one run of the mini market on real processes, disturbed somehow, its books compared in the end."""

import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from common.runtime.crash import EXIT_CRASHED
from tests.faults.frames import Faults
from tests.faults.mini import undisturbed_to
from tests.faults.rig import Rig, Zygote
from tests.simulation.mini_market import DAYS

LIMIT_S = 60.0


class Round:
    """`step` it until it is over; then `wrong` says what is wrong with it, if anything."""

    def __init__(
        self,
        folder: Path,
        zygote: Zygote,
        seed: int,
        *,
        faults: Faults = Faults(),  # noqa: B008 - immutable
        environ: Mapping[str, str] | None = None,
        bugs: Mapping[str, str] | None = None,
        limit_s: float = LIMIT_S,
        days: int = len(DAYS),
    ) -> None:
        self.folder, self.seed, self.limit_s, self.days = folder, seed, limit_s, days
        self.rig = Rig(folder, zygote, seed=seed, faults=faults, environ=environ, bugs=bugs, days=days)
        self.over, self.wrong = False, ""
        self.begin()
        self._end = time.monotonic() + limit_s

    def begin(self) -> None:
        """Start everything."""
        self.rig.start()

    def disturb(self) -> None:
        """Do what this kind of round does to the processes; called again and again."""

    def check(self) -> str:
        """Say what is wrong besides the books."""
        died = [death for death in self.rig.deaths if death.code != EXIT_CRASHED]
        return f"died by itself: {died}\n{self.rig.logs()}" if died else ""

    def step(self) -> None:
        """Go on a little."""
        if self.over:
            return
        self.rig.step(0.005)
        if any(death.code != EXIT_CRASHED for death in self.rig.deaths):
            self.close(self.check())
        elif self.rig.finished():
            self.close(self.check() or ("" if self.rig.books() == undisturbed_to(self.days) else "the books differ"))
        elif time.monotonic() > self._end:
            self.close(f"not finished within {self.limit_s:.0f} s\n{self.check() or self.rig.logs()}")
        else:
            self.disturb()

    def close(self, wrong: str) -> None:
        """End it with a verdict."""
        self.over, self.wrong = True, wrong
        self.rig.close()


def play(rounds: Sequence[Round]) -> Sequence[Round]:
    """Play rounds side by side: most of the time everybody waits for somebody who recovers."""
    try:
        while not all(each.over for each in rounds):
            for each in rounds:
                each.step()
    finally:
        for each in rounds:
            each.rig.close()
    return rounds


def play_all(
    count: int, at_once: int, make: Callable[[Path, Zygote, int], Round], what: str, *, told: bool = True
) -> Generator[Round]:
    """Play many rounds, some at once; those that went wrong are printed and leave their folders."""
    zygote = Zygote()
    try:
        for first in range(0, count, at_once):
            scratch = Path(tempfile.mkdtemp(prefix=f"pankou-{what}-"))
            batch = range(first, min(first + at_once, count))
            for number, done in zip(batch, play([make(scratch / str(n), zygote, n) for n in batch]), strict=True):
                if done.wrong and told:
                    print(f"BAD round {number} in {done.folder}: {done.wrong}", flush=True)
                else:
                    shutil.rmtree(done.folder)
                yield done
            if not any(scratch.iterdir()):
                scratch.rmdir()
    finally:
        zygote.close()
