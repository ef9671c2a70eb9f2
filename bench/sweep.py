"""A sweep of `bottom_fractal` over a made-up whole-market year: one worker, two, and the same again.

    python -m bench.sweep [--sets 1000] [--stocks 5400] [--sessions 244] [--keep DIR] [--json]

The market is that of `bench.backtest_command`; the screen lets every stock in that has a merged bottom, a fifth of the
market a day. Each run is the command in a new process over a home of its own, its machine code compiled before, so
that the workers' starting and reading are in it. The bound: two workers in 1/1.8 of the time of one; the same sweep
again, every result read from the store, in a second. `again_s` is the work of that alone, the best of three inside one
process; `again_command_s` has Python's start and imports in it too. `first_set_cpu_s` reads the days, as every backtest
does alone; `next_set_cpu_s` has them from the set before. Where the machine has other work, look at processor seconds:
the ratio by the wall is worth something on two idle cores only.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.backtest_command import WARM_UP, make_market, weekdays
from common.history import schema
from common.history.columns import MinuteColumns

RATIO, AGAIN_S = 1.8, 1.0
SCREEN = """
zh = "全部"
en = "everybody"
context = ["float_value", "k1_high", "k1_low", "k2_high", "k2_low"]
[[condition]]
use = "not_suspended"
[[condition]]
use = "bottom_below"
sessions = 60
"""
AGAIN = """
import io, os, sys, time
from contextlib import redirect_stdout
from services.cli.app import cli

def ran():
    start = time.perf_counter()
    with redirect_stdout(io.StringIO()) as out:
        try:
            cli.main(sys.argv[1:], prog_name="pankou")
        except SystemExit as end:
            assert not end.code, out.getvalue()
    return time.perf_counter() - start

ran()
print(min(ran() for _ in range(3)))
"""


def grid_of(sets: int) -> list[str]:
    """Return the options of a grid of about so many sets: stops, trails and targets."""
    side = max(1, round(sets ** (1 / 3)))
    last = max(1, round(sets / side / side))
    axes = {"stop_bp": (300, side, 20), "trail_bp": (200, side, 20), "take_bp": (400, last, 20)}
    return [word for name, (first, count, step) in axes.items() for word in ("--grid", f"{name}={first}:{first + step * (count - 1)}:{step}")]  # fmt: skip


def command(history: Path, first: int, last: int, workers: int, grid: list[str]) -> list[str]:
    """Return the words of the command."""
    span = ["--from", str(first), "--to", str(last), "--history", str(history)]
    return ["backtest", "sweep", "bottom_fractal", *span, "--workers", str(workers), *grid, "--json"]


ALONE = """
import os, sys, time
from msgspec.structs import replace
from services.backtest_worker.tasks import Warm, task_of
from services.cli.backtest_run import Asked, make_job
from services.cli.session import Session

job = make_job(Session.of_environment(os.environ), Asked("bottom_fractal", int(sys.argv[1]), int(sys.argv[2]), history=sys.argv[3]))
task = task_of(job._replace(verdicts=job.verdicts[:1]))
warm = Warm(job.cache)
for _ in range(2):
    start = time.process_time()
    warm.run(task)
    print(time.process_time() - start)
"""


def swept(home: Path, words: list[str]) -> tuple[float, float, dict[str, object]]:
    """Run the command in a new process; returns its seconds by the wall and of all its processors, and what it printed."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *words],
        env={**os.environ, "PANKOU_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, json.loads(done.stdout)


def measure(root: Path, stocks: int, sessions: int, sets: int) -> dict[str, float]:
    """Make the market, sweep, return the figures."""
    history, home = root / "history", root / "sweep-home"
    if not (history / schema.MANIFEST).is_file():
        make_market(history, stocks, sessions)
        MinuteColumns(history, 5).prepare()
    days = weekdays(WARM_UP + sessions + 1)[WARM_UP:-1]
    shutil.rmtree(home, ignore_errors=True)
    (home / "screens").mkdir(parents=True)
    (home / "screens" / "bottom_fractal.toml").write_text(SCREEN, "utf-8")
    # Compiles, and reads the columns once.
    swept(home, command(history, days[0], days[0], 1, ["--grid", "stop_bp=300"]))
    grid = grid_of(sets)
    seconds: dict[int, float] = {}
    cpu: dict[int, float] = {}
    rows: dict[int, object] = {}
    for workers in (1, 2):
        shutil.rmtree(home / "backtests")
        seconds[workers], cpu[workers], told = swept(home, command(history, days[0], days[-1], workers, grid))
        rows[workers] = told["rows"]
    assert rows[1] == rows[2], "one worker and two must say the same"
    found = rows[1]
    assert isinstance(found, list)
    assert all(row["metrics"]["trades"] >= 20 for row in found), "sets that do not trade measure nothing"
    words = command(history, days[0], days[-1], 2, grid)
    again_command, again_cpu, _ = min((swept(home, words) for _ in range(3)), key=lambda run: run[0])
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, *words], env={**os.environ, "PANKOU_HOME": str(home)}, capture_output=True, text=True, check=True
    )  # fmt: skip
    alone = subprocess.run(
        [sys.executable, "-c", ALONE, str(days[0]), str(days[-1]), str(history)],
        env={**os.environ, "PANKOU_HOME": str(home), "POLARS_MAX_THREADS": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, other = (float(line) for line in alone.stdout.split())
    bars = stocks * len(days) * 48
    return {
        "sets": len(found), "bars_m_a_set": bars / 1e6, "one_worker_s": seconds[1], "two_workers_s": seconds[2],
        "ratio": seconds[1] / seconds[2], "ratio_bound": RATIO, "one_worker_cpu_s": cpu[1], "two_workers_cpu_s": cpu[2],
        "first_set_cpu_s": first, "next_set_cpu_s": other, "m_bars_a_cpu_s": bars / other / 1e6,
        "again_s": float(done.stdout), "again_command_s": again_command, "again_command_cpu_s": again_cpu, "again_bound_s": AGAIN_S,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sets", type=int, default=100)
    options.add_argument("--stocks", type=int, default=5_400)
    options.add_argument("--sessions", type=int, default=244)
    options.add_argument("--keep", type=Path, default=None, help="a folder to keep the made market in, and to reuse it")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(chosen.keep or Path(scratch), chosen.stocks, chosen.sessions, chosen.sets)
    figures = {name: round(value, 3) for name, value in figures.items()}
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
