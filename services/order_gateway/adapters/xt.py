"""QMT as a counter: calls of the gateway's core go out through the vendor's package, what it says comes back as reports.

Nothing here decides what happened to an order. A -1, a silence, an exception and a lost session are all "unanswered";
the core finds out by asking. What is decided here is whose an order is (`xt_identity.py`), whether an answer to a query
is whole, and which session is the one that counts.
"""

import queue
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from common.domain.calendar import day_of, second_of_day
from common.domain.ids import COID_LENGTH
from common.domain.reasons import Reason
from common.domain.values import MILLI, Day, Side
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.checks import check_cancel_phase
from common.runtime.vendor import load_vendor
from common.runtime.waker import Waker
from services.order_gateway.adapters.xt_answers import Question, read_state
from services.order_gateway.adapters.xt_identity import Echo, Identity, Sent, Verdict
from services.order_gateway.adapters.xt_numbers import Numbers
from services.order_gateway.adapters.xt_parse import (
    BUY,
    FIX_PRICE,
    SELL,
    STATUS_OK,
    Defect,
    number_of,
    parse_order,
    parse_trade,
    text,
    whole,
)
from services.order_gateway.adapters.xt_session import NS, PARTS, STOP_S, Heard, Modules, Session, XtSettings
from services.order_gateway.calls import (
    Accepted,
    Cancel,
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

ANSWER_NS = 5 * NS
"""For an order's answer; it is unanswered after that, not refused."""
QUERY_NS = 4 * NS
"""For all parts of a query; less than what the core waits before it asks again."""
BACKOFF_NS = (0, 1 * NS, 2 * NS, 5 * NS, 10 * NS, 30 * NS)
"""Between attempts to connect: each costs the client a session."""
SWEEP_AFTER = 3
"""Refused connections in a row after which our own left-over files are deleted: they are one of the causes."""

_NO_CANCEL = ("", "", Reason.NONE)
Log = Callable[[str, str, dict[str, object]], None]
"""Level, event, facts."""


class XtBroker:
    """The adapter of one gateway process."""

    answers_later = True

    def __init__(
        self, settings: XtSettings, now_ns: Callable[[], int], log: Log, modules: Modules | None = None
    ) -> None:
        self.settings, self._now_ns, self._log = settings, now_ns, log
        self._modules = modules or Modules(*load_vendor("xttrader", "xttype"))
        self._numbers = Numbers(Path(settings.path), settings.session_first, settings.sessions)
        self._inbox: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self.waker = Waker()
        self.session: Session | None = None
        self._sessions = self._failures = 0
        self._up = self._good = False
        """The session stands; its books have been shown whole."""
        self._try_ns: int | None = None
        """When to connect next, where the core wants that."""
        self.identity = Identity()
        self._early: dict[int, Heard] = {}
        """Answers that came before the number of their request."""
        self._held: list[Heard] = []
        self._cancels: dict[str, tuple[str, str, Reason]] = {}
        """Our id, the key of the newest cancel and what its refusal would mean, by the counter's number."""
        self._question: Question | None = None
        self._out: list[Report] = []
        self.counts: Counter[str] = Counter()

    def fileno(self) -> int:
        """Return what becomes readable when something was said."""
        return self.waker.fileno()

    def _put(self, heard: Heard) -> None:
        """Enqueue, from any thread; the loop wakes up."""
        self._inbox.put(heard)
        self.waker.ring()

    # ------------------------------------------------------------------ calls of the core

    def perform(self, call: Message) -> Sequence[Message]:
        """Begin what the core asks for; nothing comes back at once."""
        match call:
            case Connect():
                self._wants_link()
            case Submit():
                self._submit(call)
            case Cancel():
                self._cancel(call)
            case Query():
                self._query(call)
            case _:
                raise TypeError(f"QMT knows no {type(call).__name__}")
        return []

    def _wants_link(self) -> None:
        if self.session is None and self._try_ns is None:
            wait = BACKOFF_NS[min(self._failures, len(BACKOFF_NS) - 1)]
            self._try_ns = self._now_ns() + wait
        self._connect_if_due()

    def _connect_if_due(self) -> None:
        if self._try_ns is None or self._now_ns() < self._try_ns:
            return
        self._try_ns = None
        self._sessions += 1
        number = self._numbers.take()
        if number is None:
            self._failures += 1
            self._log(
                "error", "every session number is held by another process", {"first": self.settings.session_first}
            )
            self._out.append(LinkDown(self._sessions))
            return
        self.session = Session(self._sessions, number, self.settings, self._modules, self._put, self._now_ns)
        self._log("info", "connecting to QMT", {"session": self._sessions, "number": number})
        self.session.open()

    def _submit(self, call: Submit) -> None:
        order, now_ns = call.order, self._now_ns()
        fits = len(order.coid) <= COID_LENGTH and order.coid.isascii() and order.coid.isalnum()
        # A price of 0 means "market" to the vendor: it must never come from an empty side of a sealed board.
        if order.price <= 0 or order.shares <= 0 or order.side not in (Side.BUY, Side.SELL) or not fits:
            self._log("error", "order not fit to be sent", {"coid": order.coid, "price": order.price})
            self._out.append(Rejected(order.coid, Reason.BAD_QUANTITY, {"price": order.price, "shares": order.shares}))
            return
        if self.session is None or not self._up:
            self._out.append(Unanswered(order.coid))
            return
        self.identity.note(
            Sent(order.coid, order.symbol, order.side, order.shares, self._today(), now_ns, now_ns + ANSWER_NS)
        )
        kind = BUY if order.side == Side.BUY else SELL
        self.session.order(order.coid, order.symbol, kind, int(order.shares), round(order.price / MILLI, 3), FIX_PRICE)

    def _cancel(self, call: Cancel) -> None:
        number = int(call.broker_id) if call.broker_id.isascii() and call.broker_id.isdigit() else 0
        if number <= 0:
            self._out.append(CancelRefused(call.key, call.coid, Reason.ORDER_ENDED))
            return
        # The vendor's words for a refusal are the broker's own; the phase says which of ours fits.
        phase = check_cancel_phase(exchange_of(call.symbol), second_of_day(call.ts_ns), call.day)
        reason = Reason.BROKER_REJECTED if phase is Reason.NONE else phase
        self._cancels[call.broker_id] = (call.coid, call.key, reason)
        if self.session is not None and self._up:
            self.session.cancel(number)

    def _query(self, call: Query) -> None:
        if self.session is None or not self._up:
            return
        self._question = Question(call.asked_ns, self._now_ns() + QUERY_NS, call.known)
        self.session.query(call.asked_ns)

    # ------------------------------------------------------------------ what came back

    def poll(self) -> Sequence[Message]:
        """Hand over what was heard since the last time, all as one."""
        self.waker.hear()
        while True:
            try:
                heard = self._inbox.get_nowait()
            except queue.Empty:
                break
            self._on(heard)
        self._look_again()
        self._deadlines()
        out, self._out = self._out, []
        return [Reports(0, 0, tuple(out))] if out else []

    def _on(self, heard: Heard) -> None:
        if self.session is None or heard.session != self.session.session:
            self.counts["late"] += 1
            return
        getattr(self, f"_on_{heard.what}")(heard)

    # ------------------------------------------------------------------ the link

    def _on_up(self, heard: Heard) -> None:
        self._up, self._good = True, False
        self.identity.forget_requests()
        self._out.append(LinkUp(heard.session))

    def _on_down(self, heard: Heard) -> None:
        self._lose(str(heard.facts[0]))

    def _on_account(self, heard: Heard) -> None:
        account, status = heard.facts
        if account == self.settings.account and whole(status) != STATUS_OK:
            self._lose(f"account status {status}")

    def _on_fault(self, heard: Heard) -> None:
        name, fault = heard.facts
        self._log("error", "the vendor's layer failed", {"call": name, "fault": fault})
        if name == "connect":
            self._lose(fault)

    def _lose(self, why: str) -> None:
        """Give up the session: what was under way in it is unknown."""
        session, self.session = self.session, None
        if session is None:
            return
        self._failures = 0 if self._good else self._failures + 1
        self._log("warning", "QMT session lost", {"session": session.session, "number": session.number, "why": why})
        session.end()
        if self._failures >= SWEEP_AFTER and self._failures % SWEEP_AFTER == 0:
            swept = self._numbers.sweep(keep=session.number)
            self._log("info", "left-over session files deleted", {"numbers": swept})
        self._up, self._good, self._question = False, False, None
        self._early.clear()
        for sent in self.identity.sent.values():
            if not sent.number and not sent.silent:
                sent.silent = True
                self._out.append(Unanswered(sent.coid))
        self._out.append(LinkDown(session.session))

    # ------------------------------------------------------------------ orders and cancels

    def _on_sent(self, heard: Heard) -> None:
        coid, seq = heard.facts
        found = whole(seq)
        if found is None or found <= 0:
            self._unanswered(coid)
            return
        self.identity.numbered(coid, found)
        early = self._early.pop(found, None)
        if early is not None:
            self._on(early)

    def _on_unsent(self, heard: Heard) -> None:
        self._log("error", "order came too late to be sent", {"coid": heard.facts[0]})
        self._unanswered(heard.facts[0], refused=True)

    def _on_answer(self, heard: Heard) -> None:
        seq, order_id, remark, message = heard.facts
        coid = self.identity.of_request(whole(seq) or 0, text(remark))
        if not coid:
            self._early[whole(seq) or 0] = heard
            return
        number = number_of(order_id)
        if number:
            self.identity.tie(coid, self._today(), number)
            self._out.append(Accepted(coid, number))
        else:
            self._log("warning", "order answered with -1", {"coid": coid, "message": text(message)})
            self._said_no(coid)

    def _on_order_error(self, heard: Heard) -> None:
        seq, order_id, remark, error, message = heard.facts
        number = number_of(order_id)
        coid = self.identity.of_error(self._today(), number, whole(seq) or 0, text(remark))
        facts = {"coid": coid, "order_id": order_id, "error": error, "message": text(message)}
        self._log("warning", "order refused by the counter", facts)
        if not coid:
            return
        if number:
            self.identity.tie(coid, self._today(), number)
            self._out.append(Rejected(coid, Reason.BROKER_REJECTED, {"error": whole(error) or 0}))
        else:
            self._said_no(coid)

    def _said_no(self, coid: str) -> None:
        """Tell of a no that proves nothing; its absence will prove it only where remarks are known to come back."""
        self._unanswered(coid, refused=self.identity.echo is not Echo.UNSEEN)

    def _unanswered(self, coid: str, *, refused: bool = False) -> None:
        sent = self.identity.sent.get(coid)
        if sent is not None:
            sent.silent = True
        self._out.append(Unanswered(coid, refused))

    def _on_cancel_answer(self, heard: Heard) -> None:
        _seq, order_id, result, message = heard.facts
        coid, key, _ = self._cancels.get(number_of(order_id), _NO_CANCEL)
        if not coid:
            return
        if whole(result) == 0:
            self._out.append(CancelTaken(coid))
        else:  # nobody knows; the core asks again after a while, and a second cancel is harmless
            self._log("warning", "cancel answered with -1", {"coid": coid, "key": key, "message": text(message)})

    def _on_cancel_error(self, heard: Heard) -> None:
        order_id, error, message = heard.facts
        coid, key, reason = self._cancels.get(number_of(order_id), _NO_CANCEL)
        self._log("warning", "cancel refused", {"coid": coid, "error": error, "message": text(message)})
        if coid:
            self._out.append(CancelRefused(key, coid, reason))

    # ------------------------------------------------------------------ pushes

    def _on_order(self, heard: Heard) -> None:
        self._pushed(heard, parse_order(heard.facts[0], self._today()))

    def _on_trade(self, heard: Heard) -> None:
        self._pushed(heard, parse_trade(heard.facts[0], self._today()))

    def _pushed(self, heard: Heard, seen: CounterOrder | CounterDeal | Defect) -> None:
        row = heard.facts[0]
        if row.account_id is not None and row.account_id != self.settings.account:
            self.counts["other_accounts"] += 1
            return
        if isinstance(seen, Defect):
            self._defect(seen)
            return
        if seen.day != self._today():
            self.counts["replayed"] += 1
            return
        identity, now_ns = self.identity, self._now_ns()
        verdict, named = identity.order(seen, now_ns) if isinstance(seen, CounterOrder) else identity.deal(seen, now_ns)
        if verdict is Verdict.HOLD:
            self._held.append(heard)
        elif verdict is Verdict.PASS:
            self._out.append(named)

    def _look_again(self) -> None:
        """Try what waited for an answer that tells whose it is."""
        held, self._held = self._held, []
        for heard in held:
            self._on(heard)

    def _defect(self, defect: Defect) -> None:
        self.counts["defects" if defect.strange else "out_of_scope"] += 1
        if defect.strange:
            self._log("warning", "unreadable row", {"what": defect.what})

    # ------------------------------------------------------------------ answers to queries

    def _on_part(self, heard: Heard) -> None:
        asked_ns, part, rows = heard.facts
        question = self._question
        if question is None or question.asked_ns != asked_ns:
            return
        question.parts[part] = rows
        if len(question.parts) < len(PARTS):
            return
        self._question = None
        state, answer = read_state(question, self.identity, self.settings.account, self._now_ns())
        if answer.doubt:
            self._log("warning", "answer not believed", {"why": answer.doubt})
        for defect in answer.defects:
            self._defect(defect)
        self._good = self._good or state.complete
        self._out.append(state)

    # ------------------------------------------------------------------ time

    def _today(self) -> Day:
        return day_of(self._now_ns())

    def _deadlines(self) -> None:
        now_ns = self._now_ns()
        if self.session is not None and (name := self.session.overdue(now_ns)):
            self._lose(f"{name} does not come back")
        question = self._question
        if question is not None and now_ns > question.until_ns:
            self._question = None
            self._out.append(CounterState(question.asked_ns, complete=False))
            if not question.parts:  # a link may be dead without a word
                self._lose("no answer to any query")
        for sent in self.identity.sent.values():
            if not sent.number and not sent.silent and now_ns > sent.until_ns:
                sent.silent = True
                self._out.append(Unanswered(sent.coid))
        self._connect_if_due()

    def close(self) -> None:
        """Let go of the client, in a few seconds whatever the vendor does."""
        session, self.session = self.session, None
        if session is not None:
            session.end().join(STOP_S)
        self.waker.close()
