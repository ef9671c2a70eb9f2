"""Tasks on a pool of processes of this machine.

A process that dies (out of memory, a crash in machine code) breaks the whole pool, and nobody knows whose task it was:
those in flight are tried again one at a time, and one that breaks the pool three times is given up.
"""

import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from common.backtests.tasks import Done, Task, key_of
from common.domain.errors import PankouError

if TYPE_CHECKING:
    from services.backtest_worker.tasks import Warm

TRIES_MAX = 3
WINDOWS_MAX = 61
"""Processes that a pool may have there."""
ONE_THREAD = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


class _Mine(NamedTuple):
    warm: "Warm"


_mine: list[_Mine] = []
"""Of a process of the pool, what it keeps from task to task."""


def run_here(warm: "Warm", task: Task) -> Done:
    """Run a task; what goes wrong with it is a fault of its own and stops nobody else."""
    key = key_of(task)
    try:
        return Done(key, warm.run(task))
    except PankouError as error:
        return Done(key, {}, " ".join(str(error).split()))
    except Exception as error:  # a rule's own code may raise anything
        return Done(key, {}, f"{type(error).__name__}: {' '.join(str(error).split())}")


def follow_parent() -> None:
    """End this process when its parent ends, and at once when a person interrupts both: nobody is left over."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None, "a process of a pool has a parent"

    def wait_for_it() -> None:
        parent.join()
        os._exit(1)

    Thread(target=wait_for_it, name="parent", daemon=True).start()


def _begin(cache: str, history: str) -> None:
    """Get a process of the pool ready; the libraries read these when they are imported, so it comes first."""
    follow_parent()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    from services.backtest_worker.tasks import Warm

    _mine.append(_Mine(Warm(Path(cache), Path(history) if history else None)))


def _run(task: Task) -> Done:
    return run_here(_mine[0].warm, task)


class LocalPool:
    """An executor of processes of this machine."""

    def __init__(self, workers: int, cache: Path, history: Path | None = None) -> None:
        self._workers = min(workers, WINDOWS_MAX) if sys.platform == "win32" else workers
        self._given = (str(cache), str(history or ""))
        self._pool: ProcessPoolExecutor | None = None

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task as it is done."""
        waiting, suspects, tries = deque(tasks), deque[Task](), Counter[str]()
        while waiting or suspects:
            flying: dict[Future[Done], Task] = {}
            try:
                if suspects:
                    yield from self._fly(suspects, flying, 1)
                yield from self._fly(waiting, flying, 2 * self._workers)
            except BrokenProcessPool:
                self.close()
                for task in flying.values():
                    key = key_of(task)
                    tries[key] += len(flying) == 1  # alone, it is known whose fault it was
                    if tries[key] < TRIES_MAX:
                        suspects.append(task)
                    else:
                        yield Done(key, {}, f"its process died {TRIES_MAX} times: out of memory, or a crash")

    def _fly(self, waiting: deque[Task], flying: dict[Future[Done], Task], width: int) -> Iterator[Done]:
        while waiting or flying:
            while waiting and len(flying) < width:
                task = waiting.popleft()
                flying[self._submit(task, flying)] = task
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                done = future.result()
                del flying[future]
                yield done

    def _submit(self, task: Task, flying: dict[Future[Done], Task]) -> "Future[Done]":
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=get_context("spawn"), initializer=_begin, initargs=self._given
            )
        try:
            return self._pool.submit(_run, task)
        except BrokenProcessPool:
            flying[Future()] = task
            raise

    def close(self) -> None:
        """Stop the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
