"""The envelope of every message. Fixed: fields are never changed or removed."""

from enum import IntEnum
from typing import NamedTuple

import msgspec

from common.messages.bounds import Key, Name, Seq, Small, Time

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
    WATCHDOG = 12


class Trace(NamedTuple):
    """Wall times in ns at which a chain of causes passed each station; 0 = not passed yet."""

    feed_ns: Time = 0
    published_ns: Time = 0
    decided_ns: Time = 0
    approved_ns: Time = 0
    journalled_ns: Time = 0


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """First frame of a message (after the topic or the route): an array, in this order."""

    version: Small
    kind: Name
    """Name of the message type; equal to the tag of the body."""
    sender: Name
    """Name of the publisher or asker, e.g. order_gateway, cli."""
    run_id: Name
    """A new one means that the sender restarted."""
    seq: Seq
    """Number within (sender, run, topic) for publications; of the request within the run for questions."""
    sent_ns: Time
    """Wall time at sending."""
    correlation_id: Key = ""
    """Ties an answer to its question; chosen by the asker, repeated by the answer."""
    cause_id: Key = ""
    """Key of what caused this message (signal key, hand-order key, push)."""
    trace: Trace = Trace()
