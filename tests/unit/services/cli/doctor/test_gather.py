"""Facts come from files, ports and services; what cannot be looked at is unknown and nothing is changed."""

import json
import os
import sys
from pathlib import Path

import pytest

from common.bus.curve import make_missing_keys
from common.bus.endpoints import SERVICES as ENDPOINTS
from common.domain.calendar import hms, ts_of
from common.messages.control import Status
from common.runtime.config import Config, Feed, Gateway, System
from services.cli.accept.place import Place, place_of
from services.cli.doctor import client_probe, gather
from services.cli.doctor.listening import answers, exposed, own_addresses, ports_of, taken, vendor_exposed
from services.cli.doctor.probe import Probed, ask, ask_client, installed, read
from services.cli.doctor.windows import client_programs, programs_in, session_number
from services.cli.faults import SilentError
from services.cli.home import Home
from services.cli.session import Session
from services.cli.supervisor import SERVICES
from tests.fakes.plain_client import ACCOUNT, PlainClient, StepClock
from tests.unit.services.cli.fakes import FakeLink, made_run, run

NOW = ts_of(20261125, hms("10:00"))
KEEP = {"TZ": "Asia/Shanghai", "PATH": os.environ.get("PATH", "")}


def session_of(home: Path, link: FakeLink | None = None) -> Session:
    return Session(
        "en", Home(home), {}, connect=lambda _home: link or FakeLink({}), is_up=lambda _home: link is not None
    )


def test_an_empty_home_is_looked_at_and_stays_empty(tmp_path: Path) -> None:
    facts = gather.gather(session_of(tmp_path), NOW, live=False)
    assert facts.machine.python == sys.version_info[:3]
    assert facts.machine.free_mib is not None
    assert facts.machine.keys is None
    assert facts.system.config_faults == ()
    assert facts.system.services is None
    assert (facts.market.today, facts.market.is_open, facts.market.history) == (20261125, True, "")
    assert facts.market.days_ahead is not None
    assert facts.market.days_ahead >= 26, "as far as the table went when this was written"
    assert list(tmp_path.iterdir()) == []


