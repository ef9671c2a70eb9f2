"""The standard run with the runner of `deploy/windows` in the place of supervisord, in a folder with a name of ours."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.domain.values import push_id
from common.runtime.runner_control import RunnerControl
from services.cli.supervisor import SERVICES
from tests.e2e.rig import System

pytestmark = [
    pytest.mark.process,
    pytest.mark.timeout(150),  # alone it takes 20 s; as all end-to-end tests it may share the machine
]
KILLS = ((push_id(20260105, 84), "order_gateway"), (push_id(20260105, 900), "risk_manager"))
HALF = push_id(20260106, 190)


@pytest.fixture
def under_the_runner(tmp_path: Path, markets: Path) -> Iterator[System]:
    before = os.environ.get("PANKOU_SUPERVISOR")
    os.environ["PANKOU_SUPERVISOR"] = "runner"
    made = System(tmp_path / "我的 盘口" / "home", markets)
    try:
        yield made
    finally:
        made.stop()
        if before is None:
            del os.environ["PANKOU_SUPERVISOR"]
        else:
            os.environ["PANKOU_SUPERVISOR"] = before


def processes(system: System) -> dict[str, dict[str, Any]]:
    done = system.pankou("status", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)["processes"]}


def test_a_whole_run_under_the_runner(under_the_runner: System, size: tuple[str, ...]) -> None:
    """Kills, a stop in the middle and a resume, and the books are those of one thread."""
    system = under_the_runner
    system.start("--until-push", str(KILLS[0][0]), *size)
    control = RunnerControl(system.run_folder())
    assert control.is_up()
    for (push, service), (following, _) in zip(KILLS, [*KILLS[1:], (HALF, "")], strict=True):
        system.wait_for_push(push)
        system.kill(service)
        system.hold(following)
    system.wait_for_push(HALF)
    found = processes(system)
    assert set(found) >= {*SERVICES, "watchdog"}
    # The watchdog heard of the restarts by the event protocol, and reads the table of the runner.
    system.wait(lambda: "restarts_risk_manager" in system.status("watchdog").numbers)
    watchdog = system.status("watchdog")
    assert watchdog.numbers["restarts_order_gateway"] == 1
    assert {row.name: row.restarts for row in control.table() or []}["order_gateway"] == 1

    system.stop()
    assert not control.is_up()
    log = (system.run_folder() / "logs" / "supervisord.log").read_text(encoding="utf-8")
    assert "told to stop" in log
    assert "does not end" not in log, "each ended by the word on its standard input"
    assert system.pankou("status").returncode == 3

    done = system.pankou("run", "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    made = system.check_pipeline()
    assert len(made.fills) >= 20
    assert len(made.denied) >= 4
    # A run whose runner was killed leaves nothing behind: the services hear the end of their standard input.
    pids = {row.pid for row in control.table() or []}
    assert len(pids) >= len(SERVICES)
    os.kill(int(control.lock_path.read_text(encoding="utf-8")), signal.SIGKILL)
    system.wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert not control.is_up()
