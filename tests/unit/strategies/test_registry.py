"""The list of rules keeps the contract, and parameters of a configuration are checked all at once."""

import pytest

from common.domain.errors import ConfigError
from common.rules.kernel import KERNELS
from common.strategies import RULES, bottom_fractal, limit_up, make_params, params_problems


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


def test_overrides_by_name_and_by_word() -> None:
    assert make_params("limit_up") == limit_up.Params()
    assert make_params("limit_up", {"stop_bp": 300, "allow_sealed_open": True}) == limit_up.Params(
        stop_bp=300, allow_sealed_open=True
    )
    made = make_params("bottom_fractal", {"confirm_at": "close"})
    assert made == bottom_fractal.Params(confirm_at=bottom_fractal.CLOSE)


@pytest.mark.parametrize(
    ("rule", "overrides", "words"),
    [
        ("nothing", {}, ["no such rule"]),
        ("limit_up", {"stop": 1, "weak_bp": "x"}, ["rules.limit_up.stop:", "rules.limit_up.weak_bp = 'x'"]),
        ("limit_up", {"allow_sealed_open": 1}, ["must be true or false"]),
        ("limit_up", {"stop_bp": True}, ["must be a whole number"]),
        ("bottom_fractal", {"confirm_at": "noon"}, ["one of intraday, close"]),
        ("limit_up", {"cancel_if_opened": True}, ["rules.limit_up.cancel_if_opened"]),
    ],
)
def test_every_problem_is_told(rule: str, overrides: dict[str, int | bool | str], words: list[str]) -> None:
    problems = params_problems(rule, overrides)
    assert len(problems) == len(words)
    for problem, word in zip(problems, words, strict=True):
        assert word in problem
    with pytest.raises(ConfigError):
        make_params(rule, overrides)
