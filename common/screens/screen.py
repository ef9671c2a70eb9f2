"""The screens of the rules: which conditions, in which order, and what a pool row tells its rule."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from common.domain.errors import ConfigError
from common.domain.values import Board
from common.rules.boards import board_mask
from common.screens import conditions
from common.screens.conditions import Verdicts
from common.screens.cross import I64, ST_UNKNOWN, Bools, Cross, adjusted
from common.screens.fractals import merge


class ScreenParams(NamedTuple):
    """Parameters of a screen."""

    boards: int = board_mask((Board.MAIN, Board.CHINEXT))
    float_value_min: int = 2_500_000_000
    """Yuan."""
    float_value_max: int = 15_000_000_000
    amplitude_bp_max: int = 1_500
    sessions: int = 60
    """Exchange sessions of the amplitude, and traded bars of the merging."""
    traded_min: int = 40
    listed_min: int = 60
    st_months: int = 6
    st_unknown_allowed: bool = False


_LEAST = {"sessions": 2, "st_months": 0}
_ST_UNKNOWN = {"deny": False, "allow": True}


def params_problems(values: Mapping[str, object]) -> list[str]:
    """Return what is wrong with a [screens.RULE] table of a configuration, one sentence each."""
    numbers = [name for name in ScreenParams._fields if name not in {"boards", "st_unknown_allowed"}]
    problems = []
    for name, value in values.items():
        if name == "st_unknown":
            if value not in _ST_UNKNOWN:
                problems.append(f"st_unknown = {value!r}: must be one of {', '.join(_ST_UNKNOWN)}")
        elif name not in numbers:
            problems.append(f"{name}: unknown key; known: {', '.join(numbers)}, st_unknown")
        elif type(value) is not int or value < _LEAST.get(name, 0):
            problems.append(f"{name} = {value!r}: must be a whole number from {_LEAST.get(name, 0)}")
    return problems


def make_params(values: Mapping[str, object], boards: Iterable[int]) -> ScreenParams:
    """Return the parameters of a screen; raises `ConfigError` with everything that is wrong."""
    problems = params_problems(values)
    if problems:
        raise ConfigError("\n".join(problems))
    given: dict[str, Any] = {name: value for name, value in values.items() if name != "st_unknown"}
    unknown = _ST_UNKNOWN[str(values.get("st_unknown", "deny"))]
    return ScreenParams(boards=board_mask(boards), st_unknown_allowed=unknown, **given)


class Screened(NamedTuple):
    """A screen of a day: every condition for every stock."""

    rule: str
    day: int
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    conditions: tuple[Verdicts, ...]
    passed: Bools
    context: dict[str, I64]
    """What the rule reads from its pool row."""
    unknown_st: int
    """Stocks left out only because their ST state is unknown."""


def _common(cross: Cross, params: ScreenParams) -> list[Verdicts]:
    return [
        conditions.on_board(cross, params.boards),
        conditions.float_value_between(cross, params.float_value_min, params.float_value_max),
        conditions.no_recent_st(cross, params.st_unknown_allowed),
        conditions.not_suspended(cross),
    ]


def _finish(rule: str, cross: Cross, checks: list[Verdicts], context: dict[str, I64]) -> Screened:
    everything = np.ones(len(cross.symbols), bool)
    passed = everything.copy()
    others = everything
    for check in checks:
        passed &= check.passed
        if check.name != "no_recent_st":
            others = others & check.passed
    left_out = others & ~passed & (cross.recent_st == ST_UNKNOWN)
    return Screened(rule, cross.day, cross.symbols, cross.names, tuple(checks), passed, context, int(left_out.sum()))


def limit_up(cross: Cross, params: ScreenParams) -> Screened:
    """Screen for 打板: mid-sized, quiet for 60 sessions, never ST of late, with a limit to touch."""
    checks = [
        *_common(cross, params),
        conditions.amplitude_within(cross, params.amplitude_bp_max),
        conditions.traded_sessions(cross, params.traded_min),
        conditions.listed_long(cross, params.listed_min),
        conditions.has_limit(cross),
    ]
    return _finish("limit_up", cross, checks, {"float_value": conditions.float_value(cross)})


def bottom_fractal(cross: Cross, params: ScreenParams) -> Screened:
    """Screen for 底分型: a bar with a long lower shadow that lies below the merged bar before it."""
    bars = cross.traded
    pair = merge(adjusted(bars.high, bars.factor, cross.factor_now), adjusted(bars.low, bars.factor, cross.factor_now))
    checks = [
        *_common(cross, params),
        conditions.long_lower_shadow(cross),
        conditions.bottom_below(cross, pair),
    ]
    context = {
        "float_value": conditions.float_value(cross),
        "k1_high": pair.k1_high,
        "k1_low": pair.k1_low,
        "k2_high": pair.k2_high,
        "k2_low": pair.k2_low,
    }
    return _finish("bottom_fractal", cross, checks, context)


SCREENS: dict[str, Callable[[Cross, ScreenParams], Screened]] = {
    "limit_up": limit_up,
    "bottom_fractal": bottom_fractal,
}
"""Every screen by the name of its rule."""
