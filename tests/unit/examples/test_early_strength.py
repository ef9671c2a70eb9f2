"""The example of docs/how-to/add-a-rule.md: every branch, compiled and plain alike, and a whole market with it."""

import random
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import pytest

from common.domain.reasons import Reason
from common.domain.values import Side
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.rules.kernel import is_kernel
from common.runtime.config import Account, Config, System
from common.runtime.rules import load_rules
from common.strategies.contract import ENTER, EXIT, NONE, Decision, Position, Rule, Step
from services.backtest_worker.adapters.pipeline import run_pipeline
from tests.conftest import CHECKOUT

EXAMPLES = CHECKOUT / "docs" / "examples"
FLAT = Position(0, 0, 0, 0, 0)
HELD = Position(1_000, 1_000, 10_000_000, 0, 1)


@pytest.fixture(scope="module")
def rule() -> Rule:
    found = load_rules(EXAMPLES)
    assert found.faults == []
    return found.known["early_strength"]


def step(last: int, second: int = 36_000, **changes: Any) -> Step:
    made = Step(
        second, second, last, last, last, 10_100, last, last, 10_000, 11_000, 9_000, 100, 1_000_000, False, False
    )
    return made._replace(**changes)


def decide(rule: Rule, given: Step, position: Position = FLAT, above: bool = False) -> tuple[Any, Decision]:
    return rule.decide(rule.Params(), rule.Memory(above), rule.Context(1), given, position)


def test_it_enters_when_the_threshold_is_crossed(rule: Rule) -> None:
    memory, said = decide(rule, step(10_300))
    assert memory.above
    assert (said.action, said.reason, said.cancel_at_s) == (ENTER, Reason.RULE_ENTRY, 38_100)


@pytest.mark.parametrize(
    "given",
    [
        step(10_290),
        step(10_300, day_open=10_300),
        step(10_300, 37_800),
        step(10_300, after_gap=True),
        step(10_300, first_of_day=True),
        step(10_300, day_open=0),
        step(0),
    ],
)
def test_it_does_not_enter_otherwise(rule: Rule, given: Step) -> None:
    assert decide(rule, given)[1].action == NONE
    assert decide(rule, step(10_300), above=True)[1].action == NONE, "above already"


def test_it_stops_and_it_sells_in_time(rule: Rule) -> None:
    assert decide(rule, step(9_700), HELD)[1] == Decision(EXIT, 10_000, 0, 0, int(Reason.STOP_LOSS))
    assert decide(rule, step(9_710), HELD)[1].action == NONE
    assert decide(rule, step(9_710, 53_400), HELD)[1].reason == Reason.RULE_EXIT
    assert decide(rule, step(9_700), HELD._replace(sessions_held=0))[1].action == NONE, "T+1"


def compiled(function: FunctionType, made: dict[FunctionType, Any]) -> Any:
    """Compile a kernel with every kernel it calls."""
    if function not in made:
        names = {name: function.__globals__.get(name) for name in function.__code__.co_names}
        inner = {n: compiled(f, made) for n, f in names.items() if isinstance(f, FunctionType) and is_kernel(f)}
        copy = FunctionType(function.__code__, {**function.__globals__, **inner}, function.__name__)
        made[function] = numba.njit(error_model="python")(copy)
    return made[function]


def test_compiled_it_decides_the_same(rule: Rule) -> None:
    """What the check lets through, the compiler takes."""
    assert isinstance(rule.decide, FunctionType)
    fast = compiled(rule.decide, {})
    chance = random.Random(5)
    actions = set()
    for _ in range(3_000):
        given = step(
            chance.randint(9_000, 11_000), chance.randint(34_200, 54_000), day_open=chance.choice([0, 9_900, 10_100]),
            after_gap=chance.random() < 0.1,
        )  # fmt: skip
        position = chance.choice([FLAT, HELD, HELD._replace(sessions_held=0)])
        arguments = (rule.Params(), rule.Memory(chance.random() < 0.5), rule.Context(1), given, position)
        wanted = rule.decide(*arguments)
        assert fast(*arguments) == wanted
        actions.add(wanted[1].action)
    assert actions == {NONE, ENTER, EXIT}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    return make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))


def test_it_trades_through_the_whole_pipeline(market: MarketPaths) -> None:
    config = Config(
        system=System(rules_dir=str(EXAMPLES)),
        account=Account(rule_slots={"early_strength": 5}),
        rules={"early_strength": {"screen": "limit_up", "rise_bp": 400}},
    )
    made = run_pipeline(market.tapes, market.history, config)
    bought = [fill for fill in made.fills if fill.side == Side.BUY]
    assert len(bought) >= 5
    assert {fill.cause for fill in bought} == {Reason.RULE_ENTRY}
    assert {fill.cause for fill in made.fills if fill.side == Side.SELL} <= {Reason.RULE_EXIT, Reason.STOP_LOSS}
    assert {fill.rule for fill in made.fills} == {"early_strength"}
    assert {pool.rule for pool in made.pools} == {"early_strength"}
    assert made.warnings == ()


def test_the_folder_of_examples_holds_only_rules() -> None:
    assert sorted(path.name for path in Path(EXAMPLES).glob("*.py")) == ["early_strength.py", "steady_rise.py"]
