"""Decisions of rules on their way to the risk manager, and the verdicts on them."""

from enum import IntEnum

import msgspec

from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.messages.bounds import (
    BasisPoints,
    Cash,
    Coid,
    Count,
    Day,
    Key,
    Label,
    Millisecond,
    Name,
    Numbers,
    Price,
    PushId,
    Second,
    Shares,
    SideNumber,
    Small,
    Symbol,
    Symbols,
    Text,
    Time,
)


class Signal(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One decision of a rule on one stock."""

    key: Key
    """strategy|day|symbol|check or entry name|attempt."""
    rule: Name
    symbol: Symbol
    push: PushId
    ts_ns: Time
    """Exchange time of the step decided on."""
    action: Action
    fraction_bp: BasisPoints
    price: PriceKind
    cancel_at_s: Second
    """Second of the day at which an unfilled rest is cancelled; 0 = never."""
    reason: Reason
    float_value: Cash
    """Float market value in 0.001 yuan, for the order of slots."""
    time_ms: Millisecond = 0
    """Exchange time in ms since midnight, for the order of slots."""


class SignalBatch(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """All decisions of one push, exits first; sent when there is one, or when the push carries hand orders."""

    key: Key
    """signals|push."""
    push: PushId
    signals: tuple[Signal, ...]


class VerdictStatus(IntEnum):
    """What became of an intent."""

    DENIED = 0
    APPROVED = 1
    """An order is journalled at the gateway."""
    STANDING = 2
    """An exit stands and will be worked until done."""
    PENDING = 3
    """Accepted, waits for the next push boundary."""


class Verdict(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The answer to an intent, under its key; the same key gets the same verdict for ever."""

    key: Key
    status: VerdictStatus
    reason: Reason = Reason.NONE
    detail: Numbers = {}
    """The numbers the reason rests on, by name (prices in 0.001 yuan)."""
    coid: Coid = ""
    symbol: Symbol = ""
    side: SideNumber = 0
    shares: Shares = 0
    price: Price = 0
    push: PushId = 0
    rule: Name = ""
    """Rule name, or "hand"."""
    action: Small = 0
    """`Action` of the signal, 0 for hand orders."""
    cause: Reason = Reason.NONE
    """Why the intent was made (entry or exit reason)."""


class SignalVerdicts(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The answer to a SignalBatch, in its order."""

    key: Key
    push: PushId
    verdicts: tuple[Verdict, ...]


class PoolRow(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One stock of a day's pool."""

    symbol: Symbol
    name: Name
    context: Numbers
    """The named integers the rule declared; prices in 0.001 yuan as of the session before."""
    conditions: Numbers
    """The numbers of the screen's conditions."""


class Pool(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """The pool of a rule for a day: the screener's answer and its publication."""

    rule: Name
    day: Day
    rows: tuple[PoolRow, ...]
    universe: Count
    """Number of stocks looked at."""
    unknown_st: Count = 0
    """Names left out only because their ST state is unknown."""
    note: Text = ""
    ready: bool = True
    """False: today's data is incomplete, nothing may be opened; `note` says why."""
    unknown_st_allowed: bool = False
    """Whether the screen lets in stocks whose ST state is unknown (research only)."""
    unknown_st_in: Count = 0
    """Names of this pool whose ST state is unknown."""


class PoolRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask for the pool of a day, screening first where that was not done."""

    rule: Name
    day: Day
    symbols: Symbols = ()
    """Not empty: look only at these (tapes of a few stocks), keeping each whether it passes or not."""
    fresh: bool = False
    """Screen again although a pool is stored."""


class Condition(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """One condition of a screen or one check of a rule, with its numbers and verdict."""

    name: Label
    passed: bool
    numbers: Numbers
    text: Text = ""
    second_of_day: Second = 0
    """When it was checked; 0 for screens."""
    outcome: Label = ""
    """What followed (decision, verdict), for people."""


class ExplainRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask why a stock was or was not picked, entered, left on a day."""

    symbol: Symbol
    day: Day


class Explanation(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Every condition or check of one stock on one day, by rule."""

    symbol: Symbol
    day: Day
    checks: dict[Name, tuple[Condition, ...]]
    note: Text = ""


class VerdictsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask the risk manager for its verdicts, on decisions of rules and on hand orders. Answered by Verdicts."""

    day: Day = 0
    """0 = all days."""


class Verdicts(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Answer to VerdictsRequest: by push, then in the order given."""

    rows: tuple[Verdict, ...]


class SignalsRequest(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Ask the signal engine for the decisions it made. Answered by SignalList."""

    day: Day = 0
    """0 = all days."""


class SignalList(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Answer to SignalsRequest: by push, then in the order made."""

    rows: tuple[Signal, ...]
