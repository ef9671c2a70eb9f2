"""A risk manager on a desk: a disk, a gateway that does as it is told, pushes made by hand."""

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from common.domain.calendar import hms, ts_of
from common.domain.ids import order_key
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.domain.values import Pace, Side, push_id
from common.messages.codec import encode_body
from common.messages.columns import QuoteTable
from common.messages.control import FeedState, FeedStateRequest, PushAck
from common.messages.header import Role
from common.messages.kept import KeptOrder
from common.messages.market import HandOrder, InstrumentTable, PushEnd, QuoteBatch
from common.messages.orders import (
    AccountOpened,
    CancelOrder,
    CancelSubmitted,
    CorporateAction,
    DayRolled,
    Denied,
    Event,
    EventRow,
    Events,
    EventsRequest,
    Journalled,
    MatchedThrough,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderSubmitted,
    SubmitOrder,
)
from common.messages.outputs import Message, Origin, Output, Publish, Reply, Request, Tell, Token
from common.messages.signals import Signal, SignalBatch, SignalVerdicts, Verdict
from common.messages.topics import VERDICT
from services.risk_manager.core import RiskCore
from services.risk_manager.settings import Settings
from tests.builders import DAY, PREV_DAY, Quote, batch, day_opened, push_end, table
from tests.simulation.world import Disk

CASH = 1_000_000_000
CLOSES = {"600001.SH": 10.0, "600002.SH": 20.0, "600003.SH": 30.0, "600004.SH": 40.0, "600005.SH": 5.0,
          "600006.SH": 6.0, "300007.SZ": 7.0, "600008.SH": 2500.0}  # fmt: skip
A, B, C, D, E, F, G, DEAR = CLOSES
SETTINGS = Settings(rule_slots=(("limit_up", 3), ("bottom_fractal", 2)), resume_at_start=True)
GATEWAY, MARKET, SIGNAL = (Origin(name) for name in ("order_gateway", "market_data", "signal_engine"))
OPERATOR = Origin("cli", Role.OPERATOR)


def two_sided(price: float, depth: int = 100_000) -> Quote:
    """Return a quote with one level on each side, a cent apart."""
    return Quote(price, bid=[(round(price - 0.01, 2), depth)], ask=[(round(price + 0.01, 2), depth)])


