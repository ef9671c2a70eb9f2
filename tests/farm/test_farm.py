"""Queue and workers as real processes: killed again and again, poisoned, without room, twice."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.bus.endpoints import address
from common.messages.backtests import (
    CancelJobs,
    JobList,
    JobResult,
    JobsCancelled,
    JobsRequest,
    JobState,
    ResultRequest,
)
from common.runtime.config import parse_config, rule_params, rules_of
from common.runtime.screens import load_screens
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.job import Job
from services.backtest_worker.tasks import Warm, task_of
from tests.conftest import CHECKOUT
from tests.farm.kills import Killer, check_results, kept
from tests.farm.rig import QUEUE, Farm
from tests.farm.toy import files_of_toy, toy
from tests.unit.services.backtest_worker.minutes import FIRST, LAST, make

pytestmark = pytest.mark.process
RSS_KIB_MAX = 200 * 1024


@pytest.mark.timeout(100)  # six processes are started one after the other
def test_kills_of_queue_and_workers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    tasks = [toy(number, ms=number % 10) for number in range(300)]
    with Farm(tmp_path / "farm", 2) as farm:
        killer = Killer(farm, 1, every_jobs=60)
        keys = farm.submit(tasks, "kills")
        assert farm.wait_all(90, killer.step) == {"DONE": len(tasks)}
        assert killer.kills >= 3
        check_results(farm, tasks, keys)
        assert max(killer.rss_kib, farm.status().numbers["rss_kib"]) < RSS_KIB_MAX


@pytest.mark.timeout(60)
def test_poison_is_put_aside_and_the_others_finish_and_cancelled_ones_stop(tmp_path: Path) -> None:
    with Farm(tmp_path / "farm", 2) as farm:
        (slow,) = farm.submit([toy(900, ms=600_000)], "slow", priority=5)
        (poison,) = farm.submit([toy(1, kills=1)])
        (refused,) = farm.submit([toy(2, kills=2)])
        good = farm.submit([toy(number) for number in range(10, 60)])
        wait_for(farm, lambda: {"DONE": 50, "QUARANTINED": 1}.items() <= farm.counts().items())
        rows = {row.key: row for row in farm.ask(JobsRequest(), JobList).rows}
        assert (JobState(rows[poison].state), rows[poison].deaths) == (JobState.QUARANTINED, 3)
        assert (JobState(rows[refused].state), rows[refused].fault) == (JobState.FAILED, "this toy is refused")
        assert JobState(rows[slow].state) is JobState.RUNNING
        assert farm.ask(CancelJobs(batch="slow"), JobsCancelled) == JobsCancelled(1, 0, ())
        assert farm.wait_all(20)["CANCELLED"] == 1
        (again,) = farm.submit([toy(901)])
        assert farm.wait_all(20)["DONE"] == len(good) + 1
        assert farm.ask(ResultRequest(again), JobResult).files == files_of_toy(toy(901))


@pytest.mark.timeout(60)
def test_a_second_queue_waits_and_takes_over_with_everything(tmp_path: Path) -> None:
    with Farm(tmp_path / "farm", 1) as farm:
        keys = farm.submit([toy(number) for number in range(20)])
        assert farm.wait_all(20) == {"DONE": 20}
        first = farm.processes.pop(QUEUE)
        farm.start(QUEUE)
        wait_for(farm, lambda: f"process {first.pid}); waiting" in farm.logs())
        assert farm.status().numbers["pid"] == first.pid
        first.kill()
        first.wait(10)
        assert farm.submit([toy(number) for number in range(21)])[:20] == keys
        assert farm.wait_all(20) == {"DONE": 21}
        assert farm.status().numbers["pid"] == farm.processes[QUEUE].pid


@pytest.mark.timeout(60)
def test_without_room_for_results_nothing_is_lost_and_it_goes_on_when_there_is(tmp_path: Path) -> None:
    with Farm(tmp_path / "farm", 1) as farm:
        first = farm.submit([toy(1)])
        assert farm.wait_all(20) == {"DONE": 1}
        aside = farm.results.root.with_name("aside")
        farm.results.root.rename(aside)
        farm.results.root.write_bytes(b"no folder can be made in here")
        keys = farm.submit([toy(2)])
        wait_for(farm, lambda: "no room for a result" in farm.logs())
        assert farm.counts() == {"DONE": 1, "RUNNING": 1}
        farm.results.root.unlink()
        aside.rename(farm.results.root)
        assert farm.wait_all(20) == {"DONE": 2}
        check_results(farm, [toy(1), toy(2)], first + keys)


@pytest.mark.timeout(100)  # three processes, one of which loads a compiler
def test_real_backtests_come_back_from_the_queue_as_from_one_process(tmp_path: Path, machine_code: Path) -> None:
    config = parse_config({}, "test")
    rule, screen = rules_of(config)["limit_up"], load_screens(config)["limit_up"]
    folder = make(tmp_path / "history")
    job = Job(rule, rule_params(config, "limit_up"), screen, folder, FIRST, LAST, "compiled", 5, DeskSettings())
    base = task_of(job)
    tasks = [replace(base, params={**base.params, "stop_bp": 300 + 50 * at}) for at in range(4)]
    warm = Warm(machine_code)
    with Farm(tmp_path / "farm", 1, module="services.backtest_worker") as farm:
        (farm.folder / "cache").symlink_to(machine_code)
        keys = farm.submit(tasks)
        assert farm.wait_all(80) == {"DONE": len(tasks)}
        assert [kept(farm, key) for key in keys] == [warm.run(task) for task in tasks]


@pytest.mark.timeout(60)
def test_a_worker_elsewhere_needs_an_endpoint_and_its_key(tmp_path: Path) -> None:
    with Farm(tmp_path / "farm", 0) as farm:
        keys = tmp_path / "keys"
        keys.mkdir(mode=0o700)
        for name in ("backtest_worker.key", "allowed.json"):
            shutil.copy2(farm.folder / "keys" / name, keys / name)
        endpoint = address(farm.config.system.base_port, QUEUE, "ask")
        command = [
            sys.executable,
            "-m",
            "tests.farm.worker",
            "--endpoint",
            endpoint,
            "--keys",
            str(keys),
            "--number",
            "7",
        ]
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as far:
            try:
                jobs = farm.submit([toy(number) for number in range(20)])
                assert farm.wait_all(40) == {"DONE": 20}
                (worker,) = farm.ask(JobsRequest(limit=1), JobList).workers
                assert worker.worker.endswith("_07")
                assert kept(farm, jobs[3]) == files_of_toy(toy(3))
            finally:
                far.kill()


def wait_for(farm: Farm, there: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, farm.logs()
        time.sleep(0.05)
