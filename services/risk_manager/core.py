"""The risk manager: every push in the order of the design, every intent to a verdict, every exit to its end. Pure.

What a push decides follows from the push, the gateway's events up to it and what was kept; a push that decides nothing
writes nothing, and one that is evaluated again after a restart finds its keys taken and changes nothing.
"""

from collections import deque
from collections.abc import Sequence

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Pace, Phase, PushId, TradingState
from common.messages.control import FeedState, HandOrderPlaced, PushAck, ServiceTrouble, StateRequest
from common.messages.event_feed import EventReader
from common.messages.feed import FeedReader, PushData
from common.messages.header import Trace
from common.messages.market import BarsClosed, DayOpened, PushEnd, QuoteBatch
from common.messages.orders import (
    BooksCompared,
    CancelExitRequest,
    CloseRequest,
    Denied,
    EventRow,
    Events,
    Journalled,
    MatchedThrough,
    OpenRequest,
)
from common.messages.outputs import Message, Origin, Output, Reply, Save, Tell, Token
from common.messages.signals import SignalBatch, Verdict, Verdicts, VerdictsRequest, VerdictStatus
from services.risk_manager.exits import ExitDesk
from services.risk_manager.hand import HandDesk, body_of, denied
from services.risk_manager.judge import Judge
from services.risk_manager.locks import Locks
from services.risk_manager.market import Market
from services.risk_manager.outbox import Outbox
from services.risk_manager.review import Reviewer
from services.risk_manager.settings import EVENTS_WAIT_NS, HAND_WAIT_NS, MARKET, RISK, Settings
from services.risk_manager.state import BOOKS, EVENTS_LATE, FEED_SILENT, IN_DOUBT, PEOPLE, SILENT, StateDesk
from services.risk_manager.verdicts import VerdictBook


