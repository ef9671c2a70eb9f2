"""One filled message of every kind, made from its type, for codec tests and fuzzing."""

import enum
import types
import typing

import msgspec

from common.messages.codec import MESSAGES


def _value(kind: typing.Any, depth: int) -> typing.Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _value(args[0], depth)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    if kind is int:
        return 2_026_010_500_042
    if kind is str:
        return "600519.SH|涨停"
    if kind is bytes:
        return bytes(range(24))
    if kind is bool:
        return True
    if origin in (list, tuple):
        return origin([_value(args[0], depth + 1)] * 2)
    if origin is dict:
        return {"up_limit": _value(args[1], depth + 1)}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return sample(kind, depth + 1)
    raise TypeError(f"no sample for {kind}")


def sample(kind: type[msgspec.Struct], depth: int = 0) -> msgspec.Struct:
    """Return a message of this kind with every field filled."""
    hints = typing.get_type_hints(kind)
    return kind(**{field: _value(hints[field], depth) for field in kind.__struct_fields__})


SAMPLES: dict[str, msgspec.Struct] = {name: sample(kind) for name, kind in MESSAGES.items()}
