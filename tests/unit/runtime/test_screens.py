"""Screens by name: shipped ones, a person's own over them, what the configuration sets, and everything wrong at once."""

from pathlib import Path

import pytest

from common.domain.errors import ConfigError
from common.domain.values import Board
from common.runtime.config import Boards, Config, System
from common.runtime.screens import SHIPPED, load_screens, screen_files, shipped_screens
from common.strategies import RULES

OWN = '[[condition]]\nuse = "price"\nprice_max = 5\n'


def config(folder: Path, **screens: dict[str, bool | int | float | str]) -> Config:
    return Config(system=System(screens_dir=str(folder)), screens=screens)


def test_there_is_a_screen_for_each_rule_with_the_designs_numbers() -> None:
    screens = shipped_screens()
    assert set(screens) == set(RULES)
    for name, screen in screens.items():
        assert set(RULES[name].Context._fields) <= set(screen.context)
        assert screen.zh
        assert screen.en
        assert screen.sessions == 60
        assert not screen.allows_unknown_st
    values: dict[str, int] = {}
    for check in screens["limit_up"].checks:
        values |= check.values
    assert values == {
        "boards": 1 << Board.MAIN | 1 << Board.CHINEXT, "float_value_min": 2_500_000_000_000,
        "float_value_max": 15_000_000_000_000, "st_months": 6, "st_unknown": 0, "sessions": 60, "amplitude_bp_min": 0,
        "amplitude_bp_max": 1_500, "traded_min": 40, "listed_min": 60,
    }  # fmt: skip


def test_a_persons_own_screens_go_over_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "cheap.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "limit_up.toml").write_text(OWN, encoding="utf-8")
    screens = load_screens(config(tmp_path, cheap={"price_max": 4.5}))
    assert sorted(screens) == ["bottom_fractal", "cheap", "limit_up"]
    assert screens["cheap"].checks[0].values["price_max"] == 4_500
    assert screens["limit_up"].checks[0].values["price_max"] == 5_000
    assert (
        set(screen_files(tmp_path / "nowhere")) == set(screen_files(None)) == {p.stem for p in SHIPPED.glob("*.toml")}
    )


def test_keys_of_before_still_work() -> None:
    table: dict[str, bool | int | float | str] = {
        "float_value_min": 1, "float_value_max": 2, "amplitude_bp_max": 3_000, "sessions": 50, "traded_min": 30,
        "listed_min": 20, "st_months": 3, "st_unknown": "allow",
    }  # fmt: skip
    screen = load_screens(Config(boards=Boards(allowed=("main", "star")), screens={"limit_up": table}))["limit_up"]
    values = {name: value for check in screen.checks for name, value in check.values.items()}
    assert values == {
        "boards": 1 << Board.MAIN | 1 << Board.STAR, "float_value_min": 1_000, "float_value_max": 2_000,
        "st_months": 3, "st_unknown": 1, "sessions": 50, "amplitude_bp_min": 0, "amplitude_bp_max": 3_000,
        "traded_min": 30, "listed_min": 20,
    }  # fmt: skip


def test_everything_wrong_in_all_of_them_at_once(tmp_path: Path) -> None:
    (tmp_path / "cut.toml").write_text("[[condition]\n", encoding="utf-8")
    (tmp_path / "odd.toml").write_text('[[condition]]\nuse = "prise"\n', encoding="utf-8")
    (tmp_path / "my-own.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "bottom_fractal.toml").write_text(OWN, encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_screens(config(tmp_path, gone={"sessions": 3}, limit_up={"price_max": 3}))
    lines = str(told.value).splitlines()
    for words in (
        "[screens.gone]: there is no screen of this name; known:",
        f"{tmp_path / 'cut.toml'}: not readable as TOML",
        f"{tmp_path / 'odd.toml'}: condition 1: use = 'prise': unknown condition",
        f"{tmp_path / 'my-own.toml'}: the name of a screen's file must be letters",
        f"{tmp_path / 'bottom_fractal.toml'}: context: the rule bottom_fractal also reads k1_high",
        "limit_up.toml: price_max: unknown parameter of this screen",
    ):
        assert any(words in line for line in lines), words
    assert len(lines) == 6
