"""The example of plain Python behind a wake-up: its branches, and the same deals from every engine."""

from pathlib import Path
from typing import Any

import pytest

from common.domain.reasons import Reason
from common.rules.matching import FillVerdict
from common.runtime.rules import load_rule, load_rules
from common.strategies.contract import ENTER, EXIT, NONE, Position, Rule, Step, wake_of
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.bt import run_backtrader
from services.backtest_worker.adapters.compiled import compile_wake
from services.backtest_worker.desk import Desk
from services.backtest_worker.fills import FillSettings
from services.backtest_worker.woken import Woken
from tests.conftest import CHECKOUT
from tests.parity.made_bars import MadeBars
from tests.unit.strategies.test_rule_check import GOOD

EXAMPLES = CHECKOUT / "docs" / "examples"
FLAT = Position(0, 0, 0, 0, 0)
HELD = Position(1_000, 1_000, 10_000_000, 0, 1)


@pytest.fixture(scope="module")
def rule() -> Rule:
    found = load_rules(EXAMPLES)
    assert found.faults == []
    return found.known["steady_rise"]


def step(last: int, second: int = 36_000, high: int = 0, low: int = 10_000) -> Step:
    return Step(
        second, second, last, last, last, 10_000, high or last, low, 10_000, 11_000, 9_000, 100, 1_000_000, False, False
    )


@pytest.mark.parametrize(
    ("given", "position", "awake"),
    [
        (step(10_300), FLAT, True), (step(10_290), FLAT, False), (step(10_300, 52_500), FLAT, False),
        (step(9_000), HELD, True),
    ],
)  # fmt: skip
def test_it_wakes_where_something_may_happen(rule: Rule, given: Step, position: Position, awake: bool) -> None:
    wake = wake_of(rule)
    assert wake is not None
    assert wake(rule.Params(), rule.Context(0), given, position) is awake


@pytest.mark.parametrize(
    ("given", "position", "action", "reason"),
    [
        (step(10_400), FLAT, ENTER, Reason.RULE_ENTRY),
        (step(10_300, high=10_900), FLAT, NONE, Reason.NONE),
        (step(9_500), HELD, EXIT, Reason.STOP_LOSS),
        (step(10_100, 53_400), HELD, EXIT, Reason.RULE_EXIT),
        (step(10_100, 53_400), HELD._replace(sessions_held=0), NONE, Reason.NONE),
        (step(10_100), HELD, NONE, Reason.NONE),
    ],
)  # fmt: skip
def test_it_decides(rule: Rule, given: Step, position: Position, action: int, reason: Reason) -> None:
    memory, said = rule.decide(rule.Params(), rule.INITIAL_MEMORY, rule.Context(0), given, position)
    assert (said.action, said.reason) == (action, reason)
    assert memory.looks == 1


def test_the_compiled_engine_makes_backtraders_deals_and_calls_python_seldom(rule: Rule, tmp_path: Path) -> None:
    wakes = compile_wake(rule, tmp_path)
    fills = looked = calls = 0
    for seed in range(40):
        made = MadeBars(seed, stocks=14, days=8)
        days = list(made.days(rule.Context._fields))
        verdict = (FillVerdict.PESSIMISTIC, FillVerdict.EXPECTED, FillVerdict.OPTIMISTIC)[seed % 3]
        settings = DeskSettings(positions_max=1 + seed % 5, fill=FillSettings(verdict=int(verdict)))
        reference, _ = run_backtrader(rule, rule.Params(), made.symbols, days, settings)
        desk = Desk(rule.NAME, made.symbols, settings)
        engine = Woken(rule, rule.Params(), wakes, desk, made.symbols)
        for day in days:
            engine.run_day(day)
            looked += sum(len(day.labels) for stock in day.pool.stocks if day.first_row[stock] >= 0)
        calls += engine.calls
        for name in ("fills", "events", "equity_rows"):
            assert getattr(desk, name) == getattr(reference, name), (seed, name)
        assert (desk.unfilled(), desk.refused()) == (reference.unfilled(), reference.refused()), seed
        assert desk.open_positions() == reference.open_positions(), seed
        fills += len(desk.fills)
    assert fills >= 300
    assert calls * 2 < looked


# ------------------------------------------------------------------ the check of a file with a wake-up


WOKEN = GOOD.replace(
    "@kernel\ndef decide(",
    "@kernel\ndef wake(params: Params, context: Context, step: Step, position: Position) -> bool:\n"
    "    return step.last > 0\n\n\ndef decide(",
)


def faults(tmp_path: Path, source: str) -> list[str]:
    path = tmp_path / "mine.py"
    path.write_text(source, "utf-8")
    found = load_rule(path)
    return [fault.code for fault in found] if isinstance(found, list) else []


def test_plain_python_is_allowed_behind_a_wake_up_and_nowhere_else(tmp_path: Path) -> None:
    plain = WOKEN.replace(
        "    if _helper(step) > 0:\n",
        "    seen = {step.last: 1.5}\n    if sum(seen.values()) > 0 and math.sqrt(step.high) >= 0:\n",
    ).replace("from typing", "import math\nfrom typing")
    assert faults(tmp_path, plain) == []
    assert "construct" in faults(tmp_path, plain.replace("def wake(", "def nap("))
    assert faults(tmp_path, plain.replace("import math", "import time")) == ["import"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("@kernel\ndef wake", "def wake", "wake_kernel"),
        ("def wake(params: Params, context", "def wake(context", "signature"),
        ("return step.last > 0", "return [step.last][0] > 0", "construct"),
        ("return step.last > 0", "return step.last", "wake_bool"),
        ("return step.last > 0", "return step.last // step.last > 0", "trial"),
    ],
)
def test_a_faulty_wake_up_is_named(tmp_path: Path, old: str, new: str, code: str) -> None:
    assert old in WOKEN
    assert code in faults(tmp_path, WOKEN.replace(old, new))


def test_the_page_says_what_a_sleeping_rule_explains(rule: Any) -> None:
    (check,) = rule.explain(rule.Params(), rule.INITIAL_MEMORY, rule.Context(0), step(10_000), FLAT)
    assert (check.name, check.passed) == ("wakes", False)
