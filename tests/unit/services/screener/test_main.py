"""The screener's configuration becomes the parameters of its screens."""

import pytest

from common.domain.errors import ConfigError
from common.domain.values import Board
from common.rules.boards import board_mask
from common.runtime.config import Boards, Config
from common.screens.screen import ScreenParams
from services.screener.__main__ import params_of


def test_defaults_are_the_designs() -> None:
    assert params_of(Config()) == {"limit_up": ScreenParams(), "bottom_fractal": ScreenParams()}


def test_overrides_per_screen_and_boards_for_all() -> None:
    config = Config(
        boards=Boards(allowed=("main", "star")),
        screens={"limit_up": {"amplitude_bp_max": 3000, "st_unknown": "allow"}},
    )
    mask = board_mask((Board.MAIN, Board.STAR))
    assert params_of(config) == {
        "limit_up": ScreenParams(boards=mask, amplitude_bp_max=3000, st_unknown_allowed=True),
        "bottom_fractal": ScreenParams(boards=mask),
    }


def test_every_fault_of_a_table_is_named() -> None:
    table = {"amplitude": 1, "sessions": 1, "float_value_min": True, "st_unknown": "maybe"}
    with pytest.raises(ConfigError) as caught:
        params_of(Config(screens={"limit_up": table}))
    for words in (
        "[screens.limit_up]",
        "amplitude: unknown key",
        "sessions = 1",
        "float_value_min = True",
        "deny, allow",
    ):
        assert words in str(caught.value)
