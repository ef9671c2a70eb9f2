"""Every message goes there and back; damaged bytes are refused with a CodecError, whatever they are."""

import random

import msgpack
import msgspec
import pytest

from common.domain.errors import CodecError
from common.messages.codec import MESSAGES, checksum, decode, decode_body, encode_body, encode_envelope, kind_of
from common.messages.header import ENVELOPE_VERSION, Envelope
from tests.samples import SAMPLES


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_round_trip_and_plain_msgpack(name: str) -> None:
    message = SAMPLES[name]
    raw = encode_body(message)
    assert decode_body(raw) == message
    plain = msgpack.unpackb(raw)
    assert (plain[0] if isinstance(plain, list) else plain["type"]) == name


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_damaged_bytes_never_crash(name: str) -> None:
    raw = encode_body(SAMPLES[name])
    chance = random.Random(name)
    refused = 0
    for _ in range(400):
        hurt = bytearray(raw)
        for _ in range(chance.randint(1, 4)):
            hurt[chance.randrange(len(hurt))] = chance.randrange(256)
        cut = bytes(hurt[: chance.randint(0, len(hurt))]) if chance.random() < 0.3 else bytes(hurt)
        try:
            message = decode_body(cut)
        except CodecError:
            refused += 1
        else:
            assert isinstance(message, msgspec.Struct)
    assert refused > 0


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"\x91" * 100_000, b"\x81\xa4type\xa3Foo", b"\xdd\xff\xff\xff\xff", b"\xc1"]
)
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        decode_body(raw)


def test_unknown_fields_and_trailing_bytes_are_refused() -> None:
    with pytest.raises(CodecError):
        decode_body(msgpack.packb({"type": "PositionsRequest", "extra": 1}))
    with pytest.raises(CodecError):
        decode_body(encode_body(SAMPLES["PushAck"]) + b"\x00")


def test_envelope_and_body_must_agree() -> None:
    message = SAMPLES["PushAck"]
    good = Envelope(ENVELOPE_VERSION, kind_of(message), "t", "r", 1, 2)
    assert decode(encode_envelope(good), encode_body(message)) == (good, message)
    for bad in (
        Envelope(ENVELOPE_VERSION, "Beat", "t", "r", 1, 2),
        Envelope(ENVELOPE_VERSION, "NoSuchKind", "t", "r", 1, 2),
        Envelope(ENVELOPE_VERSION + 1, kind_of(message), "t", "r", 1, 2),
    ):
        with pytest.raises(CodecError):
            decode(encode_envelope(bad), encode_body(message))


def test_every_single_bit_flip_changes_the_checksum() -> None:
    header, body = b"header", encode_body(SAMPLES["SubmitOrder"])
    whole = checksum(b"feed/", header, body)
    for at in range(len(body)):
        for bit in range(8):
            hurt = bytearray(body)
            hurt[at] ^= 1 << bit
            assert checksum(b"feed/", header, bytes(hurt)) != whole