class RiskCore:
    """The desks around one portfolio."""

    def __init__(self, settings: Settings) -> None:
        self._reader = FeedReader(RISK)
        self._events = EventReader()
        self._market = Market(self._reader, settings.stale_s)
        self._outbox = Outbox(self._market)
        self._exits = ExitDesk(self._market, self._outbox, settings)
        self._verdicts = VerdictBook()
        self._hand = HandDesk(self._verdicts)
        self._locks = Locks(self._market, self._outbox.portfolio, settings)
        reviewer = Reviewer(self._market, self._outbox.portfolio, self._locks, settings)
        self._judge = Judge(self._market, self._outbox, self._exits, self._verdicts, self._hand, reviewer)
        self._states = StateDesk(settings.resume_at_start)
        self._settings = settings
        self._queue: deque[PushData] = deque()
        """Pushes that are whole and not done; the first is in work."""
        self._begun = False
        """The first push's events are applied and its standing work is done."""
        self._since_ns = 0
        """Wall time since which the first push waits, for its events or (begun) for the decisions of the rules."""
        self._heard_ns = 0
        """Wall time of the last push."""
        self._done: PushId = 0
        self._acked: PushId = 0
        self._batches: dict[str, tuple[SignalBatch, Token | None, Trace]] = {}
        """Decisions that wait for their push."""

    # ------------------------------------------------------------------ life

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back what was kept; the books come from the gateway's journal."""
        self._outbox.restore(kept)
        self._exits.restore(kept)
        self._verdicts.restore(kept)
        self._hand.restore(kept)
        self._states.restore(kept)
        self._market.restore(kept)
        self._locks.restore(kept)
        self._states.causes.update((name, text) for name, text in self._locks.causes().items() if text)
        self._verdicts.say_again(record.order.key for record in self._outbox.kept.values())

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Ask for feed and journal, and again for every answer that may be missing."""
        return [
            *self._states.on_start(),
            *self._reader.on_start(),
            *self._events.on_start(),
            *self._outbox.on_start(),
            *self._hand.on_start(),
        ]

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle one message."""
        match message:
            case QuoteBatch() | BarsClosed() | DayOpened():
                return self._reader.on_message(message)[1]
            case PushEnd() | FeedState():
                outputs = self._on_feed(message, now_ns)
            case EventRow() | MatchedThrough() | Events():
                outputs = self._events.on_message(message)
            case SignalBatch():
                outputs = self._on_batch(message, origin)
            case OpenRequest() | CloseRequest():
                outputs = self._on_hand(message, origin)
            case HandOrderPlaced():
                outputs = self._on_placed(message)
            case Journalled():
                self._outbox.answered(message.key)
                outputs = []
            case Denied():
                outputs = self._judge.refused(message)
            case CancelExitRequest():
                outputs = self._on_cancel_exit(message, origin)
            case StateRequest():
                outputs = self._on_state(message, origin)
            case ServiceTrouble():
                outputs = self._states.on_trouble(message, origin)
            case VerdictsRequest() if origin.token is not None:
                return [Reply(origin.token, Verdicts(self._verdicts.rows(message.day)))]
            case _:
                return []
        return [*outputs, *self._go_on(now_ns)]

    def on_peer(self, peer: str, up: bool, now_ns: int) -> Sequence[Output]:
        """Open nothing while a service of the trading path is silent."""
        outputs = self._states.cause(f"peer_{peer}", "" if up else f"{peer} is silent")
        return [*outputs, *self._go_on(now_ns)]

    def on_version(self, peer: str, same: bool, now_ns: int) -> Sequence[Output]:
        """Open nothing while a service runs other code than this one."""
        text = "" if same else f"{peer} runs other code than {RISK}: restart the whole system"
        return [*self._states.cause(f"version_{peer}", text), *self._go_on(now_ns)]

    def on_peer_disk(self, peer: str, full: bool, now_ns: int) -> Sequence[Output]:
        """Open nothing while the disk of a service of the trading path is full."""
        text = f"the disk of {peer} is full: make room" if full else ""
        return [*self._states.cause(f"disk_{peer}", text), *self._go_on(now_ns)]

    # ------------------------------------------------------------------ time

    def next_deadline_ns(self) -> int | None:
        """Return when waiting turns into a cause or is over; never in lockstep, where the player waits for us."""
        due = [at for at in (self._hand_due_ns(), self._events_due_ns(), self._feed_due_ns()) if at is not None]
        return min(due, default=None)

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Note what is late; go on without the decisions of the rules where they do not come."""
        outputs: list[Output] = []
        if _is_due(self._events_due_ns(), now_ns):
            outputs += self._states.cause(EVENTS_LATE, "the gateway's events are late")
        if _is_due(self._feed_due_ns(), now_ns):
            outputs += self._states.cause(FEED_SILENT, "no push in continuous trading")
        return [*outputs, *self._go_on(now_ns)]

    def _hand_due_ns(self) -> int | None:
        waits = self._queue and self._begun and self._is_real_time()
        return self._since_ns + HAND_WAIT_NS if waits else None

    def _events_due_ns(self) -> int | None:
        waits = self._queue and not self._begun and self._is_real_time() and EVENTS_LATE not in self._states.causes
        return self._since_ns + EVENTS_WAIT_NS if waits else None

    def _feed_due_ns(self) -> int | None:
        if self._queue or self._market.phase is not Phase.CONTINUOUS or not self._is_real_time():
            return None
        return None if FEED_SILENT in self._states.causes else self._heard_ns + self._market.stale_wall_ns

    def _is_real_time(self) -> bool:
        if self._queue and not self._begun:
            # After a start the day of the first push comes with the values restored for it.
            self._reader.before(self._queue[0])
        day = (self._queue[0].day if self._queue else None) or self._reader.day
        return day is not None and day.pace is Pace.REAL_TIME

    # ------------------------------------------------------------------ the push in work

    def _on_feed(self, message: Message, now_ns: int) -> list[Output]:
        pushes, outputs = self._reader.on_message(message)
        if pushes:
            self._heard_ns = now_ns
            outputs = [*outputs, *self._states.cause(FEED_SILENT, "")]
        if pushes and not self._queue:
            self._since_ns = now_ns
        self._queue.extend(pushes)
        return outputs

    def _go_on(self, now_ns: int) -> list[Output]:
        """Do what can be done: pushes in order, decisions that came late, answers, the acknowledgement."""
        outputs: list[Output] = []
        while self._queue and not self._held():
            step = self._step(self._queue[0], now_ns)
            if step is None:
                break
            outputs += step
        if self._batches and not self._held():
            outputs += self._late_batches(now_ns)
        outputs += self._outbox.pump()
        outputs += self._verdicts.flush(self._outbox.is_asking)
        return [*outputs, *self._ack()]

    def _held(self) -> bool:
        """Tell whether the player is to wait until a machine-made cause has cleared itself."""
        return self._states.paused and not self._is_real_time()

    def _step(self, data: PushData, now_ns: int) -> list[Output] | None:
        """Bring the first push one step on; None = it has to wait."""
        if data.repeat:
            self._queue.popleft()
            self._acked = min(self._acked, data.push - 1) if data.push == self._done else self._acked
            return []
        if not self._begun:
            return self._begin(data, now_ns)
        return self._finish(data, now_ns)

    def _begin(self, data: PushData, now_ns: int) -> list[Output] | None:
        """Apply values and events, then the standing work: cancels at their time, exits."""
        rows = self._events.ready(data.push)
        if rows is None:
            return None
        gap: list[Output] = [Save("gap", self._market.gap)] if self._market.note_gap(data) else []
        self._reader.apply(data)
        self._market.end = data.end
        self._begun, self._since_ns = True, now_ns
        self._outbox.trace = Trace(approved_ns=now_ns)
        outputs = [*gap, *self._silent(data), *self._books(rows), *self._locks.judge(), *self._lock_causes()]
        if data.day is not None:
            old, dropped = self._verdicts.begin_day(data.day.day)
            outputs += [*dropped, *self._hand.forget(old)]
        for order in self._hand.missed(data.push):
            outputs += self._hand.give(denied(order, Reason.DATA_GAP, {}, data.push))
        outputs += self._outbox.cancels_due()
        return [*outputs, *self._exits.work(self._states.state)]

    def _silent(self, data: PushData) -> list[Output]:
        """Open nothing while a live feed hears nothing of an exchange."""
        outputs: list[Output] = []
        for suffix, name in SILENT.items():
            text = f"no quote of {suffix} in continuous trading" if suffix in data.end.silent else ""
            outputs += self._states.cause(name, text)
        return outputs

    def _books(self, rows: Sequence[EventRow]) -> list[Output]:
        outputs = [*self._outbox.apply(rows), *self._exits.apply(rows), *self._states.cause(EVENTS_LATE, "")]
        ledger = self._outbox.portfolio.ledger
        for compared in (row.event for row in rows if isinstance(row.event, BooksCompared)):
            names = ", ".join(f"{name} {more:+d}" for name, more in compared.differences.items())
            outputs += self._states.cause(BOOKS, "" if compared.equal else f"books and broker differ: {names}")
        doubt = sum(1 for order in ledger.open_orders() if order.state is OrderState.IN_DOUBT)
        return [*outputs, *self._states.cause(IN_DOUBT, f"orders in doubt: {doubt}" if doubt else "")]

    def _lock_causes(self) -> list[Output]:
        return [output for name, text in self._locks.causes().items() for output in self._states.cause(name, text)]

    def _finish(self, data: PushData, now_ns: int) -> list[Output] | None:
        """Judge the hand orders of the push together with the decisions of the rules on it."""
        outputs: list[Output] = []
        if self._hand_open(data.end):
            same = (each for each in self._batches.values() if each[0].push == data.push)
            batch, _, trace = next(same, (None, None, Trace()))
            if batch is None and not (self._is_real_time() and now_ns >= self._since_ns + HAND_WAIT_NS):
                return None
            signals = batch.signals if batch is not None else ()
            self._outbox.trace = trace._replace(approved_ns=now_ns)
            outputs += self._judge.decide(data.end.hand, signals, self._states.state, self._events.have)
        self._queue.popleft()
        self._begun, self._since_ns, self._done = False, now_ns, data.push
        return outputs

    def _hand_open(self, end: PushEnd) -> bool:
        return any(self._verdicts.get(order.key) is None for order in end.hand)

    def _late_batches(self, now_ns: int) -> list[Output]:
        """Judge the decisions whose push is done; in lockstep it is the push in work."""
        outputs: list[Output] = []
        for batch, token, trace in list(self._batches.values()):
            if batch.push <= self._done:
                del self._batches[batch.key]
                self._outbox.trace = trace._replace(approved_ns=now_ns)
                outputs += self._judge.decide((), batch.signals, self._states.state, self._events.have)
                self._verdicts.await_batch(batch, token)
        return outputs

    def _ack(self) -> list[Output]:
        if self._acked >= self._done or not self._outbox.quiet:
            return []
        self._acked = self._done
        return [Tell(MARKET, PushAck(RISK, self._done))]

    # ------------------------------------------------------------------ questions

    def _on_state(self, request: StateRequest, origin: Origin) -> list[Output]:
        """Change the trading state; whoever resumes lifts the locks that stand."""
        lifted: list[Output] = []
        if request.state is TradingState.ACTIVE and self._states.fault_of(request, origin) is None:
            lifted = [*self._locks.lift(), *self._lock_causes()]
        return [*lifted, *self._states.on_request(request, origin)]

    def _on_batch(self, batch: SignalBatch, origin: Origin) -> list[Output]:
        self._batches[batch.key] = (batch, origin.token, origin.trace)
        return []

    def _on_hand(self, request: OpenRequest | CloseRequest, origin: Origin) -> list[Output]:
        if self._hand.conflicts(request):
            verdict = denied(body_of(request), Reason.KEY_CONFLICT, {}, self._market.push)
            return [Reply(origin.token, verdict)] if origin.token is not None else []
        self._verdicts.await_hand(request.key, origin.token)
        return self._hand.ask(request) if self._verdicts.get(request.key) is None else []

    def _on_placed(self, answer: HandOrderPlaced) -> list[Output]:
        known = self._hand.asked.get(answer.key)
        if known is None or self._verdicts.get(answer.key) is not None:
            return []
        if answer.push:
            return self._hand.placed(answer)
        detail = {"phase": int(self._market.phase)}
        return self._hand.give(denied(known.order, Reason.PHASE_CLOSED, detail, self._market.push))

    def _on_cancel_exit(self, request: CancelExitRequest, origin: Origin) -> list[Output]:
        if origin.role not in PEOPLE:
            return []
        known = self._verdicts.get(request.key) is not None
        self._verdicts.await_hand(request.key, origin.token)
        return [] if known else self._cancel_exit(request)

    def _cancel_exit(self, request: CancelExitRequest) -> list[Output]:
        stands = self._exits.standing.get(request.symbol)
        reason, detail = Reason.NO_SUCH_ORDER, {"exits": len(self._exits.standing)}
        outputs: list[Output] = []
        if stands is not None:
            reason, detail = Reason.NONE, {"target": stands.target}
            outputs = self._exits.end(request.symbol, Reason.HAND_CANCEL)
        verdict = Verdict(
            key=request.key,
            status=VerdictStatus.APPROVED if reason is Reason.NONE else VerdictStatus.DENIED,
            reason=reason,
            detail=detail,
            coid=stands.coid if stands is not None else "",
            symbol=request.symbol,
            push=self._market.push,
            rule=stands.rule if stands is not None else "",
            cause=Reason.HAND_CANCEL,
        )
        return [*outputs, *self._verdicts.give(verdict)]

    # ------------------------------------------------------------------ status

    def status(self) -> tuple[bool, str, dict[str, int], dict[str, str]]:
        """Report the state, the slots, the exits and what was denied for which reason."""
        ledger, states = self._outbox.portfolio.ledger, self._states
        numbers = {
            "push": self._done,
            "day": self._market.day,
            "slots_used": len(self._outbox.portfolio.slots()),
            "slots_max": self._settings.positions_max,
            "exits": len(self._exits.standing),
            "orders_sent": len(self._outbox.kept),
            "verdicts": len(self._verdicts),
            "denied": sum(self._verdicts.denials.values()),
            "events": self._events.have,
            "free_cash": self._outbox.portfolio.free_cash,
            "equity": ledger.equity(self._market.last_of),
            "repairs": self._reader.repairs + self._events.repairs,
        }
        numbers.update({f"denied_{reason.name.lower()}": n for reason, n in sorted(self._verdicts.denials.items())})
        words = {
            "why": states.why,
            "wanted": states.wanted.name.lower(),
            "causes": "; ".join(states.causes.values()),
            "standing": ",".join(sorted(self._exits.standing)),
        }
        return self._done > 0, TradingState(states.state).name.lower(), numbers, words


def _is_due(at_ns: int | None, now_ns: int) -> bool:
    return at_ns is not None and at_ns <= now_ns
