"""Tasks on a Dask cluster: the same tasks, the same bytes; Dask moves them and runs those of a lost worker again.

Its workers have this program installed, and the history at the same path or at $PANKOU_HISTORY. Dask's own wire runs
what it is sent: only a cluster of one's own, on a network of one's own, may be asked.
"""

import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from common.backtests.tasks import Done, Task, key_of
from common.domain.errors import UserError

if TYPE_CHECKING:
    from services.backtest_worker.tasks import Warm

WAIT_S = 10
"""For the scheduler to answer."""
IN_FLIGHT_MAX = 1_000
"""Tasks given to the scheduler before the first comes back."""
HISTORY_VARIABLE = "PANKOU_HISTORY"
_one_at_a_time = Lock()
"""A worker may have several threads; what is kept from task to task is one thread's at a time."""


class DaskCluster:
    """An executor of somebody's Dask cluster."""

    def __init__(self, scheduler: str, cache_folder: Path) -> None:
        self._dask = _library()
        try:
            self._client = self._dask.Client(scheduler, timeout=WAIT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UserError(f"no Dask scheduler answers at {scheduler} ({error}); start it, or name another") from error
        self._cache = str(cache_folder)

    def run(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what came of each task as it is done."""
        waiting = iter(tasks)
        keys: dict[str, str] = {}
        flying = self._dask.as_completed(loop=self._client.loop, raise_errors=False)

        def give() -> None:
            task = next(waiting, None)
            if task is not None:
                key = key_of(task)
                name = f"pankou-{key}"
                keys[name] = key
                flying.add(self._client.submit(run_bytes, msgspec.msgpack.encode(task), self._cache, key=name))

        for _ in range(IN_FLIGHT_MAX):
            give()
        for future in flying:
            yield _done(keys.pop(future.key), future)
            future.release()
            give()

    def close(self) -> None:
        """Leave the cluster; its workers go on."""
        self._client.close()


def _library() -> Any:
    """Return Dask's package, which is an optional extra and has no types."""
    try:
        return import_module("distributed")
    except ImportError as error:
        raise UserError("--executor dask needs the package distributed: pip install 'pankou[dask]'") from error


def _done(key: str, future: Any) -> Done:
    """Return what came of a task; a task whose worker died again and again is a fault, as is one that was cancelled."""
    if future.status != "finished":
        error = future.exception() if future.status == "error" else None
        return Done(key, {}, f"{type(error).__name__}: {' '.join(str(error).split())}" if error else future.status)
    files, fault = future.result()
    return Done(key, files, fault)


def run_bytes(task: bytes, cache_folder: str) -> tuple[dict[str, bytes], str]:
    """Run a task on a worker of the cluster; returns the files of its result and what went wrong."""
    from services.backtest_worker.adapters.pool import run_here

    with _one_at_a_time:
        done = run_here(_warm(cache_folder), msgspec.msgpack.decode(task, type=Task))
    return done.files, done.fault


@cache
def _warm(cache_folder: str) -> "Warm":
    from services.backtest_worker.tasks import Warm

    own = Path(cache_folder)
    if not own.is_dir():  # the worker is on another machine
        own = Path.home() / ".cache" / "pankou"
    history = os.environ.get(HISTORY_VARIABLE)
    return Warm(own, Path(history) if history else None)
