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
    found = [Fill(day_of_push(row.push), row.push, row.event) for row in rows if isinstance(row.event, OrderFilled)]
    return [fill for fill in found if day in (0, fill.day)]


def fills_of(session: Session, day: Day) -> list[Fill]:
    """Return the deals of a day (0 = all), oldest first."""
    return fills_in(list(events_from(session, 1)), day)
