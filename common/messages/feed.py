"""Reading the feed: whole pushes in order, duplicates dropped, what was missed asked for again. Pure."""

from typing import NamedTuple

from common.domain.values import PushId, push_number
from common.messages.codec import decode_body
from common.messages.columns import Instruments, QuoteTable, index_of
from common.messages.control import FeedState, FeedStateRequest
from common.messages.market import BarsClosed, DayOpened, PushEnd, QuoteBatch
from common.messages.outputs import Message, Output, Request


class PushData(NamedTuple):
    """A complete push."""

    end: PushEnd
    day: DayOpened | None = None
    """The new day, on push number 0."""
    bars: tuple[BarsClosed, ...] = ()
    batches: tuple[QuoteBatch, ...] = ()
    gap: bool = False
    """Pushes before this one are lost to this reader: edges inside the gap are missed."""
    first: bool = False
    """First push after a start or a repair; `FeedReader.table` held the values before it."""
    repeat: bool = False
    """Said again by the player because it misses our acknowledgement; carries only `end`."""

    @property
    def push(self) -> PushId:
        """Id of the push."""
        return self.end.push


class _Restored(NamedTuple):
    day: DayOpened | None
    table: bytes
    table_push: PushId


def outside_table(part: QuoteBatch | BarsClosed, size: int) -> bool:
    """Tell whether a part names a row that the day's table does not have: nobody could say which stock is meant."""
    index = index_of(part)
    return len(index) > 0 and int(index.max()) >= size


class FeedReader:
    """Assembles the feed for one consumer.

    `on_message` returns complete pushes; the owner calls `apply` for each when it starts to work on it, so that
    `day`, `instruments` and `table` always belong to the push in work and not to one that waits behind it.
    """

    def __init__(self, consumer: str, have: PushId = 0, peer: str = "market_data") -> None:
        self.consumer = consumer
        self.have = have
        """Last push delivered."""
        self.day: DayOpened | None = None
        self.instruments: Instruments | None = None
        self.table: QuoteTable | None = None
        self.repairs = 0
        """How often something was missing."""
        self._peer = peer
        self._synced = False
        self._asked = ""
        self._bars: list[BarsClosed] = []
        self._batches: list[QuoteBatch] = []
        self._day: DayOpened | None = None
        self._building: PushId = 0
        self._restored: dict[PushId, _Restored] = {}
        self._gap_next = False
        self._first_next = True
        self._knows_day = False
        self._size = 0
        """Stocks in the table of the day of `have`."""

    def on_start(self) -> list[Output]:
        """Ask for the state of the feed (the shell has subscribed already)."""
        return self._ask()

    def _ask(self) -> list[Output]:
        self._synced = False
        self._asked = f"feed|{self.consumer}|{self.have}|{self.repairs}"
        return [Request(self._peer, self._asked, FeedStateRequest(self.consumer, self.have, not self._knows_day))]

    def on_message(self, message: Message) -> tuple[list[PushData], list[Output]]:
        """Take a message of the feed or the answer to our question; other messages are ignored."""
        if isinstance(message, FeedState):
            return self._on_state(message)
        if not self._synced:
            return [], []  # the answer will hold it, or the player says it again
        return self._take(message)

    def _take(self, message: Message) -> tuple[list[PushData], list[Output]]:
        if isinstance(message, QuoteBatch):
            if self._enter(message.push):
                self._batches.append(message)
        elif isinstance(message, BarsClosed):
            if self._enter(message.push):
                self._bars.append(message)
        elif isinstance(message, DayOpened):
            if self._enter(message.push):
                self._day = message
        elif isinstance(message, PushEnd):
            return self._on_end(message)
        return [], []

    def _enter(self, push: PushId) -> bool:
        if push <= self.have:
            return False
        if push != self._building:
            self._building, self._day, self._bars, self._batches = push, None, [], []
        return True

    def _on_end(self, end: PushEnd) -> tuple[list[PushData], list[Output]]:
        if end.push <= self.have:
            return [PushData(end, repeat=True)], []
        whole = self._building == end.push or (end.parts == 0 and end.bar_parts == 0)
        bars = {bar.part: bar for bar in self._bars} if whole else {}
        batches = {batch.part: batch for batch in self._batches} if whole else {}
        complete = len(bars) == end.bar_parts and len(batches) == end.parts
        opens = self._day if whole else None
        size = self._size if opens is None else len(opens.instruments.symbols)
        outside = any(outside_table(part, size) for parts in (bars, batches) for part in parts.values())
        if not complete or outside or end.prev != self.have or (push_number(end.push) == 0 and opens is None):
            self.repairs += 1
            return [], self._ask()
        data = PushData(
            end,
            opens,
            tuple(bars[part] for part in sorted(bars)),
            tuple(batches[part] for part in sorted(batches)),
            gap=self._gap_next or end.gap,
            first=self._first_next,
        )
        self.have, self._building, self._day, self._bars, self._batches = end.push, 0, None, [], []
        self._gap_next = self._first_next = False
        self._knows_day = self._knows_day or opens is not None
        self._size = size
        return [data], []

    def _on_state(self, state: FeedState) -> tuple[list[PushData], list[Output]]:
        if self._synced:
            return [], []  # an answer to a question asked twice
        self._synced = True
        self._building = 0
        frames = [decode_body(frame) for frame in state.frames]
        ends = [frame for frame in frames if isinstance(frame, PushEnd)]
        first_new = next((end for end in ends if end.push > self.have or not self._knows_day), None)
        if first_new is None:
            return [], []
        if first_new.prev != self.have or not self._knows_day:
            # We cannot go on from what we hold: take the values before the first frame, and go on from there.
            first_new = ends[0]
            self._restored[first_new.push] = _Restored(state.day, state.table, state.table_push)
            self.have = first_new.prev
            self._knows_day = state.day is not None
            self._size = len(state.day.instruments.symbols) if state.day is not None else 0
            self._first_next, self._gap_next = True, state.gap
        done: list[PushData] = []
        for frame in frames:
            pushes, outputs = self._take(frame)
            done += [push for push in pushes if not push.repeat]
            if outputs:
                return done, outputs
        return done, []

    def before(self, push: PushData) -> None:
        """Restore the values as they were before `push`, where it is the first after a start (see `PushData.first`)."""
        restored = self._restored.pop(push.push, None)
        if restored is None or restored.day is None:
            return
        self._open(restored.day)
        if self.table is None or not restored.table:
            return
        batch = decode_body(restored.table)
        if isinstance(batch, QuoteBatch):
            self.table.apply(batch)
        self.table.push = restored.table_push

    def apply(self, push: PushData) -> None:
        """Make `push` the current one: its day, its instruments, its values in `table`."""
        self.before(push)
        if push.day is not None:
            self._open(push.day)
        if self.table is None:
            return
        for batch in push.batches:
            self.table.apply(batch)
        self.table.push = push.push

    def _open(self, day: DayOpened) -> None:
        self.day = day
        self.instruments = Instruments(day.instruments)
        self.table = QuoteTable(len(self.instruments))
