"""What the gateway's core asks of a broker, and what the broker reports. No vendor type crosses this line.

Two kinds of broker stand behind it. The paper exchange answers every call at once and is moved by `MatchPush`. A counter
(`Settings.counter`) has books of its own and answers when it likes: its adapter has `answers_later = True`, gives nothing
back from `perform`, and hands over what it hears through `poll`, with push and time 0 (the core puts its own).

Everything that one call (or one push of a real broker) brings comes in ONE `Reports`, because the core commits it as
one: half of a match on disk could not be told from a whole one after a crash.
"""

from enum import IntEnum
from typing import NamedTuple

import msgspec

from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Phase, Price, PushId, Shares, Symbol
from common.messages.kept import QueuePlaces, TakenShares
from common.messages.orders import SubmitOrder
from common.rules.book import EMPTY, Book
from common.rules.queue import UNSEEN


class AccountView(NamedTuple):
    """What the account can pay and deliver, this order's own needs not yet held. A real counter knows it by itself."""

    cash: Cash
    need: Cash
    """What the order needs when it buys, fees included."""
    sellable: Shares


class Submit(msgspec.Struct, frozen=True):
    """Give an order to the broker. Answered by Accepted (and deals) or Rejected."""

    order: SubmitOrder
    push: PushId
    """The push whose book it meets; the reports carry it back."""
    ts_ns: int
    day: Day
    board: int
    phase: Phase
    account: AccountView
    book: Book = EMPTY
    taken: Shares = 0
    """Filled already of the same stock and side in this push."""


class Cancel(msgspec.Struct, frozen=True):
    """Ask the broker to cancel what is left of an order. Answered by Cancelled or CancelRefused."""

    key: str
    coid: str
    symbol: Symbol
    push: PushId
    ts_ns: int
    day: Day
    broker_id: str = ""
    """The broker's own number of the order; the paper exchange has none of its own."""


class Connect(msgspec.Struct, frozen=True):
    """Make a new session with the counter, under a number no session had. Answered by LinkUp when it stands."""


class Query(msgspec.Struct, frozen=True):
    """Ask the counter for all it has today. Answered by CounterState."""

    asked_ns: int
    """The core's time: an order sent later may be missing in the answer."""
    known: tuple[str, ...] = ()
    """The counter's numbers of our open orders of today: an answer without a single order is then no whole one."""


class MatchPush(msgspec.Struct, frozen=True):
    """Let the paper exchange match resting orders against a push. Answered by Reports with `matched`."""

    push: PushId
    ts_ns: int
    books: tuple[tuple[Symbol, Book], ...]
    """Snapshots that came with the push, of stocks with open orders."""
    last_of_day: bool
    """Whatever is left unfilled after it expires."""
    auction: bool = False
    """The snapshots show the result of an auction."""


class RestingOrder(NamedTuple):
    """What the paper exchange has to know of an open order."""

    coid: str
    symbol: Symbol
    side: int
    price: Price
    left: Shares
    deals: int
    """Deals so far: the next one is numbered after them."""
    ahead: Shares = UNSEEN
    """Its place in the queue, as `queue.Place`."""
    shown: Shares = UNSEEN


class Restore(msgspec.Struct, frozen=True):
    """Rebuild the paper exchange after a restart: these orders rest, oldest first. Answered by nothing."""

    orders: tuple[RestingOrder, ...]
    taken: tuple[TakenShares, ...] = ()
    doubted: tuple[Symbol, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """The broker has the order."""

    coid: str
    broker_id: str


class Rejected(msgspec.Struct, frozen=True):
    """The broker refuses the order."""

    coid: str
    reason: Reason
    detail: dict[str, int] = {}


class DealDone(msgspec.Struct, frozen=True):
    """One deal."""

    coid: str
    deal_id: str
    shares: Shares
    price: Price


class Cancelled(msgspec.Struct, frozen=True):
    """What was left of the order is cancelled."""

    coid: str
    left: Shares


class CancelRefused(msgspec.Struct, frozen=True):
    """The broker refuses a cancel; the order stands."""

    key: str
    coid: str
    reason: Reason


class Expired(msgspec.Struct, frozen=True):
    """The day ended with something left unfilled."""

    coid: str
    left: Shares


# ------------------------------------------------------------------ what only a counter reports


class CounterStatus(IntEnum):
    """What a counter says of an order. It never moves shares: deals do."""

    UNKNOWN = 0
    """On its way, being cancelled, or a word we do not know: nothing follows from it."""
    WORKING = 1
    FILLED = 2
    CANCELLED = 3
    REJECTED = 4
    EXPIRED = 5


ENDED_AT_COUNTER = frozenset({CounterStatus.CANCELLED, CounterStatus.REJECTED, CounterStatus.EXPIRED})


class CounterOrder(msgspec.Struct, frozen=True):
    """An order as the counter shows it, pushed or in a CounterState."""

    broker_id: str
    remark: str
    """Our coid where it is ours, perhaps cut."""
    day: Day
    symbol: Symbol
    side: int
    shares: Shares
    price: Price
    status: CounterStatus
    traded: Shares = 0
    """By its own count; the order ends in our books when the deals have come to it."""


class CounterDeal(msgspec.Struct, frozen=True):
    """A deal as the counter shows it, pushed or in a CounterState."""

    deal_id: str
    """Unique within account and day."""
    broker_id: str
    remark: str
    day: Day
    symbol: Symbol
    side: int
    shares: Shares
    price: Price


class CounterPosition(msgspec.Struct, frozen=True):
    """A position as the counter shows it."""

    symbol: Symbol
    shares: Shares
    bought_today: Shares
    cost: Cash
    """Total, 0.001 yuan."""


class CounterState(msgspec.Struct, frozen=True):
    """The answer to Query. An answer of None, or one that lacks a part, is not `complete`: it is not an empty one."""

    asked_ns: int
    complete: bool
    orders: tuple[CounterOrder, ...] = ()
    deals: tuple[CounterDeal, ...] = ()
    positions: tuple[CounterPosition, ...] = ()
    cash: Cash = 0
    """All cash, what open buys hold included."""


class Unanswered(msgspec.Struct, frozen=True):
    """Nobody knows what became of an order: a timeout, a -1, a disconnect. Never a refusal by itself."""

    coid: str
    refused: bool = False
    """The counter said no without proof (a -1 has been seen for orders that lived): refused once it is proved absent."""


class CancelTaken(msgspec.Struct, frozen=True):
    """The counter took the request of a cancel. That is no cancel."""

    coid: str


class LinkUp(msgspec.Struct, frozen=True):
    """A new session stands."""

    session: int


class LinkDown(msgspec.Struct, frozen=True):
    """The session is lost; what was under way in it is unknown."""

    session: int


OrderReport = Accepted | Rejected | DealDone | Cancelled | CancelRefused | Expired
"""About one order of ours, by our own id."""
CounterReport = CounterOrder | CounterDeal | CounterState | Unanswered | CancelTaken | LinkUp | LinkDown
Report = OrderReport | CounterReport


class Reports(msgspec.Struct, frozen=True):
    """What came of one call, in order."""

    push: PushId
    ts_ns: int
    reports: tuple[Report, ...]
    matched: bool = False
    """The answer to MatchPush."""
    queue: QueuePlaces | None = None
    """Where all resting orders stand, when that changed; kept in the same commit as the rows of this call."""
    defects: tuple[int, ...] = ()
    """Snapshots that were passed over, as numbers of `Defect`; counted, nothing more."""
