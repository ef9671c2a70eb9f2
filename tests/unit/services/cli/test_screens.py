"""Pools and explanations: dates and rules are checked first, prices are in yuan, faults of one service do not hide the other."""

import json
from pathlib import Path

import polars as pl
import pytest

from common.domain.reasons import Reason
from common.history.schema import CALENDAR_FILE
from common.history.store import write_table
from common.messages.control import Fault
from common.messages.outputs import Message
from common.messages.signals import Condition, Explanation, Pool, PoolRequest, PoolRow
from services.cli import dates, explaining
from services.cli.home import Home
from services.cli.session import Session
from tests.unit.services.cli.fakes import Answer, made_run, run

DAY = 20260105
CONTEXT = {"float_value": 5_230_000_000_000, "k1_high": 12_340, "k1_low": 11_000, "k2_high": 11_900, "k2_low": 10_500}


def pool(message: Message) -> Message:
    assert isinstance(message, PoolRequest)
    row = PoolRow("600519.SH", "贵州茅台", CONTEXT, {})
    return Pool(message.rule, message.day, (row,), 400, unknown_st=2)


def explanation(*checks: Condition, note: str = "") -> Explanation:
    return Explanation("600519.SH", DAY, {"limit_up": checks} if checks else {}, note)


ANSWERS: dict[tuple[str, str], Answer] = {
    ("screener", "PoolRequest"): pool,
    ("screener", "ExplainRequest"): explanation(Condition("amplitude", False, {"amplitude_bp": 1_612, "high": 12_340})),
    ("signal_engine", "ExplainRequest"): explanation(
        Condition("touches_limit", True, {"up_limit": 13_570}, second_of_day=34_503, outcome="ENTER: denied SLOTS_FULL")
    ),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home whose run has a calendar of three days."""
    history = tmp_path / "history"
    days = pl.DataFrame({"day": [20251231, DAY, 20260107]}, schema={"day": pl.Int32})
    write_table(history, CALENDAR_FILE, days)
    folder = made_run(tmp_path)
    rules = "[account.rule_slots]\nlimit_up = 3\nbottom_fractal = 2\n"
    (folder / "config.toml").write_text(f'[history]\ndir = "{history}"\n{rules}', encoding="utf-8")
    return tmp_path


def test_pool_of_every_rule_that_runs(home: Path) -> None:
    result, link = run(home, "pool 2026-01-05", ANSWERS)
    assert result.exit_code == 0, result.output
    assert [message.rule for _, message, _ in link.asked if isinstance(message, PoolRequest)] == [
        "limit_up",
        "bottom_fractal",
    ]
    assert all(text in result.stdout for text in ("贵州茅台", "12.34", "5.23bn", "1 of 400", "2 more left out"))
    as_json, _ = run(home, "pool 2026-01-05 --rule limit_up --json", ANSWERS)
    assert json.loads(as_json.stdout)[0]["rows"][0]["context"]["k1_high"] == 12_340


def test_screen_asks_for_a_fresh_pool(home: Path) -> None:
    result, link = run(home, "screen --rule limit_up --date 20260105", ANSWERS, lang="zh")
    assert result.exit_code == 0
    assert link.asked[0][1] == PoolRequest("limit_up", DAY, fresh=True)
    assert "选出 1 只" in result.stdout


def test_explain_joins_screens_and_checks(home: Path) -> None:
    result, _ = run(home, "explain 600519 --date 2026-01-05", ANSWERS)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert any("fail" in line and "16.12%" in line and "12.34" in line for line in lines)
    assert any("pass" in line and "09:35:03" in line and "13.57" in line and "SLOTS_FULL" in line for line in lines)
    as_json, _ = run(home, "explain 600519 --date 2026-01-05 --json", ANSWERS)
    assert set(json.loads(as_json.stdout)) == {"screener", "signal_engine"}


def test_a_fault_of_one_service_does_not_hide_the_other(home: Path) -> None:
    answers = {**ANSWERS, ("screener", "ExplainRequest"): Fault(Reason.UNKNOWN_SYMBOL, "not listed")}
    result, _ = run(home, "explain 600519 --date 2026-01-05", answers)
    assert result.exit_code == 0
    assert "not listed" in result.stderr
    assert "13.57" in result.stdout


def test_nothing_kept_is_a_refusal(home: Path) -> None:
    fault = Fault(Reason.UNKNOWN_SYMBOL, "not listed")
    answers: dict[tuple[str, str], Answer] = {(peer, "ExplainRequest"): fault for peer in ("screener", "signal_engine")}
    result, _ = run(home, "explain 600519 --date 2026-01-05", answers)
    assert result.exit_code == 1
    assert "600519.SH" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ("pool 2027-01-04", ["2027-01-04", "2026-01-07"]),
        ("pool 2026-01-06", ["2026-01-05", "2026-01-07"]),
        ("screen --rule nope --date 2026-01-05", ["nope", "limit_up"]),
        ("explain AAPL --date 2026-01-05", ["AAPL", "600519.SH"]),
        ("explain 600519 --date 2030-01-01", ["2030-01-01", "calendar"]),
        ("explain 600519", ["--date"]),
    ],
)
def test_bad_input_names_the_thing_and_the_fix(home: Path, args: str, words: list[str]) -> None:
    result, link = run(home, args, ANSWERS)
    assert result.exit_code == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert link.asked == []


def test_without_a_calendar_any_day_may_be_asked_about(tmp_path: Path) -> None:
    made_run(tmp_path)
    session = Session("en", Home(tmp_path))
    assert dates.run_calendar(session) is None
    assert dates.check_calendar(session, 20300101) == 20300101


def test_a_pool_that_is_not_ready_says_why() -> None:
    lines = explaining.pool_lines("zh", Pool("limit_up", DAY, (), 0, note="缺日线", ready=False))
    assert "不开新仓：缺日线" in lines[1]


def test_an_empty_explanation_says_so() -> None:
    lines = explaining.explanation_lines(
        "en", "600519.SH", DAY, {"signal_engine": explanation(), "screener": explanation(note="why")}
    )
    assert "none that day" in "\n".join(lines)
    assert lines[-1] == "why"
