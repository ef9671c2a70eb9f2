"""Questions to the gateway's books that take more than one message."""

from collections.abc import Iterator
from typing import NamedTuple

from common.domain.values import Day, day_of_push
from common.messages.orders import EventRow, Events, EventsRequest, OrderFilled
from services.cli.session import Session

GATEWAY = "order_gateway"
PAGE_ROWS = 2000


class Fill(NamedTuple):
    """One deal and the push it happened in."""

    day: Day
    push: int
    fill: OrderFilled
    seq: int = 0
    """Its row in the journal."""


class Since(NamedTuple):
    """From where on deals are wanted."""

    seq: int = 1
    """Row of the journal."""
    ts_ns: int = 0
    """Data time."""


class Deal(NamedTuple):
    """What one order filled in one push: a walk through the book is one deal for people."""

    first: Fill
    shares: int
    amount: int
    """0.001 yuan."""
    fees: int
    fills: int
    taxes: int = 0

    @property
    def price(self) -> int:
        """Return the average price, rounded down to 0.001 yuan."""
        return self.amount // self.shares


def deals_of(fills: list[Fill]) -> list[Deal]:
    """Return fills with those of one order in one push put together, in the order of their beginnings."""
    found: dict[tuple[str, int], Deal] = {}
    for fill in fills:
        deal, key = fill.fill, (fill.fill.coid, fill.push)
        old = found.get(key, Deal(fill, 0, 0, 0, 0))
        found[key] = Deal(
            old.first,
            old.shares + deal.shares,
            old.amount + deal.shares * deal.price,
            old.fees + deal.fees,
            old.fills + 1,
            old.taxes + deal.tax,
        )
    return list(found.values())


def events_from(session: Session, first: int) -> Iterator[EventRow]:
    """Yield the journal's rows from number `first` on, page by page."""
    while True:
        answer = session.ask(GATEWAY, EventsRequest(first, PAGE_ROWS), Events)
        yield from answer.rows
        if not answer.rows or answer.rows[-1].seq >= answer.last_seq:
            return
        first = answer.rows[-1].seq + 1


def fills_in(rows: list[EventRow], day: Day = 0) -> list[Fill]:
    """Return the deals among journal rows; `day` 0 = all."""
    found = [
        Fill(day_of_push(row.push), row.push, row.event, row.seq) for row in rows if isinstance(row.event, OrderFilled)
    ]
    return [fill for fill in found if day in (0, fill.day)]


def fills_of(session: Session, day: Day, since: Since = Since()) -> list[Fill]:  # noqa: B008 - immutable
    """Return the deals of a day (0 = all) from a row or a data time on, oldest first."""
    found = fills_in(list(events_from(session, since.seq)), day)
    return [fill for fill in found if fill.fill.ts_ns >= since.ts_ns]
