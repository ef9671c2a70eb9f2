"""The signal engine's core on a disk in memory, between a tape, a journal, a screener and a risk manager made of rules
of thumb: everything it asks is answered, and it can be killed at any message and any commit."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from common.domain.calendar import hms
from common.domain.ids import client_order_id
from common.domain.orders import Action
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Day, PushId, Side, day_of_push, push_id
from common.messages.codec import decode_body, encode_body
from common.messages.columns import QuoteTable
from common.messages.control import FeedState, FeedStateRequest, PushAck
from common.messages.fold import fold
from common.messages.header import Role, Trace
from common.messages.market import DayOpened, HandOrder, InstrumentTable, PushEnd, QuoteBatch
from common.messages.orders import (
    AccountOpened,
    CorporateAction,
    DayRolled,
    Event,
    EventRow,
    Events,
    EventsRequest,
    MatchedThrough,
    OrderFilled,
    OrderSubmitted,
    SubmitOrder,
)
from common.messages.outputs import Log, Message, Origin, Output, Publish, Reply, Request, Tell, Token
from common.messages.signals import (
    Pool,
    PoolRequest,
    PoolRow,
    Signal,
    SignalBatch,
    SignalVerdicts,
    Verdict,
    VerdictStatus,
)
from common.strategies import RULES
from common.strategies.contract import Rule
from common.strategies.host import RuleHost
from services.market_data.bars import BarBuilder
from services.signal_engine.core import SignalCore
from tests.builders import Quote, batch, day_opened, push_end
from tests.simulation.world import Disk

BOUGHT = 1000
NS = 1_000_000_000


class CrashError(Exception):
    """The process dies here."""


class FeedTape:
    """Pushes as messages; a tick names the prices that changed, the day's figures and the bars follow."""

    def __init__(self) -> None:
        self.pushes: list[list[Message]] = []
        self._prev: PushId = 0
        self._number = 0

    def open(self, instruments: InstrumentTable, prev_day: Day, **changes: object) -> None:
        """Begin a day with push number 0."""
        self._table = instruments
        opened = day_opened(instruments, prev_day, **changes)
        self._bars = BarBuilder(opened)
        self._figures: dict[str, tuple[float, float, float, int]] = {}
        end = push_end(instruments.day, 0, hms("09:00"), prev=self._prev)
        self._number, self._prev = 0, end.push
        self.pushes.append([opened, end])

    def tick(
        self, at: str, prices: Mapping[str, float] | None = None, hand: Sequence[HandOrder] = (), gap: bool = False
    ) -> PushId:
        """Add a push; returns its id."""
        self._number += 1
        second, quotes = hms(at), {}
        for symbol, price in (prices or {}).items():
            first, high, low, volume = self._figures.get(symbol, (price, price, price, 0))
            figures = (first, max(high, price), min(low, price), volume + 1000)
            self._figures[symbol] = figures
            quotes[symbol] = Quote(price, open_=figures[0], high=figures[1], low=figures[2], volume=figures[3])
        push = push_id(self._table.day, self._number)
        batches = [batch(self._table, push, second, quotes)] if quotes else []
        end = push_end(self._table.day, self._number, second, parts=len(batches), prev=self._prev, hand=hand)
        bars = self._bars.push(end, batches)
        end = replace(end, bar_parts=len(bars), gap=gap)
        self._prev = push
        self.pushes.append([*bars, *batches, end])
        return push

    def state(self, at: int) -> FeedState:
        """Answer a reader that starts while push `at` (place in `pushes`) is played."""
        if at < 0:
            return FeedState(None, b"", 0, (), gap=False)
        opened = next(i for i in range(at, -1, -1) if isinstance(self.pushes[i][0], DayOpened))
        day, end = self.pushes[opened][0], self.pushes[at][-1]
        assert isinstance(day, DayOpened)
        assert isinstance(end, PushEnd)
        table = QuoteTable(len(day.instruments.symbols))
        for message in [message for push in self.pushes[opened:at] for message in push]:
            if isinstance(message, QuoteBatch):
                table.apply(message)
        raw = encode_body(table.to_batch(end.ts_ns, end.phase)) if at > opened else b""
        return FeedState(day, raw, end.prev, tuple(encode_body(m) for m in self.pushes[at]), gap=False)


