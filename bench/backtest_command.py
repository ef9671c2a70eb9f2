"""`pankou backtest run` over a made-up whole market on disk: the whole command, cold and warm, beside a bare pass.

    python -m bench.backtest_command [--stocks 5400] [--sessions 244] [--keep DIR] [--json]

A year of 5-minute bars (5,400 stocks, 63 million rows) is written with the project's own writer, and its mapped
columns are made before anything is timed. The screen lets every stock in, so every stock is looked at on every bar;
five slots, shared cash, every rule of the market on.

Cold: a new process, machine code from the disk's cache, results written. The bound is for one pass, one fill verdict
(`--alone`); beside it stands the command as it is by default, all three. Warm: the same call again inside one process,
and one verdict from its days to its statistics. Kept: a process that has its pools and facts already, as a worker's has
from the job before, from there to finished statistics. Own memory is what is not a mapped file. The baseline is a bare
numba pass over the same mapped columns. Growth: the same command over one month, a quarter, half a year and the whole.
Modules are read as bytecode, as on any machine that ran the command once: processes started here may write it, whatever
the environment says.
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
from typing import Any

import numba
import numpy as np
import polars as pl

from common.domain.calendar import to_date
from common.history import schema
from common.history.columns import MinuteColumns
from common.history.store import polars_schema, write_manifest, write_table
from services.backtest_worker.bars import labels_of

COLD_S, WARM_S, GROWN_MB = 2.0, 0.6, 150
WARM_UP = 62
LABELS = labels_of(300)
SCREEN = 'zh = "全部"\nen = "everybody"\ncontext = ["float_value"]\n[[condition]]\nuse = "not_suspended"\n'
WARM = """
import io, json, os, sys, threading, time
from contextlib import redirect_stdout
from common.backtests.result import VERDICTS
from common.backtests.statistics import statistics_of
from services.backtest_worker.job import days_of, run_job
from services.backtest_worker.tasks import keep
from services.cli.app import cli
from services.cli.backtest_run import Asked, make_job
from services.cli.session import Session

def own_kib():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))

def ran():
    start = time.perf_counter()
    with redirect_stdout(io.StringIO()) as out:
        try:
            cli.main(sys.argv[1:], prog_name="pankou")
        except SystemExit as end:
            assert not end.code, out.getvalue()
    return time.perf_counter() - start

session = Session.of_environment(os.environ)
job = make_job(session, Asked("limit_up", int(sys.argv[5]), int(sys.argv[7]), history=sys.argv[9]))

def computed():
    start = time.perf_counter()
    (result,) = run_job(job._replace(verdicts=("expected",)), lambda *_: None)
    statistics_of(result)
    return time.perf_counter() - start

computed()
base, peak, over = own_kib(), [0], threading.Event()
def watch():
    while not over.wait(0.02):
        peak[0] = max(peak[0], own_kib())
watcher = threading.Thread(target=watch)
watcher.start()
one = min(computed() for _ in range(3))
over.set()
watcher.join()
ran()
command = min(ran() for _ in range(3))
kept = keep(days_of(job))

def again(verdicts):
    start = time.perf_counter()
    for result in run_job(job._replace(verdicts=verdicts), lambda *_: None, kept):
        statistics_of(result)
    return time.perf_counter() - start

