"""Parameters of conditions: their kinds, and how a value of a TOML file becomes the integer that is compared."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from common.rules.boards import BOARDS_BY_NAME, board_mask

MILLI = 1000
FAR = 1 << 62
"""No upper end: above every number of a condition, and small enough to be added to."""
WHOLE_MAX = 1_000_000
"""Largest count or number of basis points: times any price or number of shares it still fits into 64 bits."""
ST_WORDS = {"deny": 0, "allow": 1}


class Kind(NamedTuple):
    """What values a parameter takes."""

    unit_zh: str
    unit_en: str
    read: Callable[[object], int | None]
    """Return the integer that is compared, None for a value that cannot be."""
    expected: str
    """What a value must be, for the error."""


class Param(NamedTuple):
    """A parameter of a condition."""

    name: str
    kind: Kind
    default: object
    """As it is written in TOML; None = no bound (or, of boards, those of the configuration)."""
    zh: str
    en: str
    least: int = 0


def _whole(value: object) -> int | None:
    return value if type(value) is int and value <= WHOLE_MAX else None


def _yuan(value: object) -> int | None:
    """Return yuan with at most three decimals as 0.001 yuan, exactly."""
    if type(value) not in (int, float):
        return None
    exact = Decimal(str(value)) * MILLI
    return int(exact) if exact.is_finite() and exact == int(exact) and exact < FAR else None


def _boards(value: object) -> int | None:
    if not isinstance(value, list | tuple) or not value:
        return None
    known = [BOARDS_BY_NAME[name] for name in value if isinstance(name, str) and name in BOARDS_BY_NAME]
    return board_mask(known) if len(known) == len(value) else None


COUNT = Kind("个", "count", _whole, f"a whole number up to {WHOLE_MAX}")
SESSIONS = Kind("交易日", "sessions", _whole, f"a whole number up to {WHOLE_MAX}")
MONTHS = Kind("月", "months", _whole, f"a whole number up to {WHOLE_MAX}")
BP = Kind("万分之一", "basis points", _whole, f"a whole number up to {WHOLE_MAX}")
YUAN = Kind("元", "yuan", _yuan, "a number of yuan with at most three decimals")
BOARDS = Kind("板块", "boards", _boards, f"a list of {', '.join(BOARDS_BY_NAME)}")
ST = Kind("选择", "choice", lambda value: ST_WORDS.get(value) if isinstance(value, str) else None, "deny or allow")


def read_param(param: Param, value: object) -> tuple[int, str]:
    """Return the integer of a value and what is wrong with it ("" = nothing)."""
    found = param.kind.read(value)
    expected = param.kind.expected
    if found is None:
        return 0, f"{param.name} = {value!r}: must be {expected}"
    if found < param.least:
        return 0, f"{param.name} = {value!r}: must be {expected}, {param.least} or more"
    return found, ""


def read_params(params: Mapping[str, Param], given: Mapping[str, object]) -> tuple[dict[str, int], list[str]]:
    """Return every parameter's integer, its default where none is given, and what is wrong."""
    values: dict[str, int] = {}
    problems = []
    for name in given:
        if name not in params:
            known = ", ".join(params) or "none"
            problems.append(f"{name}: unknown parameter; known: {known}")
    for name, param in params.items():
        value = given.get(name, param.default)
        if value is None:
            values[name] = FAR
            continue
        values[name], problem = read_param(param, value)
        if problem:
            problems.append(problem)
    problems += [
        f"{low} = {given.get(low)!r}: is above {high}"
        for low, high in _ranges(params)
        if not problems and values[low] > values[high]
    ]
    return values, problems


def _ranges(params: Mapping[str, Param]) -> list[tuple[str, str]]:
    pairs = [(name, f"{name[:-4]}_max") for name in params if name.endswith("_min")]
    return [(low, high) for low, high in pairs if high in params]
