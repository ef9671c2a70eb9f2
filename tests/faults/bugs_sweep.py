"""Plant every seeded bug, see it pass undisturbed, and find the layer that catches it.

python -m tests.faults.bugs_sweep [--only NAME] [--seeds N]
Bugs of hosts, restarts and links are here (`bugs.py`); those of the order protocol belong to the simulation
(`tests/simulation/bugs.py`), where `--seeds` seeds look for each.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from common.domain.errors import InvariantError
from common.runtime.crash import Planned, parse_plan
from tests.faults.bugs import BUGS, Bug, planted
from tests.faults.counter_points import ANYWHERE
from tests.faults.frames_sweep import FrameRound
from tests.faults.mini import Books, play
from tests.faults.pauses import TwoGateways
from tests.faults.rig import SERVICES, Zygote
from tests.faults.rounds import Round, play_all
from tests.fuzz.bits import flip_all
from tests.samples import SAMPLES
from tests.simulation.bugs import BUGS as PROTOCOL_BUGS
from tests.simulation.bugs import hunt, passes_calmly

HITS = (1, 4, 10)
TRIES = 5
"""Rounds on real processes, of which one has to show the bug: what is hurt there depends on the timing too."""
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
    hits = [(Planned(point, hit),) for hit in HITS for point in ANYWHERE]
    for number, plan in enumerate(hits, 1):
        how = dies_of(bug, right, plan)
        if how:
            return f"{plan[0].point}:{plan[0].hit}, {number} deaths tried: {how}"
    return ""


def real_round(name: str, folder: Path, zygote: Zygote, seed: int = 1, *, wrong: bool = True) -> Round:
    """Return the round on real processes in which a bug has to show, or the same one without it."""
    bug, bugs = BUGS[name], dict.fromkeys(SERVICES, name) if wrong else {}
    if bug.layer == "two":
        return TwoGateways(folder, zygote, seed, bugs=bugs, limit_s=LIMIT_S[bug.layer])
    kind, percent = bug.at.split()
    return FrameRound(folder, zygote, seed, kind, int(percent), bugs=bugs, limit_s=LIMIT_S[bug.layer])


def caught_on_processes(name: str) -> str:
    """Play rounds of the bug's layer until one shows it; before them the bug without faults, and faults without the bug."""

    def make(folder: Path, zygote: Zygote, number: int) -> Round:
        match number:
            case 0:
                return quiet_round(name, folder, zygote)
            case 1:
                return real_round(name, folder, zygote, 1, wrong=False)
            case _:
                return real_round(name, folder, zygote, number - 1)

    with closing(play_all(2 + TRIES, 2, make, "bugs", told=False)) as rounds:
        for number, played in enumerate(rounds):
            assert number != 0 or not played.wrong, f"the bug shows without any fault: {played.wrong}"
            assert number != 1 or not played.wrong, f"the right version fails as well: {played.wrong}"
            if played.wrong:
                return f"{BUGS[name].at or 'two gateways'}: {played.wrong.splitlines()[0][:70]}"
    return ""


def quiet_round(name: str, folder: Path, zygote: Zygote) -> Round:
    return Round(folder, zygote, 1, bugs=dict.fromkeys(SERVICES, name))


def caught_at_bits(bug: Bug) -> str:
    """Flip every bit of a message on a link without CURVE."""
    name = "PushEnd"
    with planted(bug):
        flips = flip_all(name, SAMPLES[name])
    assert flips.whole == SAMPLES[name], "the bug shows without any fault"
    found = [f"{flips.taken} damaged messages believed"] if flips.taken else []
    found += ["a damaged message is remembered"] if flips.remembered else []
    return ", ".join(found)


def check_gate(name: str) -> str:
    """Return how a bug that needs no real process shows where the gate looks."""
    bug = BUGS[name]
    if bug.layer == "bits":
        return caught_at_bits(bug)
    with planted(bug):
        right, _ = play(())
    return dies_of(bug, right, parse_plan(bug.at))


def caught(name: str, bug: Bug) -> str:
    """Look for a bug in its layer; returns where and how it shows."""
    match bug.layer:
        case "points":
            return caught_at_points(bug)
        case "bits":
            return caught_at_bits(bug)
        case _:
            return caught_on_processes(name)


def sweep_simulation(seeds: int) -> list[str]:
    """Hunt the bugs of the order protocol with the seeds of the simulation; returns those that were missed."""
    missed = []
    for name, bug in PROTOCOL_BUGS.items():
        calm = passes_calmly(bug)
        assert not calm, f"{name} shows without any fault: {calm[0][:200]}"
        found = hunt(bug, seeds)
        print(f"{name:26} seeds   {f'{found.seeds}: {found.by}' if found.seeds else 'NOT CAUGHT'}", flush=True)
        missed += [] if found.seeds else [name]
    return missed


def sweep_processes(names: Sequence[str]) -> list[str]:
    """Look for the bugs of hosts, restarts, links and loops, each in its layer; returns those that were missed."""
    missed = []
    for name in names:
        where = caught(name, BUGS[name])
        print(f"{name:26} {BUGS[name].layer:7} {where or 'NOT CAUGHT'}", flush=True)
        missed += [] if where else [name]
    return missed


def main() -> int:
    """Find every bug and print one closing line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(BUGS), action="append")
    parser.add_argument("--seeds", type=int, default=2_000)
    asked = parser.parse_args()
    began, names = time.monotonic(), asked.only or list(BUGS)
    layers = Counter(BUGS[name].layer for name in names)
    missed = sweep_processes(names)
    if not asked.only:
        layers["seeds"] = len(PROTOCOL_BUGS)
        missed += sweep_simulation(asked.seeds)
    total = sum(layers.values())
    print(
        f"bugs: {total} seeded, {total - len(missed)} caught ({', '.join(f'{n} {at}' for at, n in layers.items())}), "
        f"missed: {', '.join(missed) or 'none'}, {time.monotonic() - began:.0f} s"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
