"""What the journal tells of the days behind: sessions, closing equities, positions left at a stop loss."""

from typing import NamedTuple

from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Side
from common.messages.orders import DayClosed, DayRolled, EventRow, OrderSubmitted


class StopLoss(NamedTuple):
    """One exit at a stop loss: its first order."""

    day: Day
    seq: int


class Record:
    """Folded from the gateway's events with the books, so a restart gives the same."""

    def __init__(self) -> None:
        self.sessions: list[Day] = []
        self.closes: list[tuple[Day, Cash]] = []
        self.stops: dict[str, StopLoss] = {}
        """By the key of the exit: its reprices are no further ones."""

    def take(self, row: EventRow) -> None:
        """Take in one event."""
        match row.event:
            case DayRolled(day=day):
                self.sessions.append(day)
            case DayClosed(result=result):
                self.closes.append((result.day, result.equity))
            case OrderSubmitted(order=order) if order.side == Side.SELL and order.cause is Reason.STOP_LOSS:
                head, mark, tail = order.key.rpartition("|r")
                key = head if mark and tail.isdigit() else order.key
                day = self.sessions[-1] if self.sessions else 0
                self.stops.setdefault(key, StopLoss(day, row.seq))
            case _:
                pass

    def sessions_since(self, day: Day) -> int:
        """Return how many sessions began after a day."""
        return sum(1 for session in self.sessions if session > day)

    def stops_within(self, sessions: int, after_seq: int) -> list[StopLoss]:
        """Return the stop losses of the last `sessions` sessions that came after a journal row, oldest first."""
        first = self.sessions[-sessions:][:1]
        return [stop for stop in self.stops.values() if first and stop.day >= first[0] and stop.seq > after_seq]

    def peak(self, since: Day, start: Cash) -> Cash:
        """Return the highest close of a day and all later ones, `start` at least."""
        return max([start, *(equity for day, equity in self.closes if day >= since)])
