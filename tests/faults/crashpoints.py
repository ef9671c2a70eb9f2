"""Sweep the named crash points: every point at each of its hits, and pairs (a second death during recovery).

python -m tests.faults.crashpoints [--hits 1,4,15] [--pairs 100] [--seed 1] [--real]
In one thread, or on real processes (`--real`), which read the plan from PANKOU_CRASH. A point that has fewer hits than asked for is taken at its last one, so that none is passed over; a point that is never
reached fails the sweep.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.runtime.crash import FIRED_VARIABLE, PLAN_VARIABLE, POINTS, Planned
from tests.faults.counter_points import ANYWHERE, AT_A_COUNTER, play_at_counter
from tests.faults.mini import play, undisturbed
from tests.faults.rig import Zygote
from tests.faults.rounds import Round, play_all


def fires(point: str, hit: int) -> bool:
    """Tell whether the point is passed so often in a run that nobody else disturbs."""
    planned = [Planned(point, hit)]
    _, fired = play_at_counter(planned) if point in AT_A_COUNTER else play(planned)
    return bool(fired)


def hits_of(point: str, wanted: list[int]) -> list[int]:
    """Return which of the wanted hits the point has in a run that nobody disturbs; its last one instead of later ones."""
    has = 0
    for hit in sorted(wanted):
        if not fires(point, hit):
            break
        has = hit
    if has == max(wanted):
        return sorted(wanted)
    low, high = has, max(wanted)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fires(point, middle) else (low, middle)
    return sorted({*(hit for hit in wanted if hit <= low), low} - {0})


def plans(points: Sequence[str], wanted: list[int], pairs: int, seed: int) -> Iterator[tuple[Planned, ...]]:
    """Give single deaths, then pairs: the second point is drawn for each first one, round and round."""
    for point in points:
        hits = hits_of(point, wanted)
        if not hits:
            raise SystemExit(f"crash point {point} is never reached")
        for hit in hits:
            yield (Planned(point, hit),)
    chance, names = random.Random(seed), [name for name in points if name not in AT_A_COUNTER]
    for number in range(pairs):
        yield Planned(names[number % len(names)], 1), Planned(chance.choice(names), 1)
    if set(AT_A_COUNTER) <= set(points):
        yield from ((Planned(first, 1), Planned(second, 1)) for first in AT_A_COUNTER for second in AFTER_THEM)


AFTER_THEM = ("g3", "g4", "g7", "g9", "g10", "g11")
"""Second deaths of a gateway that was about to send an order again."""


class CrashRound(Round):
    """A run on real processes that die where the plan says."""

    def __init__(self, folder: Path, zygote: Zygote, seed: int, plan: Sequence[Planned]) -> None:
        self.text, self._fired = text_of(plan), folder / "fired"
        environ = {PLAN_VARIABLE: self.text, FIRED_VARIABLE: str(self._fired)}
        super().__init__(folder, zygote, seed, environ=environ)

    def check(self) -> str:
        """Say which points were not reached."""
        fired = self._fired.read_text(encoding="utf-8").split() if self._fired.exists() else []
        missed = "" if ",".join(fired) == self.text else f"planned {self.text}, fired {fired}"
        return super().check() or missed


def text_of(plan: Sequence[Planned]) -> str:
    return ",".join(f"{each.point}:{each.hit}" for each in plan)


def sweep_world(chosen: Sequence[tuple[Planned, ...]]) -> int:
    """Play every plan in one thread; returns how many went wrong."""
    bad = 0
    for plan in chosen:
        if plan[0].point in AT_A_COUNTER:
            wrong, fired = play_at_counter(plan)
        else:
            books, fired = play(plan)
            wrong = () if books == undisturbed() else ("books DIFFER",)
        if fired != [each.point for each in plan] or wrong:
            bad += 1
            print(f"BAD {text_of(plan)}: fired {fired}, {'; '.join(wrong) or 'books equal'}", flush=True)
    return bad


def sweep_real(chosen: Sequence[tuple[Planned, ...]], at_once: int) -> int:
    """Play every plan on real processes; returns how many went wrong."""
    done = play_all(len(chosen), at_once, lambda folder, zygote, n: CrashRound(folder, zygote, n, chosen[n]), "crash")
    return sum(bool(each.wrong) for each in done)


def main() -> int:
    """Run the sweep and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", default="1,4,15")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--at-once", type=int, default=3)
    asked = parser.parse_args()
    began = time.monotonic()
    points = ANYWHERE if asked.real else tuple(POINTS)
    chosen = list(plans(points, [int(hit) for hit in asked.hits.split(",")], asked.pairs, asked.seed))
    bad = sweep_real(chosen, asked.at_once) if asked.real else sweep_world(chosen)
    single = sum(len(plan) == 1 for plan in chosen)
    where = "on real processes" if asked.real else "in one thread"
    print(
        f"crashpoints {where}: {len(points)} points all reached, {single} single deaths, {len(chosen) - single} pairs, "
        f"{bad} bad, {time.monotonic() - began:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
