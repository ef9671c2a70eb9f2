"""The signal engine: whole pushes and the gateway's events in, decisions of the rules out. Pure.

A push is evaluated once it is complete and the gateway has said which events belong to it. What the evaluation
changed, the decisions and the cursor are committed together; the push is acknowledged when the risk manager has
answered. Evaluating a push again of which nothing was committed gives the same decisions under the same keys.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from common.domain.calendar import second_of_day
from common.domain.values import PushId, day_of_push, push_number
from common.messages.control import Fault, FeedState, PushAck
from common.messages.event_feed import EventReader
from common.messages.feed import FeedReader, PushData
from common.messages.header import Trace
from common.messages.kept import BrokenRule, RuleMemory, RulePool, SignalCursor
from common.messages.market import BarsClosed, DayOpened, PushEnd, QuoteBatch
from common.messages.orders import EventRow, Events, MatchedThrough
from common.messages.outputs import Log, Message, Origin, Output, Reply, Save, Tell
from common.messages.signals import (
    ExplainRequest,
    Pool,
    SignalBatch,
    SignalList,
    SignalsRequest,
    SignalVerdicts,
    VerdictStatus,
)
from common.strategies.host import RuleHost, Saved
from services.signal_engine.broken import Broken
from services.signal_engine.checks import Checks
from services.signal_engine.evaluation import Evaluation
from services.signal_engine.outbox import Outbox
from services.signal_engine.pools import Pools

SIGNAL = "signal_engine"
MARKET = "market_data"
QUEUE_MAX = 120
"""Pushes that may wait for the gateway or a pool; beyond it the oldest are lost, as a gap (real time only)."""


class _Waiting(NamedTuple):
    data: PushData
    trace: Trace


class SignalCore:
    """Hosts the rules."""

    def __init__(self, hosts: Sequence[RuleHost], sources: Mapping[str, str] | None = None) -> None:
        self._hosts = {host.rule.NAME: host for host in hosts}
        self._reader = FeedReader(SIGNAL)
        self._events = EventReader()
        self._checks = Checks()
        self._outbox = Outbox()
        self._pools = Pools(tuple(self._hosts))
        self._broken = Broken(hosts, sources or {})
        self._evaluation = Evaluation(tuple(hosts), self._reader, self._checks, self._broken)
        self._queue: deque[_Waiting] = deque()
        self._begun = False
        """The first push of the queue is in work: its events are in the books, its day waits for pools."""
        self._cursor = SignalCursor(0, 0)
        self._done: PushId = 0
        self._dropped = 0

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back decisions, verdicts, checks, memories, unanswered batches and the cursor."""
        self._checks.restore(rows)
        for record in kept.values():
            if isinstance(record, SignalCursor):
                self._cursor, self._done = record, record.push
            elif isinstance(record, RulePool):
                self._pools.restore(record)
            elif isinstance(record, SignalBatch):
                self._outbox.restore(record)
            elif isinstance(record, BrokenRule):
                self._broken.restore(record)
            elif isinstance(record, BarsClosed):
                self._evaluation.put_off.append(record)
            elif isinstance(record, RuleMemory) and record.rule in self._hosts:
                saved = Saved(record.memory, record.context, record.pool_context, record.numbers)
                self._hosts[record.rule].restore(record.symbol, saved)
        for host in self._hosts.values():
            host.restore_day(self._cursor.day, self._cursor.gap)

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Ask for the feed and for the events, send again what was not answered."""
        return [
            *self._broken.on_start(), *self._reader.on_start(), *self._events.on_start(), *self._outbox.resend(),
        ]  # fmt: skip

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle one message."""
        match message:
            case QuoteBatch() | BarsClosed() | DayOpened() | PushEnd() | FeedState():
                return self._on_feed(message, origin, now_ns)
            case EventRow() | MatchedThrough() | Events():
                return [*self._events.on_message(message), *self._next(now_ns)]
            case Pool():
                return self._on_pool(message, origin, now_ns)
            case SignalVerdicts():
                return self._on_verdicts(message)
            case Fault():
                return self._on_fault(message, origin, now_ns)
            case ExplainRequest():
                return self._reply(
                    origin, self._checks.explain(message, tuple(self._hosts.values()), self._notes(message.day))
                )
            case SignalsRequest():
                rows = (s for s in self._checks.signals if message.day in (0, day_of_push(s.push)))
                return self._reply(origin, SignalList(tuple(rows)))
            case _:
                return []

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Send again what the risk manager could not take."""
        return self._outbox.retry(now_ns)

    def next_deadline_ns(self) -> int | None:
        """Return when a batch is to be sent again."""
        return self._outbox.next_retry_ns()

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report the push, the pools, the decisions and who is waited for."""
        numbers = {
            "push": self._done,
            "push_number": push_number(self._done),
            "day": self._cursor.day,
            "queue": len(self._queue),
            "unanswered": len(self._outbox),
            "repairs": self._reader.repairs + self._events.repairs,
            "dropped": self._dropped,
            "given_up": self._evaluation.given_up,
            "faults": self._outbox.faults,
            "rules_broken": len(self._broken),
            "rule_failures": self._broken.failures,
            **self._checks.counts(),
        }
        for rule, host in self._hosts.items():
            numbers[f"watched_{rule}"] = len(host.watched())
            numbers[f"held_{rule}"] = len(host.held())
        state, waits = self._state()
        return state == "ready", state, numbers, {**self._pools.words(), "waiting_for": waits, **self._broken.words()}

    def _state(self) -> tuple[str, str]:
        if self._reader.instruments is None and not self._queue:
            return "waiting", MARKET
        if self._begun:
            return "opening", f"screener: {', '.join(self._pools.missing)}"
        if self._queue:
            return "waiting", "order_gateway"
        return "ready", "risk_manager" if len(self._outbox) else ""

    def _notes(self, day: int) -> list[str]:
        pools = self._pools.known.items()
        return [f"{rule}: {pool.note}" for rule, pool in pools if pool.day == day and not pool.ready]

    @staticmethod
    def _reply(origin: Origin, message: Message) -> list[Output]:
        return [Reply(origin.token, message)] if origin.token is not None else []

    # ------------------------------------------------------------------ feed

    def _on_feed(self, message: Message, origin: Origin, now_ns: int) -> list[Output]:
        pushes, outputs = self._reader.on_message(message)
        if not pushes:
            return outputs
        trace = origin.trace
        for data in pushes:
            if data.repeat:
                outputs += self._ack() if data.push <= self._done else []
            else:
                self._queue.append(_Waiting(data, trace))
        self._drop_surplus()
        return [*outputs, *self._next(now_ns)]

    def _drop_surplus(self) -> None:
        """Give up the oldest waiting pushes when too many wait; a day's opening is never given up."""
        while len(self._queue) > QUEUE_MAX:
            at = next((i for i in range(1, len(self._queue) - 1) if self._queue[i].data.day is None), None)
            if at is None:
                return
            del self._queue[at]
            after = self._queue[at]
            self._queue[at] = after._replace(data=after.data._replace(gap=True))
            self._dropped += 1

    def _next(self, now_ns: int) -> list[Output]:
        """Evaluate every push that can be."""
        outputs: list[Output] = []
        while self._queue:
            data, trace = self._queue[0]
            if data.push <= self._cursor.push:
                outputs += self._skip(data)
                continue
            if not self._begun:
                rows = self._events.ready(data.push)
                if rows is None:
                    break
                outputs += self._begin(data, rows)
            if self._pools.missing:
                break
            outputs += self._evaluate(data, trace, now_ns)
        return outputs

    def _skip(self, data: PushData) -> list[Output]:
        """Pass over a push that was done before a restart; only the values are brought up."""
        self._queue.popleft()
        self._reader.apply(data)
        self._done = max(self._done, data.push)
        return self._ack()

    def _begin(self, data: PushData, rows: Sequence[EventRow]) -> list[Output]:
        self._begun = True
        self._evaluation.take_in(data, rows)
        day = self._reader.day
        if day is None or day.day == self._cursor.day:
            return []
        return self._pools.ask(day)

    def _evaluate(self, data: PushData, trace: Trace, now_ns: int) -> list[Output]:
        self._queue.popleft()
        self._begun = False
        writes: list[Output] = []
        day = self._reader.day
        if day is not None and day.day != self._cursor.day:
            writes += self._evaluation.open_day(day.day, self._pools)
            self._cursor = SignalCursor(self._cursor.push, day.day)
        traced = trace._replace(decided_ns=now_ns)
        writes_, signals, said = self._evaluation.decide(data, traced)
        writes += writes_
        sends: list[Output] = []
        if signals or data.end.hand:
            sends = self._outbox.put(data.push, tuple(signals), traced)
        writes += self._memories()
        self._done = data.push
        if writes or sends or self._cursor.gap != self._evaluation.gap:
            self._cursor = SignalCursor(data.push, self._cursor.day, self._evaluation.gap)
            writes.append(Save("cursor", self._cursor))
        return [*writes, *sends, *said, *self._ack()]

    def _memories(self) -> list[Output]:
        return [
            Save(f"memory|{rule}|{symbol}", RuleMemory(rule, symbol, *host.save(symbol)))
            for rule, host in self._hosts.items()
            for symbol in host.take_changed()
        ]

    def _ack(self) -> list[Output]:
        """Acknowledge the last push done, unless something of it is unanswered."""
        if self._done == 0 or self._outbox.holds(self._done):
            return []
        return [Tell(MARKET, PushAck(SIGNAL, self._done))]

    # ------------------------------------------------------------------ answers

    def _on_pool(self, pool: Pool, origin: Origin, now_ns: int) -> list[Output]:
        day = self._reader.day.day if self._reader.day is not None else 0
        if not self._pools.take(origin.correlation_id, pool, day):
            return []
        log: list[Output] = []
        if not pool.ready:
            log = [
                Log("warning", "pool not ready, no entries", {"rule": pool.rule, "day": pool.day, "note": pool.note})
            ]
        return [*log, *self._next(now_ns)]

    def _on_fault(self, fault: Fault, origin: Origin, now_ns: int) -> list[Output]:
        facts: dict[str, object] = {"question": origin.correlation_id, "reason": fault.reason.name, "text": fault.text}
        log = Log("warning", "question refused", facts)
        day = self._reader.day.day if self._reader.day is not None else 0
        if self._pools.take(origin.correlation_id, fault, day):
            return [log, *self._next(now_ns)]
        self._outbox.failed(origin.correlation_id, now_ns)
        return [log]

    def _on_verdicts(self, verdicts: SignalVerdicts) -> list[Output]:
        batch, outputs = self._outbox.answered(verdicts.key)
        if batch is None:
            return []
        given = {verdict.key: verdict for verdict in verdicts.verdicts}
        for signal in batch.signals:
            verdict = given.get(signal.key)
            accepted = verdict is not None and verdict.status is not VerdictStatus.DENIED
            self._hosts[signal.rule].on_verdict(
                signal.symbol, day_of_push(signal.push), signal.action, signal.reason, second_of_day(signal.ts_ns),
                accepted=accepted,
            )  # fmt: skip
        return [*outputs, *self._checks.answered(verdicts), *self._memories(), *self._ack()]
