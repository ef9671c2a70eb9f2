"""A healthy live morning is green from end to end, gathered from real files and answers; each thing that breaks is named by `arm`."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.bus.curve import make_missing_keys
from common.domain.calendar import NS, S1500, hms, ts_of
from common.messages.control import ArmRequest, Safeguards, Status
from services.cli.app import cli
from services.cli.doctor.client import WHEEL
from services.cli.doctor.gather import gather
from services.cli.doctor.probe import Probed
from services.cli.doctor.registry import Facts, examine, red
from services.cli.home import Home
from services.cli.session import Session
from services.cli.supervisor import SERVICES, Process, Supervisor
from tests.unit.history.folder import daily_row, weekdays, write_folder
from tests.unit.services.cli.fakes import FakeLink

DAY = 20261125
NOW = ts_of(DAY, hms("10:00"))
ACCOUNT = "8888000001"
CALM = Safeguards(ACCOUNT, True, False, "", False, 0, {}, {}, {})
ARMED = Safeguards(ACCOUNT, True, False, "", False, S1500, {}, {}, {})


class Morning:
    """A machine on which everything is as it must be."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.client = home / "客户端" / "userdata_mini"
        (self.client / "data").mkdir(parents=True)
        self.st_file = self.client / "data" / "SH_XXXXXX_2011_86400000.csv"
        self.st_file.write_text("600001.SH,x,20240101,1,0\n", "utf-8")
        spell = {
            "symbol": "600001.SH",
            "first_day": 20200102,
            "last_day": 20200601,
            "state": 1,
            "known_at": 1,
            "end_known_at": 1,
        }
        days = weekdays(date(2026, 11, 2), 17)
        self.history = write_folder(home / "history", days, [daily_row(day, "600001.SH") for day in days], st=[spell])
        make_missing_keys(home / "keys")
        run = home / "runs" / "1"
        run.mkdir(parents=True)
        run.chmod(0o700)
        text = (
            f'[system]\nmode = "live"\naccount = "{ACCOUNT}"\nbase_port = 29500\n[feed]\nkind = "xt"\npace = "real_time"\n'
            f'[history]\ndir = "{self.history}"\n[gateway]\nbroker = "xt"\nafter_absence = "park"\nclient_path = "{self.client}"\n[boards]\nallowed = ["main"]\n'
        )
        (run / "config.toml").write_text(text, "utf-8")
        (run / "config.toml").chmod(0o600)
        self.statuses = {
            name: Status(name, True, "ready", "v1", "run", 0, {"data_ns": NOW - 2 * NS}, {})
            for name in (*SERVICES, "watchdog")
        }
        self.processes = [Process(name, "RUNNING", 1, 900, "") for name in self.statuses]
        self.probed = Probed(str(self.client), WHEEL, "", 0, (ACCOUNT,), 0, ("main",), None)
        monkeypatch.setattr(Supervisor, "processes", lambda _self: self.processes)
        monkeypatch.setattr("services.cli.doctor.gather.ask_client", lambda _config: self.probed)
        monkeypatch.setattr("services.cli.doctor.gather.exposed", lambda _ports, _addresses: ())
        monkeypatch.setattr("services.cli.doctor.gather.vendor_exposed", lambda _addresses: False)

    def session(self) -> Session:
        answers = {(name, "StatusRequest"): status for name, status in self.statuses.items()}
        self.link = FakeLink(
            {**answers, ("order_gateway", "SafeguardsRequest"): CALM, ("order_gateway", "ArmRequest"): ARMED}
        )
        return Session(
            "en", Home(self.home), {}, connect=lambda _home: self.link, is_up=lambda _home: True, examine=self.look
        )

    def look(self, session: Session) -> Facts:
        return gather(session, NOW, live=True)

    def red(self) -> list[str]:
        return [finding.name for finding in red(examine(self.look(self.session())))]


@pytest.fixture
def morning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Morning:
    return Morning(tmp_path, monkeypatch)


def test_it_is_green_and_the_account_is_armed(morning: Morning) -> None:
    assert morning.red() == []
    result = CliRunner().invoke(cli, ["arm", "--account", ACCOUNT], obj=morning.session(), input=f"{ACCOUNT}\n")
    assert result.exit_code == 0, result.output
    assert ("order_gateway", ArmRequest(ACCOUNT, S1500), True) in morning.link.asked
    assert f"[LIVE] account {ACCOUNT}: not armed" in result.stderr


def change_status(name: str, **changes: object) -> Callable[[Morning], None]:
    def do(morning: Morning) -> None:
        old = morning.statuses[name]
        kept = {field: getattr(old, field) for field in old.__struct_fields__}
        morning.statuses[name] = Status(**{**kept, **changes})  # type: ignore[arg-type]  # fields by name

    return do


def probed(**changes: object) -> Callable[[Morning], None]:
    def do(morning: Morning) -> None:
        morning.probed = morning.probed._replace(**changes)  # type: ignore[arg-type]  # as above

    return do


def stop_one(morning: Morning) -> None:
    morning.processes = [row._replace(state="FATAL") if row.name == "screener" else row for row in morning.processes]


BROKEN: dict[str, tuple[Callable[[Morning], object], list[str]]] = {
    "client not connected": (probed(connect=-1, accounts=None, status=None), ["login", "account"]),
    "account logged out": (probed(status=3), ["account"]),
    "another account": (probed(accounts=("7777000001",)), ["account"]),
    "package gone": (probed(wheel=""), ["wheel"]),
    "probe hung": (probed(natives=None, connect=None, accounts=None, status=None), ["natives", "login", "account"]),
    "st file gone": (lambda morning: morning.st_file.unlink(), ["st_file"]),
    "st file empty": (lambda morning: morning.st_file.write_text("", "utf-8"), ["st_file"]),
    "history ends early": (
        lambda morning: (morning.history / "daily" / "2026.parquet").unlink(),
        ["history"],
    ),
    "kill file": (lambda morning: (morning.home / "KILL").touch(), ["kill_switch"]),
    "a service is dead": (stop_one, ["services"]),
    "quotes stand still": (change_status("order_gateway", numbers={"data_ns": NOW - 40 * NS}), ["quotes"]),
    "no quotes": (change_status("order_gateway", numbers={"data_ns": 0}), ["quotes"]),
    "books differ": (
        change_status("order_gateway", numbers={"data_ns": NOW}, words={"no_buys": "NOT_RECONCILED"}),
        ["books"],
    ),
    "risk reduces": (change_status("risk_manager", words={"causes": "feed dead"}), ["books"]),
    "other code": (change_status("screener", version="v2"), ["versions"]),
    "keys open": (lambda morning: (morning.home / "keys" / "cli.key").chmod(0o644), ["keys"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_is_named_and_nothing_is_armed(morning: Morning, name: str) -> None:
    breaks, named = BROKEN[name]
    breaks(morning)
    assert morning.red() == named
    result = CliRunner().invoke(cli, ["arm", "--account", ACCOUNT], obj=morning.session(), input=f"{ACCOUNT}\n")
    assert result.exit_code == 1
    assert not any(isinstance(message, ArmRequest) for _, message, _ in morning.link.asked)
