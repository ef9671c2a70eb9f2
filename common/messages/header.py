"""The envelope of every message. Fixed: fields are never changed or removed."""

from enum import IntEnum
from typing import NamedTuple

import msgspec

ENVELOPE_VERSION = 1


class Role(IntEnum):
    """Who a key belongs to; what it may do is in `common/bus/roles.py`."""

    STRANGER = 0
    MARKET_DATA = 1
    SCREENER = 2
    SIGNAL = 3
    RISK = 4
    GATEWAY = 5
    QUEUE = 6
    WORKER = 7
    NOTIFIER = 8
    OPERATOR = 9
    WEB = 10
    READ_ONLY = 11


class Trace(NamedTuple):
    """Wall times in ns at which a chain of causes passed each station; 0 = not passed yet."""

    feed_ns: int = 0
    published_ns: int = 0
    decided_ns: int = 0
    approved_ns: int = 0
    journalled_ns: int = 0


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """First frame of a message (after the topic or the route): an array, in this order."""

    version: int
    kind: str
    """Name of the message type; equal to the tag of the body."""
    sender: str
    """Name of the publisher or asker, e.g. order_gateway, cli."""
    run_id: str
    """A new one means that the sender restarted."""
    seq: int
    """Number within (sender, run, topic) for publications; of the request within the run for questions."""
    sent_ns: int
    """Wall time at sending."""
    correlation_id: str = ""
    """Ties an answer to its question; chosen by the asker, repeated by the answer."""
    cause_id: str = ""
    """Key of what caused this message (signal key, hand-order key, push)."""
    trace: Trace = Trace()