print(json.dumps({
    "one_verdict": one, "command": command, "own_mb": peak[0] / 1024, "base_mb": base / 1024,
    "kept_one": min(again(("expected",)) for _ in range(3)), "kept_three": min(again(VERDICTS) for _ in range(3)),
}))
"""


def weekdays(count: int) -> list[int]:
    """Return so many weekdays up to the end of 2025."""
    days = [int(day) for day in pl.date_range(to_date(20220103), to_date(20251231), eager=True).dt.strftime("%Y%m%d") if to_date(int(day)).weekday() < 5]  # fmt: skip
    return days[-count:]


def make_market(folder: Path, stocks: int, sessions: int) -> list[int]:
    """Write a market of random walks inside its limits; returns the days that have minutes."""
    rng = np.random.default_rng(20260105)
    days = weekdays(WARM_UP + sessions + 1)
    symbols = [f"{600_000 + at:06d}.SH" if at < 2_700 else f"{at - 2_700 + 1:06d}.SZ" for at in range(stocks)]
    order = sorted(symbols)
    close = rng.integers(300, 6_000, stocks) * 10
    shares = rng.integers(10, 150, stocks) * 10_000_000
    daily: list[pl.DataFrame] = []
    minutes: dict[str, list[pl.DataFrame]] = {}
    names = pl.Series(order, dtype=pl.Enum(order))
    each = np.arange(stocks).repeat(len(LABELS))
    bars = (stocks, len(LABELS))
    for number, day in enumerate(days):
        up, down = (close * 11_000 + 50_000) // 100_000 * 10, (close * 9_000 + 50_000) // 100_000 * 10
        drift = np.where(rng.random(stocks) < 0.01, 3, 0)  # now and then one runs into its limit
        steps = rng.integers(-4, 5, bars, np.int32) + drift[:, None]
        closes = np.clip(
            close[:, None] + np.cumsum(steps * (close[:, None] // 4_000 * 10 + 10), axis=1), down[:, None], up[:, None]
        )
        opens = np.concatenate([close[:, None], closes[:, :-1]], axis=1)
        highs, lows = np.maximum(opens, closes), np.minimum(opens, closes)
        volume = rng.integers(1, 9_000, bars, np.int64) * 100
        turnover = volume * closes
        daily.append(pl.DataFrame({
            "day": np.full(stocks, day, np.int32), "symbol": names.cast(pl.String), "prev_close": close, "up_limit": up, "down_limit": down,
            "suspended": np.zeros(stocks, bool), "float_shares": shares, "factor_e9": np.full(stocks, 10**9), "open": opens[:, 0],
            "high": highs.max(axis=1), "low": lows.min(axis=1), "close": closes[:, -1], "volume": volume.sum(axis=1), "turnover": turnover.sum(axis=1),
        }, schema_overrides=polars_schema(schema.DAILY)))  # fmt: skip
        if WARM_UP <= number < len(days) - 1:
            flat = {
                name: table.ravel()
                for name, table in (
                    ("open", opens),
                    ("high", highs),
                    ("low", lows),
                    ("close", closes),
                    ("volume", volume),
                    ("turnover", turnover),
                )
            }
            part = pl.DataFrame({
                "day": np.full(each.size, day, np.int32), "symbol": names.gather(each), "label_s": np.tile(np.array(LABELS, np.int32), stocks), **flat,
            }, schema_overrides=polars_schema(schema.MINUTES) | {"symbol": pl.Enum(order)})  # fmt: skip
            minutes.setdefault(schema.part_of("minute5", day), []).append(part)
            done = [name for name in minutes if name != schema.part_of("minute5", day)]
            for name in done:
                _month(folder, name, minutes.pop(name))
        close = closes[:, -1].astype(np.int64)
    for name, parts in minutes.items():
        _month(folder, name, parts)
    _tables(folder, order, days, pl.concat(daily))
    return days[WARM_UP:-1]


def _month(folder: Path, name: str, parts: list[pl.DataFrame]) -> None:
    table = pl.concat(parts).with_columns(pl.col("symbol").cast(pl.String))
    write_table(folder, name, table)
    print(f"  made {name}: {len(table):,} rows", file=sys.stderr)


def _tables(folder: Path, symbols: list[str], days: list[int], daily: pl.DataFrame) -> None:
    count = len(symbols)
    write_table(folder, schema.CALENDAR_FILE, pl.DataFrame({"day": days}, schema=polars_schema(schema.CALENDAR)))
    instruments = {"symbol": symbols, "name": symbols, "listed_day": [20100104] * count, "delisted_day": [0] * count}
    write_table(folder, schema.INSTRUMENTS_FILE, pl.DataFrame(instruments, schema=polars_schema(schema.INSTRUMENTS)))
    for name in (schema.ST_FILE, schema.EX_EVENTS_FILE):
        write_table(folder, name, pl.DataFrame(schema=polars_schema(schema.TABLES[name])))
    for year in sorted({day // 10_000 for day in days}):
        inside = daily.filter(pl.col("day") // 10_000 == year)
        write_table(folder, f"{schema.DAILY_FOLDER}/{year}.parquet", inside)
    write_manifest(folder)


@numba.njit(nogil=True)
def bare_pass(high: Any, low: Any, close: Any) -> int:
    """Look for a touch alone: no memory, no position, no limits, no books."""
    found, before = 0, 0
    for row in range(len(high)):
        if high[row] > before and low[row] > 0 and close[row] > before:
            found += 1
        before = close[row]
    return found


def bare_seconds(folder: Path, symbols: list[str]) -> float:
    """Return the seconds of a bare pass over the same mapped columns, warm, the best of three."""
    parts = MinuteColumns(folder, 5).between(symbols, 0, 99_999_999)
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for part in parts:
            bare_pass(part.columns["high"], part.columns["low"], part.columns["close"])
        best = min(best, time.perf_counter() - start)
    return best


def command(folder: Path, first: int, last: int, *more: str) -> list[str]:
    days = ["--from", str(first), "--to", str(last)]
    return ["backtest", "run", "limit_up", *days, "--history", str(folder), "--json", *more]


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a measured process."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PANKOU_HOME": str(home)}


def cold(home: Path, folder: Path, first: int, last: int, *more: str) -> tuple[float, float, dict[str, Any]]:
    """Run the command in a new process; returns its seconds by the wall and of the processor, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *command(folder, first, last, *more)],
        env=environment(home), capture_output=True, text=True, check=False,
    )  # fmt: skip
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, json.loads(done.stdout)


