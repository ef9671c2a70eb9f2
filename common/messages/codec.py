"""The one encoder and decoder: typed structs only, a union tagged by kind; bad bytes are a `CodecError`."""

import typing
import zlib

import msgspec

from common.domain.errors import CodecError
from common.messages import backtests, control, kept, market, orders, signals
from common.messages.header import ENVELOPE_VERSION, Envelope


def _structs() -> dict[str, type[msgspec.Struct]]:
    found: dict[str, type[msgspec.Struct]] = {}
    for module in (market, signals, orders, control, kept, backtests):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__:
                found[value.__name__] = value
    return found


MESSAGES: dict[str, type[msgspec.Struct]] = _structs()
"""Every message type by kind."""

_encoder = msgspec.msgpack.Encoder()


def _decoder(array_like: bool) -> msgspec.msgpack.Decoder[msgspec.Struct]:
    chosen = tuple(kind for kind in MESSAGES.values() if kind.__struct_config__.array_like is array_like)
    return msgspec.msgpack.Decoder(typing.Union[chosen])  # noqa: UP007 - the union is made from a table


# Bulk messages are arrays, the rest maps; msgspec takes no union of both, the first byte tells them apart.
_array_decoder = _decoder(array_like=True)
_map_decoder = _decoder(array_like=False)
_envelope_decoder = msgspec.msgpack.Decoder(Envelope)


def _is_array(first: int) -> bool:
    return first & 0xF0 == 0x90 or first in (0xDC, 0xDD)


def kind_of(message: msgspec.Struct) -> str:
    """Return the kind of a message (its tag)."""
    return type(message).__name__


def encode_body(message: msgspec.Struct) -> bytes:
    """Encode a message without its envelope: what tapes and journals hold."""
    return _encoder.encode(message)


def decode_body(raw: bytes | memoryview) -> msgspec.Struct:
    """Decode a message; raises `CodecError` on anything that is not one, whatever it is."""
    try:
        return (_array_decoder if _is_array(raw[0]) else _map_decoder).decode(raw)
    except Exception as error:  # bad UTF-8 and deep nesting are no msgspec errors
        raise CodecError(f"not a message: {type(error).__name__}: {error}") from error


def encode_envelope(envelope: Envelope) -> bytes:
    """Encode an envelope."""
    return _encoder.encode(envelope)


def decode_envelope(raw: bytes | memoryview) -> Envelope:
    """Decode an envelope; raises `CodecError`, also for a version that is not ours."""
    try:
        envelope = _envelope_decoder.decode(raw)
    except Exception as error:  # as above
        raise CodecError(f"not an envelope: {type(error).__name__}: {error}") from error
    if envelope.version != ENVELOPE_VERSION:
        raise CodecError(f"envelope version {envelope.version}, this program speaks {ENVELOPE_VERSION}")
    if envelope.kind not in MESSAGES:
        raise CodecError("unknown kind of message")
    return envelope


def decode(header: bytes | memoryview, body: bytes | memoryview) -> tuple[Envelope, msgspec.Struct]:
    """Decode both frames and check that they name the same kind."""
    envelope = decode_envelope(header)
    return envelope, decode_kind(envelope.kind, body)


def decode_kind(kind: str, body: bytes | memoryview) -> msgspec.Struct:
    """Decode a message that must be of this kind."""
    message = decode_body(body)
    if kind != kind_of(message):
        raise CodecError(f"envelope says {kind}, body is {kind_of(message)}")
    return message


def checksum(topic: bytes, header: bytes, body: bytes) -> bytes:
    """Return the CRC32 frame of a plain link over the three frames before it (4 bytes, little-endian)."""
    return zlib.crc32(body, zlib.crc32(header, zlib.crc32(topic))).to_bytes(4, "little")
