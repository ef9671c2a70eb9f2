"""Between the journal and a counter with books of its own: it answers late, not at all, twice, or wrong.

size: one state machine over one set of facts; cut in two, each half would need all of the other's.

Nothing it says is taken for more than it proves. Silence is not a refusal, a status moves no shares, an accepted cancel
is no cancel, an answer of None is not an empty one. What is not known is asked for until it is, and what no query can
tell waits for a person (IN_DOUBT).
"""

from collections.abc import Sequence

from msgspec.structs import replace

from common.domain.orders import OrderState
from common.domain.positions import EXTERNAL_RULE, OrderRecord, external_coid
from common.domain.reasons import Reason
from common.domain.values import Day, Pace, PushId, Side
from common.messages.feed import PushData
from common.messages.market import PushEnd
from common.messages.orders import (
    AccountOpened,
    BooksCompared,
    CancelRejected,
    CancelSubmitted,
    DealsCounted,
    ExternalOrderSeen,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderResolved,
    OrderSentAgain,
    OrderSubmitted,
    PositionFound,
    SubmitOrder,
)
from common.messages.outputs import Effect, Log, Output
from common.rules.boards import exchange_of
from services.order_gateway.books import Books
from services.order_gateway.broker_desk import BrokerDesk
from services.order_gateway.calls import (
    ENDED_AT_COUNTER,
    Accepted,
    AccountView,
    CancelRefused,
    CancelTaken,
    Connect,
    CounterDeal,
    CounterOrder,
    CounterState,
    CounterStatus,
    LinkDown,
    LinkUp,
    Query,
    Rejected,
    Report,
    Reports,
    Submit,
    Unanswered,
)
from services.order_gateway.limits import fees_of
from services.order_gateway.market import Market
from services.order_gateway.reconcile import differences
from services.order_gateway.settings import Settings
from services.order_gateway.settling import Settling

REMARK_MIN = 12
"""Characters of a cut remark that still name an order: the day and 30 bits of the hash."""
DIFFERENT = 2
"""Comparisons in a row that must find a difference before it is one: what is asked for in parts may not fit together."""
CONNECT_NS = 1_000_000_000
"""Before a lost session is replaced."""
ANSWER_NS = 5_000_000_000
"""After which a question without an answer is asked again."""
_NO_VIEW = AccountView(0, 0, 0)
CLOSE_WAIT_NS = 60_000_000_000
"""A day is closed at the latest so long after its last push, however little the counter says."""


