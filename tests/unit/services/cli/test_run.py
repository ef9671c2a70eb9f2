"""What `pankou run` does, with a supervisor and services that are not there: order of steps, faults, resuming."""

import tomllib
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from common.domain.values import push_id
from common.history.tape import TapeWriter
from common.messages.control import HoldRequest, HoldSet
from common.messages.market import TapeHeader
from common.messages.outputs import Message
from common.runtime import config
from services.cli import going_live, ports, running, waiting
from services.cli.days import find_days
from services.cli.faults import SilentError
from services.cli.home import Home
from services.cli.session import Session
from services.cli.settings import merged_config
from services.cli.supervisor import SERVICES, Process, Stopped, Supervisor
from tests.builders import Quote, batch, day_opened, push_end, table
from tests.unit.services.cli.fakes import Answer, made_run, run
from tests.unit.services.cli.test_follow import Clock, player
from tests.unit.services.cli.test_report import ANSWERS
from tests.unit.services.cli.test_system import status_of

DAY = 20260105
SYMBOLS = {"600001.SH": 10.0, "300003.SZ": 30.0}
UP: dict[tuple[str, str], Answer] = {
    **ANSWERS,
    **{(name, "StatusRequest"): status_of(name) for name in SERVICES},
    ("market_data", "StatusRequest"): player("finished", 100),
    ("market_data", "HoldRequest"): lambda message: HoldSet(message.push),  # type: ignore[attr-defined]
}


