"""History: 300 stocks of a year of 5-minute bars out of 63 million rows, and the import of the shared daily file.

Columns: made rows (12 Parquet files, one a month, 5,400 stocks x 243 sessions x 48 bars) under a folder that is removed
afterwards. Read means: all seven fields of the chosen rows are summed. Baseline in the same run: polars scans the same
Parquet files, filters, collects the rows and sums them. Cold means the files were dropped from the page cache before.
The engine's way is a numba loop over mapped views; "copied" gathers the rows into arrays with numpy first.
"""

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import polars as pl

from common.history import schema
from common.history.columns import CACHE, FIELDS, MinuteColumns
from common.history.store import write_manifest, write_table

BOUND = 3.0
IMPORT_S, IMPORT_GB = 20.0, 1.5
BARS = 48
CHOSEN = 300
MONTHS = 12
SESSIONS = (20, 17, 22, 20, 19, 21, 22, 21, 22, 17, 20, 22)  # 243
IMPORT = """
import sys, time
from pathlib import Path
from common.history.importing_history import import_path
begin = time.perf_counter()
made = import_path(Path(sys.argv[1]), Path(sys.argv[2]), None, lambda *_: None)
# not getrusage: its peak is inherited from the process that started this one
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1e6
print(made.rows["daily"], time.perf_counter() - begin, time.process_time(), peak)
"""


