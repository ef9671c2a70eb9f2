"""Words of decisions and orders that rules, risk and gateway share."""

from enum import IntEnum


class Action(IntEnum):
    """What a rule decides."""

    NONE = 0
    ENTER = 1
    REDUCE = 2
    EXIT = 3


class PriceKind(IntEnum):
    """How an order is priced."""

    MARKETABLE = 0
    """A limit order that crosses the spread inside cage and band."""
    AT_UP_LIMIT = 1
    AT_PRICE = 2
    """A price given by a person."""


class OrderState(IntEnum):
    """States of an order at the gateway."""

    SENDING = 1
    WORKING = 2
    PARTIAL = 3
    FILLED = 4
    CANCELLED = 5
    REJECTED = 6
    EXPIRED = 7
    IN_DOUBT = 8


ENDED = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED})
