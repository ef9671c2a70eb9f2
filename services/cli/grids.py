"""`--grid stop_bp=300,400,500` and `--grid trail_bp=200:600:100`: which sets there are, counted before any is made."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from common.strategies.contract import Rule
from services.cli.faults import BadInputError

SETS_MAX = 10_000
"""Of one sweep: more is a search, or a mistake."""
VALUES_MAX = 100_000
"""Of one parameter."""
Axis = Sequence[int]


def parse_grid(rule: Rule, texts: Sequence[str]) -> dict[str, Axis]:
    """Return the values of each parameter that varies; a range is not made out, whatever its length."""
    axes: dict[str, Axis] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise BadInputError("bad.grid", text=text)
        if name not in rule.Params._fields:
            raise BadInputError("bad.grid_name", name=name, rule=rule.NAME, known=", ".join(rule.Params._fields))
        if name in axes:
            raise BadInputError("bad.grid_twice", name=name)
        axes[name] = _axis(name, values, _words(rule, name))
        if not axes[name]:
            raise BadInputError("bad.grid_empty", text=text)
    if not axes:
        raise BadInputError("bad.grid_none", known=", ".join(rule.Params._fields))
    return axes


def _words(rule: Rule, name: str) -> Mapping[str, int]:
    switch = isinstance(rule.Params()._asdict()[name], bool)
    return {"false": 0, "true": 1} if switch else rule.PARAM_WORDS.get(name, {})


def _axis(name: str, text: str, words: Mapping[str, int]) -> Axis:
    parts = text.split(":")
    if len(parts) in (2, 3):
        first, last, *step = (_number(name, part, {}) for part in parts)
        if step and step[0] <= 0:
            raise BadInputError("bad.grid_step", name=name, text=text)
        return range(first, last + 1, *step)
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    values = [_number(name, piece, words) for piece in pieces]
    if len(set(values)) < len(values):
        raise BadInputError("bad.grid_same", name=name, text=text)
    return tuple(values)


def _number(name: str, text: str, words: Mapping[str, int]) -> int:
    if text.strip() in words:
        return words[text.strip()]
    try:
        return int(text)
    except ValueError:
        known = f" ({' | '.join(words)})" if words else ""
        raise BadInputError("bad.grid_value", name=name, text=text.strip(), known=known) from None


def size_of(axes: Mapping[str, Axis]) -> int:
    """Return how many sets a grid has."""
    return prod(len(values) for values in axes.values())


def check_size(axes: Mapping[str, Axis], *, search: bool) -> int:
    """Return the number of sets; refuses more than a sweep may have. A search looks at few of its sets."""
    size = size_of(axes)
    longest = max(axes, key=lambda name: len(axes[name]))
    if len(axes[longest]) > VALUES_MAX:
        raise BadInputError("bad.grid_axis", name=longest, size=f"{len(axes[longest]):,}", most=f"{VALUES_MAX:,}")
    if size > SETS_MAX and not search:
        each = " x ".join(f"{name} {len(values):,}" for name, values in axes.items())
        raise BadInputError("bad.grid_size", size=f"{size:,}", each=each, most=f"{SETS_MAX:,}")
    return size


def sets_of(axes: Mapping[str, Axis]) -> Iterator[dict[str, int]]:
    """Yield every set, the last parameter running fastest."""
    return (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
