"""The last values of the day, and the frames of the last minute, for readers that start or fell behind. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from common.domain.values import PushId
from common.messages.codec import encode_body
from common.messages.columns import QuoteTable, batch_of, quotes_of
from common.messages.control import FeedState, FeedStateRequest
from common.messages.market import QUOTES_PER_BATCH_MAX, BarsClosed, DayOpened, PushEnd, QuoteBatch
from common.messages.outputs import Message

STATE_BYTES_MAX = 12 << 20
"""Frames in one FeedState; a reader further behind starts from the last values."""
RING_BYTES_MAX = 24 << 20


class Playable(NamedTuple):
    """A push as it is said."""

    end: PushEnd
    day: DayOpened | None
    bars: tuple[BarsClosed, ...]
    batches: tuple[QuoteBatch, ...]

    def messages(self) -> tuple[Message, ...]:
        """Return what is said of it, in order."""
        opened: tuple[Message, ...] = (self.day,) if self.day is not None else ()
        return (*opened, *self.bars, *self.batches, self.end)


class _Framed(NamedTuple):
    push: PushId
    ts_ns: int
    frames: tuple[bytes, ...]


class Values:
    """Values after the current push, values before it, and (unless in lockstep) a ring of frames."""

    def __init__(self, ring_ns: int, *, ring: bool) -> None:
        self._ring_ns = ring_ns
        self._keeps_ring = ring
        self._ring: deque[_Framed] = deque()
        self._ring_bytes = 0
        self._day: DayOpened | None = None
        self._table: QuoteTable | None = None
        self._before: QuoteTable | None = None
        self._current: Playable | None = None

    def take_in(self, playable: Playable) -> None:
        """Bring the values up to this push, keeping the ones before it."""
        if playable.day is not None:
            size = len(playable.day.instruments.symbols)
            self._day, self._table, self._before = playable.day, QuoteTable(size), QuoteTable(size)
        elif self._current is not None and self._before is not None:
            for batch in self._current.batches:
                self._before.apply(batch)
            self._before.push = self._current.end.push
        if self._table is not None:
            for batch in playable.batches:
                self._table.apply(batch)
        self._current = playable
        if self._keeps_ring:
            self._remember(playable)

    def _remember(self, playable: Playable) -> None:
        frames = tuple(encode_body(message) for message in playable.messages())
        self._ring.append(_Framed(playable.end.push, playable.end.ts_ns, frames))
        self._ring_bytes += sum(len(frame) for frame in frames)
        oldest_ns = playable.end.ts_ns - self._ring_ns
        while self._ring and (self._ring[0].ts_ns < oldest_ns or self._ring_bytes > RING_BYTES_MAX):
            self._ring_bytes -= sum(len(frame) for frame in self._ring.popleft().frames)

    def whole(self, end: PushEnd, batches: Sequence[QuoteBatch]) -> tuple[QuoteBatch, ...]:
        """Return every stock quoted today as batches of this push: after a skipped part no reader has seen them."""
        if self._table is None:
            return tuple(batches)
        for batch in batches:
            self._table.apply(batch)
        quotes = quotes_of(self._table.to_batch(end.ts_ns, end.phase))
        starts = range(0, len(quotes.index), QUOTES_PER_BATCH_MAX)
        return tuple(
            batch_of(end.push, part, end.ts_ns, end.phase, quotes.cut(start, start + QUOTES_PER_BATCH_MAX))
            for part, start in enumerate(starts)
        )

    def state_for(self, request: FeedStateRequest, *, lockstep: bool) -> FeedState:
        """Answer a reader: what it lacks, or the last values and the current push.

        In lockstep no reader can lack more than the current push, so nothing is ever lost to it.
        """
        if self._current is None:
            return FeedState(None, b"", 0, (), gap=False)
        behind = tuple(frame for framed in self._ring if framed.push > request.have for frame in framed.frames)
        known = any(framed.push == request.have for framed in self._ring)
        if known and not request.fresh and sum(len(frame) for frame in behind) <= STATE_BYTES_MAX:
            return FeedState(self._day, b"", 0, behind, gap=False)
        end = self._current.end
        table = b""
        if self._before is not None and self._current.day is None:
            table = encode_body(self._before.to_batch(end.ts_ns, end.phase))
        frames = tuple(encode_body(message) for message in self._current.messages())
        lost = not lockstep and request.have not in (end.prev, end.push)
        return FeedState(self._day, table, end.prev, frames, gap=lost)
