"""What services keep on disk between runs and never send: one struct a kind of record, same codec as the wire."""

import msgspec

from common.domain.reasons import Reason
from common.domain.values import TradingState
from common.messages.backtests import TaskBytes
from common.messages.bounds import (
    Cash,
    Coid,
    Count,
    Day,
    Key,
    Label,
    Millisecond,
    Name,
    Numbers,
    PushId,
    Second,
    Seq,
    Shares,
    SideNumber,
    Small,
    Symbol,
    Text,
    Time,
    Volume,
)
from common.messages.market import HandOrder
from common.messages.orders import CancelOrder, SubmitOrder
from common.messages.signals import Condition, Verdict


class PlayerPosition(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Where the player is: the push being played, kept before it is said."""

    push: PushId
    prev: PushId
    hold: PushId
    """Stop after this push; 0 = never."""
    finished: bool = False


class RegisteredConsumer(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A consumer that listens: play does not begin before all are there, and a player that died asks nobody twice."""

    consumer: Name


class PlacedHandOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A hand order and the push it enters with."""

    order: HandOrder
    push: PushId


# ------------------------------------------------------------------ screener


class KeptNightly(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """How far the nightly cycle is."""

    close_day: Day = 0
    """Newest session whose data is complete in the history; 0 = none yet."""
    close_at_ns: Time = 0
    open_day: Day = 0
    """Newest session prepared before its open."""
    open_at_ns: Time = 0
    note: Text = ""
    """What the pools of `open_day` assume."""
    failed_step: Name = ""
    """Step that failed last and is still due; "" = none."""
    failed_day: Day = 0
    failed_tries: Count = 0
    failed_at_ns: Time = 0
    failed_text: Text = ""
    refused: bool = False
    """Trying again soon does not help."""


# ------------------------------------------------------------------ order_gateway


class RelayedHand(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A hand order as it was first asked for: the same key with another body is a conflict."""

    order: HandOrder


class OrderPlace(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Where a resting order stands in the queue at its price; `common/rules/queue.py` says what the numbers are."""

    coid: Coid
    ahead: Volume
    shown: Volume


class TakenShares(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What the paper exchange gave from a stock's shown volume, gone until as much has been traded after it."""

    symbol: Symbol
    side: SideNumber
    shares: Shares
    at_volume: Volume
    """The day's volume then."""
    day: Day


class QueuePlaces(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Places of all resting orders after a push: the journal has fills, and a queue moves without any."""

    push: PushId
    """The last push that moved one of them: it was matched."""
    places: tuple[OrderPlace, ...]
    taken: tuple[TakenShares, ...] = ()
    doubted: tuple[Coid, ...] = ()
    """Stocks whose last snapshot was passed over: what is traded up to their next one is not known."""


# ------------------------------------------------------------------ risk_manager


class KeptState(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The trading state a person asked for last, and why."""

    wanted: TradingState
    why: Text = ""


class KeptLock(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One reason why the account opens nothing for a while."""

    reason: Reason
    day: Day
    """Since when."""
    detail: Numbers
    """The numbers it rests on."""
    seq: Seq = 0
    """Journal row of the last stop loss it counted."""


class KeptLocks(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Locks of the account that stand, and from where losses and stop losses count since somebody lifted some."""

    standing: tuple[KeptLock, ...] = ()
    base_day: Day = 0
    """When somebody lifted them last; 0 = never."""
    base: Cash = 0
    """Equity then."""
    stops_seq: Seq = 0
    """Stop losses up to this journal row do not count any more."""


class KeptGap(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The last gap of the feed: quotes up to then are of before."""

    day: Day
    time_ms: Millisecond
    """Exchange time of the newest quote before it, ms since midnight."""


class KeptVerdict(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A verdict and its place in the order they were given."""

    number: Count
    verdict: Verdict


class KeptOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """An order sent to the gateway, kept until it has ended in the gateway's events."""

    number: Count
    """Place in the order of what was sent, cancels included: after a restart all is sent in that order again."""
    order: SubmitOrder
    need: Cash = 0
    """Cash a buy holds until the gateway's own event says so."""
    cancel_at_s: Second = 0
    """Second of the day at which the rest is cancelled; 0 = never."""
    unwanted: Reason = Reason.NONE
    """Not NONE: cancel it as soon as the exchange lets us, for this reason."""
    cancel: CancelOrder | None = None
    """The cancel that was sent and not refused."""
    cancels: Count = 0
    """Cancels sent so far; numbers their keys."""
    cancel_number: Count = 0
    """Place of `cancel` in the order of what was sent."""


class StandingExit(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """An exit that is worked until the position has fallen to its target."""

    key: Key
    """Key of the signal that decided it."""
    symbol: Symbol
    rule: Name
    action: Small
    cause: Reason
    target: Shares
    """Shares left in the end: fixed when decided, rescaled on ex-days."""
    push: PushId
    """When it was decided."""
    seq: Seq
    """Journal row up to which `target` is rescaled."""
    attempt: Count = 0
    """Orders sent so far."""
    coid: Coid = ""
    """The order sent last."""
    sent_ns: Time = 0
    """Data time at which it was sent."""


# ------------------------------------------------------------------ signal_engine


class SignalCursor(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The last push that changed anything: its decisions, memories and this are committed together."""

    push: PushId
    day: Day
    """The day that was opened last, with its pools."""
    gap: PushId = 0
    """The push of that day before which steps were lost; 0 = none."""


class RulePool(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What the screener answered for a rule and a day; the rows are in the stocks' own records."""

    rule: Name
    day: Day
    rows: Count
    ready: bool
    note: Text = ""


class RuleMemory(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What the host of a rule keeps of one stock."""

    rule: Name
    symbol: Symbol
    memory: Numbers
    context: Numbers
    """What the rule is given; of the day of entry for a held stock, rescaled on ex-days."""
    pool_context: Numbers
    """Today's pool row; empty where the stock is not in it."""
    numbers: Numbers
    """Held, entered today, attempts, high since entry and the like."""


class BrokenRule(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A rule that failed: it opens nothing more until it is changed."""

    rule: Name
    made_of: Text
    """Its source and parameters then."""
    symbol: Symbol
    day: Day
    second_of_day: Second
    error: Text


class CheckRecord(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a rule looked at in one step of one stock, kept for explanations."""

    rule: Name
    symbol: Symbol
    day: Day
    second_of_day: Second
    checks: tuple[Condition, ...]
    outcome: Label = ""
    key: Key = ""
    """Key of the signal that followed, where one did."""


class KeptTask(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What a job asks for; kept until it has ended."""

    task: TaskBytes


class KeptLease(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Who holds a job."""

    worker: Name
    session: Name
    place: Seq
    """In the order in which the queue gave leases: a worker runs them in this order."""