def make_market(folder: Path, stocks: int) -> list[str]:
    """Write a year of random bars and return the symbols."""
    symbols = [f"{600_000 + at:06d}.SH" for at in range(stocks)]
    labels = [34_200 + 300 * (at + 1) for at in range(24)] + [46_800 + 300 * (at + 1) for at in range(24)]
    rng = np.random.default_rng(20260105)
    for month in range(MONTHS):
        days = np.arange(1, SESSIONS[month] + 1, dtype=np.int32) + 20250000 + 100 * (month + 1)
        rows = len(days) * stocks * BARS
        price = (rng.integers(2_000, 100_000, rows // BARS).repeat(BARS) // 10 * 10).astype(np.int32)
        close = price + 10 * rng.integers(-50, 50, rows, dtype=np.int32)
        volume = 100 * rng.integers(0, 50_000, rows)
        table = pl.DataFrame({
            "day": days.repeat(stocks * BARS),
            "symbol": pl.Series(symbols, dtype=pl.Enum(symbols)).gather(np.tile(np.arange(stocks).repeat(BARS), len(days))).cast(pl.String),
            "label_s": np.tile(np.array(labels, np.int32), len(days) * stocks),
            "open": price, "high": np.maximum(price, close) + 10, "low": np.minimum(price, close) - 10, "close": close,
            "volume": volume, "turnover": volume * close,
        })  # fmt: skip
        write_table(folder, schema.part_of("minute5", int(days[0])), table)
        print(f"  made {month + 1}/{MONTHS}", file=sys.stderr)
    write_manifest(folder)
    return symbols


@numba.njit  # type: ignore[misc]  # numba ships no types
def sum_ranges(column: np.ndarray, start: np.ndarray, stop: np.ndarray) -> int:
    """Add up the chosen ranges of a mapped column."""
    total = 0
    for at in range(len(start)):
        for row in range(start[at], stop[at]):
            total += column[row]
    return total


def read_engine(folder: Path, symbols: list[str]) -> int:
    """Sum over views, as an engine reads."""
    return sum(
        int(sum_ranges(part.columns[name], part.start, part.stop))
        for part in MinuteColumns(folder, 5).between(symbols, 20250101, 20251231)
        for name in FIELDS
    )


def read_copied(folder: Path, symbols: list[str]) -> int:
    """Copy the chosen rows out of the views, then sum."""
    total = 0
    for part in MinuteColumns(folder, 5).between(symbols, 20250101, 20251231):
        for name in FIELDS:
            column = part.columns[name]
            rows = np.concatenate([column[a:b] for a, b in zip(part.start.tolist(), part.stop.tolist(), strict=True)])
            total += int(rows.sum(dtype=np.int64))
    return total


def read_polars(folder: Path, symbols: list[str]) -> int:
    """Scan, filter and collect the same rows, then sum."""
    files = sorted((folder / "minute5").glob("*.parquet"))
    rows = pl.scan_parquet(files).filter(pl.col("symbol").is_in(symbols)).collect()
    return sum(int(rows[name].cast(pl.Int64).sum()) for name in FIELDS)


def forget(folder: Path) -> None:
    """Drop the files from the page cache."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def best(read: Callable[[Path, list[str]], int], folder: Path, symbols: list[str], tries: int, cold: bool) -> float:
    """Return the least seconds of a few tries."""
    least = float("inf")
    for _ in range(tries):
        if cold:
            forget(folder)
        begin = time.perf_counter()
        read(folder, symbols)
        least = min(least, time.perf_counter() - begin)
    return least


def measure_columns(folder: Path, stocks: int, tries: int) -> dict[str, float]:
    """Return the figures of the columns."""
    symbols = make_market(folder, stocks)
    begin = time.perf_counter()
    MinuteColumns(folder, 5).prepare()
    made_s = time.perf_counter() - begin
    chosen = random.Random(1).sample(symbols, min(CHOSEN, stocks))
    answers = {read(folder, chosen) for read in (read_engine, read_copied, read_polars)}
    if len(answers) != 1:
        raise SystemExit(f"the readers do not agree: {answers}")
    figures = {
        "rows": float(stocks * sum(SESSIONS) * BARS),
        "rows_read": float(len(chosen) * sum(SESSIONS) * BARS),
        "parquet_mb": sum(path.stat().st_size for path in (folder / "minute5").glob("*")) / 2**20,
        "columns_mb": sum(path.stat().st_size for path in (folder / CACHE).rglob("*") if path.is_file()) / 2**20,
        "columns_made_s": made_s,
    }
    for cold in (False, True):
        word = "cold" if cold else "warm"
        base = best(read_polars, folder, chosen, tries, cold)
        figures[f"{word}_polars_s"] = base
        for name, read in (("engine", read_engine), ("copied", read_copied)):
            ours = best(read, folder, chosen, tries, cold)
            figures[f"{word}_{name}_s"], figures[f"{word}_{name}_ratio"] = ours, base / ours
    return figures


def measure_import(shared: Path, folder: Path) -> dict[str, float]:
    """Return the figures of an import of the shared data in a process of its own, with polars reading the file once."""
    begin = time.perf_counter()
    pl.read_parquet((shared / "data" if (shared / "data").is_dir() else shared) / "daily.parquet")
    base = time.perf_counter() - begin
    said = subprocess.run(
        [sys.executable, "-c", IMPORT, str(shared), str(folder)], check=True, capture_output=True, text=True
    ).stdout.split()
    return {
        "import_rows": float(said[0]),
        "import_s": float(said[1]),
        "import_cpu_s": float(said[2]),
        "import_peak_gb": float(said[3]),
        "import_read_only_s": base,
    }


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stocks", type=int, default=5_400, help="5400 stocks make 63 million rows")
    options.add_argument("--tries", type=int, default=5)
    options.add_argument("--shared", type=Path, help="the shared data folder: measure its import too")
    options.add_argument("--folder", type=Path, help="make the files below this folder, not the system's temporary one")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    place = Path(tempfile.mkdtemp(prefix="pankou-bench-", dir=chosen.folder))
    try:
        figures = measure_columns(place / "columns", chosen.stocks, chosen.tries)
        if chosen.shared:
            figures |= measure_import(chosen.shared, place / "import")
    finally:
        shutil.rmtree(place)
    figures["bench_peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    if chosen.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
        return
    for name, value in figures.items():
        print(f"{name:22} {value:14,.3f}")
    for name in ("warm_engine_ratio", "cold_engine_ratio"):
        print(f"{name}: {figures[name]:.1f}x polars (bound {BOUND}: {'ok' if figures[name] >= BOUND else 'below'})")
    if chosen.shared:
        good = figures["import_s"] <= IMPORT_S and figures["import_peak_gb"] <= IMPORT_GB
        print(f"import: bounds {IMPORT_S} s, {IMPORT_GB} GB: {'ok' if good else 'over'}")


if __name__ == "__main__":
    main()
