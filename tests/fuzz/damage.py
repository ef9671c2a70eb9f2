"""Damaging real messages: blindly, and where it hurts. Everything is drawn from one seeded source."""

import random
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgpack

EDGES = (0, 7, 8, 15, 16, 31, 32, 53, 62, 63, 64)
NUMBERS = tuple(
    msgpack.packb(number)
    for number in sorted({s * (2**at + d) for at in EDGES for d in (-1, 0, 1) for s in (1, -1)})
    if -(2**63) <= number < 2**64
)
"""Both sides of every power of two that something breaks at."""
TEXTS = (b"", b"\n", b"600519.SH\n", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"../../x", b"%s{}", b"x" * 300,
         "涨停\u202e".encode(), b"\x1b[2J")  # fmt: skip
OTHERS = (b"\xc0", b"\xc2", b"\xc3", b"\xc1", b"\x90", b"\x80", b"\x91\xc0", b"\x81\xa1x\x01", b"\xcb" + struct.pack(">d", float("nan")),
          b"\xcb" + struct.pack(">d", float("inf")), b"\xcb" + struct.pack(">d", 1e300), b"\xca" + struct.pack(">f", -0.0),
          b"\xd6\xff\x00\x00\x00\x00", b"\xd4\x05\x00", b"\xc7\xff\x01")  # fmt: skip
CLAIMS = (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
          b"\xc9\xff\xff\xff\xff\x01", b"\xdc\xff\xff", b"\xde\xff\xff", b"\xda\xff\xff", b"\xdd\x7f\xff\xff\xff\xc0")  # fmt: skip
"""Lengths that are only claimed."""
NESTS = (
    b"\x91" * 1_000_000,
    b"\x81\xa1a" * 300_000,
    b"\x91" * 2_000,
    b"\x81\xa1a" * 900 + b"\xc0",
    b"\x91" * 900 + b"\xc0",
)
"""Deep nesting: far beyond, and about, what a stack holds."""


def text(raw: bytes) -> bytes:
    """Pack bytes as a text, whether they are one or not."""
    return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else b"\xda" + struct.pack(">H", len(raw))) + raw


class Span(NamedTuple):
    """Where a value stands in a packed message."""

    start: int
    end: int


def spans(raw: bytes) -> list[Span]:
    """Return the place of every value in a packed message, containers before what they hold."""
    found: list[Span] = []

    def walk(at: int) -> int:
        place = len(found)
        found.append(Span(at, at))
        unpacker = msgpack.Unpacker(raw=True, strict_map_key=False)
        unpacker.feed(raw[at:])
        first = raw[at]
        if first & 0xF0 in (0x80, 0x90) or first in (0xDC, 0xDD, 0xDE, 0xDF):
            is_map = first & 0xF0 == 0x80 or first in (0xDE, 0xDF)
            count = unpacker.read_map_header() if is_map else unpacker.read_array_header()
            end = at + unpacker.tell()
            for _ in range(count * (2 if is_map else 1)):
                end = walk(end)
        else:
            unpacker.skip()
            end = at + unpacker.tell()
        found[place] = Span(at, end)
        return end

    walk(0)
    return found


class Damager:
    """Makes hostile variants of packed messages."""

    def __init__(self, samples: dict[str, bytes], seed: int) -> None:
        self.chance = random.Random(seed)
        self._samples = samples
        self._all = list(samples.values())
        self._spans = {name: spans(raw) for name, raw in samples.items()}
        self._ways: tuple[Callable[[str, bytes], bytes], ...] = (
            self.flip, self.flip, self.cut, self.insert, self.swap, self.splice, self.noise, self.number, self.number,
            self.value, self.text, self.claim, self.double, self.drop, self.trail,
        )  # fmt: skip

    def variants(self, name: str, count: int) -> Iterator[bytes]:
        """Yield `count` damaged versions of a sample, one in a thousand with a deep nest in it."""
        raw = self._samples[name]
        for number in range(count):
            if number % 1_000 == 999:
                yield self._put(name, raw, self.chance.choice(NESTS))
                continue
            hurt = self.chance.choice(self._ways)(name, raw)
            if self.chance.random() < 0.1:
                hurt = self.flip(name, hurt)
            yield hurt

    def _place(self, name: str) -> Span:
        return self.chance.choice(self._spans[name])

    def _put(self, name: str, raw: bytes, piece: bytes) -> bytes:
        start, end = self._place(name)
        return raw[:start] + piece + raw[end:]

    def flip(self, _name: str, raw: bytes) -> bytes:
        """Turn some bits over."""
        hurt = bytearray(raw or b"\x00")
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            hurt[self.chance.randrange(len(hurt))] ^= 1 << self.chance.randrange(8)
        return bytes(hurt)

    def cut(self, _name: str, raw: bytes) -> bytes:
        """Take a piece out, or the end off."""
        start, end = sorted(self.chance.randint(0, len(raw)) for _ in range(2))
        return raw[:start] + (raw[end:] if self.chance.random() < 0.5 else b"")

    def insert(self, _name: str, raw: bytes) -> bytes:
        """Put something in anywhere."""
        at = self.chance.randint(0, len(raw))
        return raw[:at] + self.chance.randbytes(self.chance.randint(1, 9)) + raw[at:]

    def swap(self, name: str, raw: bytes) -> bytes:
        """Exchange two values."""
        one, two = sorted((self._place(name), self._place(name)))
        if one.end > two.start:
            return self.flip(name, raw)
        middle = raw[one.end : two.start]
        return raw[: one.start] + raw[two.start : two.end] + middle + raw[one.start : one.end] + raw[two.end :]

    def splice(self, _name: str, raw: bytes) -> bytes:
        """Go on with another message in the middle."""
        other = self.chance.choice(self._all)
        return raw[: self.chance.randint(0, len(raw))] + other[self.chance.randint(0, len(other)) :]

    def noise(self, _name: str, raw: bytes) -> bytes:
        """Leave nothing of it."""
        return self.chance.randbytes(self.chance.randint(0, 64))

    def number(self, name: str, raw: bytes) -> bytes:
        """Put a number at an edge in place of a value."""
        return self._put(name, raw, self.chance.choice(NUMBERS))

    def value(self, name: str, raw: bytes) -> bytes:
        """Put something of another type in place of a value."""
        return self._put(name, raw, self.chance.choice(OTHERS))

    def text(self, name: str, raw: bytes) -> bytes:
        """Put an odd text, or bytes that are none, in place of a value."""
        return self._put(name, raw, text(self.chance.choice(TEXTS)))

    def claim(self, name: str, raw: bytes) -> bytes:
        """Claim a length that is not there."""
        return self._put(name, raw, self.chance.choice(CLAIMS))

    def double(self, name: str, raw: bytes) -> bytes:
        """Say a field twice, the second time with another value."""
        if raw[0] & 0xF0 != 0x80 or raw[0] == 0x8F or len(self._spans[name]) < 3:
            return raw + raw
        key = self._spans[name][1 + 2 * self.chance.randrange((len(self._spans[name]) - 1) // 2)]
        return bytes([raw[0] + 1]) + raw[1:] + raw[key.start : key.end] + self.chance.choice(NUMBERS + OTHERS)

    def drop(self, name: str, raw: bytes) -> bytes:
        """Leave a value out."""
        start, end = self._place(name)
        return raw[:start] + raw[end:]

    def trail(self, _name: str, raw: bytes) -> bytes:
        """Add bytes behind the end."""
        return raw + self.chance.choice((b"\x00", b"\xc0", raw[:3], b"\xc1" * 50))
