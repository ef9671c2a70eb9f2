"""The shipped supervisord.conf: supervisord itself dies, a service hangs, a service cannot be kept up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from common.bus.curve import make_missing_keys
from common.runtime.config import Config, Risk, dump_toml, load_config
from common.runtime.config import System as SystemTable
from common.runtime.service import Shell
from services.backtest_worker.adapters.pipeline import run_pipeline
from services.cli.home import Home
from services.cli.supervisor import Supervisor
from services.risk_manager.__main__ import SPEC, parts_of
from tests.conftest import CHECKOUT
from tests.e2e.rig import System, free_base_port

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]
HELD = 2026010500110
LAST = 2026010500240


def test_supervisord_dies_and_then_the_gateway_hangs(system: System, size: tuple[str, ...]) -> None:
    """Second copies wait; the watchdog of the new supervisord kills the hung process of the old one."""
    system.start("--until-push", str(HELD), *size)
    system.wait_for_push(HELD)
    before = {name: system.status(name).numbers["pid"] for name in ("order_gateway", "risk_manager", "watchdog")}
    run = system.run_folder()
    supervisor = Supervisor(Home(system.home))
    os.kill(int((run / "supervisord.pid").read_text(encoding="utf-8")), signal.SIGKILL)
    system.wait(lambda: supervisor.processes() is None)
    supervisor.start(run)
    log = run / "logs" / "order_gateway.log"
    system.wait(lambda: f"runs already (process {before['order_gateway']})" in log.read_text(encoding="utf-8"))
    for name in ("order_gateway", "risk_manager"):
        assert system.status(name).numbers["pid"] == before[name], "the old one acts"
    system.wait(lambda: system.status("watchdog").numbers["pid"] != before["watchdog"])
    assert "silent" in system.status("watchdog").words
    os.kill(before["order_gateway"], signal.SIGSTOP)
    system.wait(lambda: system.status("watchdog").numbers["kills"] == 1, seconds=30)
    system.wait(lambda: system.status("order_gateway").numbers["pid"] != before["order_gateway"])
    system.hold(LAST)
    system.wait_for_push(LAST)
    assert system.status("risk_manager").state == "active"
    rows = system.books()["rows"]
    assert len(rows) >= 5
    first_day = Path(load_config(run / "config.toml").feed.tapes[0])
    made = list(run_pipeline([first_day], None, load_config(run / "config.toml")).rows)
    assert made[: len(rows)] == rows, "the journal is the pipeline's so far"
    assert all(row.push > LAST or row.stage == 1 for row in made[len(rows) : len(rows) + 1])


PROGRAMS = """
[program:signal_engine]
command=/bin/sh -c "test -e {folder}/well && exec sleep 60"
autorestart=true
startsecs=1
startretries=1

[program:screener]
command=/bin/sh -c "exit 1"
autorestart=true
startsecs=0
"""


def test_services_that_cannot_be_kept_up_hold_trading_down(tmp_path: Path) -> None:
    """The shipped listener under a supervisord with a program that is given up, and one that dies again and again."""
    keys, base = tmp_path / "keys", free_base_port()
    make_missing_keys(keys)
    config = Config(
        system=SystemTable(base_port=base, run_dir=str(tmp_path), keys_dir=str(keys), log_level="error"),
        risk=Risk(resume_at_start=True),
    )
    (tmp_path / "config.toml").write_text(dump_toml(config), encoding="utf-8")
    (tmp_path / "logs").mkdir()
    shipped = (CHECKOUT / "supervisord.conf").read_text(encoding="utf-8")
    head, tail = shipped.partition("[program:")[0], shipped.partition("[eventlistener:")[2]
    conf = tmp_path / "supervisord.conf"
    conf.write_text(f"{head}{PROGRAMS.format(folder=tmp_path)}\n[eventlistener:{tail}", encoding="utf-8")
    names = {
        **os.environ, "PANKOU_PYTHON": sys.executable, "PANKOU_CONFIG": str(tmp_path / "config.toml"),
        "PANKOU_RUN": str(tmp_path), "PANKOU_SOCKET": str(tmp_path / "s.sock"), "PYTHONPATH": str(CHECKOUT),
    }  # fmt: skip
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(conf)]
    process = subprocess.Popen(command, env=names, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    risk, _ = parts_of(config)
    shell = Shell(risk, SPEC, config, None, "r")

    def held_by(what: str) -> bool:
        status = shell.status()
        return status.state == "reducing" and what in status.words["causes"]

    try:
        shell.start()
        assert shell.status().state == "active"
        step_until(shell, lambda: held_by("signal_engine is FATAL"))
        (tmp_path / "well").touch()
        control = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(conf), "start", "signal_engine"]
        started = subprocess.Popen(control, env=names, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
        step_until(shell, lambda: "signal_engine" not in shell.status().words["causes"])
        step_until(shell, lambda: held_by("screener was restarted more than 5 times"))
        assert started.wait(20) == 0
    finally:
        process.terminate()
        process.wait(20)
        shell.close()


def step_until(shell: Shell, condition: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {shell.status().words}"
        shell.step()