class FakeSupervisor:
    """What was done to it, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.running = False
        self.states = dict.fromkeys(SERVICES, "RUNNING")

    def install(self, patch: pytest.MonkeyPatch) -> None:
        def start(_self: Supervisor, folder: Path) -> None:
            self.done.append(f"start {folder.name}")
            self.running = True

        def stop(_self: Supervisor, wait_s: float = 10.0) -> Stopped:
            self.done.append("stop")
            self.running = False
            return Stopped(5, 0, [])

        rows = lambda _self: [Process(name, state, 1, 1, "") for name, state in self.states.items()]  # noqa: E731
        patch.setattr(Supervisor, "start", start)
        patch.setattr(Supervisor, "stop", stop)
        patch.setattr(Supervisor, "our_pids", lambda _self: {7} if self.running else set())
        patch.setattr(Supervisor, "processes", rows)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> FakeSupervisor:
    found = FakeSupervisor()
    found.install(monkeypatch)
    monkeypatch.setattr(waiting, "WaitClock", Clock)
    monkeypatch.setattr(ports, "is_free", lambda _number: True)
    return found


def make_tape(path: Path, day: int = DAY) -> Path:
    instruments = table(SYMBOLS, day=day)
    opened = day_opened(instruments)
    writer = TapeWriter(path, TapeHeader(1, day, opened.prev_day, 3000, "test", 2))
    writer.write(opened)
    writer.write(push_end(day, 0, 32_400, prev=0))
    for number in (1, 2):
        second = 34_200 + 3 * number
        writer.write(batch(instruments, push_id(day, number), second, {"600001.SH": Quote(10.0 + number / 100)}))
        writer.write(push_end(day, number, second, parts=1, prev=push_id(day, number - 1)))
    writer.close()
    return path


def test_what_may_be_asked_of_a_run_has_quiet_defaults() -> None:
    assert running.Wanted() == running.Wanted(False, True, "sim", {}, 0)


def settings(home: Path, number: int) -> dict[str, dict[str, object]]:
    return tomllib.loads((home / "runs" / str(number) / "config.toml").read_text("utf-8"))


def test_a_run_plays_reports_and_stays_up(tmp_path: Path, system: FakeSupervisor) -> None:
    tape = make_tape(tmp_path / "a.tape")
    result, link = run(tmp_path, ["run", "--days", str(tape)], UP)
    assert result.exit_code == 0, result.output
    assert system.done == ["start 1"]
    assert system.running
    assert "T1_UNSELLABLE" in result.stdout
    assert "pankou stop" in result.stdout
    assert (tmp_path / "runs" / "1" / "report.json").is_file()
    written = settings(tmp_path, 1)
    assert written["feed"]["tapes"] == [str(tape)]
    assert written["system"]["run_dir"] == str(tmp_path / "runs" / "1")
    assert written["account"]["rule_slots"] == {"limit_up": 3, "bottom_fractal": 2}
    assert written["risk"]["resume_at_start"] is True
    assert (tmp_path / "runs" / "1" / "config.toml").stat().st_mode & 0o077 == 0
    assert {peer for peer, _, _ in link.asked} >= set(SERVICES)


def test_each_run_is_new_and_stops_the_one_before(tmp_path: Path, system: FakeSupervisor) -> None:
    tape = make_tape(tmp_path / "a.tape")
    for _ in range(2):
        run(tmp_path, ["run", "--days", str(tape), "--no-follow"], UP)
    assert system.done == ["start 1", "stop", "start 2"]


def test_resume_goes_on_with_the_last_run(tmp_path: Path, system: FakeSupervisor) -> None:
    made_run(tmp_path, 3)
    result, link = run(tmp_path, "run --resume --no-follow", UP)
    assert result.exit_code == 0, result.output
    assert system.done == ["start 3"]
    assert settings(tmp_path, 3) == {}
    assert ("market_data", HoldRequest(0), True) in link.asked
    followed, _ = run(tmp_path, "run --resume", UP)
    assert followed.exit_code == 0
    assert "\nfill " not in followed.stdout  # the fills of before were shown before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("run --resume", "no run to go on with"),
        ("run --resume --stocks 60", "--stocks"),
        ("run --speed 60", "real_time"),
        ("run --days nowhere", "nowhere"),
        ("run --days {home}", ".tape"),
        ("run --days {home}/cut.tape", "cut"),
        ("run --days {home}/text.tape", "not a tape"),
        ("run --days {home}/good.tape --stocks 60", "--stocks"),
        ("run --profile live", "needs the account"),
        ("run --from 25:00", "25:00"),
        ("tape replay nowhere", "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_run(tmp_path: Path, system: FakeSupervisor, args: str, words: str) -> None:
    good = make_tape(tmp_path / "tapes_here" / "good.tape").rename(tmp_path / "tapes_here" / "good.kept")
    whole = good.read_bytes()
    (tmp_path / "home").mkdir()
    for name, raw in (("good", whole), ("cut", whole[:-20]), ("text", b"time,price\n")):
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.tape").write_bytes(raw)
    place = tmp_path / "files" if "/" in args else tmp_path / "tapes_here"
    result, link = run(tmp_path / "home", args.format(home=place), UP)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert link.asked == []
    assert system.done == []
    assert Home(tmp_path / "home").run_numbers() == []


LIVE = "[system]\naccount = '8888000001'\n"


def test_a_live_feed_needs_no_tapes_and_goes_on_with_the_account_s_own_run(
    tmp_path: Path, system: FakeSupervisor
) -> None:
    (tmp_path / "config.toml").write_text(LIVE, "utf-8")
    (tmp_path / "history").mkdir()
    result, _ = run(tmp_path, "run --profile live", UP)
    assert result.exit_code == 0, result.output
    assert "not armed" in result.stdout
    assert "Never run against a broker" in result.stderr
    assert settings(tmp_path, 1)["feed"]["tapes"] == []
    assert settings(tmp_path, 1)["history"]["dir"] == str(tmp_path / "history")
    assert "--days" in run(tmp_path, "run --profile live --days x", UP)[0].stderr
    (tmp_path / "config.toml").write_text(LIVE + "[limits]\norders_per_s = 3\n", "utf-8")
    again, _ = run(tmp_path, "run --profile live", UP)
    assert again.exit_code == 0, again.output
    assert settings(tmp_path, 1)["limits"]["orders_per_s"] == 3, "today's settings, the same journal"
    assert system.done[-1] == "start 1"
    (tmp_path / "config.toml").write_text(LIVE.replace("8888000001", "8888000002"), "utf-8")
    other, _ = run(tmp_path, "run --profile live", UP)
    assert other.exit_code == 0, other.output
    assert system.done[-1] == f"start {max(Home(tmp_path).run_numbers())}", "another account has books of its own"


def test_history_of_a_live_feed_is_the_configured_one_first(tmp_path: Path) -> None:
    session = Session("en", Home(tmp_path))
    assert going_live.history_of(session, config.Config()) == ""
    session.home.history.mkdir()
    assert going_live.history_of(session, config.Config()) == str(session.home.history)
    assert going_live.history_of(session, config.Config(nightly=config.Nightly(dir="n"))) == "n"
    assert (
        going_live.history_of(session, config.Config(history=config.History(dir="h"), nightly=config.Nightly(dir="n")))
        == "h"
    )
    assert not going_live.is_fed_live(config.Config())


def test_imported_history_is_used_where_nothing_else_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert merged_config(home, "paper", {}).history.dir == ""
    home.history.mkdir()
    assert merged_config(home, "paper", {}).history.dir == str(home.history)
    home.config.write_text("[nightly]\ndir = 'kept'\n", "utf-8")
    assert merged_config(home, "paper", {}).history.dir == ""
    assert merged_config(home, "paper", {"history": {"dir": "run"}}).history.dir == "run"


def test_a_live_account_plays_no_tapes(tmp_path: Path, system: FakeSupervisor) -> None:
    (tmp_path / "config.toml").write_text("[system]\naccount = '8888000001'\n[feed]\nkind = 'replay'\n", "utf-8")
    result, _ = run(tmp_path, "run --profile live", UP)
    assert result.exit_code == 2
    assert "plays no tapes" in result.stderr
    assert system.done == []


def test_paper_stays_paper_whatever_the_settings_name(tmp_path: Path, system: FakeSupervisor) -> None:
    (tmp_path / "config.toml").write_text("[system]\nmode = 'live'\naccount = '8888000001'\n", "utf-8")
    result, _ = run(tmp_path, ["run", "--days", str(make_tape(tmp_path / "a.tape"))], UP)
    assert result.exit_code == 2
    assert "--profile live" in result.stderr
    assert system.done == []


def test_a_bad_config_leaves_no_half_made_run(tmp_path: Path, system: FakeSupervisor) -> None:
    (tmp_path / "config.toml").write_text("[colours]\nred = 1\n", encoding="utf-8")
    tape = make_tape(tmp_path / "a.tape")
    result, _ = run(tmp_path, ["run", "--days", str(tape)], UP)
    assert result.exit_code == 2
    assert "colours" in result.stderr
    assert system.done == []
    assert Home(tmp_path).run_numbers() == []


def test_a_silent_service_is_named_with_its_log_and_all_is_stopped(tmp_path: Path, system: FakeSupervisor) -> None:
    tape = make_tape(tmp_path / "a.tape")
    logs = tmp_path / "runs" / "1" / "logs"

    def silent(_message: Message) -> Message:
        logs.mkdir(exist_ok=True)
        (logs / "screener.log").write_text("history has no calendar\n", encoding="utf-8")
        raise SilentError("err.silent", peer="screener", seconds=0.5)

    answers: dict[tuple[str, str], Answer] = {**UP, ("screener", "StatusRequest"): silent}
    result, _ = run(tmp_path, ["run", "--days", str(tape)], answers)
    assert result.exit_code == 3
    assert "screener" in result.stderr
    assert "history has no calendar" in result.stderr
    assert system.done == ["start 1", "stop"]


def test_a_service_given_up_is_not_waited_for(tmp_path: Path, system: FakeSupervisor) -> None:
    system.states["risk_manager"] = "FATAL"
    tape = make_tape(tmp_path / "a.tape")
    answers = {key: answer for key, answer in UP.items() if key != ("risk_manager", "StatusRequest")}
    result, _ = run(tmp_path, ["run", "--days", str(tape)], answers)
    assert result.exit_code == 3
    assert "risk_manager" in result.stderr
    assert system.done[-1] == "stop"


def test_a_service_that_ended_by_bad_input_is_not_waited_for(tmp_path: Path, system: FakeSupervisor) -> None:
    system.states["market_data"] = "BACKOFF"
    tape = make_tape(tmp_path / "a.tape")
    logs = tmp_path / "runs" / "1" / "logs"

    def ended(_message: Message) -> Message:
        logs.mkdir(exist_ok=True)
        (logs / "market_data.log").write_text("pankou: script.json: not a script\n", encoding="utf-8")
        raise SilentError("err.silent", peer="market_data", seconds=0.5)

    result, link = run(tmp_path, ["run", "--days", str(tape)], {**UP, ("market_data", "StatusRequest"): ended})
    assert result.exit_code == 3
    assert "script.json: not a script" in result.stderr
    assert system.done == ["start 1", "stop"]
    assert len([peer for peer, _, _ in link.asked if peer == "market_data"]) == 1


def test_a_taken_port_is_bad_input_and_nothing_is_started(
    tmp_path: Path, system: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "is_free", lambda number: number != 27111)
    result, _ = run(tmp_path, ["run", "--days", str(make_tape(tmp_path / "a.tape"))], UP)
    assert result.exit_code == 2
    assert all(word in result.stderr for word in ("27111", "screener", "base_port"))
    assert system.done == []
    assert Home(tmp_path).run_numbers() == []


def test_a_supervisor_that_does_not_start_says_why(
    tmp_path: Path, system: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Supervisor, _folder: Path) -> None:
        raise CalledProcessError(2, ["supervisord"], b"", b"Error: socket in use")

    monkeypatch.setattr(Supervisor, "start", fail)
    result, _ = run(tmp_path, ["run", "--days", str(make_tape(tmp_path / "a.tape"))], UP)
    assert result.exit_code == 1
    assert "socket in use" in result.stderr


def test_a_kill_file_left_there_is_told(tmp_path: Path, system: FakeSupervisor) -> None:
    tapes = tmp_path / "tapes"
    tapes.mkdir()
    make_tape(tapes / f"{DAY}.tape")
    args = ["run", "--days", str(tapes), "--no-follow"]
    calm, _ = run(tmp_path / "home", args, UP)
    (tmp_path / "home" / "KILL").touch()
    told, _ = run(tmp_path / "home", args, UP)
    assert (calm.exit_code, told.exit_code) == (0, 0)
    assert "kill switch" not in calm.stderr
    assert "pankou kill --off" in told.stderr
    config = tomllib.loads((tmp_path / "home" / "runs" / "2" / "config.toml").read_text("utf-8"))
    assert config["system"]["kill_file"] == str(tmp_path / "home" / "KILL")


def test_until_push_holds_the_player(tmp_path: Path, system: FakeSupervisor) -> None:
    tape = make_tape(tmp_path / "a.tape")
    answers: dict[tuple[str, str], Answer] = {**UP, ("market_data", "StatusRequest"): player("held", 1)}
    push = push_id(DAY, 1)
    result, link = run(tmp_path, ["run", "--days", str(tape), "--until-push", str(push)], answers)
    assert result.exit_code == 0
    assert ("market_data", HoldRequest(push), True) in link.asked
    assert not (tmp_path / "runs" / "1" / "report.txt").exists()


def test_pace_speed_and_slice_go_into_the_settings(tmp_path: Path, system: FakeSupervisor) -> None:
    tape = make_tape(tmp_path / "a.tape")
    args = ["run", "--days", str(tape), "--pace", "real_time", "--speed", "60", "--from", "09:30", "--to", "09:40"]
    result, _ = run(tmp_path, [*args, "--no-follow"], UP)
    assert result.exit_code == 0, result.output
    feed = settings(tmp_path, 1)["feed"]
    assert (feed["pace"], feed["speed"], feed["start_second"], feed["end_second"]) == (
        "real_time",
        60.0,
        34_200,
        34_800,
    )


def test_a_folder_of_tapes_is_played_by_day_with_what_lies_beside(tmp_path: Path) -> None:
    folder = tmp_path / "days"
    make_tape(folder / "b.tape", DAY)
    make_tape(folder / "a.tape", DAY + 1)
    (folder / "history").mkdir()
    days = find_days(Session("en", Home(tmp_path)), folder)
    assert [tape.name for tape in days.tapes] == ["b.tape", "a.tape"]
    assert days.history == str(folder / "history")
    assert days.hand_script == ""


def test_two_tapes_of_one_day_are_refused(tmp_path: Path, system: FakeSupervisor) -> None:
    make_tape(tmp_path / "days" / "a.tape")
    make_tape(tmp_path / "days" / "b.tape")
    result, _ = run(tmp_path, ["run", "--days", str(tmp_path / "days")], UP)
    assert result.exit_code == 2
    assert all(name in result.stderr for name in ("a.tape", "b.tape", "2026-01-05"))


def test_tapes_are_listed_and_verified(tmp_path: Path) -> None:
    tape = make_tape(tmp_path / "tapes" / "a.tape")
    listed, _ = run(tmp_path, "tape list")
    assert all(text in listed.stdout for text in ("2026-01-05", "3s", str(tape)))
    good, _ = run(tmp_path, ["tape", "verify", str(tape)])
    assert good.exit_code == 0
    assert "2 pushes" in good.stdout
    tape.write_bytes(tape.read_bytes()[:-20])
    cut, _ = run(tmp_path, ["tape", "verify", str(tape)])
    assert cut.exit_code == 2
    assert "cut" in cut.stderr
    assert run(tmp_path / "empty", "tape list")[0].stdout.startswith("No tapes")
