"""Between the journal and a counter with books of its own: it answers late, not at all, twice, or wrong.

Nothing it says is taken for more than it proves. Silence is not a refusal, a status moves no shares, an accepted cancel
is no cancel, an answer of None is not an empty one. What is not known is asked for until it is, and what no query can
tell waits for a person (IN_DOUBT).
"""

from collections.abc import Sequence

from msgspec.structs import replace

from common.domain.orders import OrderState
from common.domain.positions import EXTERNAL_RULE
from common.domain.reasons import Reason
from common.domain.values import Pace, PushId
from common.messages.feed import PushData
from common.messages.market import PushEnd
from common.messages.orders import (
    CancelRejected,
    CancelSubmitted,
    OrderCancelled,
    OrderExpired,
    OrderInDoubt,
    OrderRejected,
    OrderSentAgain,
    OrderSubmitted,
    SubmitOrder,
)
from common.messages.outputs import Effect, Log, Output
from services.order_gateway.books import Books
from services.order_gateway.calls import (
    Accepted,
    AccountView,
    CancelRefused,
    CancelTaken,
    Connect,
    CounterDeal,
    CounterOrder,
    CounterState,
    LinkDown,
    LinkUp,
    Query,
    Rejected,
    Report,
    Reports,
    Submit,
    Unanswered,
)
from services.order_gateway.counter_books import CounterBooks
from services.order_gateway.limits import is_killed
from services.order_gateway.market import Market
from services.order_gateway.settings import Settings

CONNECT_NS = 1_000_000_000
"""Before a lost session is replaced."""
ANSWER_NS = 5_000_000_000
"""After which a question without an answer is asked again."""
_NO_VIEW = AccountView(0, 0, 0)
CLOSE_WAIT_NS = 60_000_000_000
"""A day is closed at the latest so long after its last push, however little the counter says."""


class CounterDesk(CounterBooks):
    """Sends when the link stands and the books were compared; books what the counter shows."""

    def __init__(self, books: Books, market: Market, settings: Settings) -> None:
        super().__init__(books, market, settings)
        self.up = False
        self.reconciled = False
        """The counter's books were read in this session: before that nothing is sent."""
        self._session = 0
        self._up_ns = self._last_sent_ns = 0
        self._connect_ns: int | None = None
        self._asked_ns: int | None = None
        """When the open question was asked."""
        self._last_ask_ns: int | None = None
        self._complete_ns = -1
        """When the newest complete answer was asked for."""
        self._held: PushId = 0
        self._held_ns = 0
        self._held_end: PushEnd | None = None
        """End of the push that waits, or waited last."""
        self._unsent: list[str] = []
        """Orders of this process that were journalled while nothing could be sent: they are known not to have gone."""
        self._cancel_sent_ns: dict[str, int] = {}
        self._said_no: set[str] = set()
        """Orders that were answered with a no that proves nothing."""

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
        return self.may_send and not self._busy() and not self.differences and seen_ns >= self._needed_ns()

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
        ledger = self._books.ledger
        known = (order.broker_id for order in ledger.open_orders() if order.broker_id and order.day == ledger.day)
        return [Effect(Query(self.now_ns, tuple(known)))]

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
        if is_killed(order.side, self._market, self._books, self._settings):
            return self._write(OrderRejected(order.coid, Reason.KILL_SWITCH))
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
                if report.refused:
                    self._said_no.add(report.coid)
                return [Log("warning", "counter did not answer", {"coid": report.coid, "refused": report.refused})]
            case CancelTaken():
                return []
            case CancelRefused():
                return self._on_cancel_refused(report)
            case Accepted() | Rejected():
                return self._on_answer(report)
            case _:
                return self._row_of(report, Reports(self._push(), self._market.ts_ns, ()), 1)

    def _on_cancel_refused(self, report: CancelRefused) -> list[Output]:
        cancel = self._books.open_cancels.get(report.coid)
        if cancel is None or report.coid in self._ending or self._books.open_order(report.coid) is None:
            return []
        self._cancel_sent_ns.pop(report.coid, None)
        return self._write(CancelRejected(cancel.key, report.coid, report.reason))

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

    def _absent(self, coid: str) -> list[Output]:
        """Decide about an order that was proved not to be at the counter."""
        record, order = self._books.ledger.order(coid), self._books.submitted[coid]
        if record.state is not OrderState.SENDING:
            self.settling.answered(coid)
            return []
        if coid in self._said_no:
            # Said no, and shown by no query: the two together are a refusal.
            self._said_no.discard(coid)
            return self._on_answer(Rejected(coid, Reason.BROKER_REJECTED))
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
