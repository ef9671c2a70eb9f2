"""Every single bit of a message flipped on a link without CURVE: what a reader of facts makes of it."""

from typing import NamedTuple

from common.bus.subscriber import Subscriber
from common.domain.errors import CodecError
from common.messages.codec import checksum, decode, encode_body, encode_envelope
from common.messages.header import ENVELOPE_VERSION, Envelope
from common.messages.outputs import Message


class Flips(NamedTuple):
    """What came of it."""

    taken: int
    """Damaged messages that were believed."""
    decodable: int
    """Damaged messages that only the checksum keeps out, one bit a byte tried."""
    remembered: bool
    """Something of a damaged message was remembered."""
    whole: Message | None
    """The undamaged message as it was heard after all of them; None: it was refused."""


def flip_all(name: str, message: Message) -> Flips:
    """Flip each bit in turn, then send the message as it is."""
    hearer = Subscriber(None, "market_data", plain=True)  # type: ignore[arg-type]  # frames are handed in, not read
    envelope = Envelope(ENVELOPE_VERSION, name, "market_data", "r1", 1, 2)
    frames = [b"feed/", encode_envelope(envelope), encode_body(message)]
    frames.append(checksum(*frames))
    taken = decodable = 0
    for at, frame in enumerate(frames):
        for bit in range(8 * len(frame)):
            hurt = bytearray(frame)
            hurt[bit // 8] ^= 1 << bit % 8
            damaged = [*frames[:at], bytes(hurt), *frames[at + 1 :]]
            taken += _is_taken(hearer, damaged)
            if at in (1, 2) and bit % 8 == 0:
                decodable += _is_decodable(damaged)
    remembered = hearer._seen != {}
    try:
        whole = hearer._take(frames).message
    except CodecError:
        whole = None
    return Flips(taken, decodable, remembered, whole)


def _is_taken(hearer: Subscriber, frames: list[bytes]) -> bool:
    try:
        hearer._take(frames)
    except Exception:  # counted and dropped, as `Subscriber.read` does
        return False
    return True


def _is_decodable(frames: list[bytes]) -> bool:
    try:
        decode(frames[1], frames[2])
    except CodecError:
        return False
    return True
