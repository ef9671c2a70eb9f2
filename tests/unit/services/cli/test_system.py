"""Stop, status, trading state, setting up: without a running system and with a fake one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from common.domain.errors import ConfigError
from common.domain.values import TradingState
from common.messages.control import StateRequest, Status, TradingStateChanged
from services.cli import setup, supervisor
from services.cli.home import Home
from services.cli.session import Session
from services.cli.settings import keys_dir, load_run, merged_config, user_table
from services.cli.supervisor import SERVICES, Process, Supervisor
from tests.unit.services.cli.fakes import Answer, made_run, run


def status_of(name: str, state: str = "ready", **words: str) -> Status:
    return Status(name, True, state, "0.1.0", "r1", 0, {"push": 7}, words)


ALL = {(name, "StatusRequest"): status_of(name) for name in SERVICES}


def test_stop_without_a_system_is_done_already(tmp_path: Path) -> None:
    for _ in range(2):
        result, _ = run(tmp_path, "stop")
        assert result.exit_code == 0
        assert "Nothing was running" in result.stdout


def sleeper(home: Path, stubborn: bool = False) -> "subprocess.Popen[bytes]":
    """Start a process that says that it belongs to a run of this home."""
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else ""
    program = f"import signal, time; {ignore}print(1, flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", program],
        env={**os.environ, "PANKOU_RUN": str(home / "runs" / "1")},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")
def test_stop_ends_what_belongs_to_this_home_and_nothing_else(tmp_path: Path) -> None:
    ours, other = sleeper(tmp_path / "a"), sleeper(tmp_path / "b")
    try:
        control = Supervisor(Home(tmp_path / "a"))
        assert control.our_pids() == {ours.pid}
        done = control.stop()
        assert (done.found, done.killed, done.left) == (1, 0, [])
        assert ours.wait(5) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")
def test_what_does_not_end_is_killed(tmp_path: Path) -> None:
    process = sleeper(tmp_path, stubborn=True)
    try:
        done = Supervisor(Home(tmp_path)).stop(wait_s=0.2)
        assert (done.found, done.killed, done.left) == (1, 1, [])
    finally:
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert process.stdout is not None
        process.stdout.close()


def test_the_socket_path_stays_short(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 200)
    assert len(str(supervisor.socket_path(Home(deep)))) < 100
    assert supervisor.socket_path(Home(deep)) != supervisor.socket_path(Home(tmp_path))


def test_the_log_tail_is_the_end_of_the_log(tmp_path: Path) -> None:
    folder = made_run(tmp_path)
    (folder / "logs").mkdir()
    (folder / "logs" / "screener.log").write_text("\n".join(str(n) for n in range(30)), encoding="utf-8")
    assert Supervisor(Home(tmp_path)).log_tail(folder, "screener", 3) == ["27", "28", "29"]
    assert Supervisor(Home(tmp_path)).log_tail(folder, "nobody") == []


def test_environment_names_the_run(tmp_path: Path) -> None:
    folder = made_run(tmp_path)
    environment = Supervisor(Home(tmp_path)).environment(folder)
    assert environment["PANKOU_RUN"] == str(folder)
    assert environment["PANKOU_CONFIG"] == str(folder / "config.toml")
    assert environment["PANKOU_WORKERS"] == "1"
    (folder / "config.toml").write_text("[backtests]\nworkers = 3\n", encoding="utf-8")
    assert Supervisor(Home(tmp_path)).environment(folder)["PANKOU_WORKERS"] == "3"


def test_status_of_nothing(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "status")
    assert result.exit_code == 3
    assert "pankou run" in result.stderr
    as_json, _ = run(tmp_path, "status --json")
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout) == {"running": False, "run": None}


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Process(name, "RUNNING", 100 + at, 5, "") for at, name in enumerate(SERVICES)]
    monkeypatch.setattr(Supervisor, "processes", lambda _self: rows)


@pytest.mark.usefixtures("up")
def test_status_shows_supervisor_and_services(tmp_path: Path) -> None:
    made_run(tmp_path)
    answers: dict[tuple[str, str], Answer] = {**ALL}
    answers["risk_manager", "StatusRequest"] = status_of("risk_manager", "reducing", causes="feed silent")
    result, link = run(tmp_path, "status", answers)
    assert result.exit_code == 0
    assert all(control for _, _, control in link.asked)
    assert all(name in result.stdout for name in SERVICES)
    assert "risk_manager.causes: feed silent" in result.stdout
    as_json, _ = run(tmp_path, "status --json", answers)
    assert json.loads(as_json.stdout)["services"]["risk_manager"]["state"] == "reducing"


@pytest.mark.usefixtures("up")
def test_status_names_services_that_run_different_code(tmp_path: Path) -> None:
    made_run(tmp_path)
    calm, _ = run(tmp_path, "status", {**ALL})
    assert "different code" not in calm.stdout
    other = replace(status_of("screener"), version="0.1.0+other")
    told, _ = run(tmp_path, "status", {**ALL, ("screener", "StatusRequest"): other})
    line = next(line for line in told.stdout.splitlines() if "different code" in line)
    assert "screener 0.1.0+other" in line
    assert "risk_manager 0.1.0" in line


@pytest.mark.usefixtures("up")
def test_a_silent_service_is_exit_code_3(tmp_path: Path) -> None:
    made_run(tmp_path)
    answers = {key: answer for key, answer in ALL.items() if key[0] != "screener"}
    result, _ = run(tmp_path, "status", answers)  # type: ignore[arg-type]
    assert result.exit_code == 3
    assert "silent" in next(line for line in result.stdout.splitlines() if line.startswith("screener"))


@pytest.mark.parametrize(
    ("command", "state"),
    [("halt", TradingState.HALTED), ("reduce", TradingState.REDUCING), ("resume", TradingState.ACTIVE)],
)
def test_trading_state_needs_a_reason(tmp_path: Path, command: str, state: TradingState) -> None:
    refused, link = run(tmp_path, command)
    assert refused.exit_code == 2
    assert "--why" in refused.stderr
    assert link.asked == []
    answers = {("risk_manager", "StateRequest"): TradingStateChanged(state, state, {})}
    result, link = run(tmp_path, [command, "--why", "lunch"], answers)
    assert result.exit_code == 0
    assert link.asked == [("risk_manager", StateRequest(state, "lunch"), True)]


def test_resume_says_what_still_holds_trading_down(tmp_path: Path) -> None:
    held = TradingStateChanged(TradingState.REDUCING, TradingState.ACTIVE, {"feed": "no push for 8 s"})
    result, _ = run(tmp_path, ["resume", "--why", "ok"], {("risk_manager", "StateRequest"): held}, lang="zh")
    assert result.exit_code == 0
    assert "只减仓" in result.stdout
    assert "no push for 8 s" in result.stdout


def test_init_makes_what_is_missing_and_keeps_what_is_there(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, _ = run(home, "init")
    key = (home / "keys" / "cli.key").read_bytes()
    (home / "config.toml").write_text("[account]\ncash = 500000\n", encoding="utf-8")
    second, _ = run(home, "init")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "Made" in first.stdout
    assert (home / "keys" / "cli.key").read_bytes() == key
    assert merged_config(Home(home), "sim", {}).account.cash == 500_000
    assert (home / "keys").stat().st_mode & 0o077 == 0


def test_the_config_that_init_writes_is_good(tmp_path: Path) -> None:
    session = Session("en", Home(tmp_path))
    assert setup.prepare(session).config
    assert user_table(session.home) == {}
    result, _ = run(tmp_path, "config check")
    assert result.exit_code == 0


def test_config_check_lists_all_errors_at_once(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[account]\ncash = "much"\nslots = 3\n[colours]\nred = 1\n', encoding="utf-8")
    result, _ = run(tmp_path, ["config", "check", str(bad)])
    assert result.exit_code == 2
    assert all(name in result.stderr for name in ("account.cash", "account.slots", "colours"))
    missing, _ = run(tmp_path, "config check nowhere.toml")
    assert missing.exit_code == 2
    assert "nowhere.toml" in missing.stderr


def test_a_bad_user_config_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[account]\npositions_max = 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="positions_max"):
        merged_config(Home(tmp_path), "sim", {})


def test_keys_are_where_the_run_says(tmp_path: Path) -> None:
    folder = made_run(tmp_path)
    assert keys_dir(load_run(Home(tmp_path)), Home(tmp_path)) == tmp_path / "keys"
    (folder / "config.toml").write_text('[system]\nkeys_dir = "elsewhere"\n', encoding="utf-8")
    assert keys_dir(load_run(Home(tmp_path)), Home(tmp_path)) == Path("elsewhere")
