"""What services keep on disk between runs and never send: one struct a kind of record, same codec as the wire."""

import msgspec

from common.domain.values import PushId
from common.messages.market import HandOrder


class PlayerPosition(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Where the player is: the push being played, kept before it is said."""

    push: PushId
    prev: PushId
    hold: PushId
    """Stop after this push; 0 = never."""
    finished: bool = False


class PlacedHandOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A hand order and the push it enters with."""

    order: HandOrder
    push: PushId


# ------------------------------------------------------------------ order_gateway


class RelayedHand(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A hand order as it was first asked for: the same key with another body is a conflict."""

    order: HandOrder
