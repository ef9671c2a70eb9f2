"""Grids: values of parameters as they are typed, counted before any set is made."""

import pytest

from common.strategies import RULES
from services.cli.faults import BadInputError
from services.cli.grids import SETS_MAX, check_size, parse_grid, sets_of, size_of

RULE = RULES["bottom_fractal"]


def test_lists_ranges_and_words() -> None:
    axes = parse_grid(RULE, ["stop_bp=300, 400", "trail_bp=200:600:200", "confirm_at=intraday,close"])
    assert {name: list(values) for name, values in axes.items()} == {
        "stop_bp": [300, 400], "trail_bp": [200, 400, 600], "confirm_at": [0, 1],
    }  # fmt: skip
    assert size_of(axes) == check_size(axes, search=False) == 12
    made = list(sets_of(axes))
    assert made[:2] == [
        {"stop_bp": 300, "trail_bp": 200, "confirm_at": 0},
        {"stop_bp": 300, "trail_bp": 200, "confirm_at": 1},
    ]
    assert len({tuple(each.values()) for each in made}) == 12
    assert list(parse_grid(RULE, ["stop_bp=3:5"])["stop_bp"]) == [3, 4, 5]
    assert parse_grid(RULES["limit_up"], ["allow_sealed_open=false,true"]) == {"allow_sealed_open": (0, 1)}


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        ([], "bad.grid_none"),
        (["stop_bp"], "bad.grid"),
        (["=3"], "bad.grid"),
        (["nope=3"], "bad.grid_name"),
        (["stop_bp=3", "stop_bp=4"], "bad.grid_twice"),
        (["stop_bp="], "bad.grid_empty"),
        (["stop_bp=,"], "bad.grid_empty"),
        (["stop_bp=900:300:100"], "bad.grid_empty"),
        (["stop_bp=300:900:0"], "bad.grid_step"),
        (["stop_bp=300:900:-1"], "bad.grid_step"),
        (["stop_bp=3,3"], "bad.grid_same"),
        (["stop_bp=3.5"], "bad.grid_value"),
        (["stop_bp=1:2:3:4"], "bad.grid_value"),
        (["confirm_at=never"], "bad.grid_value"),
    ],
)
def test_what_is_no_grid_is_named(texts: list[str], key: str) -> None:
    with pytest.raises(BadInputError) as told:
        parse_grid(RULE, texts)
    assert told.value.key == key


def test_a_grid_of_a_billion_sets_is_counted_and_not_made() -> None:
    axes = parse_grid(RULE, ["stop_bp=1:1000", "trail_bp=1:1000", "take_bp=1:1000"])
    with pytest.raises(BadInputError) as told:
        check_size(axes, search=False)
    assert told.value.key == "bad.grid_size"
    assert told.value.facts["size"] == "1,000,000,000"
    assert check_size(axes, search=True) == 10**9, "a search looks at few of them"
    with pytest.raises(BadInputError) as told:
        check_size(parse_grid(RULE, ["stop_bp=1:1000000000"]), search=True)
    assert (told.value.key, told.value.facts["size"]) == ("bad.grid_axis", "1,000,000,000")
    assert check_size({"stop_bp": range(SETS_MAX)}, search=False) == SETS_MAX
