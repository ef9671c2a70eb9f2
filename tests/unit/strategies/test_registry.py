"""The list of rules keeps the contract."""

import pytest

from common.rules.kernel import KERNELS
from common.strategies import RULES


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_keeps_the_contract(name: str) -> None:
    rule = RULES[name]
    assert name == rule.NAME
    assert rule.STEP in {"snapshot", "bar5"}
    assert "float_value" in rule.Context._fields
    assert set(rule.CONTEXT_PRICES) <= set(rule.Context._fields)
    assert all(type(value) in {int, bool} for value in (*rule.Params(), *rule.INITIAL_MEMORY))
    assert rule.check_params(rule.Params()) == []
    assert KERNELS[f"common.strategies.{name}.decide"] is rule.decide


@pytest.mark.parametrize("name", sorted(RULES))
def test_words_of_parameters_include_the_default(name: str) -> None:
    rule = RULES[name]
    for parameter, words in rule.PARAM_WORDS.items():
        assert getattr(rule.Params(), parameter) in words.values()
