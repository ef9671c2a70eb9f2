"""Limits of the configuration: one clear line for what is above its ceiling."""

import pytest

from common.domain.errors import ConfigError
from common.rules.guards import RAISABLE
from common.runtime.config import Config, parse_config
from common.runtime.limits import CEILINGS, Limits, limit_faults


@pytest.mark.parametrize("key", sorted(CEILINGS))
def test_every_limit_has_a_ceiling_and_says_so_in_one_line(key: str) -> None:
    above = CEILINGS[key] + 1
    with pytest.raises(ConfigError) as told:
        parse_config({"limits": {key: above}}, "my.toml")
    head, *lines = str(told.value).splitlines()
    assert head.startswith("my.toml: 1 ")
    assert lines == [f"  - limits.{key} = {above}: above the hard ceiling {CEILINGS[key]}"]
    assert parse_config({"limits": {key: CEILINGS[key]}}, "x").limits == Limits(**{key: CEILINGS[key]})
    assert limit_faults(Limits(**{key: 0})) == [f"limits.{key} = 0: must be from 1 to {CEILINGS[key]}"]


def test_the_defaults_are_well_below_and_the_gateway_has_the_same_ceilings() -> None:
    assert limit_faults(Config().limits) == []
    assert {key: CEILINGS[key] for key in RAISABLE} == RAISABLE
    numbers = {key for key, kind in Limits.__annotations__.items() if kind in (int, "int")}
    assert numbers == set(CEILINGS)


def test_an_unknown_policy_of_the_kill_switch_is_named() -> None:
    with pytest.raises(ConfigError, match=r"limits\.kill_blocks = 'sells': must be one of buys, orders, all"):
        parse_config({"limits": {"kill_blocks": "sells"}}, "x")
