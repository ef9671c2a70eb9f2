"""The gateway's core with the paper broker on a disk in memory: pushes in, questions answered, crashes at will."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from common.domain.calendar import hms
from common.domain.ids import client_order_id
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.codec import decode_body, encode_body
from common.messages.columns import QuoteTable
from common.messages.control import FeedState, FeedStateRequest, PushAck
from common.messages.header import Role
from common.messages.market import DayOpened, InstrumentTable, PushEnd, QuoteBatch
from common.messages.orders import Event, EventRow, MatchedThrough, SubmitOrder
from common.messages.outputs import (
    LOCAL,
    Effect,
    Forget,
    Log,
    Message,
    Origin,
    Output,
    Publish,
    Reply,
    Request,
    Tell,
    Token,
)
from services.order_gateway.adapters.paper import PaperBroker, PaperSettings
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import Settings
from tests.builders import Quote, batch, day_opened, milli, push_end
from tests.simulation.world import Disk

SECOND_NS = 1_000_000_000


class Broker(Protocol):
    """What the shell asks of a broker's adapter."""

    def perform(self, call: Message) -> Sequence[Message]:
        """Carry out a call of the gateway's core."""
        ...


class CrashError(Exception):
    """The process dies here."""


class Tape:
    """Pushes as messages, made day by day."""

    def __init__(self) -> None:
        self.pushes: list[list[Message]] = []
        self._prev = 0
        self._table: InstrumentTable | None = None

    def open(self, instruments: InstrumentTable, prev_day: int, **changes: object) -> int:
        """Begin a day with push number 0; returns the push."""
        self._table = instruments
        day = instruments.day
        end = push_end(day, 0, hms("09:00"), prev=self._prev)
        self.pushes.append([day_opened(instruments, prev_day, **changes), end])
        self._prev = end.push
        return end.push

    def push(
        self, number: int, at: str, quotes: Mapping[str, Quote] | None = None, silent: tuple[str, ...] = ()
    ) -> int:
        """Add a push; returns its id."""
        assert self._table is not None
        day, second = self._table.day, hms(at)
        batches = [batch(self._table, push_id(day, number), second, quotes)] if quotes else []
        end = push_end(day, number, second, parts=len(batches), prev=self._prev)
        self.pushes.append([*batches, replace(end, silent=silent)])
        self._prev = end.push
        return end.push

    def state(self, at: int, have: int) -> FeedState:
        """Answer a reader that starts while push `at` (place in `pushes`) is played."""
        if at < 0:
            return FeedState(None, b"", 0, (), gap=False)
        day = next(m for push in reversed(self.pushes[: at + 1]) for m in push if isinstance(m, DayOpened))
        table = QuoteTable(len(day.instruments.symbols))
        end = self.pushes[at][-1]
        before = [push for push in self.pushes[:at] if push[-1].push >= day.push]
        for push in before:
            for message in push:
                if isinstance(message, QuoteBatch):
                    table.apply(message)
        raw = encode_body(table.to_batch(end.ts_ns, end.phase)) if before else b""
        table_push = before[-1][-1].push if before else 0
        return FeedState(day, raw, table_push, tuple(encode_body(m) for m in self.pushes[at]), gap=False)


