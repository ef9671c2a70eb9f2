"""The player: one push after another, in lockstep with its consumers or at a pace of real time. Pure.

Restart: the day is read again from its start up to the push that was being played (values and bars are rebuilt, what
was recorded is completed), and that push is said again; consumers that have done it acknowledge it again.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from common.domain.calendar import second_of_day
from common.domain.values import Pace, Phase, PushId, day_of_push, push_number
from common.messages.control import (
    FeedState,
    FeedStateRequest,
    HandOrderPlaced,
    HoldRequest,
    HoldSet,
    PushAck,
    RecordHandOrder,
)
from common.messages.header import Trace
from common.messages.kept import PlacedHandOrder, PlayerPosition, RegisteredConsumer
from common.messages.market import BarsClosed, DayOpened, HandOrder, PushEnd, QuoteBatch
from common.messages.outputs import Effect, Log, Message, Origin, Output, Publish, Reply, Save
from common.messages.topics import FEED
from services.market_data.calls import FeedNote, FeedStatus, PushRead, ReadPush, RecordPush, SeekDay, TapesFinished
from services.market_data.hand import HandBook
from services.market_data.lockstep import Acks
from services.market_data.settings import Settings
from services.market_data.values import Playable, Values

SETTLE_NS = 1_000_000_000
"""Reconnecting may take a subscriber this long (RECONNECT_IVL_MAX)."""


class Bars(Protocol):
    """The bar builder of a day (`bars.py`)."""

    def push(self, end: PushEnd, batches: Sequence[QuoteBatch]) -> list[BarsClosed]:
        """Close what `end` closes, then take the batches in."""


class PlayerCore:
    """Plays what its adapter reads."""

    def __init__(self, settings: Settings, make_bars: Callable[[DayOpened], Bars]) -> None:
        self._settings = settings
        self._make_bars = make_bars
        self._acks = Acks(settings.consumers)
        self._position = PlayerPosition(0, 0, 0)
        self._hand = HandBook(settings.script)
        self._state = "waiting"
        self._next: PushRead | None = None
        self._current: Playable | None = None
        self._bars: Bars | None = None
        self._day: DayOpened | None = None
        self._values = Values(settings.ring_s * settings.speed_milli * 1_000_000, ring=settings.pace is Pace.REAL_TIME)
        self._said: PushId = 0
        """Last push said, while reading the day again."""
        self._anchor: tuple[int, int] | None = None
        self._skipped = False
        self._pushes_of_day = 0
        self._late: dict[str, int] = dict.fromkeys(settings.consumers, 0)
        self._due_ns: int | None = None
        self._heard_ns: int | None = None
        self._source = FeedStatus({}, {})

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back the position and the hand orders placed so far."""
        for record in kept.values():
            if isinstance(record, PlayerPosition):
                self._position = record
            elif isinstance(record, RegisteredConsumer):
                self._acks.register(record.consumer)
            elif isinstance(record, PlacedHandOrder):
                self._hand.take(record)

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Go to the day being played and read on from its start."""
        if self._position.push == 0:
            self._due_ns = now_ns if not self._acks.absent() else None
            return [Effect(SeekDay(0))]
        self._state = "rebuilding"
        self._due_ns = now_ns
        return [Effect(SeekDay(day_of_push(self._position.push), self._position.push))]

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report the position, who is waited for and who was late."""
        current = self._position.push
        numbers = {
            "push": current,
            "push_number": push_number(current),
            "pushes_of_day": self._pushes_of_day,
            "day": day_of_push(current),
            "ts_ns": self._current.end.ts_ns if self._current else 0,
            "repeats": self._acks.repeats,
            "hold": self._position.hold,
            "acked": int(current > 0 and not self._acks.waiting_for(current)),
        }
        late = {f"late_{consumer}": count for consumer, count in self._late.items()}
        waiting = self._acks.waiting_for(current) if current else self._acks.absent()
        words = {"waiting_for": ",".join(waiting), **self._source.words}
        return self._state != "rebuilding", self._state, {**numbers, **late, **self._source.numbers}, words

    def next_deadline_ns(self) -> int | None:
        """Return when to read, play or repeat next."""
        return self._due_ns

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Read on while rebuilding, play the push that is due, repeat one that was not acknowledged."""
        if self._due_ns is None or now_ns < self._due_ns:
            return []
        self._due_ns = None
        if self._state == "rebuilding":
            return [Effect(ReadPush())]
        if self._state == "waiting":
            return self._begin(now_ns)
        if self._state == "playing" and self._next is not None and self._may_play(now_ns):
            return self._play(now_ns)
        return self._repeat(now_ns)

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle one message."""
        match message:
            case PushAck():
                # A consumer speaks for itself only: whose key it was says the link, not the message.
                return self._on_ack(message, now_ns) if message.consumer == origin.sender else []
            case PushRead():
                return self._on_read(message, now_ns)
            case TapesFinished():
                return self._on_finished(now_ns)
            case FeedNote(level, event, facts):
                return [Log(level, event, facts)]
            case FeedStatus():
                self._source = message
        if origin.token is None:
            return []
        if isinstance(message, FeedStateRequest):
            answer = Reply(origin.token, self._feed_state(message))
            return (
                [answer, *self._on_registered(message.consumer, now_ns)]
                if message.consumer == origin.sender
                else [answer]
            )
        if isinstance(message, RecordHandOrder):
            return self._place(message.order, origin)
        if isinstance(message, HoldRequest):
            return self._hold(message, origin, now_ns)
        return []

    # ------------------------------------------------------------------ beginning and reading

    def _on_registered(self, consumer: str, now_ns: int) -> list[Output]:
        if consumer not in self._acks.absent():
            return self._begin(now_ns)
        self._acks.register(consumer)
        return [Save(f"consumer/{consumer}", RegisteredConsumer(consumer)), *self._begin(now_ns)]

    def _begin(self, now_ns: int) -> list[Output]:
        if self._state != "waiting" or self._acks.absent():
            return []
        if self._settings.pace is Pace.REAL_TIME and now_ns < self._settled_ns(now_ns):
            self._due_ns = self._settled_ns(now_ns)
            return []
        self._state = "playing"
        return [Log("info", "play begins", {"consumers": list(self._acks.done)}), Effect(ReadPush())]

    def _settled_ns(self, now_ns: int) -> int:
        """Return when play may begin: a reader that asked may not hear yet, and real time waits for nobody later."""
        if self._heard_ns is None:
            self._heard_ns = now_ns
        return self._heard_ns + SETTLE_NS

    def _on_read(self, read: PushRead, now_ns: int) -> list[Output]:
        if self._state == "rebuilding":
            return self._rebuild(read, now_ns)
        if self._skip(read):
            self._take_in(self._playable(read, 0))
            self._skipped = True
            return [Effect(ReadPush())] if read.end.push % 64 else self._soon(now_ns)
        self._next = read
        return self._play(now_ns) if self._may_play(now_ns) else []

    def _soon(self, now_ns: int) -> list[Output]:
        # Skipping goes through the deadline now and then, so that the loop beats and answers meanwhile.
        self._state, self._due_ns = "rebuilding", now_ns
        return []

    def _skip(self, read: PushRead) -> bool:
        second = second_of_day(read.end.ts_ns)
        inside = self._settings.start_second <= second < self._settings.end_second
        return read.day is None and not read.end.last_of_day and not inside

    def _rebuild(self, read: PushRead, now_ns: int) -> list[Output]:
        if read.end.push > self._position.push:
            self._state = "playing"
            return self._on_read(read, now_ns)
        if read.end.push < self._position.push:
            playable = self._playable(read, self._said)
            self._take_in(playable)
            self._due_ns = now_ns
            if self._skip(read):
                self._skipped = True
                return []
            self._said = read.end.push
            return self._record(playable)
        playable = self._playable(read, self._position.prev)
        self._state = "finished" if self._position.finished else "playing"
        self._take_in(playable)
        self._current = playable
        self._pushes_of_day = read.pushes_of_day
        self._acks.published(now_ns)
        self._due_ns = self._acks.repeat_at_ns()
        return [*self._record(playable), *self._say(playable), Effect(ReadPush())]

    def _on_finished(self, now_ns: int) -> list[Output]:
        self._next = None
        if self._current is None:
            self._state = "finished"
            return [Log("warning", "nothing to play", {})]
        if self._acks.waiting_for(self._current.end.push) and self._settings.pace is Pace.LOCKSTEP:
            return []
        return self._finish()

    def _finish(self) -> list[Output]:
        if self._state == "finished":
            return []
        self._state, self._due_ns = "finished", None
        self._position = replace(self._position, finished=True)
        return [Save("position", self._position), Log("info", "tapes played", {"push": self._position.push})]

    # ------------------------------------------------------------------ playing

    def _on_ack(self, ack: PushAck, now_ns: int) -> list[Output]:
        self._acks.ack(ack.consumer, ack.push)
        if self._state == "waiting":
            return self._begin(now_ns)
        if self._state not in ("playing", "held") or self._settings.pace is not Pace.LOCKSTEP or self._current is None:
            return []
        if self._acks.waiting_for(self._current.end.push):
            return []
        if self._next is None:
            return self._finish()
        return self._play(now_ns) if self._may_play(now_ns) else []

    def _may_play(self, now_ns: int) -> bool:
        """Tell whether the push that was read may be said now; sets the deadline where it is only too early."""
        if self._current is not None:
            push = self._current.end.push
            if self._settings.pace is Pace.LOCKSTEP and self._acks.waiting_for(push):
                self._due_ns = self._acks.repeat_at_ns()
                return False
            if self._position.hold and push >= self._position.hold:
                self._state = "held"
                return False
        if self._settings.pace is Pace.LOCKSTEP:
            return True
        return self._is_time(now_ns)

    def _is_time(self, now_ns: int) -> bool:
        assert self._next is not None
        if self._settings.live:
            return True
        ts_ns = self._next.end.ts_ns
        if self._anchor is None or self._next.day is not None or self._skipped:
            self._anchor = (now_ns, ts_ns)
        wall_ns, data_ns = self._anchor
        due_ns = wall_ns + (ts_ns - data_ns) * 1000 // self._settings.speed_milli
        if now_ns >= due_ns:
            return True
        self._due_ns = due_ns
        return False

    def _play(self, now_ns: int) -> list[Output]:
        assert self._next is not None
        read, self._next = self._next, None
        if self._current is not None:
            for consumer in self._acks.waiting_for(self._current.end.push):
                self._late[consumer] += 1
        playable = self._playable(read, self._position.push)
        self._position = replace(self._position, push=read.end.push, prev=self._position.push)
        self._take_in(playable)
        self._current = playable
        self._pushes_of_day = read.pushes_of_day
        self._acks.published(now_ns)
        if self._settings.pace is Pace.LOCKSTEP:
            self._due_ns = self._acks.repeat_at_ns()
        return [
            Save("position", self._position),
            *self._record(playable),
            *self._say(playable),
            Effect(ReadPush()),
        ]

    def _repeat(self, now_ns: int) -> list[Output]:
        if self._current is None or self._settings.pace is not Pace.LOCKSTEP:
            return []
        waiting = self._acks.waiting_for(self._current.end.push)
        if not waiting:
            return []
        self._acks.repeated(now_ns)
        self._due_ns = self._acks.repeat_at_ns()
        return [Publish(FEED, self._current.end)]

    def _say(self, playable: Playable) -> list[Output]:
        # The exchange's time, so that every decision tells how old its quotes were; a tape's time is no wall time.
        trace = Trace(feed_ns=playable.end.ts_ns) if self._settings.live else Trace()
        return [Publish(FEED, message, trace=trace) for message in playable.messages()]

    def _record(self, playable: Playable) -> list[Output]:
        if not self._settings.record:
            return []
        end, live = playable.end, self._settings.live
        flush = live or bool(end.hand) or end.last_of_day or playable.day is not None
        return [Effect(RecordPush(end.push, playable.messages(), flush))]

    def _playable(self, read: PushRead, prev: PushId) -> Playable:
        """Make the push as it is said: our pace, our hand orders, bars in front of the quotes."""
        push, day = read.end.push, read.day
        if day is not None:
            settings = self._settings
            speed = settings.speed_milli if settings.pace is Pace.REAL_TIME else 0
            day = replace(day, feed_epoch=f"{day.source}:{day.day}", pace=settings.pace, speed_milli=speed)
            self._bars = self._make_bars(day)
        batches, gap = read.batches, read.end.gap
        bars = tuple(self._bars.push(read.end, batches)) if self._bars is not None else ()
        if self._skipped and not self._skip(read):
            batches, gap, self._skipped = self._values.whole(read.end, read.batches), True, False
        end = replace(
            read.end,
            feed_epoch=day.feed_epoch if day is not None else (self._day.feed_epoch if self._day else ""),
            parts=len(batches),
            bar_parts=len(bars),
            hand=(*read.end.hand, *self._hand.of(push)),
            prev=prev,
            gap=gap,
        )
        return Playable(end, day, bars, batches)

    def _take_in(self, playable: Playable) -> None:
        self._values.take_in(playable)
        if playable.day is not None:
            self._day = playable.day

    # ------------------------------------------------------------------ questions

    def _feed_state(self, request: FeedStateRequest) -> FeedState:
        if self._current is None or self._state in ("waiting", "rebuilding"):
            return FeedState(None, b"", 0, (), gap=False)
        return self._values.state_for(request, lockstep=self._settings.pace is Pace.LOCKSTEP)

    def _place(self, order: HandOrder, origin: Origin) -> list[Output]:
        assert origin.token is not None
        placed = self._hand.placed(order.key)
        if placed is not None:
            return [Reply(origin.token, HandOrderPlaced(order.key, placed.push))]
        push = self._push_to_come()
        if push == 0:
            return [Reply(origin.token, HandOrderPlaced(order.key, 0))]
        placed = PlacedHandOrder(order, push)
        self._hand.take(placed)
        return [Save(f"hand/{order.key}", placed), Reply(origin.token, HandOrderPlaced(order.key, placed.push))]

    def _push_to_come(self) -> PushId:
        """Return the push that a hand order enters with; 0 while there is none to come today."""
        if self._state not in ("playing", "held"):
            return 0
        if self._next is not None:
            return 0 if self._next.end.phase is Phase.PRE_OPEN else self._next.end.push
        # Live, nothing is read ahead; the next push has the next number.
        live = self._settings.live and self._current is not None and not self._current.end.last_of_day
        return self._position.push + 1 if live else 0

    def _hold(self, request: HoldRequest, origin: Origin, now_ns: int) -> list[Output]:
        assert origin.token is not None
        hold = max(1, self._position.push) if request.push == 1 else request.push
        self._position = replace(self._position, hold=hold)
        outputs: list[Output] = [
            Save("position", self._position),
            Reply(origin.token, HoldSet(hold)),
        ]
        if self._state == "held":
            self._state, self._anchor = "playing", None
            if self._next is None:
                outputs += self._finish()
            elif self._may_play(now_ns):
                outputs += self._play(now_ns)
        return outputs
