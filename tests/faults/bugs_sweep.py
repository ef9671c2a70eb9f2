"""Plant every seeded bug, see it pass undisturbed, and find the layer that catches it.

python -m tests.faults.bugs_sweep [--only NAME]
"""

import argparse
import sys
import time
from pathlib import Path

from common.domain.errors import InvariantError
from common.runtime.crash import POINTS, Planned, parse_plan
from tests.faults.bugs import BUGS, Bug, planted
from tests.faults.frames_sweep import FrameRound
from tests.faults.mini import Books, play
from tests.faults.pauses import TwoGateways
from tests.faults.rig import SERVICES, Zygote
from tests.faults.rounds import Round, play_all

HITS = (1, 4, 10)
LIMIT_S = {"frames": 30.0, "wire": 60.0, "two": 20.0}


def baseline(bug: Bug) -> Books:
    """Play undisturbed with the bug: it has to pass, or it is no seeded bug but a broken program."""
    with planted(bug):
        books, _ = play(())
        again, _ = play((), seed=3, shuffle=True)
    assert books == again, "the bug shows without any fault"
    return books


def dies_of(bug: Bug, right: Books, plan: tuple[Planned, ...]) -> str:
    """Say how the bug shows at a planned death; empty: it does not."""
    with planted(bug):
        try:
            books, fired = play(plan)
        except InvariantError as error:
            return f"invariant broken: {error}"
        except AssertionError as error:
            return f"the run fails: {str(error).splitlines()[0][:60]}"
    if len(fired) < len(plan):
        return ""
    return "" if books == right else "the books differ"


def caught_at_points(bug: Bug) -> str:
    """Try every point at some of its hits; returns where and how the bug shows first."""
    right = baseline(bug)
    hits = [(Planned(point, hit),) for hit in HITS for point in POINTS]
    for number, plan in enumerate(hits, 1):
        how = dies_of(bug, right, plan)
        if how:
            return f"{plan[0].point}:{plan[0].hit}, {number} deaths tried: {how}"
    return ""


def real_round(name: str, folder: Path, zygote: Zygote, seed: int = 1) -> Round:
    """Return the round on real processes in which a bug has to show."""
    bug, bugs = BUGS[name], dict.fromkeys(SERVICES, name)
    if bug.layer == "two":
        return TwoGateways(folder, zygote, seed, bugs=bugs, limit_s=LIMIT_S[bug.layer])
    kind, percent = bug.at.split()
    return FrameRound(folder, zygote, seed, kind, int(percent), bugs=bugs, limit_s=LIMIT_S[bug.layer])


def caught_on_processes(name: str) -> str:
    """Play the round of the bug's layer, and before it one with the bug and good links."""
    quiet, loud = play_all(
        2, 2, lambda folder, zygote, n: (real_round(name, folder, zygote) if n else quiet_round(name, folder, zygote)),
        "bugs", told=False,
    )  # fmt: skip
    assert not quiet.wrong, f"the bug shows without any fault: {quiet.wrong}"
    return f"{BUGS[name].at or 'two gateways'}: {loud.wrong.splitlines()[0][:70]}" if loud.wrong else ""


def quiet_round(name: str, folder: Path, zygote: Zygote) -> Round:
    return Round(folder, zygote, 1, bugs=dict.fromkeys(SERVICES, name))


def check_gate(name: str) -> str:
    """Return how a bug of the points shows where the gate looks."""
    bug = BUGS[name]
    return dies_of(bug, baseline(bug), parse_plan(bug.at))


def main() -> int:
    """Find every bug and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(BUGS), action="append")
    asked = parser.parse_args()
    names = asked.only or list(BUGS)
    began, missed = time.monotonic(), []
    for name in names:
        bug = BUGS[name]
        where = caught_at_points(bug) if bug.layer == "points" else caught_on_processes(name)
        print(f"{name:26} {bug.layer:7} {where or 'NOT CAUGHT'}", flush=True)
        missed += [] if where else [name]
    print(
        f"bugs of the processes: {len(names)} seeded, {len(names) - len(missed)} caught, missed: "
        f"{', '.join(missed) or 'none'}, {time.monotonic() - began:.0f} s"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
