"""Control: liveness, status, trading state, the player's acknowledgements and repair questions."""

import msgspec

from common.domain.reasons import Reason
from common.domain.values import TradingState
from common.messages.bounds import Blob, Key, Name, Number, Numbers, PushId, Remark, Second, Text, Texts, Time
from common.messages.market import DayOpened, HandOrder


class Beat(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A service's main loop is alive; also the last number said on each of its topics."""

    service: Name
    seqs: Numbers = {}
    version: Name = ""
    """The code it runs; "" = not told."""
    disk_full: bool = False
    """The disk it writes to has no room: it opens nothing, and nobody should send it anything to open."""


class StatusRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask a service how it is."""


class Status(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """How a service is."""

    service: Name
    ready: bool
    state: Name
    """One word for people: ready, waiting, playing, finished ..."""
    version: Name
    run_id: Name
    since_ns: Time
    numbers: Numbers = {}
    words: Texts = {}


class Fault(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The answer to a question that cannot be served: a reason and a sentence that names the thing and the fix."""

    reason: Reason
    text: Text


class StateRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A person halts, reduces or resumes trading, with a reason in words."""

    state: TradingState
    why: Remark


class TradingStateChanged(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The trading state and everything that holds it down."""

    state: TradingState
    """The effective state."""
    wanted: TradingState
    """What a person asked for."""
    causes: Texts
    """Machine-made causes by name; each clears itself when it is gone."""
    why: Text = ""


class ServiceTrouble(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The watchdog tells which services cannot be relied on; all of them, each time. Answered by TradingStateChanged."""

    causes: Texts
    """By service; empty: all is well again."""


class PushAck(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A consumer has done push `push` and all that it caused is acknowledged end to end."""

    consumer: Name
    push: PushId


class FeedStateRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A reader that starts or found a gap asks for what it needs to go on. Subscribe first, then ask."""

    consumer: Name
    have: PushId
    """Last push done completely; 0 = none."""
    fresh: bool = False
    """True: the reader holds no day and no values yet."""


class FeedState(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a reader needs: the day, the last values before the frames, and the frames."""

    day: DayOpened | None
    """None: no day has been opened yet."""
    table: Blob
    """An encoded QuoteBatch of every stock quoted today as of the push before the frames; empty: not needed."""
    table_push: PushId
    frames: tuple[Blob, ...]
    """Encoded market messages to go on with, whole pushes, oldest first; drop what is not newer than `have`."""
    gap: bool
    """True: pushes between `have` and the frames are lost to this reader."""


class HoldRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Stop the player after a push until told otherwise (0 = never, 1 = now). Answered by HoldSet."""

    push: PushId


class HoldSet(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The player stops after this push; 0 = it does not stop."""

    push: PushId


class RecordHandOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The risk manager asks for a hand order to enter at the next push boundary. Answered by HandOrderPlaced."""

    order: HandOrder


class HandOrderPlaced(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The hand order enters with this push; 0 = no session is running, it enters nowhere."""

    key: Key
    push: PushId


# ------------------------------------------------------------------ safeguards of the gateway


class KillRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Turn the kill switch on or off, with a reason in words. Answered by Safeguards."""

    on: bool
    why: Remark


class LimitRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Set a limit of the gateway until the end of the day. Answered by Safeguards."""

    name: Name
    """As in `[limits]` of the configuration."""
    value: Number
    why: Remark


class ArmRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Let a live account open positions today before a time; 0 = stop that now. Answered by Safeguards."""

    account: Name
    until_s: Second
    """Second of the day."""


class SafeguardsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for kill switch, arming and limits. Answered by Safeguards."""


class Safeguards(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Kill switch, arming and limits as they are in force."""

    account: Name
    live: bool
    killed: bool
    """By a person's word in the journal."""
    kill_why: Remark
    kill_file: bool
    """By the file."""
    armed_until_s: Second
    """Second of today; 0 = not armed."""
    limits: Numbers
    """In force today, as in the configuration."""
    raised: Numbers
    """Those that a person set for today."""
    used: Numbers
    """What of them is used today."""
