"""`kill`, `limits`, `arm`: what is asked, what is written, what is said, what is refused before anything is sent."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from common.domain.calendar import NS, S1500
from common.domain.reasons import Reason
from common.messages.control import (
    ArmRequest,
    Fault,
    KillRequest,
    LimitRequest,
    Safeguards,
    SafeguardsRequest,
    Status,
    StatusRequest,
)
from common.messages.outputs import Message
from services.cli.app import cli
from services.cli.commands.safeguards import UNITS, USED, parse_limit
from services.cli.doctor.client import Client
from services.cli.doctor.market import Market
from services.cli.doctor.registry import Facts
from services.cli.doctor.system import System
from services.cli.faults import BadInputError
from services.cli.home import Home
from services.cli.session import Session
from tests.unit.services.cli.fakes import Answer, FakeLink, run

LIMITS = {"orders_per_s": 10, "orders_per_day": 2_000, "order_value_max": 5_000_000, "day_value_max": 20_000_000}
CALM = Safeguards("real", True, False, "", False, 0, LIMITS, {}, {"orders_day": 3, "cancels_day": 1, "bought_day": 900})
KILLED = Safeguards("real", True, True, "test", True, 0, LIMITS, {}, {})
GATEWAY = "order_gateway"


GREEN = Facts(
    market=Market(now_ns=14_400 * NS, quote_ns=12_600 * NS),  # noon, and the last push before it
    system=System(live=True, wants_live=True, limits={}),
    live=True,
)


def typed(
    home: Path, args: str, text: str, answers: dict[tuple[str, str], Answer], facts: Facts = GREEN
) -> tuple[Result, FakeLink]:
    link = FakeLink(answers)
    session = Session(
        "en", Home(home), {}, connect=lambda _home: link, is_up=lambda _home: True, examine=lambda _session: facts
    )
    return CliRunner().invoke(cli, args.split(), obj=session, input=text), link


def table(**answers: Safeguards | Fault | Callable[[Message], Message]) -> dict[tuple[str, str], Answer]:
    return {(GATEWAY, kind): answer for kind, answer in answers.items()}


# ---------------------------------------------------------------------- kill


def test_kill_writes_the_file_first_and_tells_the_gateway(tmp_path: Path) -> None:
    def answer(message: Message) -> Message:
        assert (tmp_path / "KILL").read_text("utf-8") == "books differ\n"
        return KILLED

    result, link = run(tmp_path, ["kill", "--why", "books differ"], table(KillRequest=answer))
    assert (result.exit_code, link.asked) == (0, [(GATEWAY, KillRequest(True, "books differ"), True)])
    assert "The kill switch is on" in result.output
    assert (tmp_path / "KILL").stat().st_mode & 0o777 == 0o600


def test_kill_works_with_nobody_there(tmp_path: Path) -> None:
    result, _ = run(tmp_path / "new", ["kill", "--why", "x"], {})
    assert result.exit_code == 0
    assert (tmp_path / "new" / "KILL").is_file()
    assert "silent" in result.stderr
    told, _ = run(tmp_path / "new", ["kill", "--why", "x", "--json"], {})
    assert json.loads(told.stdout)["gateway"] is None


def test_kill_off_takes_both_back_and_the_file_stays_when_the_gateway_is_silent(tmp_path: Path) -> None:
    (tmp_path / "KILL").touch()
    result, _ = run(tmp_path, ["kill", "--off", "--why", "x"], {})
    assert result.exit_code == 3
    assert (tmp_path / "KILL").is_file()
    answers = table(KillRequest=KILLED, SafeguardsRequest=CALM)
    result, link = run(tmp_path, ["kill", "--off", "--why", "mended"], answers)
    assert (result.exit_code, link.asked[0][1]) == (0, KillRequest(False, "mended"))
    assert not (tmp_path / "KILL").exists()
    still, _ = run(tmp_path, ["kill", "--off", "--why", "x"], table(KillRequest=KILLED, SafeguardsRequest=KILLED))
    assert still.exit_code == 1


@pytest.mark.parametrize("args", ["kill", "kill --off", "limits raise orders_per_s 20"])
def test_a_reason_is_needed(tmp_path: Path, args: str) -> None:
    result, link = run(tmp_path, args, table(KillRequest=CALM))
    assert (result.exit_code, link.asked) == (2, [])
    assert "--why" in result.stderr
    assert not (tmp_path / "KILL").exists()


# ---------------------------------------------------------------------- limits


def test_limits_are_shown_with_what_is_used_and_their_ceilings(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "limits show", table(SafeguardsRequest=CALM))
    assert result.exit_code == 0
    line = next(line for line in result.output.splitlines() if "orders_per_day" in line)
    assert [word for word in line.replace("│", " ").split() if word[0].isdigit()] == ["2,000", "4", "15,000"]
    assert "kill switch" not in result.output
    told, _ = run(tmp_path, "limits show", table(SafeguardsRequest=KILLED), lang="zh")
    assert "总开关已关：test" in told.output
    made, _ = run(tmp_path, "limits show --json", table(SafeguardsRequest=CALM))
    assert json.loads(made.output)["limits"] == LIMITS
    assert UNITS.keys() == LIMITS.keys() > USED.keys()


def test_a_limit_is_set_for_today(tmp_path: Path) -> None:
    raised = Safeguards("real", True, False, "", False, 0, LIMITS | {"orders_per_s": 20}, {"orders_per_s": 20}, {})
    args = ["limits", "raise", "orders_per_s", "20", "--why", "rebalance"]
    result, link = run(tmp_path, args, table(LimitRequest=raised))
    assert (result.exit_code, link.asked) == (0, [(GATEWAY, LimitRequest("orders_per_s", 20, "rebalance"), True)])
    refused, _ = run(tmp_path, args, table(LimitRequest=Fault(Reason.ABOVE_CEILING, "limits.orders_per_s: too much")))
    assert refused.exit_code == 1
    assert "too much" in refused.stderr


@pytest.mark.parametrize(("name", "value"), [("slots", "3"), ("orders_per_s", "101"), ("orders_per_s", "0"), ("orders_per_s", "x")])  # fmt: skip
def test_a_limit_that_cannot_be_is_refused_here(tmp_path: Path, name: str, value: str) -> None:
    result, link = run(tmp_path, ["limits", "raise", name, value, "--why", "x"], table(LimitRequest=CALM))
    assert (result.exit_code, link.asked) == (2, [])
    assert name in result.stderr
    with pytest.raises(BadInputError):
        parse_limit(name, value)
    assert parse_limit("day_value_max", "1,000,000") == 1_000_000


# ---------------------------------------------------------------------- arm


def test_arming_asks_for_the_account_s_name_once_more(tmp_path: Path) -> None:
    armed = Safeguards("real", True, False, "", False, S1500, LIMITS, {}, {})
    answers = table(SafeguardsRequest=CALM, ArmRequest=armed)
    result, link = typed(tmp_path, "arm --account real --until 15:00", "real\n", answers)
    assert result.exit_code == 0
    asked = [(GATEWAY, SafeguardsRequest(), True), (GATEWAY, ArmRequest("real", S1500), True)]
    assert link.asked == [*asked, ("risk_manager", StatusRequest(), True)]
    assert "armed until 15:00" in result.output
    wrong, link = typed(tmp_path, "arm --account real --until 15:00", "rael\n", answers)
    assert (wrong.exit_code, len(link.asked)) == (2, 1)
    nobody, link = typed(tmp_path, "arm --account real", "", answers)
    assert nobody.exit_code != 0
    assert len(link.asked) == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_arming_is_refused_while_the_checklist_is_red_and_names_what(tmp_path: Path, lang: str) -> None:
    answers = table(SafeguardsRequest=CALM, ArmRequest=CALM)
    facts = GREEN._replace(client=Client(connect=-1, st_rows=None))
    result, link = typed(tmp_path, f"--lang {lang} arm --account real", "real\n", answers, facts)
    assert (result.exit_code, link.asked) == (1, [(GATEWAY, SafeguardsRequest(), True)])
    lines = [line for line in result.stderr.splitlines() if line.startswith("- ")]
    titles = ("客户端连接", "客户端 ST 文件") if lang == "zh" else ("client login", "client's ST file")
    assert [line[2:].partition(":")[0] for line in lines] == list(titles)
    told, _ = typed(tmp_path, "arm --account real --json", "real\n", answers, facts)
    rows = json.loads(told.stdout)["checks"]
    assert [row["check"] for row in rows if row["keeps_from_arming"]] == ["login", "st_file"]


@pytest.mark.parametrize(("state", "said"), [("active", False), ("halted", True), ("reducing", True)])
def test_arming_says_when_risk_opens_nothing_all_the_same(tmp_path: Path, state: str, said: bool) -> None:
    armed = Safeguards("real", True, False, "", False, S1500, LIMITS, {}, {})
    answers = table(SafeguardsRequest=CALM, ArmRequest=armed)
    answers["risk_manager", "StatusRequest"] = Status("risk_manager", True, state, "v", "r", 0)
    result, _ = typed(tmp_path, "arm --account real", "real\n", answers)
    assert result.exit_code == 0
    assert ("pankou resume" in result.stdout) is said


def test_arming_says_that_it_never_ran_against_a_broker(tmp_path: Path) -> None:
    result, _ = typed(tmp_path, "arm --account real", "real\n", table(SafeguardsRequest=CALM, ArmRequest=CALM))
    assert "Never run against a broker" in result.stderr


def test_disarming_needs_no_confirmation(tmp_path: Path) -> None:
    result, link = typed(tmp_path, "arm --account real --off", "", table(SafeguardsRequest=CALM, ArmRequest=CALM))
    assert (result.exit_code, link.asked[-1][1]) == (0, ArmRequest("real", 0))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_paper_account_needs_none_and_says_so(tmp_path: Path, lang: str) -> None:
    paper = Safeguards("paper", False, False, "", False, 0, LIMITS, {}, {})
    result, link = run(tmp_path, "arm --account paper", table(SafeguardsRequest=paper), lang=lang)
    assert (result.exit_code, len(link.asked)) == (0, 1)
    assert ("不需要解锁" if lang == "zh" else "needs no arming") in result.stderr
    told, _ = run(tmp_path, "arm --account paper --json", table(SafeguardsRequest=paper))
    assert json.loads(told.stdout)["live"] is False


@pytest.mark.parametrize(
    "args", ["arm", "arm --account real --until 25:00", "arm --account real --until 15:01", "arm --account other"]
)
def test_bad_input_arms_nothing(tmp_path: Path, args: str) -> None:
    result, link = run(tmp_path, args, table(SafeguardsRequest=CALM, ArmRequest=CALM))
    assert result.exit_code == 2
    assert not any(isinstance(message, ArmRequest) for _, message, _ in link.asked)
