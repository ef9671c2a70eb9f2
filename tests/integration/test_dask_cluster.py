"""Tasks on a Dask cluster of two workers, one of which is killed: every result once, the same bytes as anywhere else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.backtests.tasks import Done, Task, key_of
from common.domain.errors import UserError
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.dask_cluster import DaskCluster
from services.backtest_worker.adapters.pool import LocalPool
from services.backtest_worker.job import Job
from services.backtest_worker.tasks import Warm, task_of
from tests.conftest import CHECKOUT
from tests.unit.services.backtest_worker.minutes import FIRST, LAST, make

needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed: pankou[dask]")
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1",
        local_directory=sys.argv[1],
    )
    print(cluster.scheduler_address, *(worker.pid for worker in cluster.workers.values()), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    config = parse_config({}, "test")
    folder = make(tmp_path_factory.mktemp("history"))
    rule, screen = rules_of(config)["limit_up"], load_screens(config)["limit_up"]
    job = Job(rule, rule_params(config, "limit_up"), screen, folder, FIRST, LAST, "compiled", 5, DeskSettings())
    base = task_of(job)
    return [replace(base, params={**base.params, "stop_bp": 300 + 20 * at}) for at in range(40)]


@pytest.fixture(scope="module")
def cache(machine_code: Path) -> Path:
    return machine_code


@pytest.fixture(scope="module")
def alone(tasks: list[Task], cache: Path) -> dict[str, dict[str, bytes]]:
    """What each task is when this process runs it."""
    warm = Warm(cache)
    return {key_of(task): warm.run(task) for task in tasks}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        start_new_session=True,
    ) as started:  # fmt: skip
        assert started.stdout is not None
        address, *pids = started.stdout.readline().split()
        yield address, [int(pid) for pid in pids]
        os.killpg(started.pid, signal.SIGKILL)  # scheduler, nannies and workers: nothing of theirs is needed


def results(found: list[Done]) -> dict[str, dict[str, bytes]]:
    assert [done.fault for done in found if done.fault] == []
    assert len({done.key for done in found}) == len(found), "each once"
    return {done.key: done.files for done in found}


@needs_dask
@pytest.mark.process
def test_a_killed_worker_costs_no_result_and_the_bytes_are_those_of_one_process(
    tasks: list[Task], cache: Path, alone: dict[str, dict[str, bytes]], cluster: tuple[str, list[int]]
) -> None:
    address, pids = cluster
    executor = DaskCluster(address, cache)
    found = []
    try:
        for done in executor.run(tasks):
            found.append(done)
            if len(found) == 5:
                os.kill(pids[0], signal.SIGKILL)
    finally:
        executor.close()
    assert results(found) == alone


@pytest.mark.process
def test_a_pool_makes_the_same_bytes(tasks: list[Task], cache: Path, alone: dict[str, dict[str, bytes]]) -> None:
    pool = LocalPool(2, cache)
    try:
        assert results(list(pool.run(tasks))) == alone
    finally:
        pool.close()


@needs_dask
def test_a_scheduler_that_is_not_there_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.backtest_worker.adapters.dask_cluster.WAIT_S", 0.2)
    with pytest.raises(UserError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        DaskCluster("tcp://127.0.0.1:1", cache)
