"""kill -9 of queue and workers by a clock, and the check that every result is there exactly once.

The release forms: python -m tests.farm.kills --jobs 10000 --every 2, and --compiled --jobs 60 --every 15 with backtests
over a made-up year in the place of toys.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from common.backtests.summary import SUMMARY
from common.backtests.tasks import Task, key_of
from common.domain.errors import PeerSilentError
from common.history.synthetic.year import YearParams, make_year
from services.backtest_worker.tasks import Warm
from services.cli.backtest_run import Asked
from services.cli.session import Session
from services.cli.submitting import tasks_for
from tests.farm.rig import QUEUE, Farm
from tests.farm.toy import files_of_toy, toy


class Killer:
    """Kills one of them and starts it again at once: every so many seconds, or whenever so many more jobs are done."""

    def __init__(self, farm: Farm, seed: int, *, every_s: float = 0.0, every_jobs: int = 0) -> None:
        self._farm, self._every_s, self._every_jobs = farm, every_s, every_jobs
        self._random = random.Random(seed)
        self._next_s = time.monotonic() + every_s
        self._next_done = every_jobs
        self.kills = 0
        self.rss_kib = 0

    def step(self, counts: Mapping[str, int]) -> None:
        """Kill somebody when it is time: each of them in turn, after that any."""
        done = counts.get("DONE", 0)
        if done < self._next_done if self._every_jobs else time.monotonic() < self._next_s:
            return
        victims = [QUEUE, *self._farm.names]
        victim = victims[self.kills % len(victims)] if self.kills < len(victims) else self._random.choice(victims)
        with suppress(PeerSilentError):
            self.rss_kib = max(self.rss_kib, self._farm.status().numbers["rss_kib"])
        self._farm.kill(victim)
        self._farm.start(victim)
        self.kills += 1
        self._next_s = time.monotonic() + self._every_s
        self._next_done = done + self._every_jobs


def kept(farm: Farm, key: str) -> dict[str, bytes]:
    """Return the files of a result as they lie on disk."""
    folder = farm.results.folder(key)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_results(farm: Farm, tasks: Sequence[Task], keys: Sequence[str]) -> None:
    """Raise AssertionError unless every job has its result once, byte for byte, and nothing half lies about."""
    assert list(keys) == [key_of(task) for task in tasks]
    for task, key in zip(tasks, keys, strict=True):
        files = kept(farm, key)
        assert files == files_of_toy(task), key
        assert SUMMARY in files
    folders = [path.name for path in farm.results.root.glob("*/*")]
    assert len(folders) == len(set(folders))
    assert not [name for name in folders if len(name) != len(keys[0])], folders


def compiled_tasks(home: Path, count: int) -> list[Task]:
    """Return backtests over a made-up year, each with a stop of its own."""
    first, last = make_year(home / "data" / "year", YearParams())
    session = Session.of_environment({"PANKOU_HOME": str(home)})
    asked = Asked("bottom_fractal", first, last, history=str(home / "data" / "year"))
    return tasks_for(session, asked, [f"stop_bp=200:{200 + 10 * (count - 1)}:10"])


def check_compiled(farm: Farm, tasks: Sequence[Task], keys: Sequence[str], cache: Path) -> None:
    """Raise AssertionError unless every result is read back whole, and some equal what this process makes of them."""
    assert all(farm.results.summary(key) is not None for key in keys)
    warm = Warm(cache)
    for at in range(0, len(tasks), max(1, len(tasks) // 5)):
        assert kept(farm, keys[at]) == warm.run(tasks[at]), keys[at]
    assert len(list(farm.results.root.glob("*/*"))) == len(set(keys))


def main() -> int:
    """Kill through a whole batch and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--ms-max", type=int, default=100)
    parser.add_argument("--every", type=float, default=2.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compiled", action="store_true", help="backtests over a made-up year instead of toys")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if given.compiled:
            what, module = "compiled backtests", "services.backtest_worker"
            tasks = compiled_tasks(home, given.jobs)
        else:
            what, module = f"jobs of up to {given.ms_max} ms", "tests.farm.worker"
            tasks = [toy(number, ms=chance.randrange(given.ms_max + 1)) for number in range(given.jobs)]
        return run(Farm(Path(folder) / "farm", given.workers, module=module), given, tasks, what)


def run(made: Farm, given: argparse.Namespace, tasks: Sequence[Task], what: str) -> int:
    """Submit, kill, check and tell."""
    begun_s = time.monotonic()
    with made as farm:
        keys = farm.submit(tasks, "kills")
        killer = Killer(farm, given.seed, every_s=given.every)
        counts = farm.wait_all(3_600, killer.step)
        rss_kib = max(killer.rss_kib, farm.status().numbers["rss_kib"])
        if counts == {"DONE": given.jobs} and given.compiled:
            check_compiled(farm, tasks, keys, made.folder / "cache")
        elif counts == {"DONE": given.jobs}:
            check_results(farm, tasks, keys)
    good = counts == {"DONE": given.jobs} and rss_kib < 200 * 1024
    print(
        f"farm: {given.jobs} {what}, {killer.kills} kills, {counts}, each result once: "
        f"{counts == {'DONE': given.jobs}}; queue {rss_kib / 1024:.0f} MiB at most; {time.monotonic() - begun_s:.0f} s"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