class Rig:
    """One signal engine after another on the same disk."""

    def __init__(
        self,
        tape: FeedTape,
        pools: Mapping[tuple[str, Day], Message],
        verdict: Callable[[Signal], Verdict | None] | None = None,
        rules: Sequence[str] = ("limit_up", "bottom_fractal"),
        own: Sequence[Rule] = (),
    ) -> None:
        self.tape, self.pools = tape, dict(pools)
        self.rules: list[Rule] = [*(RULES[rule] for rule in rules), *own]
        self.sources = {rule.NAME: "source 1" for rule in self.rules}
        self.verdict = verdict or approve
        """What risk says to a decision; None = silent for now."""
        self.screener_up = True
        self.disk = Disk()
        self.now_ns = 1_800_000_000 * NS
        self.at = -1
        self.rows: list[EventRow] = []
        self.matched: MatchedThrough | None = None
        self.given: dict[str, Verdict] = {}
        self.asked: list[Request] = []
        self.acks: list[PushId] = []
        self.published: list[Message] = []
        self.answers: list[Message] = []
        self.logged: list[str] = []
        self.boots = 0
        self.crash: Callable[[str], bool] = lambda where: False
        """Asked at each "message" and "before" and "after" each commit that writes; True kills the process there."""
        self._inbox: deque[tuple[Message, Origin]] = deque()
        self._write(0, 0, AccountOpened(10_000_000_000, "paper"))
        self.boot()

    def boot(self) -> None:
        """Start the process (again); what was on its way is lost."""
        while True:
            self.boots += 1
            self._inbox.clear()
            self.core = SignalCore([RuleHost(rule, rule.Params()) for rule in self.rules], self.sources)
            self.core.restore(*self.disk.load())
            try:
                self._carry(self.core.on_start(self.now_ns))
            except CrashError:
                continue
            return

    def _carry(self, outputs: Sequence[Output]) -> None:
        writes = any(type(output).__name__ in ("Append", "Save", "Drop") for output in outputs)
        if writes and self.crash("before"):
            raise CrashError
        self.disk.commit(outputs)
        if writes and self.crash("after"):
            raise CrashError
        for output in outputs:
            match output:
                case Request():
                    self.asked.append(output)
                    self._answer(output)
                case Publish():
                    self.published.append(output.message)
                case Reply():
                    self.answers.append(output.message)
                case Tell(message=PushAck(push=push)):
                    self.acks.append(push)
                case Log():
                    self.logged.append(output.event)

    # ------------------------------------------------------------------ the others

    def _answer(self, request: Request) -> None:
        answer: Message | None = None
        match request.message:
            case FeedStateRequest():
                answer = self.tape.state(self.at)
            case EventsRequest(from_seq=first):
                answer = Events(tuple(self.rows[first - 1 :]), len(self.rows), self.matched)
            case PoolRequest(rule=rule, day=day):
                answer = self.pools.get((rule, day), Pool(rule, day, (), 0)) if self.screener_up else None
            case SignalBatch():
                answer = self._judge(request.message)
        if answer is not None:
            self.answer(request.key, answer)

    def answer(self, key: str, message: Message) -> None:
        """Put the answer to a question on its way."""
        self._inbox.append((message, Origin("peer", Role.STRANGER, correlation_id=key)))

    def answer_again(self) -> None:
        """Answer every question once more that has no answer yet."""
        for request in list(self.asked):
            self._answer(request)
        self.pump()

    def _judge(self, asked: SignalBatch) -> SignalVerdicts | None:
        verdicts = []
        for signal in asked.signals:
            verdict = self.given.get(signal.key) or self.verdict(signal)
            if verdict is None:
                return None
            if signal.key not in self.given and verdict.status is not VerdictStatus.DENIED:
                self._trade(signal, verdict.shares)
            self.given[signal.key] = verdict
            verdicts.append(verdict)
        return SignalVerdicts(asked.key, asked.push, tuple(verdicts))

    def _trade(self, signal: Signal, shares: int) -> None:
        """Fill what was approved at the price of its last quote, after the match of the push."""
        side = Side.BUY if signal.action is Action.ENTER else Side.SELL
        if side is Side.SELL:
            shares = min(shares, self.ledger().positions[signal.symbol].sellable)
        if shares:
            self.fill(signal.push, signal.rule, signal.symbol, side, shares, signal.reason, signal.key)

    def fill(
        self, push: PushId, rule: str, symbol: str, side: Side, shares: int, cause: Reason, key: str, stage: int = 1
    ) -> None:
        """Journal an order and its fill."""
        price = self._last(symbol)
        coid = client_order_id(day_of_push(push), key)
        order = SubmitOrder(coid, key, symbol, side, shares, price, push, 0, 0, rule, cause)
        self._write(push, stage, OrderSubmitted(order, shares * price if side is Side.BUY else 0))
        self._write(push, stage, OrderFilled(coid, f"{coid}-1", symbol, side, shares, price, 0, 0, rule, cause))

    def _last(self, symbol: str) -> int:
        for push in reversed(self.tape.pushes[: self.at + 1]):
            for message in push:
                if isinstance(message, QuoteBatch):
                    at = [int.from_bytes(message.index[i : i + 2], "little") for i in range(0, len(message.index), 2)]
                    row = self.table.symbols.index(symbol)
                    if row in at:
                        where = 4 * at.index(row)
                        return int.from_bytes(message.last[where : where + 4], "little")
        raise AssertionError(f"{symbol} was never quoted")

    @property
    def table(self) -> InstrumentTable:
        """The instrument table of the day being played."""
        days = [push[0] for push in self.tape.pushes[: self.at + 1] if isinstance(push[0], DayOpened)]
        return days[-1].instruments  # type: ignore[union-attr]

    def _write(self, push: PushId, stage: int, event: Event) -> None:
        self.rows.append(EventRow(len(self.rows) + 1, push, stage, event))

    def ledger(self) -> Ledger:
        """Fold the journal."""
        books = Ledger()
        for row in self.rows:
            fold(books, row.event)
        return books

    # ------------------------------------------------------------------ playing

    def send(self, message: Message, role: Role = Role.MARKET_DATA, ask: bool = False) -> None:
        """Hand the core a message and let everything that follows happen."""
        token = Token("ask", b"x", "q") if ask else None
        origin = Origin("tester", role, token, correlation_id="q" if ask else "", trace=Trace(7, 8))
        self._inbox.append((message, origin))
        self.pump()

    def pump(self) -> None:
        """Deliver what is on its way."""
        while self._inbox:
            message, origin = self._inbox.popleft()
            try:
                if self.crash("message"):
                    raise CrashError
                self._carry(self.core.on_message(decode_body(encode_body(message)), origin, self.now_ns))
            except CrashError:
                self.boot()

    def play(self, count: int | None = None, match: bool = True) -> None:
        """Play the next pushes (all that are left): the feed, what the gateway journals of it, its match."""
        left = len(self.tape.pushes) - self.at - 1
        for _ in range(left if count is None else count):
            self.at += 1
            for message in self.tape.pushes[self.at]:
                self.send(message)
            if match:
                self.match()

    def match(self) -> None:
        """Say the match of the current push, after the events that belong to it."""
        opened, end = self.tape.pushes[self.at][0], self.tape.pushes[self.at][-1]
        assert isinstance(end, PushEnd)
        if isinstance(opened, DayOpened):
            self._write(end.push, 0, DayRolled(opened.day, opened.prev_day))
            for event in self.corporate_actions(opened.day):
                self._write(end.push, 0, event)
        self.matched = MatchedThrough(end.push, len(self.rows))
        for row in self.rows[-4:]:
            self.send(row)
        self.send(self.matched)
        if self.boots > 1 and end.push not in self.acks:
            self.send(end)  # the player says it again where the acknowledgement was lost

    def corporate_actions(self, day: Day) -> list[CorporateAction]:
        """What the gateway books on a day; tests replace it."""
        return []

    # ------------------------------------------------------------------ what came of it

    @property
    def signals(self) -> list[Signal]:
        """Decisions as they are on disk."""
        return [row for row in (decode_body(raw) for raw in self.disk.rows) if isinstance(row, Signal)]

    def kept(self, prefix: str = "") -> dict[str, Message]:
        """Return what is kept on disk under keys of a prefix."""
        return {key: decode_body(raw) for key, raw in self.disk.kept.items() if key.startswith(prefix)}

    def ask(self, message: Message) -> Message:
        """Ask as a person."""
        self.send(message, Role.OPERATOR, ask=True)
        return self.answers[-1]

    def wait(self, seconds: float) -> None:
        """Let wall time pass."""
        self.now_ns += int(seconds * NS)
        due = self.core.next_deadline_ns()
        if due is not None and due <= self.now_ns:
            self._carry(self.core.on_deadline(self.now_ns))
            self.pump()


def approve(signal: Signal) -> Verdict:
    """Approve a decision and fill it: buys of `BOUGHT` shares, half of them, or all that is held."""
    shares = {Action.ENTER: BOUGHT, Action.REDUCE: BOUGHT // 2, Action.EXIT: 10 * BOUGHT}[signal.action]
    return Verdict(signal.key, VerdictStatus.APPROVED, shares=shares, symbol=signal.symbol, push=signal.push)


def deny(reason: Reason) -> Callable[[Signal], Verdict]:
    """Return a risk manager that denies everything."""
    return lambda signal: Verdict(signal.key, VerdictStatus.DENIED, reason, symbol=signal.symbol, push=signal.push)


def pool(rule: str, day: Day, rows: Mapping[str, Mapping[str, int]]) -> Pool:
    """Make a pool."""
    made = tuple(PoolRow(symbol, symbol, dict(context), {}) for symbol, context in rows.items())
    return Pool(rule, day, made, 100)
