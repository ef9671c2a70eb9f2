"""Damaged bytes into every decoder: what comes out is a message within its bounds or a CodecError, nothing else."""

import time
from collections import Counter
from typing import NamedTuple

import msgspec

from common.domain.errors import CodecError
from common.messages.codec import MESSAGES, decode_body, decode_envelope, encode_body, encode_envelope
from common.messages.header import ENVELOPE_VERSION, Envelope, Trace
from common.runtime.run import rss_kib
from tests.fuzz.damage import Damager
from tests.samples import SAMPLES

ENVELOPE = "envelope"
RSS_GROWTH_KIB_MAX = 50 * 1024


class Figures(NamedTuple):
    """What a round of decoding did."""

    decodes: int
    kinds: int
    refused: int
    accepted: int
    """Damaged bytes that are another good message: on a link without CURVE only the checksum tells."""
    seconds: float
    rss_growth_kib: int

    def line(self) -> str:
        """Return the closing line."""
        return (
            f"decode fuzz: {self.decodes:,} decodes over {self.kinds} kinds, {self.refused:,} refused, "
            f"{self.accepted:,} other good messages, 0 escapes, {self.seconds:.0f} s "
            f"({self.decodes / self.seconds:,.0f}/s), memory +{self.rss_growth_kib / 1024:.1f} MB"
        )


class EscapeError(AssertionError):
    """Bytes that made a decoder do something else than it may."""

    def __init__(self, kind: str, raw: bytes, fault: BaseException | str) -> None:
        super().__init__(f"{kind}: {fault!r} from {len(raw)} bytes: {raw[:400].hex()}")


def samples() -> dict[str, bytes]:
    """Return one packed message of every kind, and an envelope."""
    envelope = Envelope(ENVELOPE_VERSION, "Beat", "order_gateway", "r1", 7, 8, "q|1", "c|1", Trace(1, 2, 3, 4, 5))
    return {name: encode_body(message) for name, message in SAMPLES.items()} | {ENVELOPE: encode_envelope(envelope)}


def try_one(kind: str, raw: bytes) -> bool:
    """Decode; True when it was a good message. Raises EscapeError for anything but a message or a CodecError."""
    decode = decode_envelope if kind == ENVELOPE else decode_body
    try:
        message: msgspec.Struct = decode(raw)
    except CodecError:
        return False
    except BaseException as error:
        raise EscapeError(kind, raw, error) from error
    try:
        again = encode_body(message)
        if kind != ENVELOPE and (type(message).__name__ not in MESSAGES or decode_body(again) != message):
            raise EscapeError(kind, raw, "what was read is not what is written")
    except (CodecError, OverflowError, UnicodeError) as error:
        raise EscapeError(kind, raw, error) from error
    return True


def fuzz_decoders(decodes: int, seed: int) -> Figures:
    """Decode about so many damaged messages, as many of every kind."""
    packed = samples()
    damager = Damager(packed, seed)
    each = max(1, decodes // len(packed))
    counts: Counter[bool] = Counter()
    for kind in packed:  # the first nests and claims warm the allocator up
        for raw in damager.variants(kind, 20):
            try_one(kind, raw)
    before, start = rss_kib(), time.perf_counter()
    for kind in packed:
        counts.update(try_one(kind, raw) for raw in damager.variants(kind, each))
    seconds = time.perf_counter() - start
    return Figures(each * len(packed), len(packed), counts[False], counts[True], seconds, rss_kib() - before)
