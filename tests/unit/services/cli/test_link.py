"""Answers of the wrong kind, faults, silence; the operator's client; progress and import of tapes."""

from pathlib import Path
from typing import Any

import pytest

from common.domain.errors import HistoryError, PeerSilentError
from common.domain.reasons import Reason
from common.history.importing import Imported
from common.messages.control import Fault, Status, StatusRequest
from common.messages.orders import OpenRequest, Positions
from services.cli import client, importing, progress
from services.cli.faults import CliError, SilentError
from services.cli.home import Home
from services.cli.link import expect, run_config
from services.cli.session import Session
from tests.unit.services.cli.fakes import made_run, run


def test_the_expected_kind_goes_through() -> None:
    answer = Positions(())
    assert expect(answer, Positions, "order_gateway") is answer


def test_a_fault_becomes_one_line() -> None:
    with pytest.raises(CliError) as caught:
        expect(Fault(Reason.NOT_READY, "starting"), Positions, "order_gateway")
    assert caught.value.facts["text"] == "starting"


def test_an_odd_answer_names_its_kind() -> None:
    with pytest.raises(CliError) as caught:
        expect(Status("x", True, "ready", "0", "r", 0), Positions, "order_gateway")
    assert caught.value.facts["kind"] == "Status"


def test_no_run_no_link(tmp_path: Path) -> None:
    with pytest.raises(SilentError):
        run_config(Home(tmp_path))
    made_run(tmp_path, 9)
    made_run(tmp_path, 10)
    (tmp_path / "runs" / "11").mkdir()
    assert run_config(Home(tmp_path)).parent.name == "10"


class FakeClient:
    """Stands for the bus client."""

    def __init__(self, base_port: int, keys: Path, identity: str) -> None:
        self.made = (base_port, keys, identity)
        self.asked: list[dict[str, Any]] = []
        self.closed = False

    def ask(self, service: str, message: object, **how: Any) -> object:
        self.asked.append({"service": service, **how})
        if service == "screener":
            raise PeerSilentError("screener does not answer")
        return Positions(())

    def close(self) -> None:
        self.closed = True


def test_the_operators_client_reads_the_newest_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made_run(tmp_path)
    (folder / "config.toml").write_text("[system]\nbase_port = 28000\n", encoding="utf-8")
    monkeypatch.setattr(client, "Client", FakeClient)
    link = client.BusLink(Home(tmp_path))
    fake: Any = link._client
    assert fake.made == (28000, tmp_path / "keys", "cli")
    link.ask("order_gateway", OpenRequest("hand-1", "600519.SH", 100), timeout_s=2.0)
    link.ask("risk_manager", StatusRequest(), control=True)
    assert fake.asked[0] == {"service": "order_gateway", "link": "ask", "timeout_s": 2.0, "key": "hand-1"}
    assert (fake.asked[1]["link"], fake.asked[1]["key"]) == ("control", "")
    with pytest.raises(SilentError) as caught:
        link.ask("screener", StatusRequest())
    assert caught.value.facts["peer"] == "screener"
    link.close()
    assert fake.closed


def test_progress_without_a_terminal_is_a_line_a_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress("working") as told:
        for done in range(101):
            told("days", done, 100)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "working"
    assert [line.split()[-1] for line in lines[1:]] == ["1/100", "25/100", "50/100", "75/100", "100/100"]


def test_import_says_what_was_made_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Imported(tmp_path / "a.tape", 20220601, "snapshots", 4_800, {"off the tick": 3, "outside": 0})
    monkeypatch.setattr(importing, "make_tapes", lambda _path, _out, _told: [made])
    (tmp_path / "data").mkdir()
    result, _ = run(tmp_path, ["tape", "import", str(tmp_path / "data"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert all(text in result.stdout for text in ("2022-06-01", "4800 pushes", "3 rows left out: off the tick"))
    assert "outside" not in result.stdout


def test_import_of_nothing(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "tape import nowhere")
    assert result.exit_code == 2
    (tmp_path / "empty").mkdir()
    session = Session("en", Home(tmp_path))
    with pytest.raises(HistoryError, match="no market data"):
        importing.import_tapes(session, tmp_path / "empty", tmp_path / "out")
