"""What only shows when a rule is called: values against the contract, functions on a handful of steps."""

import pytest

from common.strategies import RULES
from common.strategies.rule_trial import steps, trial
from tests.unit.runtime.test_rules import loaded
from tests.unit.strategies.test_rule_check import GOOD


@pytest.mark.parametrize("name", sorted(RULES))
def test_what_is_shipped_passes(name: str) -> None:
    assert trial(RULES[name], lambda error: 0) == []


def test_a_trial_goes_up_to_the_limit_and_down_again() -> None:
    made = steps()
    assert made[0].first_of_day
    assert made[0].day_open == 0
    assert max(step.last for step in made) == made[0].up_limit
    assert min(step.last for step in made if step.last) == made[0].down_limit
    assert all(step.day_low <= step.last <= step.day_high for step in made[1:])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return memory, NOTHING", "return memory, memory", "(Memory, Decision)"),
        ("return memory, NOTHING", "return NOTHING, memory", "(Memory, Decision)"),
        ("ENTER, 0, MARKETABLE, 0, _ENTRY)", "ENTER, 0, MARKETABLE, 0, 999)", "reason 999"),
        ("ENTER, 0, MARKETABLE, 0, _ENTRY)", "ENTER, 0, MARKETABLE, 0, 0)", "reason 0"),
        ("ENTER, 0, MARKETABLE, 0, _ENTRY)", "9, 0, MARKETABLE, 0, _ENTRY)", "no action"),
        ("ENTER, 0, MARKETABLE, 0, _ENTRY)", "ENTER, 0, 2, 0, _ENTRY)", "no price kind"),
        ("ENTER, 0, MARKETABLE, 0, _ENTRY)", "2, 0, MARKETABLE, 0, _ENTRY)", "fraction_bp"),
        ("return Memory(True)", "return Memory(memory)", "must keep the types"),
        ("return Memory(True)", "return Memory(1)", "must keep the types"),
        ("ENTER, 0, MARKETABLE, 0, _ENTRY)", "ENTER, step.last > 0, MARKETABLE, 0, _ENTRY)", "only int may be in"),
        ("Memory(False)", "Memory(0)", "INITIAL_MEMORY.seen"),
        ("    stop_bp: int = 400", "    stop_bp: int = NAME", "Params.stop_bp"),
        ("    if _helper(step) > 0:", "    if step.last // (step.last - 10_700) > 0:", "ZeroDivisionError"),
        ("Memory(False)", "Memory(NOTHING)", "INITIAL_MEMORY"),
        ("INITIAL_MEMORY = Memory(False)", "INITIAL_MEMORY = 3", "Memory(...)"),
        ("INITIAL_MEMORY", "CONTEXT_PRICES = ('k9',)\nINITIAL_MEMORY", "k9"),
        ("INITIAL_MEMORY", "PARAM_WORDS = {'nope': {'a': 1}}\nINITIAL_MEMORY", "nope"),
        ("INITIAL_MEMORY", "PARAM_WORDS = {'stop_bp': {'a': 1}}\nINITIAL_MEMORY", "stop_bp"),
        ("@kernel\ndef decide", "def check_params(params):\n    return ['odd']\n\n\n@kernel\ndef decide", "odd"),
        ("@kernel\ndef decide", "def check_params(params):\n    return params.gone\n\n\n@kernel\ndef decide", "gone"),
        (
            "@kernel\ndef decide",
            "def explain(params, memory, context, step, position):\n    return 3\n\n\n@kernel\ndef decide",
            "tuple of Check",
        ),
        ("INITIAL_MEMORY = Memory(False)", "INITIAL_MEMORY = Memory()", "TypeError"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: object, old: str, new: str, said: str) -> None:
    assert old in GOOD
    source = GOOD.replace(old, new, 1)
    found = loaded(tmp_path, "mine", source)
    assert isinstance(found, list)
    assert len(found) == 1, [fault.text() for fault in found]
    assert said in found[0].text()
    assert found[0].line > 1