class Rig:
    """One gateway process after another on the same disk."""

    def __init__(
        self,
        settings: Settings | None = None,
        tape: Tape | None = None,
        paper: PaperSettings | None = None,
        connect: Callable[[], Broker] | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.connect = connect or (lambda: PaperBroker(paper or PaperSettings()))
        """Makes the broker's adapter of a process."""
        self.tape = tape or Tape()
        self.disk = Disk()
        self.at = -1
        self.now_ns = 1_800_000_000 * SECOND_NS
        self.risk: Callable[[Message], Message | None] = lambda request: None
        """What the risk manager answers to a relayed order; None = silent."""
        self.replies: dict[str, list[Message]] = {}
        self.published: list[tuple[str, Message]] = []
        self.acks: list[int] = []
        self.asking: dict[str, Request] = {}
        self.calls: list[Message] = []
        self.logged: list[str] = []
        self.boots = 0
        self.asked = 0
        self.crash: Callable[[str], bool] = lambda where: False
        """Asked before and after every commit that writes and before every effect; True kills the process there."""
        self.kill_file = False
        self.boot()

    def boot(self) -> None:
        """Start the process (again)."""
        while True:
            self.boots += 1
            self.asking = {}
            self.core, self.broker = GatewayCore(self.settings, lambda: self.kill_file), self.connect()
            try:
                self.core.restore(*self.disk.load())
                self._carry(self.core.on_start(self.now_ns))
            except CrashError:
                continue
            return

    # ------------------------------------------------------------------ the shell

    def _carry(self, outputs: Sequence[Output]) -> None:
        commits = self.disk.commits
        if any(type(output).__name__ in ("Append", "Save", "Drop") for output in outputs) and self.crash("before"):
            raise CrashError
        self.disk.commit(outputs)
        if self.disk.commits > commits and self.crash("after"):
            raise CrashError
        for output in outputs:
            for result in self._one(output):
                self._carry(self.core.on_message(result, LOCAL, self.now_ns))

    def _one(self, output: Output) -> Sequence[Message]:
        if isinstance(output, Publish):
            self.published.append((output.topic, output.message))
        elif isinstance(output, Reply):
            self.replies.setdefault(output.token.correlation_id, []).append(output.message)
        elif isinstance(output, Tell):
            assert isinstance(output.message, PushAck)
            self.acks.append(output.message.push)
        elif isinstance(output, Request):
            self._ask(output)
        elif isinstance(output, Forget):
            self.asking.pop(output.key, None)
        elif isinstance(output, Log):
            self.logged.append(output.event)
        elif isinstance(output, Effect):
            if self.crash("effect"):
                raise CrashError
            self.calls.append(output.call)
            return self.broker.perform(output.call)
        return []

    def _ask(self, request: Request) -> None:
        if isinstance(request.message, FeedStateRequest):
            answer: Message | None = self.tape.state(self.at, request.message.have)
        else:
            answer = self.risk(request.message)
        if answer is None:
            self.asking[request.key] = request
        else:
            self.answer(request.key, answer)

    def answer(self, key: str, message: Message) -> None:
        """Answer a question of the gateway."""
        self.asking.pop(key, None)
        origin = Origin("peer", Role.STRANGER, correlation_id=key)
        self._carry(self.core.on_message(decode_body(encode_body(message)), origin, self.now_ns))

    # ------------------------------------------------------------------ the world

    def send(self, message: Message, role: Role = Role.MARKET_DATA, key: str = "") -> list[Message]:
        """Hand the core a message; returns the answers to `key` so far."""
        token = Token("ask", b"x", key) if key else None
        origin = Origin("tester", role, token, correlation_id=key)
        self._carry(self.core.on_message(decode_body(encode_body(message)), origin, self.now_ns))
        return self.replies.get(key, [])

    def report(self, report: Message) -> None:
        """Hand the core something of the broker that it did not ask for."""
        self._carry(self.core.on_message(report, LOCAL, self.now_ns))

    def play(self, count: int = 1) -> None:
        """Play the next pushes."""
        for _ in range(count):
            self.at += 1
            for message in self.tape.pushes[self.at]:
                self.send(message)

    def submit(self, order: SubmitOrder) -> Message | None:
        """Send an order as the risk manager; returns the last answer."""
        return self.ask(order, Role.RISK)

    def ask(self, message: Message, role: Role = Role.OPERATOR) -> Message | None:
        """Ask as a person; returns the answer, None while there is none."""
        self.asked += 1
        key = f"q{self.asked}"
        answers = self.send(message, role, key)
        return answers[-1] if answers else None

    def wait(self, seconds: float) -> None:
        """Let wall time pass."""
        self.now_ns += int(seconds * SECOND_NS)
        due = self.core.next_deadline_ns()
        if due is not None and due <= self.now_ns:
            self._carry(self.core.on_deadline(self.now_ns))

    # ------------------------------------------------------------------ what came of it

    @property
    def ledger(self) -> Ledger:
        """The books."""
        return self.core.books.ledger

    @property
    def rows(self) -> list[EventRow]:
        """The journal as it is on disk."""
        found = [decode_body(raw) for raw in self.disk.rows]
        assert all(isinstance(row, EventRow) for row in found)
        return found  # type: ignore[return-value]

    def events(self, kind: type[Event]) -> list[Event]:
        """The journal's events of a kind."""
        return [row.event for row in self.rows if isinstance(row.event, kind)]

    @property
    def matched(self) -> MatchedThrough:
        """What was said last about a match."""
        return next(m for _, m in reversed(self.published) if isinstance(m, MatchedThrough))

    def order(
        self, key: str, symbol: str, shares: int, price: float, side: Side = Side.BUY, **changes: object
    ) -> SubmitOrder:
        """Make an order of the push in work."""
        end = self.tape.pushes[max(self.at, 0)][-1]
        assert isinstance(end, PushEnd)
        fields: dict[str, object] = {
            "coid": client_order_id(end.day, key), "key": key, "symbol": symbol, "side": side, "shares": shares,
            "price": milli(price), "push": end.push, "ts_ns": end.ts_ns, "valid_until_ns": end.ts_ns + 6 * SECOND_NS,
            "rule": "limit_up", "cause": Reason.LIMIT_UP_TOUCH,
        }  # fmt: skip
        fields.update(changes)
        return SubmitOrder(**fields)  # type: ignore[arg-type]  # forwarded by name
