"""What the core of market_data asks its adapter, and what it gets."""

import msgspec

from common.domain.values import Day, PushId
from common.messages.market import DayOpened, PushEnd, QuoteBatch
from common.messages.outputs import Message


class SeekDay(msgspec.Struct, frozen=True):
    """Go to the start of a day; the next ReadPush gives its push number 0. 0 = the first day there is."""

    day: Day
    said: PushId = 0
    """Last push said before a restart: what a live feed brings from now on is numbered above it."""


class ReadPush(msgspec.Struct, frozen=True):
    """Give the next push. Answered by PushRead or TapesFinished."""


class PushRead(msgspec.Struct, frozen=True):
    """A push as recorded."""

    end: PushEnd
    day: DayOpened | None
    batches: tuple[QuoteBatch, ...]
    pushes_of_day: int
    """How many pushes the day has, -1 where not known."""


class TapesFinished(msgspec.Struct, frozen=True):
    """There is no further push."""


class RecordPush(msgspec.Struct, frozen=True):
    """Keep what was published of one push; `flush` when it must survive the process (hand orders, ends of days)."""

    push: PushId
    messages: tuple[Message, ...]
    flush: bool


class FeedNote(msgspec.Struct, frozen=True):
    """A line for the log that the adapter asks for."""

    level: str
    event: str
    facts: dict[str, object]


class FeedStatus(msgspec.Struct, frozen=True):
    """How a live source is."""

    numbers: dict[str, int]
    words: dict[str, str]