class CounterDesk(BrokerDesk):
    """Sends when the link stands and the books were compared; books what the counter shows."""

    matches = False

    def __init__(self, books: Books, market: Market, settings: Settings) -> None:
        super().__init__(books, market, settings)
        self.settling = Settling(settings.settle_ns)
        self.up = False
        self.reconciled = False
        """The counter's books were read in this session: before that nothing is sent."""
        self.differences: dict[str, int] = {}
        self.counts = {"answers_missing": 0, "deals_twice": 0, "old_days": 0, "links_lost": 0, "sent_again": 0}
        self._session = 0
        self._up_ns = self._started_ns = self._last_sent_ns = 0
        self._connect_ns: int | None = None
        self._asked_ns: int | None = None
        """When the open question was asked."""
        self._last_ask_ns: int | None = None
        self._agreed_ns = -1
        """When the newest comparison that found all equal was asked for."""
        self._complete_ns = -1
        """When the newest complete answer was asked for."""
        self._held: PushId = 0
        self._held_ns = 0
        self._held_end: PushEnd | None = None
        """End of the push that waits, or waited last."""
        self._unsent: list[str] = []
        """Orders of this process that were journalled while nothing could be sent: they are known not to have gone."""
        self._cancel_sent_ns: dict[str, int] = {}
        self._seen_ns: dict[str, int] = {}
        """When the counter first named an order, in this process."""
        self.parked: dict[str, CounterDeal] = {}
        """Deals without an order, by their key in the books."""
        self._strange: set[str] = set()
        """Deals that cannot be booked; the difference they make stays."""
        self._ending: dict[str, CounterOrder] = {}
        """Ended by the counter's word, with deals still missing."""
        self._deals_today: set[str] = set()
        self._deals_day: Day = 0
        self._differs = 0

    # ------------------------------------------------------------------ what others ask

    @property
    def may_send(self) -> bool:
        """Tell whether calls reach the counter."""
        return self.up and self.reconciled

    @property
    def blocked(self) -> bool:
        """Tell whether nothing may be bought: the counter's books are not known, or not ours."""
        said = self._books.compared
        return not self.may_send or bool(self.differences) or (said is not None and not said.equal)

    def in_doubt(self) -> list[str]:
        """Return the orders that wait for a person."""
        return [order.coid for order in self._books.ledger.open_orders() if order.state is OrderState.IN_DOUBT]

    def holds(self, data: PushData) -> bool:
        """Tell whether a push has to wait for the counter: in lockstep each one, else the day's last for a while."""
        self._market.reader.before(data)  # after a start the day comes with the values before the first push
        day = data.day or self._market.reader.day
        lockstep = day is not None and day.pace is Pace.LOCKSTEP
        if data.push <= self._books.last_push or not (lockstep or data.end.last_of_day):
            return False
        if self._held != data.push:
            self._held, self._held_ns, self._held_end = data.push, self.now_ns, data.end
        if not lockstep and self.now_ns - self._held_ns >= CLOSE_WAIT_NS:
            return False
        return not self._settled(opens_day=data.day is not None)

    def _settled(self, opens_day: bool = False) -> bool:
        seen_ns = self._complete_ns if opens_day else self._agreed_ns
        return self.may_send and not self._busy() and seen_ns >= self._needed_ns()

    def _needed_ns(self) -> int:
        """Return when a query must have been asked to show all that was done up to the push that waits."""
        settle_ns = self._settings.settle_ns
        return max(self._held_ns, self._started_ns + settle_ns + 1, self._last_sent_ns + settle_ns + 1)

    def _busy(self) -> bool:
        return bool(
            self.settling or self._unsent or self._ending or self._books.unanswered_cancels()
            or any(deal.day <= self._books.ledger.day for deal in self.parked.values())
        )  # fmt: skip

    # ------------------------------------------------------------------ time

    def next_deadline_ns(self) -> int | None:
        """Return when to connect or to ask next."""
        if not self.up:
            return self._connect_ns
        if self._asked_ns is not None:
            return self._asked_ns + ANSWER_NS
        if self._last_ask_ns is None:
            return self.now_ns
        if not self.reconciled or self._busy() or self._differs or self.in_doubt():
            return self._last_ask_ns + self._settings.query_ns
        if self._held > self._market.push and self._agreed_ns < self._needed_ns():
            return max(self._needed_ns(), self._last_ask_ns + 1)
        return self._last_ask_ns + self._settings.compare_ns

    def on_deadline(self) -> list[Output]:
        """Connect or ask where it is due."""
        due_ns = self.next_deadline_ns()
        if due_ns is None or due_ns > self.now_ns:
            return []
        if not self.up:
            self._connect_ns = self.now_ns + ANSWER_NS
            return [Effect(Connect())]
        if self._asked_ns is not None:
            self.counts["answers_missing"] += 1
        self._asked_ns = self._last_ask_ns = self.now_ns
        return [Effect(Query(self.now_ns))]

    # ------------------------------------------------------------------ out

    def submit(self, order: SubmitOrder, frozen: int, between: Sequence[Output] = ()) -> list[Output]:
        """Journal a checked order, then send it as soon as that is possible."""
        rows = self._write(OrderSubmitted(order, frozen))
        if not self.may_send:
            self._unsent.append(order.coid)
            return [*rows, *between]
        return [*rows, *between, self._send(order)]

    def _send(self, order: SubmitOrder) -> Output:
        self.settling.sent(order.coid, self.now_ns)
        self._last_sent_ns = self.now_ns
        day = self._books.ledger.order(order.coid).day
        # What only the paper exchange asks for (book, phase, cover) a counter knows by itself.
        return Effect(Submit(order, self._push(), order.ts_ns, day, 0, self._market.phase, _NO_VIEW))

    def cancel(self, cancel: CancelSubmitted, between: Sequence[Output] = ()) -> list[Output]:
        """Journal a cancel, then send it as soon as the counter's number of the order is known."""
        return [*self._write(cancel), *between, *self._send_cancels()]

    def _send_cancels(self) -> list[Output]:
        """Send every cancel that was not answered for a while: a second one is harmless."""
        outputs: list[Output] = []
        for cancel in self._books.unanswered_cancels() if self.may_send else ():
            record = self._books.ledger.order(cancel.coid)
            sent_ns = self._cancel_sent_ns.get(cancel.coid)
            if not record.broker_id or (sent_ns is not None and self.now_ns < sent_ns + self._settings.settle_ns):
                continue
            self._cancel_sent_ns[cancel.coid] = self._last_sent_ns = self.now_ns
            call = self._cancel_call(cancel, self._market.push, self._market.ts_ns)
            outputs.append(Effect(replace(call, broker_id=record.broker_id)))
        return outputs

    def _flush(self) -> list[Output]:
        """Send what waited for the link, where its time has not passed."""
        if not self.may_send:
            return []
        outputs: list[Output] = []
        unsent, self._unsent = self._unsent, []
        for coid in unsent:
            order = self._books.submitted[coid]
            if self._books.open_order(coid) is not None:
                outputs += self._end_unsent(order) or [self._send(order)]
        return [*outputs, *self._send_cancels()]

    def _end_unsent(self, order: SubmitOrder) -> list[Output]:
        """End an order that the counter does not have and must not get any more; nothing where it may be sent."""
        cancel = self._books.open_cancels.get(order.coid)
        if cancel is not None:
            return self._write(OrderCancelled(order.coid, order.shares, cancel.reason))
        end = self._held_end or self._market.end
        if end is not None and order.valid_until_ns < end.ts_ns and order.push not in (end.prev, end.push):
            return self._reject_unsent(order, self._push())
        return []

    # ------------------------------------------------------------------ in

    def rows_of(self, reports: Reports) -> list[Output]:
        """Journal what the counter reported; what is known already is passed over."""
        outputs: list[Output] = []
        for report in reports.reports:
            outputs += self._on(report)
        return [*outputs, *self._again(), *self._flush()]

    def _on(self, report: Report) -> list[Output]:
        match report:
            case LinkUp():
                return self._link_up(report)
            case LinkDown():
                return self._link_down(report)
            case CounterState():
                return self._on_state(report)
            case CounterOrder() | CounterDeal() if not self._books.ledger.account:
                return []  # the journal has not begun: the first whole answer brings it
            case CounterOrder():
                return self._on_order(report)
            case CounterDeal():
                return self._on_deal(report)
            case Unanswered():
                return [Log("warning", "counter did not answer", {"coid": report.coid})]
            case CancelTaken():
                return []
            case CancelRefused():
                return self._on_cancel_refused(report)
            case Accepted() | Rejected():
                return self._on_answer(report)
            case _:
                return self._row_of(report, Reports(self._push(), self._market.ts_ns, ()), 1)

    def _on_answer(self, report: Accepted | Rejected) -> list[Output]:
        record = self._books.ledger.orders.get(report.coid)
        if record is None:
            return [Log("error", "broker reports an unknown order", {"coid": report.coid})]
        if isinstance(report, Accepted):
            other = record.broker_id and record.broker_id != report.broker_id
            return [] if other else self._known(record, report.broker_id)
        self.settling.answered(report.coid)
        if not record.open or record.filled:
            return []
        return self._write(OrderRejected(report.coid, report.reason, report.detail))

    def _known(self, record: OrderRecord, broker_id: str) -> list[Output]:
        """Note that the counter has an order of ours under this number."""
        self.settling.answered(record.coid)
        self._seen_ns.setdefault(record.coid, self.now_ns)
        if record.broker_id:
            return []
        outputs = self._write(OrderAccepted(record.coid, broker_id))
        if not record.open:
            facts: dict[str, object] = {"coid": record.coid, "state": record.state.name, "broker_id": broker_id}
            outputs.append(Log("error", "an order that had ended is at the counter", facts))
        return outputs

    def _on_cancel_refused(self, report: CancelRefused) -> list[Output]:
        cancel = self._books.open_cancels.get(report.coid)
        if cancel is None or report.coid in self._ending or self._books.open_order(report.coid) is None:
            return []
        self._cancel_sent_ns.pop(report.coid, None)
        return self._write(CancelRejected(cancel.key, report.coid, report.reason))

    # ------------------------------------------------------------------ orders and deals

    def _identify(self, seen: CounterOrder | CounterDeal) -> str:
        """Return our id of what the counter shows; empty = not ours, or ours a second time."""
        known = self._books.broker_ids.get((seen.day, seen.broker_id))
        if known is not None:
            return known
        coid = self._by_remark(seen)
        record = self._books.ledger.orders.get(coid)
        if record is None or record.broker_id or (record.symbol, record.side) != (seen.symbol, seen.side):
            return ""
        return coid

    def _by_remark(self, seen: CounterOrder | CounterDeal) -> str:
        if seen.remark in self._books.submitted or len(seen.remark) < REMARK_MIN:
            return seen.remark
        cut = [coid for coid in self._books.submitted if coid.startswith(seen.remark)]
        return cut[0] if len(cut) == 1 else ""

    def _on_order(self, order: CounterOrder) -> list[Output]:
        coid = self._identify(order)
        if not coid:
            return self._external(order)
        record = self._books.ledger.order(coid)
        if order.status is CounterStatus.REJECTED and not order.traded and not record.broker_id:
            return self._on_answer(Rejected(coid, Reason.BROKER_REJECTED))
        outputs = self._known(record, order.broker_id)
        if record.open and order.status in ENDED_AT_COUNTER:
            self._ending[coid] = order
        return outputs

    def _external(self, order: CounterOrder) -> list[Output]:
        if order.day < self._books.ledger.day or order.shares <= 0:
            self.counts["old_days"] += 1
            return []
        twice = self._by_remark(order) in self._books.submitted
        facts: dict[str, object] = {
            "broker_id": order.broker_id, "symbol": order.symbol, "side": order.side, "shares": order.shares,
            "remark": order.remark,
        }  # fmt: skip
        log = (
            Log("error", "the counter has an order of ours twice", facts)
            if twice
            else (Log("warning", "external order", facts))
        )
        return [*self._adopt(order, order.shares), log]

    def _adopt(self, order: CounterOrder, shares: int) -> list[Output]:
        coid = external_coid(order.day, order.broker_id)
        seen = ExternalOrderSeen(
            coid, order.broker_id, order.day, order.symbol, order.side, shares, max(0, order.price), order.remark
        )
        rows = self._write(seen)
        if order.status in ENDED_AT_COUNTER:
            self._ending[coid] = order
        return rows

    def _on_deal(self, deal: CounterDeal) -> list[Output]:
        books, key = self._books, self.deal_key(deal)
        if key in books.ledger.deals:
            self.counts["deals_twice"] += 1
            return []
        coid = self._identify(deal)
        if not coid and deal.day < books.ledger.day:
            self.counts["old_days"] += 1
            return []
        if not coid or deal.day > books.ledger.day:
            self.parked[key] = deal
            return []
        return self._book(books.ledger.order(coid), deal, key)

    def deal_key(self, deal: CounterDeal) -> str:
        """Return what makes a deal one: the counter's numbers begin anew each day."""
        return f"{self._settings.account}:{deal.day}:{deal.deal_id}"

    def _book(self, record: OrderRecord, deal: CounterDeal, key: str) -> list[Output]:
        self.parked.pop(key, None)
        if not self._bookable(record, deal):
            if key in self._strange:
                return []
            self._strange.add(key)
            facts: dict[str, object] = {
                "coid": record.coid, "deal": deal.deal_id, "shares": deal.shares, "price": deal.price,
                "left": record.left,
            }  # fmt: skip
            return [Log("error", "a deal that cannot be", facts)]
        known = self._known(record, deal.broker_id)
        before = (record.filled, record.turnover)
        fees = fees_of(
            deal.side, int(exchange_of(deal.symbol)), deal.day, self._settings, (deal.shares, deal.price), before
        )
        late = not record.open
        filled = OrderFilled(
            record.coid, key, deal.symbol, deal.side, deal.shares, deal.price, fees, self._market.ts_ns or record.ts_ns,
            record.rule, record.cause, self._tax(record, deal.shares),
        )  # fmt: skip
        rows = self._write(filled)
        self._note_deal(key, deal.day)
        return [*known, *rows, *(self._late(record, deal) if late else [])]

    def _note_deal(self, key: str, day: Day) -> None:
        if day != self._deals_day:
            self._deals_day, self._deals_today = day, set()
        self._deals_today.add(key)

    def _bookable(self, record: OrderRecord, deal: CounterDeal) -> bool:
        if (record.symbol, record.side) != (deal.symbol, deal.side) or min(deal.shares, deal.price) <= 0:
            return False
        if deal.shares > record.left:
            return False
        if deal.side == Side.BUY:
            return record.rule == EXTERNAL_RULE or deal.price <= record.price
        holding = self._books.ledger.positions.get(deal.symbol)
        return holding is not None and deal.shares <= holding.shares - holding.bought_today

    def _late(self, record: OrderRecord, deal: CounterDeal) -> list[Output]:
        facts: dict[str, object] = {"coid": record.coid, "deal": deal.deal_id, "shares": deal.shares}
        return [Log("error", "late fill after the order ended", facts)]

    def _again(self) -> list[Output]:
        """Try again what waited for its order, and end the orders whose deals have all come."""
        outputs: list[Output] = []
        for deal in list(self.parked.values()):
            outputs += self._on_deal(deal)
        for coid, order in list(self._ending.items()):
            record = self._books.ledger.order(coid)
            if not record.open:
                del self._ending[coid]
            elif record.filled >= order.traded - self._counted_before(record, order):
                del self._ending[coid]
                outputs += self._write(self._end_of(record, order))
        return outputs

    @staticmethod
    def _counted_before(record: OrderRecord, order: CounterOrder) -> int:
        """Return what an external order had traded before the journal began."""
        return order.shares - record.shares if record.rule == EXTERNAL_RULE else 0

    def _end_of(self, record: OrderRecord, order: CounterOrder) -> OrderCancelled | OrderRejected | OrderExpired:
        if order.status is CounterStatus.EXPIRED:
            return OrderExpired(record.coid, record.left)
        if order.status is CounterStatus.REJECTED and not record.filled:
            return OrderRejected(record.coid, Reason.BROKER_REJECTED)
        reason = self._books.cancel_reason(record.coid)
        other = Reason.EXTERNAL if record.rule == EXTERNAL_RULE else Reason.ENDED_AT_BROKER
        return OrderCancelled(record.coid, record.left, other if reason is Reason.NONE else reason)

    def resolve(self, resolved: OrderResolved) -> list[Output]:
        """Journal how a person settled an order in doubt; where only the person knows its number, its deals as told."""
        ledger = self._books.ledger
        record = ledger.order(resolved.coid)
        if not resolved.broker_id or external_coid(record.day, resolved.broker_id) in ledger.orders:
            return [*super().resolve(resolved), *self._again()]
        outputs = [*super().resolve(resolved), *self._write(OrderAccepted(record.coid, resolved.broker_id))]
        for told in resolved.deals:
            deal = CounterDeal(
                told.deal_id, resolved.broker_id, record.coid, record.day, record.symbol, record.side, told.shares,
                told.price,
            )  # fmt: skip
            key = self.deal_key(deal)
            outputs += self._book(record, deal, key) if key not in ledger.deals else []
        if record.open:
            outputs += self._write(OrderCancelled(record.coid, record.left, Reason.RESOLVED_ADOPTED))
        return outputs

    # ------------------------------------------------------------------ the link

    def _link_up(self, report: LinkUp) -> list[Output]:
        if self.up and report.session == self._session:
            return []
        self.up, self.reconciled, self._session, self._up_ns = True, False, report.session, self.now_ns
        self._asked_ns = self._last_ask_ns = None
        return [Log("info", "counter connected", {"session": report.session}), *self.on_deadline()]

    def _link_down(self, report: LinkDown) -> list[Output]:
        if report.session < self._session:
            return []
        self.counts["links_lost"] += self.up
        self.up = self.reconciled = False
        self._asked_ns, self._connect_ns = None, self.now_ns + CONNECT_NS
        # Answers to what was under way are lost with the session: cancels are sent again, orders settle.
        self._cancel_sent_ns = {}
        return [Log("warning", "counter link lost", {"session": report.session})]

    # ------------------------------------------------------------------ the counter's books

    def _on_state(self, state: CounterState) -> list[Output]:
        if not self.up or state.asked_ns < self._up_ns:
            return []  # of a session before this one
        if self._asked_ns is not None and state.asked_ns >= self._asked_ns:
            self._asked_ns = None
        if not state.complete:
            self.counts["answers_missing"] += 1
            return []
        outputs: list[Output] = []
        if not self._books.ledger.account:
            outputs += self._open(state)
        for order in state.orders:
            outputs += self._on_order(order)
        for deal in state.deals:
            outputs += self._on_deal(deal)
        outputs += self._again()
        for coid in self.settling.unseen(state.asked_ns):
            outputs += self._absent(coid)
        self.reconciled = True
        self._complete_ns = max(self._complete_ns, state.asked_ns)
        return [*outputs, *self._compare(state)]

    def _open(self, state: CounterState) -> list[Output]:
        """Begin the journal with what the account holds."""
        outputs = self._write(AccountOpened(state.cash, self._settings.account))
        for position in state.positions:
            if position.shares > 0:
                today = min(position.shares, max(0, position.bought_today))
                outputs += self._write(PositionFound(position.symbol, position.shares, today, max(0, position.cost)))
        if state.deals:
            outputs += self._write(DealsCounted(tuple(self.deal_key(deal) for deal in state.deals)))
        for order in state.orders:
            ended = order.status in ENDED_AT_COUNTER or order.status is CounterStatus.FILLED
            if not ended and order.shares > order.traded:
                outputs += self._adopt(order, order.shares - order.traded)
            else:
                # Over before we began: known, so that it is no news, and nothing more to come of it.
                outputs += self._adopt(order, 0)
        return outputs

    def _absent(self, coid: str) -> list[Output]:
        """Decide about an order that was proved not to be at the counter."""
        record, order = self._books.ledger.order(coid), self._books.submitted[coid]
        if record.state is not OrderState.SENDING:
            self.settling.answered(coid)
            return []
        if self._settings.park:
            self.settling.answered(coid)
            facts: dict[str, object] = {"coid": coid, "symbol": order.symbol, "shares": order.shares}
            return [*self._write(OrderInDoubt(coid)), Log("error", "order in doubt", facts)]
        if self._held_end is None and self._market.end is None:
            return []  # nobody knows yet whether its time has passed; the next query proves it again
        self.settling.answered(coid)
        ended = self._end_unsent(order)
        if ended:
            return ended
        attempt = self._books.attempts.get(coid, 1) + 1
        self.counts["sent_again"] += 1
        return [*self._write(OrderSentAgain(coid, attempt)), self._send(order)]

    def _compare(self, state: CounterState) -> list[Output]:
        books = self._books
        shown = {self.deal_key(deal) for deal in state.deals}
        if self._deals_day == books.ledger.day and not self._deals_today <= shown:
            return []  # deals were booked that this answer does not know yet: it is older than our books
        orders = {coid: order for order in state.orders if (coid := self._identify(order)) in books.ledger.orders}
        found = differences(books.ledger, state, orders, self._settings.cash_tolerance)
        found |= self._vanished(state, orders)
        self._differs = self._differs + 1 if found else 0
        if not found:
            self._agreed_ns = max(self._agreed_ns, state.asked_ns)
        elif self._differs < DIFFERENT:
            return []
        return self._say(found)

    def _vanished(self, state: CounterState, orders: dict[str, CounterOrder]) -> dict[str, int]:
        """Return working orders that the counter named before and shows no more."""
        return {
            record.coid: -record.left
            for record in self._books.ledger.open_orders()
            if record.broker_id
            and record.coid not in orders
            and record.day == self._books.ledger.day
            and state.asked_ns > self._seen_ns.get(record.coid, self._started_ns) + self._settings.settle_ns
        }

    def _say(self, found: dict[str, int]) -> list[Output]:
        said, self.differences = self._books.compared, found
        if found and (said is None or said.differences != found):
            return [*self._write(BooksCompared(False, found)), Log("error", "books and counter differ", dict(found))]
        if not found and said is not None and not said.equal:
            return [*self._write(BooksCompared(True)), Log("info", "books and counter agree again", {})]
        return []

    # ------------------------------------------------------------------ days and starts

    def expire(self, push: PushId) -> list[Output]:
        """End the orders that the day left open; one of which the counter has said nothing stays, in doubt."""
        outputs: list[Output] = []
        for order in self._books.ledger.open_orders():
            if order.state is OrderState.IN_DOUBT or order.day > self._books.ledger.day:
                continue
            if order.coid in self._unsent:
                self._unsent.remove(order.coid)
                outputs += self._books.write(OrderExpired(order.coid, order.left), push, 0)
            elif order.state is OrderState.SENDING:
                self.settling.answered(order.coid)
                outputs += self._books.write(OrderInDoubt(order.coid), push, 0)
                outputs.append(Log("error", "order in doubt", {"coid": order.coid, "symbol": order.symbol}))
            else:
                outputs += self._books.write(OrderExpired(order.coid, order.left), push, 0)
        return outputs

    def restore(self) -> list[Output]:
        """Connect; what the journal has without an answer may be at the counter, from before this start."""
        self._started_ns = self.now_ns
        ledger = self._books.ledger
        for order in ledger.open_orders():
            if order.state is OrderState.SENDING:
                self.settling.sent(order.coid, self.now_ns)
        prefix = f"{self._settings.account}:{ledger.day}:"
        self._deals_day = ledger.day
        self._deals_today = {key for key in ledger.deals if key.startswith(prefix)}
        self._connect_ns = self.now_ns
        return self.on_deadline()

    def resend(self, before: PushId, end: PushEnd) -> list[Output]:
        """Send nothing because a push came: what is open settles by the counter's answers."""
        return []

    def on_push(self) -> list[Output]:
        """Book and send what waited for a push or for its day."""
        return [*self._again(), *self._flush()]

    def status(self) -> tuple[dict[str, int], dict[str, str]]:
        """Return numbers and words about the counter; orders in doubt are in both."""
        doubt = self.in_doubt()
        externals = sum(1 for order in self._books.ledger.orders.values() if order.rule == EXTERNAL_RULE)
        numbers = {
            "in_doubt": len(doubt), "settling": len(self.settling), "external_orders": externals,
            "deals_parked": len(self.parked), "counter_up": int(self.up), "reconciled": int(self.reconciled),
            **self.counts,
        }  # fmt: skip
        words = {"in_doubt": ", ".join(doubt)} if doubt else {}
        if self.differences:
            words["books_differ"] = ", ".join(f"{name} {more:+d}" for name, more in self.differences.items())
        return numbers, words

    # ------------------------------------------------------------------ rows

    def _push(self) -> PushId:
        return max(self._books.last_push, self._market.push)

    def _write(self, event: object) -> list[Output]:
        return self._books.write(event, self._push(), 1)  # type: ignore[arg-type]  # an Event; the union is long
