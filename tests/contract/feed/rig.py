"""One player over any source, driven by hand: a clock that stands, a disk in memory, a reader that assembles pushes."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from common.domain.values import Pace, PushId
from common.messages.control import FeedState
from common.messages.feed import FeedReader, PushData
from common.messages.header import Trace
from common.messages.outputs import LOCAL, Effect, Log, Message, Output, Publish, Reply, Save
from common.runtime.clock import SimClock
from services.market_data.bars import BarBuilder
from services.market_data.calls import ReadPush, RecordPush, SeekDay
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings

Perform = Callable[[Message], Sequence[Message]]
WAIT_S = 10.0


class Rig:
    """Runs a core over a source and hears what it says."""

    def __init__(self, open_adapter: Callable[[], object], clock: SimClock, *, live: bool) -> None:
        self.clock, self._open, self._live = clock, open_adapter, live
        self.kept: dict[str, Message] = {}
        self.said: list[Message] = []
        self.traces: list[Trace] = []
        self.logs: list[Log] = []
        self.reader = FeedReader("contract")
        self.reader.on_start()
        self.reader.on_message(FeedState(None, b"", 0, (), gap=False))
        self.heard: list[PushData] = []
        self.stop_at: PushId = 0
        """Ask for no push behind this one; 0 = go on."""
        self.start()

    def start(self) -> None:
        """Start the service anew over what is on disk."""
        self._put_off = False
        pace = Pace.REAL_TIME if self._live else Pace.LOCKSTEP
        self.core = PlayerCore(Settings(pace=pace, live=self._live), BarBuilder)
        self.adapter = self._open()
        self.core.restore([], dict(self.kept))
        self.carry(self.core.on_start(self.clock.now_ns()))

    def turn(self) -> None:
        """Go round the loop once, as the shell does."""
        poll = getattr(self.adapter, "poll", None)
        if poll is not None:
            self._hand(list(poll()))
        due_ns = self.core.next_deadline_ns()
        if due_ns is not None and due_ns <= self.clock.now_ns():
            self.carry(self.core.on_deadline(self.clock.now_ns()))

    def go_on(self, stop_at: PushId) -> None:
        """Ask for what was put off at the last stop; stop again at a push, 0 = never."""
        self.stop_at = stop_at
        if self._put_off:
            self._put_off = False
            self.carry([Effect(ReadPush())])

    def turn_until(self, done: Callable[[], bool], what: str) -> None:
        """Go round until threads have done their part; the clock of the test stands still meanwhile."""
        end = time.perf_counter() + WAIT_S
        while not done():
            if time.perf_counter() > end:
                raise TimeoutError(f"never: {what}; {self.core.status()}")
            self.turn()
            time.sleep(0.002)

    def _hand(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.carry(self.core.on_message(message, LOCAL, self.clock.now_ns()))

    def carry(self, outputs: Sequence[Output]) -> None:
        """Carry outputs out in order: what is on disk is there before it is said."""
        waiting = deque(outputs)
        while waiting:
            match waiting.popleft():
                case Save(key, record):
                    self.kept[key] = record
                case Publish(_, message, _, trace):
                    self._hear(message, trace)
                case Effect(call):
                    assert isinstance(call, ReadPush | RecordPush | SeekDay)
                    if isinstance(call, ReadPush) and 0 < self.stop_at <= self.last_push:
                        self._put_off = True
                        continue
                    for result in self.adapter.perform(call):  # type: ignore[attr-defined]  # every adapter has it
                        waiting.extend(self.core.on_message(result, LOCAL, self.clock.now_ns()))
                case Log() as line:
                    self.logs.append(line)
                case Reply():
                    raise AssertionError("nobody asked")

    @property
    def last_push(self) -> PushId:
        """Return the last push heard."""
        return self.heard[-1].push if self.heard else 0

    def _hear(self, message: Message, trace: Trace) -> None:
        self.said.append(message)
        self.traces.append(trace)
        pushes, missing = self.reader.on_message(message)
        assert not missing, "the reader lacks something"
        for push in pushes:
            if not push.repeat:
                self.reader.apply(push)
                self.heard.append(push)
