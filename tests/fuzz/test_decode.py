"""Decoders against damaged bytes: the gate's share; `nox -s fuzz` runs as many as one likes."""

import json
import os
from pathlib import Path

import pytest

from common.messages import codec
from tests.fuzz import decoding
from tests.fuzz.bits import flip_all
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
    flips = flip_all(name, SAMPLES[name])
    assert flips.taken == 0
    assert not flips.remembered, "nothing of a damaged message is remembered"
    assert flips.whole == SAMPLES[name]
    assert flips.decodable > 0, "without the checksum some of these would have passed"
