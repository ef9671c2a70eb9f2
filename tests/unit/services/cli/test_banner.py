"""While a live account is traded every tool says so in one line, on standard error; paper has none."""

import json
from pathlib import Path

import pytest

from common.domain.calendar import S1500
from common.messages.control import Safeguards, SafeguardsRequest, StateRequest
from common.messages.orders import Account, Orders, Positions
from services.cli.app import COMMANDS, LIVE_BANNER, URGENT
from services.cli.banner import is_live
from tests.unit.services.cli.fakes import made_run, run

GATEWAY = "order_gateway"
CALM = Safeguards("real", True, False, "", False, 0, {}, {}, {})
ARMED = Safeguards("real", True, False, "", False, S1500, {}, {}, {})
BOOKS = {
    (GATEWAY, "PositionsRequest"): Positions(()),
    (GATEWAY, "OrdersRequest"): Orders(()),
    (GATEWAY, "AccountRequest"): Account(0, 0, 0, 0, 0, 0, 20261125, 0, ()),
}


def live_run(home: Path, mode: str = "live") -> None:
    (made_run(home) / "config.toml").write_text(f'[system]\nmode = "{mode}"\n', "utf-8")


@pytest.mark.parametrize("command", ["positions", "account", "order list"])
@pytest.mark.parametrize(("said", "words"), [(CALM, "not armed"), (ARMED, "armed until 15:00")])
def test_tools_show_it_and_json_stays_json(tmp_path: Path, command: str, said: Safeguards, words: str) -> None:
    live_run(tmp_path)
    result, _ = run(tmp_path, command, {**BOOKS, (GATEWAY, "SafeguardsRequest"): said})
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("[LIVE] account real: ")
    assert words in result.stderr
    told, _ = run(tmp_path, f"{command} --json", {**BOOKS, (GATEWAY, "SafeguardsRequest"): said})
    json.loads(told.stdout)
    assert "[LIVE]" in told.stderr


def test_paper_has_none_and_asks_nothing(tmp_path: Path) -> None:
    live_run(tmp_path, "paper")
    result, link = run(tmp_path, "positions", {**BOOKS, (GATEWAY, "SafeguardsRequest"): CALM})
    assert result.stderr == ""
    assert not any(isinstance(message, SafeguardsRequest) for _, message, _ in link.asked)


def test_a_silent_gateway_is_said(tmp_path: Path) -> None:
    live_run(tmp_path)
    result, _ = run(tmp_path, "positions", BOOKS)
    assert "nobody knows" in result.stderr


def test_what_stops_something_stops_it_first(tmp_path: Path) -> None:
    live_run(tmp_path)
    _, link = run(tmp_path, ["halt", "--why", "x"], {(GATEWAY, "SafeguardsRequest"): CALM})
    assert [type(message) for _, message, _ in link.asked] == [StateRequest, SafeguardsRequest]


def test_every_tool_of_the_running_system_is_among_them() -> None:
    assert {"status", "positions", "account", "fills", "order", "run", "doctor", "arm", "limits"} <= LIVE_BANNER
    assert URGENT < LIVE_BANNER < set(COMMANDS)


def test_what_is_live(tmp_path: Path) -> None:
    assert not is_live(None)
    assert not is_live(tmp_path)
    (tmp_path / "config.toml").write_text("[system\n", "utf-8")
    assert not is_live(tmp_path)
    (tmp_path / "config.toml").write_text("system = 3\n", "utf-8")
    assert not is_live(tmp_path)
