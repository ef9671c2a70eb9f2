"""What the gateway's core asks of a broker, and what the broker reports. No vendor type crosses this line.

Everything that one call (or one push of a real broker) brings comes in ONE `Reports`, because the core commits it as
one: half of a match on disk could not be told from a whole one after a crash.
"""

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


Report = Accepted | Rejected | DealDone | Cancelled | CancelRefused | Expired


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
