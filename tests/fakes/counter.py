"""A counter with the worst manners a counter can have, and books of its own that are always right.

What becomes of an order depends on its remark alone (and on what the account holds), never on when it arrives: so the
books of a disturbed run can be compared with those of an undisturbed one. Everything else is drawn from a seed: what is
lost, doubled, late or out of order on the way. Time is given by a function, so a test may own it.
"""

import heapq
import random
from collections.abc import Callable, Sequence

from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side, Symbol
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.fees import fees
from services.order_gateway.calls import (
    Accepted,
    Cancel,
    CancelRefused,
    CancelTaken,
    Connect,
    CounterDeal,
    CounterPosition,
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
from tests.fakes.manners import (
    COMMISSION_E7,
    COMMISSION_MIN,
    GOOD,
    Counts,
    Entry,
    Fate,
    Held,
    Manners,
    Outcome,
    outcome_of,
)


class FakeCounter:
    """The counter itself: it lives through every crash of ours."""

    def __init__(
        self,
        now_ns: Callable[[], int],
        *,
        cash: Cash = 1_000_000_000,
        manners: Manners = GOOD,
        seed: int = 0,
        salt: str = "",
        fate: Callable[[Submit], Outcome] | None = None,
        refuses: Callable[[Submit | Cancel], Reason] = lambda call: Reason.NONE,
    ) -> None:
        self.now_ns, self.manners, self.random = now_ns, manners, random.Random(seed)
        self.cash = cash
        self.day: Day = 0
        self.orders: dict[str, Entry] = {}
        """By the counter's own number; numbers begin anew each day, so the key has the day before it."""
        self.deals: list[tuple[CounterDeal, int]] = []
        """With the time each is shown from."""
        self.positions: dict[Symbol, Held] = {}
        self.counts = Counts()
        self._fate = fate or (lambda call: outcome_of(salt, call.order.coid))
        self._refuses = refuses
        """The market's rules, for a test that has a market."""
        self._number = self._sessions = self._n = 0
        self._session = 0
        """The one that stands; 0 = none."""
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._out: list[Report] = []

    # ------------------------------------------------------------------ time

    def next_ns(self) -> int | None:
        """Return when something happens next."""
        return self._later[0][0] if self._later else None

    def run(self) -> None:
        """Let everything happen that is due."""
        now_ns = self.now_ns()
        while self._later and self._later[0][0] <= now_ns:
            heapq.heappop(self._later)[2]()

    def _after(self, ns: int, do: Callable[[], None]) -> None:
        self._n += 1
        heapq.heappush(self._later, (self.now_ns() + ns, self._n, do))

    def _chance(self, per_mille: int) -> bool:
        return per_mille > 0 and self.random.random() * 1000 < per_mille

    def _delay(self, most_ns: int) -> int:
        """Return a delay up to `most_ns`; one in four takes all of it, since what breaks is at the edge."""
        return int(min(1.0, self.random.random() * 4 / 3) * most_ns)

    # ------------------------------------------------------------------ the link

    def adapter(self) -> "FakeLink":
        """Return the adapter of a new process: the old one's session is gone with it."""
        self._session = 0
        self._out.clear()
        return FakeLink(self)

    def cut(self) -> None:
        """Lose the link, and with it whatever was on its way back."""
        if self._session:
            self.counts.links_lost += 1
            gone, self._session = self._session, 0
            self._out.append(LinkDown(gone))

    def take_out(self) -> list[Report]:
        """Hand over what has arrived at our end."""
        self.run()
        out, self._out = self._out, []
        return out

    def _tell(self, report: Report, session: int, *, push: bool = False) -> None:
        if push and self._chance(self.manners.push_lost):
            self.counts.lost += 1
            return
        for _ in range(2 if push and self._chance(self.manners.push_twice) else 1):
            self._after(self._delay(self.manners.answer_ns), lambda: self._arrive(report, session))

    def _arrive(self, report: Report, session: int) -> None:
        if session and session == self._session:
            self._out.append(report)

    def _push(self, report: Report) -> None:
        self._tell(report, self._session, push=True)

    # ------------------------------------------------------------------ calls

    def perform(self, call: Message) -> None:
        """Take a call, whatever it is; what comes of it is told later."""
        match call:
            case Connect():
                self._connect()
            case Submit():
                self._on_submit(call)
            case Cancel():
                self._on_cancel(call)
            case Query():
                self._on_query(call)
            case _:
                self.counts.strange += 1
        if self._session and self._chance(self.manners.link_lost):
            self.cut()
        self.run()

    def _connect(self) -> None:
        self._sessions += 1
        session = self._sessions
        if self._chance(self.manners.connect_fails):
            self._after(self._delay(self.manners.answer_ns), lambda: self._out.append(LinkDown(session)))
            return
        self._after(self._delay(self.manners.answer_ns), lambda: self._linked(session))

    def _linked(self, session: int) -> None:
        if session < self._session:
            return
        self._session = session
        self._out.append(LinkUp(session))
        if self._chance(self.manners.replays):
            for entry in self.random.sample(list(self.orders.values()), min(3, len(self.orders))):
                if entry.shown_ns <= self.now_ns():
                    self._push(entry.seen())
            shown = [deal for deal, shown_ns in self.deals if shown_ns <= self.now_ns()]
            for deal in self.random.sample(shown, min(3, len(shown))):
                self._push(deal)

    def _on_submit(self, call: Submit) -> None:
        self.counts.asked += 1
        session, coid = self._session, call.order.coid
        if not session or self._chance(self.manners.order_lost):
            self.counts.lost += 1
            self._out.append(Unanswered(coid))
            return
        self._after(self._delay(self.manners.arrive_ns), lambda: self._enter(call, session))

    def _answer(self, report: Report, coid: str, session: int) -> None:
        if self._chance(self.manners.answer_lost):
            self.counts.lost += 1
        elif self._chance(self.manners.answer_timeout):
            self._tell(Unanswered(coid), session)
        else:
            self._tell(report, session)

    def _enter(self, call: Submit, session: int) -> None:
        order = call.order
        outcome = self._fate(call)
        name = outcome.fate.name
        self.counts.by_fate[name] = self.counts.by_fate.get(name, 0) + 1
        reason = self._refusal(call)
        if outcome.fate is Fate.REJECTED and reason is Reason.NONE:
            reason = Reason.BROKER_REJECTED
        self._number += 1
        entry = Entry(
            f"c{self._number}", order.coid, self.day, order.symbol, order.side, order.shares, order.price,
            shown_ns=self.now_ns() + self._delay(self.manners.show_ns), remark=order.coid[: self.manners.remark_length],
        )  # fmt: skip
        self.orders[f"{self.day}/{entry.broker_id}"] = entry
        if reason is not Reason.NONE:
            entry.status = CounterStatus.REJECTED
            self._answer(Rejected(order.coid, reason), order.coid, session)
        else:
            self._answer(Accepted(order.coid, entry.broker_id), order.coid, session)
            self._trade_first(entry, outcome)
        self._show(entry)

    def _show(self, entry: Entry) -> None:
        """Push an order as it stands once it may be seen."""
        self._after(max(0, entry.shown_ns - self.now_ns()), lambda: self._push(entry.seen()))

    def _trade_first(self, entry: Entry, outcome: Outcome) -> None:
        lots = entry.shares // 100
        if outcome.fate is Fate.PARTIAL and lots > 1:
            self.trade(entry, max(1, lots // 2) * 100, outcome.deals)
        elif outcome.fate is Fate.FILLED:
            self.trade(entry, entry.shares, outcome.deals)
        elif outcome.fate is Fate.LATE and self.manners.late_fills:
            entry.late = min(100, entry.shares)

    def _refusal(self, call: Submit) -> Reason:
        order = call.order
        if order.shares <= 0 or order.price <= 0 or order.side not in (Side.BUY, Side.SELL) or not self.day:
            return Reason.BAD_QUANTITY
        refused = self._refuses(call)
        if refused is not Reason.NONE:
            return refused
        if order.side == Side.BUY:
            return Reason.NONE if order.shares * order.price <= self.cash else Reason.INSUFFICIENT_CASH
        held = self.positions.get(order.symbol, Held())
        working = sum(
            each.shares - each.traded
            for each in self.orders.values()
            if each.alive and each.day == self.day and (each.symbol, each.side) == (order.symbol, Side.SELL)
        )
        return Reason.NONE if order.shares <= held.shares - held.today - working else Reason.INSUFFICIENT_SHARES

    # ------------------------------------------------------------------ books

    def trade(self, entry: Entry, shares: Shares, deals: int = 1, price: Price = 0) -> list[CounterDeal]:
        """Let an order trade, now; when it is seen is another matter."""
        lots, made = max(1, shares // 100), []
        parts = min(deals, lots)
        for number in range(parts):
            part = lots // parts * 100 if number < parts - 1 else shares - lots // parts * 100 * (parts - 1)
            made.append(self._deal(entry, part, price or entry.price))
        if entry.traded >= entry.shares:
            entry.status = CounterStatus.FILLED
        self._show(entry)
        return made

    def _deal(self, entry: Entry, shares: Shares, price: Price) -> CounterDeal:
        number = 1 + sum(1 for deal, _ in self.deals if deal.day == entry.day)
        deal = CounterDeal(
            f"d{number}", entry.broker_id, entry.remark, entry.day, entry.symbol, entry.side, shares, price
        )  # fmt: skip
        exchange = int(exchange_of(entry.symbol))
        charge = fees(
            entry.side, self.day, exchange, shares * price, entry.turnover, COMMISSION_E7, COMMISSION_MIN, shares,
            entry.traded,
        )  # fmt: skip
        entry.traded += shares
        entry.turnover += shares * price
        held = self.positions.setdefault(entry.symbol, Held())
        if entry.side == Side.BUY:
            self.cash -= shares * price + charge
            held.shares, held.today, held.cost = held.shares + shares, held.today + shares, held.cost + shares * price
        else:
            self.cash += shares * price - charge
            held.cost -= held.cost * shares // held.shares
            held.shares -= shares
        shown_ns = max(self.now_ns() + self._delay(self.manners.show_ns), 0)
        self.deals.append((deal, shown_ns))
        self._after(shown_ns - self.now_ns(), lambda: self._push(deal))
        return deal

    def _on_cancel(self, call: Cancel) -> None:
        session = self._session
        if not session or self._chance(self.manners.cancel_lost):
            self.counts.lost += 1
            return
        self._after(self._delay(self.manners.arrive_ns // 2), lambda: self._end(call, session))

    def _end(self, call: Cancel, session: int) -> None:
        entry = self.orders.get(f"{self.day}/{call.broker_id}")
        reason = self._refuses(call)
        if entry is None or not entry.alive:
            reason = Reason.ORDER_ENDED
        if entry is None or reason is not Reason.NONE:
            self._tell(CancelRefused(call.key, call.coid, reason), session)
            return
        self._tell(CancelTaken(call.coid), session)
        entry.status = CounterStatus.CANCELLED
        entry.shown_ns = max(entry.shown_ns, self.now_ns() + self._delay(self.manners.show_ns))
        self._show(entry)
        if entry.late:
            self._after(self._delay(self.manners.arrive_ns // 2), lambda: self._late(entry))

    def _late(self, entry: Entry) -> None:
        if entry.late and entry.traded + entry.late <= entry.shares:
            late, entry.late = entry.late, 0
            self.counts.lates += 1
            self.trade(entry, late)

    # ------------------------------------------------------------------ questions

    def _on_query(self, call: Query) -> None:
        session = self._session
        if not session or self._chance(self.manners.query_lost):
            return
        if self._chance(self.manners.query_none):
            self.counts.nones += 1
            self._tell(CounterState(call.asked_ns, complete=False), session)
            return
        self._after(self._delay(self.manners.answer_ns), lambda: self._arrive(self.state(call.asked_ns), session))

    def state(self, asked_ns: int) -> CounterState:
        """Return what the counter shows now: today's orders and deals that are visible, positions and cash as they are."""
        now_ns = self.now_ns()
        orders = tuple(e.seen() for e in self.orders.values() if e.day == self.day and e.shown_ns <= now_ns)
        deals = tuple(deal for deal, shown_ns in self.deals if deal.day == self.day and shown_ns <= now_ns)
        positions = tuple(
            CounterPosition(symbol, held.shares, held.today, held.cost)
            for symbol, held in self.positions.items()
            if held.shares
        )
        if self._chance(self.manners.query_parts):
            self.counts.nones += 1
            return CounterState(asked_ns, False, orders[:1], (), (), 0)
        return CounterState(asked_ns, True, orders, deals, positions, self.cash)

    # ------------------------------------------------------------------ the world outside

    def roll(self, day: Day) -> None:
        """Begin a day: what was bought yesterday may be sold."""
        self.day, self._number = day, 0
        for held in self.positions.values():
            held.today = 0

    def close(self) -> None:
        """End the day: what stands expires, to be seen at once."""
        for entry in self.orders.values():
            if entry.alive and entry.day == self.day:
                entry.status, entry.shown_ns = CounterStatus.EXPIRED, min(entry.shown_ns, self.now_ns())
                self._push(entry.seen())

    def external(
        self, symbol: Symbol, side: int, shares: Shares, price: Price, *, traded: Shares = 0, remark: str = ""
    ) -> Entry:
        """Let somebody else give an order at the counter; it is seen at once."""
        self._number += 1
        entry = Entry(
            f"c{self._number}", remark, self.day, symbol, side, shares, price, shown_ns=self.now_ns(), remark=remark
        )  # fmt: skip
        self.orders[f"{self.day}/{entry.broker_id}"] = entry
        if traded:
            late, self.manners = self.manners, self.manners._replace(show_ns=0)
            self.trade(entry, traded)
            self.manners = late
        self._push(entry.seen())
        return entry

    def of(self, coid: str) -> list[Entry]:
        """Return the orders the counter holds for one of our ids: more than one is the worst that can happen."""
        return [entry for entry in self.orders.values() if entry.coid == coid]


class FakeLink:
    """The adapter of one process."""

    answers_later = True

    def __init__(self, counter: FakeCounter) -> None:
        self._counter = counter

    def perform(self, call: Message) -> Sequence[Message]:
        """Pass a call on; nothing comes back at once."""
        self._counter.perform(call)
        return []

    def poll(self) -> Sequence[Message]:
        """Return what has arrived."""
        out = self._counter.take_out()
        return [Reports(0, 0, (report,)) for report in out]
