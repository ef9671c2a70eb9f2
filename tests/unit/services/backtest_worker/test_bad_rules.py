"""Rules that fail on some bar, cannot be compiled, or return what is no decision: one line that names the rule."""

from pathlib import Path

import pytest

from common.domain.errors import UserError
from common.runtime.config import parse_config
from common.runtime.rules import load_rule
from common.runtime.screens import load_screens
from common.strategies.contract import Decision, Rule
from services.backtest_worker.account import DeskSettings, check_decision
from services.backtest_worker.job import Job, run_job
from tests.unit.services.backtest_worker.minutes import FIRST, LAST, make

RULE = '''"""A rule for a test."""

from typing import NamedTuple

from common.domain.reasons import Reason
from common.rules.kernel import kernel
from common.strategies.contract import ENTER, MARKETABLE, Decision, Position, Step

NAME = "odd"
STEP = "bar5"


class Params(NamedTuple):
    """None to speak of."""

    unused: int = 0


class Memory(NamedTuple):
    """Nothing."""

    seen: int


class Context(NamedTuple):
    """The pool row."""

    float_value: int


INITIAL_MEMORY = Memory(0)
_ENTRY = int(Reason.RULE_ENTRY)


@kernel
def decide(
    params: Params, memory: Memory, context: Context, step: Step, position: Position
) -> tuple[Memory, Decision]:
    """Buy on one bar of the test's market."""
    BODY
    return memory, Decision(ENTER if step.volume == 900_000 else 0, 0, MARKETABLE, 0, _ENTRY + far)
'''
FAILS = "far = 0 * (1 // (step.volume - 900_000))"
NONSENSE = "far = 4_000 if step.volume == 900_000 else 0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("history"))


def rule(place: Path, body: str) -> Rule:
    path = place / "odd.py"
    path.write_text(RULE.replace("BODY", body), encoding="utf-8")
    made = load_rule(path)
    assert not isinstance(made, list), made
    return made


def run(folder: Path, place: Path, body: str, engine: str) -> None:
    made = rule(place, body)
    screen = load_screens(parse_config({}, "test"))["limit_up"]
    settings = DeskSettings()
    run_job(
        Job(made, made.Params(), screen, folder, FIRST, LAST, engine, 5, settings, ("expected",), place),
        lambda *_: None,
    )


@pytest.mark.parametrize(
    ("body", "engine", "words"),
    [
        (FAILS, "compiled", "rule odd fails on a bar"),
        (FAILS, "backtrader", "rule odd fails on 600001.SH.*10:25"),
        (NONSENSE, "compiled", "returned Decision.*no decision"),
        (NONSENSE, "backtrader", "returned Decision.*no decision"),
    ],
)
def test_a_rule_that_goes_wrong_is_named(folder: Path, tmp_path: Path, body: str, engine: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run(folder, tmp_path, body, engine)


@pytest.mark.parametrize(
    "decision",
    [
        Decision(9, 0, 0, 0, 1),
        Decision(2, 0, 0, 0, 1),
        Decision(2, 10_001, 0, 0, 1),
        Decision(1, 0, 7, 0, 1),
        Decision(1, 0, 0, 90_000, 1),
        Decision(1, 0, 0, 0, 9_999),
    ],
)
def test_what_is_no_decision_is_refused(decision: Decision) -> None:
    with pytest.raises(UserError, match="no decision"):
        check_decision("odd", decision)
    check_decision("odd", Decision(2, 5_000, 0, 0, 1))
