"""Sweep the named crash points: every point at each of its hits, and pairs (a second death during recovery).

python -m tests.faults.crashpoints [--hits 1,4,15] [--pairs 100] [--seed 1]
A point that has fewer hits than asked for is taken at its last one, so that none is passed over; a point that is never
reached fails the sweep.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator

from common.runtime.crash import POINTS, Planned
from tests.faults.mini import play, undisturbed


def hits_of(point: str, wanted: list[int]) -> list[int]:
    """Return which of the wanted hits the point has in a run that nobody disturbs; its last one instead of later ones."""
    has = 0
    for hit in sorted(wanted):
        _, fired = play([Planned(point, hit)])
        if not fired:
            break
        has = hit
    if has == max(wanted):
        return sorted(wanted)
    low, high = has, max(wanted)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if play([Planned(point, middle)])[1] else (low, middle)
    return sorted({*(hit for hit in wanted if hit <= low), low} - {0})


def plans(wanted: list[int], pairs: int, seed: int) -> Iterator[tuple[Planned, ...]]:
    """Give single deaths, then pairs: the second point is drawn for each first one, round and round."""
    for point in POINTS:
        hits = hits_of(point, wanted)
        if not hits:
            raise SystemExit(f"crash point {point} is never reached")
        for hit in hits:
            yield (Planned(point, hit),)
    chance, names = random.Random(seed), list(POINTS)
    for number in range(pairs):
        yield Planned(names[number % len(names)], 1), Planned(chance.choice(names), 1)


def main() -> int:
    """Run the sweep and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", default="1,4,15")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began, single, double, bad = time.monotonic(), 0, 0, 0
    for plan in plans([int(hit) for hit in asked.hits.split(",")], asked.pairs, asked.seed):
        books, fired = play(plan)
        single, double = single + (len(plan) == 1), double + (len(plan) == 2)
        text = ",".join(f"{each.point}:{each.hit}" for each in plan)
        if len(fired) < len(plan) or books != undisturbed():
            bad += 1
            print(f"BAD {text}: fired {fired}, books {'equal' if books == undisturbed() else 'DIFFER'}", flush=True)
    print(
        f"crashpoints: {len(POINTS)} points all reached, {single} single deaths, {double} pairs, {bad} bad, "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
