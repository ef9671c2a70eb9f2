"""Decoders against damaged bytes: the gate's share; `nox -s fuzz` runs as many as one likes."""

import json
import os
from pathlib import Path

import pytest

from common.bus.subscriber import Subscriber
from common.domain.errors import CodecError
from common.messages import codec
from common.messages.codec import checksum, decode, encode_body, encode_envelope
from common.messages.header import ENVELOPE_VERSION, Envelope
from tests.fuzz import decoding
from tests.fuzz.damage import NESTS, spans
from tests.fuzz.decoding import RSS_GROWTH_KIB_MAX, EscapeError, fuzz_decoders, samples, try_one
from tests.samples import SAMPLES

DECODES = 500_000
INPUTS = sorted((Path(__file__).parent / "inputs").glob("*.json"))


def test_damaged_messages_are_refused_or_are_messages() -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    done = fuzz_decoders(DECODES, seed)
    print(done.line())
    assert done.decodes > 0.95 * DECODES
    assert done.refused > done.decodes // 2
    assert done.accepted > 0, "damage that never makes a good message is aimed badly"
    assert done.rss_growth_kib < RSS_GROWTH_KIB_MAX


def test_a_decoder_without_its_catch_all_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "decode_body", codec._map_decoder.decode)
    with pytest.raises(EscapeError):
        fuzz_decoders(2_000, 1)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_what_once_broke_something_is_refused(path: Path) -> None:
    held = json.loads(path.read_text(encoding="utf-8"))
    assert held["why"]
    assert not try_one(held["kind"], bytes.fromhex(held["hex"]))


def test_a_deep_nest_alone_is_refused() -> None:
    for nest in NESTS:
        for kind in ("envelope", "Beat"):
            assert not try_one(kind, nest)


def test_every_value_of_a_message_is_found() -> None:
    raw = samples()["PushAck"]
    assert [raw[start:end] for start, end in spans(raw)][1:3] == [b"\xa4type", b"\xa7PushAck"]
    assert spans(raw)[0] == (0, len(raw))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_flipped_bit_on_a_link_without_curve_is_refused(name: str) -> None:
    hearer = Subscriber(None, "market_data", plain=True)  # type: ignore[arg-type]  # frames are handed in, not read
    envelope = Envelope(ENVELOPE_VERSION, name, "market_data", "r1", 1, 2)
    frames = [b"feed/", encode_envelope(envelope), encode_body(SAMPLES[name])]
    frames.append(checksum(*frames))
    other = 0
    for at, frame in enumerate(frames):
        for bit in range(8 * len(frame)):
            hurt = bytearray(frame)
            hurt[bit // 8] ^= 1 << bit % 8
            damaged = [*frames[:at], bytes(hurt), *frames[at + 1 :]]
            with pytest.raises(CodecError, match="checksum differs"):
                hearer._take(damaged)
            if at in (1, 2) and bit % 8 == 0:
                try:
                    decode(damaged[1], damaged[2])
                    other += 1
                except CodecError:
                    continue
    assert hearer._seen == {}, "nothing of a damaged message is remembered"
    assert hearer._take(frames).message == SAMPLES[name]
    assert other > 0, "without the checksum some of these would have passed"
