"""No field of any message is without bounds, and what lies outside them is no message."""

import typing

import msgspec
import pytest

from common.domain.errors import CodecError
from common.messages.codec import MESSAGES, decode_body, encode_body
from common.messages.header import Envelope, Trace
from common.messages.market import QuoteBatch
from common.messages.orders import CancelRequest, OpenRequest
from tests.samples import SAMPLES


def bare(kind: typing.Any, held: bool = False) -> list[str]:
    """Return what is unbounded inside a type: a number, a text or bytes without a Meta of their own."""
    if typing.get_origin(kind) is typing.Annotated:
        return bare(kind.__origin__, held=True)
    if kind in (int, str, bytes, float):
        return [] if held else [kind.__name__]
    return [name for part in typing.get_args(kind) if part is not ... for name in bare(part)]


@pytest.mark.parametrize("kind", [*MESSAGES.values(), Envelope, Trace], ids=lambda kind: kind.__name__)
def test_every_field_is_bounded(kind: type) -> None:
    hints = typing.get_type_hints(kind, include_extras=True)
    loose = {field: names for field, hint in hints.items() if (names := bare(hint))}
    assert loose == {}, f"{kind.__name__}: give these fields a type of common/messages/bounds.py"


def test_unknown_fields_are_forbidden_where_there_are_names() -> None:
    maps = [kind for kind in MESSAGES.values() if not kind.__struct_config__.array_like]
    assert [kind.__name__ for kind in maps if not kind.__struct_config__.forbid_unknown_fields] == []
    assert all(
        kind.__struct_config__.tag == kind.__name__ and kind.__struct_config__.frozen for kind in MESSAGES.values()
    )


@pytest.mark.parametrize(
    "message",
    [
        OpenRequest("k", "600519.SH", 2**31), OpenRequest("k", "600519.SH", 100, -(2**31)), OpenRequest("k", "600519.SH\n", 100),
        OpenRequest("k\n", "600519.SH", 100), OpenRequest("k" * 129, "600519.SH", 100), CancelRequest("k", "涨停"),
    ],
)  # fmt: skip
def test_what_lies_outside_is_refused(message: msgspec.Struct) -> None:
    with pytest.raises(CodecError):
        decode_body(encode_body(message))


def test_a_column_must_fit_its_count() -> None:
    batch = SAMPLES["QuoteBatch"]
    assert isinstance(batch, QuoteBatch)
    for name in ("index", "last", "volume", "ask_volume"):
        with pytest.raises(ValueError, match=name):
            msgspec.structs.replace(batch, **{name: getattr(batch, name) + b"\0"})


def test_a_persons_odd_number_is_answered_and_not_dropped() -> None:
    for shares, price in ((-100, 0), (0, -1), (100, 1)):
        message = OpenRequest("k", "nonsense", shares, price)
        assert decode_body(encode_body(message)) == message
