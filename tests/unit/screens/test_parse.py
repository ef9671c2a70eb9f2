"""A screen out of a TOML table: everything wrong is said at once, and values are exact integers."""

import tomllib
from collections.abc import Mapping

import pytest

from common.domain.errors import ConfigError
from common.domain.values import Board
from common.screens.conditions import CONDITIONS
from common.screens.params import FAR, WHOLE_MAX
from common.screens.reference import screens_page
from common.screens.screen import params_problems, parse_screen
from tests.unit.screens.shipped import shipped

GOOD = """
context = ["close"]
[[condition]]
use = "price"
price_min = 2.345
[[condition]]
use = "board"
boards = ["star", "bse"]
[[condition]]
use = "amplitude"
sessions = 20
amplitude_bp_max = 3000
"""


def faults(text: str, overrides: Mapping[str, object] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as told:
        parse_screen("mine", tomllib.loads(text), overrides)
    return str(told.value).splitlines()


def test_values_are_whole_numbers_in_our_units() -> None:
    screen = parse_screen("mine", tomllib.loads(GOOD))
    price, board, amplitude = (check.values for check in screen.checks)
    assert price == {"price_min": 2_345, "price_max": FAR}
    assert board == {"boards": 1 << Board.STAR | 1 << Board.BSE}
    assert amplitude == {"sessions": 20, "amplitude_bp_min": 0, "amplitude_bp_max": 3_000}
    assert screen.context == ("float_value", "close")
    assert screen.sessions == 20
    assert screen.allows_unknown_st


def test_boards_of_the_configuration_stand_where_the_file_names_none() -> None:
    assert shipped("limit_up", [Board.STAR]).checks[0].values == {"boards": 1 << Board.STAR}
    every = parse_screen("mine", {"condition": [{"use": "board"}]})
    assert every.checks[0].values == {"boards": sum(1 << board for board in Board)}


def test_everything_wrong_at_once() -> None:
    text = """
zh = 3
colour = "red"
context = ["k1_high", "close"]
[[condition]]
use = "amplitud"
[[condition]]
use = "price"
price_min = 2.3456
price_max = -1
width = 1
[[condition]]
use = "no_recent_st"
st_unknown = "maybe"
[[condition]]
use = "board"
boards = ["main", "mars"]
[[condition]]
use = "traded_sessions"
traded_min = true
sessions = 0
[[condition]]
use = "has_limit"
as = "has limit"
[[condition]]
use = "has_limit"
"""
    told = faults(text)
    for words in (
        "colour: unknown key; known: zh, en, context, condition",
        "zh = 3: must be a text",
        "condition 1: use = 'amplitud': unknown condition; known: board, float_value,",
        "condition 2 (price): width: unknown parameter; known: price_min, price_max",
        "price_min = 2.3456: must be a number of yuan with at most three decimals",
        "price_max = -1: must be a number of yuan with at most three decimals, 0 or more",
        "st_unknown = 'maybe': must be deny or allow",
        "boards = ['main', 'mars']: must be a list of main, chinext, star, bse",
        "traded_min = True: must be a whole number",
        "sessions = 0: must be a whole number up to 1000000, 1 or more",
        "as = 'has limit': must be a word",
        "condition has_limit: stands twice",
        "context: 'k1_high' is no number of this screen's conditions; known: float_value, close",
    ):
        assert any(words in line for line in told), words
    assert len(told) == 13


@pytest.mark.parametrize("text", ["", "condition = 3", "condition = []", "condition = [1]", "[condition]\nuse = 1"])
def test_a_screen_needs_conditions(text: str) -> None:
    assert faults(text) == ["condition: there must be at least one, written as [[condition]]"]


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "1e30", str(FAR), '"5"', "true", "[1]", "1979-05-27"]
)  # fmt: skip
def test_numbers_that_are_none(value: str) -> None:
    (line,) = faults(f'[[condition]]\nuse = "price"\nprice_min = {value}')
    assert "price_min" in line


def test_a_range_upside_down_is_refused() -> None:
    (line,) = faults('[[condition]]\nuse = "price"\nprice_min = 5\nprice_max = 4.999')
    assert "price_min = 5: is above price_max" in line


def test_counts_are_bounded_so_that_products_fit() -> None:
    (line,) = faults(f'[[condition]]\nuse = "amplitude"\namplitude_bp_max = {WHOLE_MAX + 1}')
    assert "up to 1000000" in line


def test_overrides_reach_every_condition_that_has_the_parameter() -> None:
    screen = shipped("limit_up", sessions=30, float_value_min=1)
    values = {check.label: check.values for check in screen.checks}
    assert values["amplitude"]["sessions"] == values["traded_sessions"]["sessions"] == screen.sessions == 30
    assert values["float_value"]["float_value_min"] == 1_000


def test_overrides_that_mean_nothing_or_two_things_are_refused() -> None:
    (line,) = faults(GOOD, {"st_months": 3})
    assert (
        line
        == "st_months: unknown parameter of this screen; known: amplitude_bp_max, amplitude_bp_min, price_max, price_min, sessions"
    )
    two = '[[condition]]\nuse = "amplitude"\nsessions = 20\n[[condition]]\nuse = "traded_sessions"\n'
    (line,) = faults(two, {"sessions": 3})
    assert "different values" in line
    (line,) = faults(GOOD, {"sessions": 0})
    assert "condition 3 (amplitude): sessions = 0" in line


def test_a_table_of_the_configuration_is_looked_at_whatever_its_screen() -> None:
    assert params_problems({"sessions": 30, "st_unknown": "allow", "price_min": 1.5}) == []
    told = params_problems({"boards": ["main"], "amplitude": 1, "traded_min": -1})
    assert [line.split(":")[0] for line in told] == ["boards", "amplitude", "traded_min = -1"]


def test_every_condition_and_parameter_is_described_in_both_languages() -> None:
    for condition in CONDITIONS.values():
        assert condition.zh
        assert condition.en
        assert condition.numbers
        for param in condition.params.values():
            assert all((param.zh, param.en, param.kind.unit_zh, param.kind.unit_en, param.kind.expected))
    page = screens_page()
    assert all(f"## {name}" in page for name in CONDITIONS)
    assert all(f"| `{param}` |" in page for condition in CONDITIONS.values() for param in condition.params)
    assert "Never ST, *ST" in page
