"""The gate of the hostile simulation: 2,000 seeds, every seeded bug, and a seed that replays to the byte."""

from collections import Counter

import pytest

from tests.simulation.bugs import BUGS, hunt, passes_calmly
from tests.simulation.plans import MARKETS, plan_of
from tests.simulation.seeds import RIGHT, Trial, undisturbed
from tests.simulation.simulate import MUST_HAPPEN, Totals, closing_line, run_seeds

SEEDS, CHUNK = 2_000, 250
FIRST = {"ack_before_commit": 150, "fill_from_status": 3, "settle_two_thirds": 890}
"""Where the hunt for a rare bug, or one that needs long to show, begins, so that the gate stays short; `python -m tests.simulation.bugs` begins at 0."""
HUNT = 400


def test_nothing_goes_wrong_where_nothing_does() -> None:
    bad = {market: undisturbed(market).bad for market in range(MARKETS) if undisturbed(market).bad}
    assert not bad
    assert sum(undisturbed(market).counts["fills"] for market in range(MARKETS)) >= 3 * MARKETS


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_whatever_goes_wrong_the_books_are_the_counters(first: int) -> None:
    totals = run_seeds(first, CHUNK)
    assert not totals.bad, f"nox -s simulate -- --seed {min(totals.bad)}"
    assert totals.counts["duplicates"] == 0
    assert totals.counts["orders"] >= CHUNK
    assert totals.missing == [], closing_line(totals, 0)


def test_a_run_in_which_nothing_happens_is_no_proof() -> None:
    assert Totals(1, {}, Counter()).missing == list(MUST_HAPPEN)


@pytest.mark.parametrize("seed", [7, 405])
def test_a_seed_replays(seed: int) -> None:
    runs = []
    for _ in range(2):
        plan = plan_of(seed)
        trial = Trial(plan, RIGHT, undisturbed(plan.market))
        trial.go()
        runs.append((trial.gateway.disk.rows, trial.result()))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", BUGS)
def test_a_seeded_bug_is_caught(name: str) -> None:
    assert passes_calmly(BUGS[name]) == []
    caught = hunt(BUGS[name], HUNT, FIRST.get(name, 0))
    assert caught.seeds, f"{name}: {HUNT} seeds show nothing"
