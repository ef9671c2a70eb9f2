"""What the queue of backtests costs a job, beside concurrent.futures and Dask on the same jobs.

    python -m bench.farm [--jobs 2000] [--ms 0] [--json]

Jobs do nothing for `--ms` milliseconds and return a result of two small files. Ours go over CURVE, are on disk before
anybody hears of them and leave a result folder each, which is the whole of what a user gets; the others return the bytes
and keep nothing. Two workers everywhere, started before the clock; Dask only where it is installed.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from common.backtests.tasks import Task
from common.messages.backtests import JobList, JobsRequest
from tests.farm.rig import Farm
from tests.farm.toy import encoded, run_toy, toy

WORKERS = 2
BOUND_MS = 0.5
WARM_UP = 100


def quiet(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def work(raw: bytes) -> int:
    """Do one job in a process of somebody else's."""
    files, _ = run_toy(raw, quiet)
    return len(files)


def ours(tasks: Sequence[Task], warm: Sequence[Task]) -> tuple[float, float]:
    """Return seconds from the first submission to the last result, and those of handing the jobs in alone."""
    with tempfile.TemporaryDirectory() as folder, Farm(Path(folder) / "farm", WORKERS) as farm:
        farm.submit(warm)
        farm.wait_all(60)
        start = time.perf_counter()
        farm.submit(tasks, "bench")
        handed = time.perf_counter() - start
        while farm.ask(JobsRequest(batch="bench", limit=0), JobList).counts["DONE"] < len(tasks):
            time.sleep(0.01)
        return time.perf_counter() - start, handed


def futures(tasks: Sequence[Task], warm: Sequence[Task]) -> float:
    """Return the seconds of a pool of the standard library."""
    with ProcessPoolExecutor(WORKERS) as pool:
        list(pool.map(work, map(encoded, warm)))
        start = time.perf_counter()
        for future in [pool.submit(work, encoded(task)) for task in tasks]:
            future.result()
        return time.perf_counter() - start


def dask(tasks: Sequence[Task], warm: Sequence[Task]) -> float | None:
    """Return the seconds of a Dask cluster on this machine; None where it is not installed."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        return None
    with (
        LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(work, [encoded(task) for task in warm], pure=False))
        start = time.perf_counter()
        client.gather([client.submit(work, encoded(task), pure=False) for task in tasks])
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=2_000)
    options.add_argument("--ms", type=int, default=0)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    warm = [toy(-1 - number) for number in range(WARM_UP)]
    tasks = [toy(number, ms=chosen.ms) for number in range(chosen.jobs)]
    ideal = chosen.jobs * chosen.ms / 1000 / WORKERS
    whole, handed = ours(tasks, warm)
    found = {"queue": whole, "futures": futures(tasks, warm), "dask": dask(tasks, warm)}
    figures = {f"{name}_ms_a_job": None if s is None else (s - ideal) * 1000 / chosen.jobs for name, s in found.items()}
    figures |= {"handed_in_ms_a_job": handed * 1000 / chosen.jobs, "bound_ms": BOUND_MS, "jobs": chosen.jobs}
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {'not installed' if value is None else round(value, 3)}")


if __name__ == "__main__":
    main()
