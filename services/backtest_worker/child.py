"""The process that runs jobs: python -m services.backtest_worker.child. It stays warm from one to the next.

Orders come in on standard input, what comes of them goes out on what was standard output; a rule that prints writes to
the log. When the input ends, so does the process, whatever it is doing: nobody waits for it any more.
"""

import argparse
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import json

from common.backtests.tasks import Task
from common.domain.errors import PankouError
from common.runtime.clock import SystemClock
from services.backtest_worker.calls import Frames, RunTask, TaskMoved, TaskRan, frame_of, order_of

if TYPE_CHECKING:
    from services.backtest_worker.counting import CountingWarm

READ_BYTES = 1 << 16
NICENESS = 5
"""Who trades on this machine goes first."""
MOVED_NS = 200_000_000
"""Between two words about how far a job is."""
ONE_THREAD = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS")
"""Every worker is one process: more threads would only fight with the other workers'."""
Told = Callable[[str, int, int], None]
Runner = Callable[[bytes, Told], tuple[dict[str, bytes], int]]
"""Runs a task (as JSON); returns the files of its result and the bars it played."""


def backtests(cache: Path, history: Path | None) -> Runner:
    """Return what runs backtests; everything heavy is imported with the first one."""
    warm: CountingWarm | None = None

    def run(raw: bytes, told: Told) -> tuple[dict[str, bytes], int]:
        nonlocal warm
        if warm is None:
            from services.backtest_worker.counting import CountingWarm

            warm = CountingWarm(cache, history)
        files = warm.run(json.decode(raw, type=Task), told)
        return files, warm.bars()

    return run


def serve(run: Runner) -> None:
    """Run what is ordered until the input ends."""
    out = os.dup(1)
    os.dup2(2, 1)
    orders: queue.SimpleQueue[RunTask] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(orders,), daemon=True).start()
    while True:
        _write(out, frame_of(run_one(run, orders.get(), lambda moved: _write(out, frame_of(moved)))))


def run_one(run: Runner, order: RunTask, tell: Callable[[TaskMoved], None]) -> TaskRan:
    """Run one task; what goes wrong with it is its own fault and stops nobody else."""
    clock = SystemClock()
    begun_ns = told_ns = clock.now_ns()

    def told(_what: str, done: int, total: int) -> None:
        nonlocal told_ns
        now_ns = clock.now_ns()
        if now_ns - told_ns >= MOVED_NS or done == total:
            told_ns = now_ns
            tell(TaskMoved(order.key, done, total))

    files: dict[str, bytes] = {}
    fault, bars = "", 0
    try:
        files, bars = run(order.task, told)
    except PankouError as error:
        fault = " ".join(str(error).split())
    except Exception as error:  # a rule's own code may raise anything
        fault = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return TaskRan(order.key, files, fault, bars=bars, seconds=(clock.now_ns() - begun_ns) / 1e9)


def _read(orders: "queue.SimpleQueue[RunTask]") -> None:
    frames = Frames()
    while raw := os.read(0, READ_BYTES):
        for body in frames.feed(raw):
            orders.put(order_of(body))
    os._exit(0)


def _write(out: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(out, view) :]


def main() -> None:
    """Serve one worker."""
    parser = argparse.ArgumentParser(prog="python -m services.backtest_worker.child")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--history", default="")
    given = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    os.nice(NICENESS)
    sys.setswitchinterval(0.02)
    serve(backtests(given.cache, Path(given.history) if given.history else None))


if __name__ == "__main__":
    main()
