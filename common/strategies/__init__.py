"""The trading rules, one file each, and the list of them."""

from collections.abc import Mapping
from typing import cast

from common.domain.errors import ConfigError
from common.strategies import bottom_fractal, limit_up
from common.strategies.contract import Rule

RULES: dict[str, Rule] = {
    limit_up.NAME: cast("Rule", limit_up),
    bottom_fractal.NAME: cast("Rule", bottom_fractal),
}
"""Every rule by name. The cast: mypy takes a class in a module for no `type[Any]` attribute of a protocol."""


def _value(rule: Rule, name: str, given: int | bool | str, default: int | bool) -> tuple[int | bool, str]:
    """Return the value of a parameter and what is wrong with it ("" = nothing)."""
    if name in rule.PARAM_WORDS:
        words = rule.PARAM_WORDS[name]
        if isinstance(given, str) and given in words:
            return words[given], ""
        return default, f"rules.{rule.NAME}.{name} = {given!r}: must be one of {', '.join(words)}"
    if isinstance(default, bool) != isinstance(given, bool) or isinstance(given, str):
        kind = "true or false" if isinstance(default, bool) else "a whole number"
        return default, f"rules.{rule.NAME}.{name} = {given!r}: must be {kind}"
    return given, ""


def params_problems(rule_name: str, overrides: Mapping[str, int | bool | str]) -> list[str]:
    """Return everything that is wrong with a rule's parameters, one sentence each."""
    rule = RULES.get(rule_name)
    if rule is None:
        return [f"rules.{rule_name}: no such rule; there are {', '.join(sorted(RULES))}"]
    defaults: dict[str, int | bool] = rule.Params()._asdict()
    problems: list[str] = []
    for name, given in overrides.items():
        if name not in defaults:
            problems.append(f"rules.{rule_name}.{name}: no such parameter; there are {', '.join(defaults)}")
            continue
        value, problem = _value(rule, name, given, defaults[name])
        defaults[name] = value
        if problem:
            problems.append(problem)
    return problems or [f"rules.{rule_name}.{text}" for text in rule.check_params(rule.Params(**defaults))]


def make_params(rule_name: str, overrides: Mapping[str, int | bool | str] | None = None) -> tuple[int | bool, ...]:
    """Return a rule's `Params` with the overrides of a configuration; raises `ConfigError` with all problems."""
    given = overrides or {}
    problems = params_problems(rule_name, given)
    if problems:
        raise ConfigError("\n".join(problems))
    rule = RULES[rule_name]
    defaults = rule.Params()._asdict()
    values = {name: _value(rule, name, value, defaults[name])[0] for name, value in given.items()}
    made: tuple[int | bool, ...] = rule.Params(**(defaults | values))
    return made