def measure(root: Path, stocks: int, sessions: int) -> dict[str, float]:
    """Make the market, run the command, return the figures."""
    folder, home = root / "history", root / "home"
    if not (folder / schema.MANIFEST).is_file():
        make_market(folder, stocks, sessions)
        MinuteColumns(folder, 5).prepare()
    (home / "screens").mkdir(parents=True, exist_ok=True)
    (home / "screens" / "limit_up.toml").write_text(SCREEN, "utf-8")
    days = weekdays(WARM_UP + sessions + 1)[WARM_UP:-1]
    symbols = pl.read_parquet(folder / schema.INSTRUMENTS_FILE)["symbol"].to_list()
    shutil.rmtree(home / "cache", ignore_errors=True)
    with_compiling, _, _ = cold(home, folder, days[0], days[0])
    one_day, _, _ = cold(home, folder, days[0], days[0])
    runs = [cold(home, folder, days[0], days[-1]) for _ in range(3)]
    seconds, cpu, told = min(runs, key=lambda run: run[0])
    alone = min(cold(home, folder, days[0], days[-1], "--alone")[0] for _ in range(3))
    growth = {}
    for share in (12, 4, 2):
        part = days[: len(days) // share]
        growth[f"cold_s_1_{share}"] = min(cold(home, folder, part[0], part[-1])[0] for _ in range(2))
    done = subprocess.run(
        [sys.executable, "-c", WARM, *command(folder, days[0], days[-1])],
        env=environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    warm = json.loads(done.stdout.splitlines()[-1])
    bars = stocks * len(days) * len(LABELS)
    bare = bare_seconds(folder, symbols)
    assert len(told["fills"]) >= 20, "a market in which nothing is traded measures nothing"
    return {
        "bars_m": bars / 1e6, "fills": len(told["fills"]), "cold_one_verdict_s": alone,
        "cold_bound_s": COLD_S, "cold_s": seconds, "cold_cpu_s": cpu,
        "warm_command_s": warm["command"], "warm_one_verdict_s": warm["one_verdict"], "warm_bound_s": WARM_S,
        "kept_one_verdict_s": warm["kept_one"], "kept_three_verdicts_s": warm["kept_three"],
        "first_compile_s": with_compiling - one_day, "one_day_cold_s": one_day, **growth, "own_mb": warm["own_mb"],
        "own_mb_before": warm["base_mb"], "own_bound_mb": GROWN_MB, "bare_s": bare, "one_verdict_x_bare": warm["one_verdict"] / bare,
        "one_verdict_m_bars_s": bars / warm["one_verdict"] / 1e6,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stocks", type=int, default=5_400)
    options.add_argument("--sessions", type=int, default=244)
    options.add_argument("--keep", type=Path, default=None, help="a folder to keep the made market in, and to reuse it")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(chosen.keep or Path(scratch), chosen.stocks, chosen.sessions)
    figures = {name: round(value, 3) for name, value in figures.items()}
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