def test_a_bad_configuration_is_told_whole(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[limits]\norders_per_s = 500\n[feed]\npace = 'x'\n", "utf-8")
    facts = gather.gather(session_of(tmp_path), NOW, live=False)
    assert facts.system.config_faults is not None
    assert len(facts.system.config_faults) == 2
    assert any("orders_per_s = 500" in line for line in facts.system.config_faults)


def test_what_others_can_read_is_found(tmp_path: Path) -> None:
    folder = made_run(tmp_path)
    folder.chmod(0o700)
    (folder / "config.toml").chmod(0o600)
    assert gather.loose_paths(tmp_path / "runs") == ()
    (folder / "config.toml").chmod(0o644)
    assert gather.loose_paths(tmp_path / "runs") == (str(folder / "config.toml"),)


def test_keys_are_looked_at(tmp_path: Path) -> None:
    assert gather.bad_keys(tmp_path / "keys") is None
    make_missing_keys(tmp_path / "keys")
    assert gather.bad_keys(tmp_path / "keys") == ()
    (tmp_path / "keys" / "cli.key").chmod(0o644)
    assert gather.bad_keys(tmp_path / "keys") == (("cli", "loose"),)
    (tmp_path / "keys").chmod(0o755)
    found = gather.bad_keys(tmp_path / "keys")
    assert found is not None
    assert "readable by others" in found[0][0]


def test_a_file_server_s_clock(tmp_path: Path) -> None:
    assert gather.file_time(None) is None
    assert gather.file_time(tmp_path / "gone") is None
    assert gather.file_time(tmp_path) is not None
    assert list(tmp_path.iterdir()) == []


def test_the_st_file(tmp_path: Path) -> None:
    path = gather.st_path(tmp_path)
    assert path is not None
    assert gather.st_path(None) is None
    assert gather.st_path(tmp_path / "x", str(tmp_path / "datadir")) == path, "as the client tells it"
    assert gather.st_rows(path) is None
    path.parent.mkdir()
    path.write_text("", "utf-8")
    assert gather.st_rows(path) == 0
    path.write_text("600001.SH,x,20240101,1,0\n600001.SH,x,20240601,0,0\nshort,1\n000001.SZ,x,20240101,2,0\n", "utf-8")
    assert gather.st_rows(path) == 2


def test_whether_a_folder_can_be_written_is_tried(tmp_path: Path) -> None:
    assert gather.is_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not gather.is_writable(tmp_path / "gone")


def test_session_files_are_added_up(tmp_path: Path) -> None:
    assert gather.queue_mib(None) is None
    assert gather.queue_mib(tmp_path / "gone") is None
    with (tmp_path / "down_queue_win_7100").open("wb") as file:
        file.truncate(75 * 2**20)
    assert gather.queue_mib(tmp_path) == 75


# ------------------------------------------------------------------ our services


def status(name: str, *, ready: bool = True, numbers: dict[str, int] | None = None, **words: str) -> Status:
    return Status(name, ready, "ready", "v1", "run", 0, numbers or {}, words)


def answering(**words: str) -> FakeLink:
    def answer(name: str) -> Status:
        mine = {"causes": words.get("causes", "")} if name == "risk_manager" else {}
        mine |= {"no_buys": words.get("no_buys", "")} if name == "order_gateway" else {}
        return status(name, numbers={"data_ns": NOW} if name == "order_gateway" else {}, **mine)

    return FakeLink({(name, "StatusRequest"): answer(name) for name in SERVICES})


def test_services_and_what_holds_buys_back(tmp_path: Path) -> None:
    made_run(tmp_path)
    facts = gather.gather(
        session_of(tmp_path, answering(causes="feed dead", no_buys="NOT_RECONCILED")), NOW, live=False
    )
    assert facts.system.services is not None
    assert {row.name for row in facts.system.services if row.ready} == set(SERVICES)
    assert facts.system.causes == ("feed dead", "NOT_RECONCILED")
    silent = gather.gather(session_of(tmp_path, FakeLink({})), NOW, live=False)
    assert silent.system.causes is None
    (tmp_path / "KILL").touch()
    assert gather.gather(session_of(tmp_path), NOW, live=False).system.killed


def test_a_tape_s_time_is_no_quote_and_a_client_s_is(tmp_path: Path) -> None:
    statuses: dict[str, Status | None] = {"order_gateway": status("order_gateway", numbers={"data_ns": NOW})}
    assert gather.newest_quote(Config(), statuses, Probed()) is None
    assert gather.newest_quote(Config(), statuses, Probed(quote_ns=5)) == 5
    assert gather.newest_quote(Config(feed=Feed(kind="xt")), statuses, Probed(quote_ns=5)) == NOW


# ------------------------------------------------------------------ ports


def test_ports_are_tried(tmp_path: Path) -> None:
    import socket

    assert len(set(ports_of(27100))) == 3 * len(ENDPOINTS)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert taken([port]) == [port]
        assert answers("127.0.0.1", port)
        assert exposed([port], ["127.0.0.2"]) == (), "bound to one address only"
        assert exposed([port], ["127.0.0.1"]) == (port,)
    assert not answers("127.0.0.1", port)
    assert exposed([port], []) is None
    assert vendor_exposed([]) is None
    assert all(not address.startswith("127.") for address in own_addresses())


# ------------------------------------------------------------------ the client


def test_the_list_of_tasks_is_read() -> None:
    text = '"System Idle Process","0","Services","0","8 K"\n"xtminiqmt.exe","4242","Console","1","310,224 K"\n\n'
    assert programs_in(text) == ("XtMiniQmt.exe",)
    assert programs_in("") == ()
    if sys.platform != "win32":
        assert (client_programs(), session_number()) == (None, None)


def test_the_probe_s_last_line_counts_and_noise_is_unknown() -> None:
    known = Probed("p", "250807.1.2")
    said = json.dumps(
        {
            "natives": "",
            "connect": 0,
            "accounts": ["1"],
            "status": 0,
            "boards": ["main"],
            "quote_ns": 5,
            "data_dir": "d",
        }
    )
    assert read(known, f"xtdata says hello\n{said}\n") == Probed("p", "250807.1.2", "", 0, ("1",), 0, ("main",), 5, "d")
    assert read(known, "") == known
    assert read(known, "Traceback\nImportError\n") == known
    assert read(known, json.dumps({"connect": True, "accounts": 3})) == known


def no_wait(_seconds: float) -> None:
    pass


def test_a_client_that_hangs_leaves_what_was_told_before() -> None:
    client = PlainClient(Place("p", ACCOUNT), StepClock())

    def hang() -> int:
        raise SilentError("err.vendor_silent", call="connect", seconds=20)

    client.connect = hang  # type: ignore[method-assign]  # one manner of one test
    said = client_probe.look(client, no_wait)
    assert (said["natives"], said["connect"]) == ("", None)
    assert said["quote_ns"] is not None


def test_a_client_is_looked_at() -> None:
    client = PlainClient(Place("p", ACCOUNT), StepClock())
    said = client_probe.look(client, client.clock.sleep)
    assert (said["natives"], said["connect"], said["accounts"], said["status"]) == ("", 0, [ACCOUNT], 0)
    assert said["boards"] == ["chinext"], "of what it holds"
    assert said["quote_ns"] == StepClock().now_ns()
    assert {"order", "cancel"} & set(client.calls) == set()
    away = PlainClient(Place("p", ACCOUNT), StepClock(), connect_code=-1)
    assert client_probe.look(away, away.clock.sleep)["connect"] == -1
    assert (away.calls.count("connect"), away.stopped) == (2, True), "a number may be held for some seconds"
    assert client_probe.look(PlainClient(Place("p", ACCOUNT), StepClock(), missing="none here"), no_wait) == {
        "natives": "none here"
    }
    blind = client_probe.look(PlainClient(Place("", ACCOUNT), StepClock(), raises=frozenset({"tick"})), no_wait)
    assert blind == {"natives": "", "quote_ns": None, "data_dir": "D:/QMT/userdata_mini/datadir"}, (
        "no folder: nothing to connect to"
    )


@pytest.mark.process
def test_a_probe_that_hangs_or_dies_is_unknown(tmp_path: Path) -> None:
    place = Place("p", ACCOUNT)
    assert ask(place, KEEP, module="this_module_is_not_there") == Probed("p", installed())
    assert ask(place, KEEP, module="http.server", wait_s=0.3) == Probed("p", installed())


def test_where_nothing_is_installed_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.doctor.probe.installed", lambda: "")
    assert ask_client(Config(system=System(account=ACCOUNT))) == Probed("", "")


def test_the_place_of_a_configuration() -> None:
    assert place_of(Config(system=System(account=ACCOUNT))) == Place("", ACCOUNT)
    assert place_of(Config(gateway=Gateway(client_path="p"))).path == "p"


# ------------------------------------------------------------------ the command


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_tells_findings_fixes_and_counts(tmp_path: Path, lang: str) -> None:
    result, _ = run(tmp_path, "doctor", lang=lang)
    told, _ = run(tmp_path, "doctor --json")
    fails = [row for row in json.loads(told.stdout)["checks"] if row["verdict"] == "fail"]  # of this machine, today
    assert result.exit_code == told.exit_code == (1 if fails else 0)
    assert ("磁盘" if lang == "zh" else "disk") in result.stdout
    assert ("不知道" if lang == "zh" else "unknown") in result.stdout
    assert "Never run" not in result.stderr


def test_a_failed_check_is_exit_code_1_and_json_has_every_fix(tmp_path: Path) -> None:
    (tmp_path / "KILL").touch()
    result, _ = run(tmp_path, "doctor --json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    by_name = {row["check"]: row for row in told["checks"]}
    assert by_name["kill_switch"]["verdict"] == "fail"
    assert all(bool(row["fix"]) is (row["verdict"] != "ok") for row in told["checks"])
    assert told["live"] is False


def test_live_asks_about_the_client_and_says_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.doctor.probe.installed", lambda: "")
    result, _ = run(tmp_path, "doctor --live")
    assert result.exit_code == 1, "no package of the vendor's"
    assert "Never run against a broker" in result.stderr
    assert "pankou arm will refuse" in result.stdout
