"""One filled message of every kind, made from its type, for codec tests and fuzzing."""

import enum
import re
import types
import typing

import msgspec

from common.messages import market
from common.messages.codec import MESSAGES

COLUMNS = {"QuoteBatch": market._QUOTES, "BarsClosed": market._BARS, "InstrumentTable": market._TABLE}
"""Messages of columns to the width of each column in bytes."""


def _value(kind: typing.Any, depth: int, meta: msgspec.Meta = msgspec.Meta()) -> typing.Any:  # noqa: B008 - immutable
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _value(args[0], depth, args[1])
    if origin in (typing.Union, types.UnionType):
        return _value(args[0], depth)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    if kind is int:
        return min(2_026_010_500_042, meta.le if meta.le is not None else 2_026_010_500_042)
    if kind is str:
        texts = ("600519.SH|涨停", "600519.SH", "600519", "verdicts/600519.json")
        return next(text for text in texts if meta.pattern is None or re.search(meta.pattern, text))
    if kind is bytes:
        return bytes(range(24))
    if kind is bool:
        return True
    if origin in (list, tuple):
        return origin([_value(args[0], depth + 1)] * 2)
    if origin is dict:
        named = _value(args[0], depth + 1)
        return {named if "/" in named else "up_limit": _value(args[1], depth + 1)}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return sample(kind, depth + 1)
    raise TypeError(f"no sample for {kind}")


def sample(kind: type[msgspec.Struct], depth: int = 0) -> msgspec.Struct:
    """Return a message of this kind with every field filled."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values = {field: _value(hints[field], depth) for field in kind.__struct_fields__}
    if kind.__name__ in COLUMNS:
        widths, count = COLUMNS[kind.__name__], 3
        values |= {field: bytes(range(width)) * count for field, width in widths.items()}
        if "count" in values:
            values["count"] = count
        else:
            values |= {"symbols": [f"60000{at}.SH" for at in range(count)], "names": ["浦发"] * count}
            values["ex_profit_e6"] = values["ex_cash_e6"]
            values["feed_up_limit"] = values["feed_down_limit"] = values["up_limit"]
    return kind(**values)


SAMPLES: dict[str, msgspec.Struct] = {name: sample(kind) for name, kind in MESSAGES.items()}
