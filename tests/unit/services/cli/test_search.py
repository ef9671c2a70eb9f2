"""A search: the same seed tries the same sets, a cut one goes on, and it never sees a day after the split."""

import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from common.backtests.tasks import Done, Task
from services.backtest_worker.adapters import pool
from services.backtest_worker.tasks import Warm
from services.cli import search
from services.cli.grids import Axis
from services.cli.home import Home
from tests.unit.services.backtest_worker.minutes import DAYS, FIRST, LAST, make
from tests.unit.services.cli.fakes import run

needs_optuna = pytest.mark.skipif(find_spec("optuna") is None, reason="optuna is not installed: pankou[optuna]")
AXES: dict[str, Axis] = {"x": range(0, 1001, 10), "y": (0, 1, 5)}


def worth(chosen: dict[str, int]) -> float | None:
    """Best at x = 700, y = 1; nothing is known where y = 5."""
    return None if chosen["y"] == 5 else -abs(chosen["x"] - 700) / 100 - (chosen["y"] != 1)


def tried(journal: Path, trials: int, seed: int = 0) -> list[dict[str, int]]:
    study = search.OptunaSearch(journal, "study", AXES, seed)
    while len(study.past()) < trials:
        sets = study.ask(search.ROUND)
        study.tell([worth(chosen) for chosen in sets])
    return study.past()


@needs_optuna
def test_the_same_seed_tries_the_same_sets_and_finds_the_good_ones(tmp_path: Path) -> None:
    one, again = tried(tmp_path / "1", 40), tried(tmp_path / "2", 40)
    assert one == again
    assert tried(tmp_path / "3", 8, seed=1) != one[:8]
    assert all(chosen["x"] in AXES["x"] and chosen["y"] in AXES["y"] for chosen in one)
    late = [value for chosen in one[24:] if (value := worth(chosen)) is not None]
    early = [value for chosen in one[:24] if (value := worth(chosen)) is not None]
    assert sum(late) / len(late) > sum(early) / len(early) + 0.5, "it must learn from what it is told"


@needs_optuna
def test_a_search_that_was_cut_goes_on_and_gives_up_what_it_had_asked_for(tmp_path: Path) -> None:
    before = tried(tmp_path / "1", 16)
    search.OptunaSearch(tmp_path / "1", "study", AXES, 0).ask(8)  # and the machine goes down
    after = tried(tmp_path / "1", 24)
    assert after[:16] == before
    assert len(after) == 24


class Inline:
    """A pool that runs tasks where it is asked, and notes their days."""

    ran: list[tuple[int, int]]

    def __init__(self, _workers: int, cache: Path) -> None:
        self._warm = Warm(cache)

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        for task in tasks:
            Inline.ran.append((task.first, task.last))
            yield pool.run_here(self._warm, task)

    def close(self) -> None:
        pass


@needs_optuna
def test_the_command_searches_in_sample_only_and_keeps_every_trial(
    tmp_path: Path, machine_code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(Home(tmp_path).history)
    (tmp_path / "cache").symlink_to(machine_code)
    monkeypatch.setattr(pool, "LocalPool", Inline)
    Inline.ran = []
    asked = (
        f"backtest sweep limit_up --from {FIRST} --to {LAST} --grid stop_bp=100:9900:100 --grid cancel_at_s=34200:53820 "
        f"--search optuna --trials 12 --by total_return --split {DAYS[81]} --json"
    )
    result, _ = run(tmp_path, asked)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["search"] == "optuna"
    assert 2 <= len(found["rows"]) == found["told"]["trials"] <= 12
    sides = [last == DAYS[81] for _, last in Inline.ran]
    assert sides == sorted(sides, reverse=True), "the days after the split come when the search is over"
    assert sum(sides) == len(found["rows"]) == len(sides) - sum(sides)
    Inline.ran = []
    again = json.loads(run(tmp_path, asked)[0].stdout)
    assert (again["rows"], Inline.ran) == (found["rows"], [])


def test_without_its_package_a_search_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    make(Home(tmp_path).history)
    monkeypatch.setattr(search, "import_module", absent)
    span = f"--from {FIRST} --to {LAST} --grid stop_bp=300,400"
    result, _ = run(tmp_path, f"backtest sweep limit_up {span} --search optuna")
    assert result.exit_code == 2
    assert "pankou[optuna]" in result.output
