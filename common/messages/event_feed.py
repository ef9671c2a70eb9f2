"""Reading the gateway's events: every row once and in order, cut at the push being evaluated, gaps asked for. Pure."""

from common.domain.errors import InvariantError
from common.domain.values import PushId
from common.messages.orders import EventRow, Events, EventsRequest, MatchedThrough
from common.messages.outputs import Message, Output, Request

PAGE_ROWS = 2000
"""Rows asked for at once; the gateway may give fewer."""


def belongs(row: EventRow, push: PushId) -> bool:
    """Tell whether a row is evaluated in push `push` or before: later rows wait for the next one."""
    return row.push < push or (row.push == push and row.stage == 0)


class EventReader:
    """Collects journal rows for one consumer that evaluates pushes.

    Rows come by publication and as answers to questions, in any mixture; `ready` gives each once, in order.
    """

    def __init__(self, have: int = 0, peer: str = "order_gateway") -> None:
        self.have = have
        """Number of the last row given out."""
        self.matched: MatchedThrough | None = None
        """The newest match known."""
        self.repairs = 0
        """How often rows were missing."""
        self._peer = peer
        self._rows: dict[int, EventRow] = {}
        self._asked = ""
        self._asked_having = 0
        """`have` when the open question was asked."""
        self._asks = 0

    @property
    def buffered(self) -> int:
        """Return the number of rows that wait."""
        return len(self._rows)

    @property
    def waiting(self) -> bool:
        """Tell whether a question is open."""
        return bool(self._asked)

    def on_start(self) -> list[Output]:
        """Ask for everything after what we have (the shell has subscribed already)."""
        return self._ask(self.have + 1)

    def on_message(self, message: Message) -> list[Output]:
        """Take a row, a match or the answer to our question; other messages are ignored."""
        if isinstance(message, EventRow):
            self._keep(message)
        elif isinstance(message, MatchedThrough):
            self._match(message)
        elif isinstance(message, Events):
            return self._on_answer(message)
        else:
            return []
        return self._repair()

    def ready(self, push: PushId) -> list[EventRow] | None:
        """Give out the rows of push `push` and before; None while its match or one of its rows is not known yet."""
        if self.matched is None or self.matched.push < push:
            return None
        rows: list[EventRow] = []
        for seq in range(self.have + 1, self.matched.seq + 1):
            row = self._rows.get(seq)
            if row is None:
                return None
            if not belongs(row, push):
                break
            rows.append(row)
        for row in rows:
            del self._rows[row.seq]
        self.have += len(rows)
        return rows

    def _keep(self, row: EventRow) -> None:
        if row.seq > self.have:
            self._rows.setdefault(row.seq, row)

    def _match(self, matched: MatchedThrough) -> None:
        if self.matched is None or matched.push > self.matched.push:
            self.matched = matched

    def _ask(self, from_seq: int) -> list[Output]:
        self._asks += 1
        self._asked_having = self.have
        self._asked = f"events|{from_seq}|{self._asks}"
        return [Request(self._peer, self._asked, EventsRequest(from_seq, PAGE_ROWS))]

    def _on_answer(self, answer: Events) -> list[Output]:
        # Rows that were published and applied while the answer was on its way need not be in it.
        if answer.last_seq < self._asked_having:
            raise InvariantError(
                f"the gateway's journal ends at row {answer.last_seq}, row {self._asked_having} was applied here"
            )
        for row in answer.rows:
            self._keep(row)
        if answer.matched is not None:
            self._match(answer.matched)
        self._asked = ""
        return self._repair(answer.last_seq)

    def _repair(self, last_seq: int = 0) -> list[Output]:
        """Ask for the first row that is missing below the highest one known of, unless a question is open."""
        if self._asked:
            return []
        known = max(last_seq, max(self._rows, default=0), self.matched.seq if self.matched else 0)
        missing = self._first_missing(known)
        if not missing:
            return []
        if not last_seq:
            self.repairs += 1
        return self._ask(missing)

    def _first_missing(self, known: int) -> int:
        if known - self.have == len(self._rows):
            return 0  # the usual case: no hole, no search
        return next((seq for seq in range(self.have + 1, known + 1) if seq not in self._rows), 0)
