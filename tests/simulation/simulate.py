"""Run seeds of the hostile simulation: python -m tests.simulation.simulate --seeds N [--first K] | --seed N.

Prints each bad seed as it is found, and one closing line of figures; ends with 1 where something was bad or where too
little happened for the run to mean anything.
"""

import argparse
import sys
import time
from collections import Counter
from typing import NamedTuple

from tests.simulation.plans import MARKETS, plan_of
from tests.simulation.seeds import run_seed, undisturbed

MUST_HAPPEN = (
    "crashes", "power", "orders", "fills", "cancels", "denials", "late_fills", "links_lost", "nones", "sent_again",
    "externals", "in_doubt", "resolved", "compared", "clock_jumps", "disk_full", "lost", "doubled", "delayed",
)  # fmt: skip
"""A run of some hundred seeds in which one of these is zero has tested nothing of that kind."""


class Totals(NamedTuple):
    """What some seeds came to."""

    seeds: int
    bad: dict[int, tuple[str, ...]]
    counts: Counter[str]

    @property
    def missing(self) -> list[str]:
        """Return what did not happen."""
        return [name for name in MUST_HAPPEN if not self.counts[name]]


def run_seeds(first: int, count: int, told: bool = False) -> Totals:
    """Run seeds `first` and on."""
    bad: dict[int, tuple[str, ...]] = {}
    counts: Counter[str] = Counter()
    for seed in range(first, first + count):
        result = run_seed(seed)
        counts.update(result.counts)
        if result.bad:
            bad[seed] = result.bad
            if told:
                print(f"seed {seed}: {'; '.join(result.bad)}", flush=True)
    return Totals(count, bad, counts)


def closing_line(totals: Totals, seconds: float) -> str:
    """Return the figures in one line."""
    figures = {name: totals.counts[name] for name in (*MUST_HAPPEN, "duplicates")}
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items())
    return f"simulate: {totals.seeds} seeds, {len(totals.bad)} bad, {told}, {seconds:.0f} s CPU"


def main() -> int:
    """Run what the command line asks for."""
    asked = argparse.ArgumentParser(description="hostile simulation of the live cores behind a lying counter")
    asked.add_argument("--seeds", type=int, default=2_000)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--seed", type=int, default=None, help="replay one seed and say what it does")
    options = asked.parse_args()
    if options.seed is not None:
        plan, result = plan_of(options.seed), run_seed(options.seed)
        print(plan)
        print(dict(result.counts))
        print("\n".join(result.bad) or "all holds")
        return 1 if result.bad else 0
    started = time.process_time()
    wrong = [market for market in range(MARKETS) if undisturbed(market).bad]
    totals = run_seeds(options.first, options.seeds, told=True)
    print(closing_line(totals, time.process_time() - started))
    if wrong:
        print(f"markets that are bad with nothing going wrong: {wrong}")
    if totals.missing and options.seeds >= 500:
        print(f"never happened: {', '.join(totals.missing)}")
        return 1
    return 1 if totals.bad or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