class Desk:
    """Feeds one core and plays the gateway."""

    def __init__(self, settings: Settings = SETTINGS, pace: Pace = Pace.LOCKSTEP, speed_milli: int = 0) -> None:
        self.settings, self.pace, self.speed_milli = settings, pace, speed_milli
        self.disk = Disk()
        self.now_ns = 10_000_000_000
        self.push, self.number, self.second, self.day = 0, 0, 0, 0
        self.instruments: InstrumentTable = table(CLOSES)
        self.journal: list[EventRow] = []
        self.matched: MatchedThrough | None = None
        self.submitted: dict[str, SubmitOrder] = {}
        self.cancels: list[CancelOrder] = []
        self.said: list[Verdict] = []
        self.replies: dict[str, Message] = {}
        self.acks: list[int] = []
        self.asked: list[Request] = []
        self.refuse: Callable[[SubmitOrder | CancelOrder], Reason] = lambda message: Reason.NONE
        self.mute = False
        """The gateway answers nothing."""
        self.write(AccountOpened(CASH, "paper"), 0)
        self.start()

    # ------------------------------------------------------------------ the shell

    def start(self) -> None:
        """Start or restart the core from its disk."""
        self.core = RiskCore(self.settings)
        self.core.restore(*self.disk.load())
        self.carry_out(self.core.on_start(self.now_ns))

    def send(self, message: Message, origin: Origin = MARKET, token: str = "") -> None:
        """Hand a message to the core."""
        if token:
            origin = origin._replace(token=Token("ask", b"", token))
        self.carry_out(self.core.on_message(message, origin, self.now_ns))

    def carry_out(self, outputs: Sequence[Output]) -> None:
        """Commit, then do."""
        self.disk.commit(outputs)
        for output in outputs:
            if isinstance(output, Request):
                self.asked.append(output)
                self.answer(output)
            elif isinstance(output, Reply):
                self.replies[output.token.correlation_id] = output.message
            elif isinstance(output, Publish) and output.topic == VERDICT:
                assert isinstance(output.message, Verdict)
                self.said.append(output.message)
            elif isinstance(output, Tell) and isinstance(output.message, PushAck):
                self.acks.append(output.message.push)

    def wait(self, seconds: float) -> None:
        """Let wall time pass; deadlines fire."""
        end_ns = self.now_ns + int(seconds * 1e9)
        while (due := self.core.next_deadline_ns()) is not None and due <= end_ns:
            self.now_ns = max(self.now_ns, due)
            self.carry_out(self.core.on_deadline(self.now_ns))
        self.now_ns = end_ns

    # ------------------------------------------------------------------ the gateway

    def answer(self, request: Request) -> None:
        message = request.message
        if isinstance(message, FeedStateRequest):
            self.send(self.feed_state())
        elif isinstance(message, EventsRequest):
            rows = tuple(self.journal[message.from_seq - 1 :])
            self.send(Events(rows, len(self.journal), self.matched), GATEWAY)
        elif isinstance(message, SubmitOrder | CancelOrder) and not self.mute:
            self.send(self.decide(message), GATEWAY)

    def decide(self, message: SubmitOrder | CancelOrder) -> Message:
        reason = self.refuse(message)
        if reason is not Reason.NONE:
            return Denied(message.key, reason, {"limit": 1}, message.coid)
        if isinstance(message, CancelOrder):
            if message not in self.cancels:
                self.cancels.append(message)
                self.write(CancelSubmitted(message.key, message.coid, message.reason))
        elif message.coid not in self.submitted:
            self.submitted[message.coid] = message
            frozen = self.kept(message.coid).need if message.side == Side.BUY else 0
            self.write(OrderSubmitted(message, frozen))
            self.write(OrderAccepted(message.coid, f"paper-{message.coid}"))
        else:
            assert self.submitted[message.coid] == message, f"{message.key} came twice with another body"
        return Journalled(message.key, message.coid)

    def kept(self, coid: str) -> KeptOrder:
        record = self.disk.load()[1][f"order/{coid}"]
        assert isinstance(record, KeptOrder)
        return record

    def write(self, event: Event, stage: int = 1) -> None:
        """Journal and publish an event after the match of the push (stage 1) or in that of the next one (0)."""
        row = EventRow(len(self.journal) + 1, self.push, stage, event)
        self.journal.append(row)
        if hasattr(self, "core"):
            self.send(row, GATEWAY)

    def fill(self, order: SubmitOrder, shares: int = 0, price: int = 0) -> None:
        """Fill an order, seen at the next push."""
        shares = shares or order.shares
        deals = sum(isinstance(r.event, OrderFilled) and r.event.coid == order.coid for r in self.journal)
        self.write(OrderFilled(order.coid, f"{order.coid}-{deals + 1}", order.symbol, order.side, shares,
                               price or order.price, 5_000, ts_of(DAY, self.second), order.rule, order.cause))  # fmt: skip

    def cancelled(self, cancel: CancelOrder, left: int) -> None:
        """Confirm a cancel, seen at the next push."""
        self.write(OrderCancelled(cancel.coid, left, cancel.reason))

    def expire(self, order: SubmitOrder, left: int) -> None:
        """End an order with the day."""
        self.write(OrderExpired(order.coid, left))

    # ------------------------------------------------------------------ the feed

    def open_day(self, day: int = DAY, **columns: Mapping[str, object]) -> None:
        """Open a day with push 0."""
        prev_day, prev = self.day or PREV_DAY, self.push
        self.day, self.number, self.push, self.second = day, 0, push_id(day, 0), hms("09:00")
        self.instruments = table(CLOSES, day=day, **columns)  # type: ignore[arg-type]
        self.write(DayRolled(day, prev_day), 0)
        self.opened = day_opened(self.instruments, prev_day, pace=self.pace, speed_milli=self.speed_milli)
        self.batches: list[QuoteBatch] = []
        self.frames: list[Message] = [self.opened, push_end(day, 0, self.second, prev=prev)]
        self._play(self.frames)

    def tick(
        self,
        time: str,
        quotes: Mapping[str, Quote] | None = None,
        hand: Sequence[HandOrder] = (),
        *,
        gap: bool = False,
        silent: tuple[str, ...] = (),
    ) -> None:
        """Play one push; unless given, every stock is quoted at its close."""
        prev = self.push
        self.number += 1
        self.push, self.second = push_id(self.day, self.number), hms(time)
        made = batch(self.instruments, self.push, self.second, quotes or {s: two_sided(p) for s, p in CLOSES.items()})
        end = push_end(self.day, self.number, self.second, parts=1, prev=prev, hand=hand, gap=gap)
        end = replace(end, silent=silent)
        self.batches.append(made)
        self.frames = [made, end]
        self._play(self.frames)

    def _play(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.send(message)
        self.match()

    def match(self) -> None:
        """Say that the push was matched."""
        self.matched = MatchedThrough(self.push, len(self.journal))
        self.send(self.matched, GATEWAY)

    def feed_state(self) -> FeedState:
        """Answer a start as the player does in lockstep: values before the push in work, and that push."""
        if not self.push:
            return FeedState(None, b"", 0, (), gap=False)
        frames = tuple(encode_body(message) for message in self.frames)
        values = QuoteTable(len(CLOSES))
        for made in self.batches[:-1]:
            values.apply(made)
        end = self.frames[-1]
        assert isinstance(end, PushEnd)
        packed = encode_body(values.to_batch(end.ts_ns, end.phase)) if self.number else b""
        return FeedState(self.opened, packed, end.prev, frames, gap=False)

    # ------------------------------------------------------------------ decisions

    def signals(self, *signals: Signal, push: int = 0) -> list[Verdict]:
        """Send decisions of the push in work; returns the verdicts when they are answered."""
        key = f"signals|{push or self.push}"
        self.send(SignalBatch(key, push or self.push, signals), SIGNAL, token=key)
        answer = self.replies.get(key)
        return list(answer.verdicts) if isinstance(answer, SignalVerdicts) else []

    def signal(self, symbol: str, action: Action = Action.ENTER, **fields: object) -> Signal:
        """Make a decision of the push in work."""
        entry = action is Action.ENTER
        rule = str(fields.pop("rule", "limit_up"))
        attempt = int(str(fields.pop("attempt", 1)))
        reason = Reason.LIMIT_UP_TOUCH if entry else Reason.STOP_LOSS
        made: dict[str, object] = {
            "key": order_key(rule, self.day, symbol, action.name.lower(), attempt), "rule": rule, "symbol": symbol,
            "push": self.push, "ts_ns": ts_of(self.day, self.second), "action": action,
            "fraction_bp": 10_000, "price": PriceKind.AT_UP_LIMIT if entry else PriceKind.MARKETABLE,
            "cancel_at_s": 0, "reason": reason, "float_value": 5_000_000_000_000,
        }  # fmt: skip
        made.update(fields)
        return Signal(**made)  # type: ignore[arg-type]  # a builder forwards by name

    def enter(self, symbol: str, **fields: object) -> Verdict:
        """Send one marketable entry and return its verdict."""
        fields.setdefault("price", PriceKind.MARKETABLE)
        (verdict,) = self.signals(self.signal(symbol, **fields))  # type: ignore[arg-type]
        return verdict

    def leave(self, symbol: str, action: Action = Action.EXIT, **fields: object) -> Verdict:
        """Send one exit and return its verdict."""
        (verdict,) = self.signals(self.signal(symbol, action, **fields))
        return verdict

    def hold(self, symbol: str, shares: int, price: int, rule: str = "limit_up", coid: str = "") -> None:
        """Put a position into the books as if it had been bought in this push."""
        coid = coid or f"OLD{symbol[:6]}"
        order = SubmitOrder(coid, f"old|{coid}", symbol, Side.BUY, shares, price, self.push, 0, 0, rule, Reason.NONE)
        self.write(OrderSubmitted(order, shares * price + 10_000))
        self.fill(order)

    def corporate(self, symbol: str, before: int, after: int) -> None:
        """Let a held stock go ex."""
        self.write(CorporateAction(self.day, symbol, 10_000, 5_000, before, after, 0, 1), 0)

    @property
    def last_order(self) -> SubmitOrder:
        return list(self.submitted.values())[-1]

    def restart(self) -> None:
        """Kill the core and start it again; the player gives the push in work again."""
        self.start()
