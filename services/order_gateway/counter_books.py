"""What a counter shows becomes rows: its orders, its deals, its books beside ours.

Quantity moves by deals alone, each once; a status ends an order when its deals have come; what is not ours is adopted
and never touched; a difference is told and never made to fit.
"""

from common.domain.orders import OrderState
from common.domain.positions import EXTERNAL_RULE, OrderRecord, external_coid
from common.domain.reasons import Reason
from common.domain.values import Day, PushId, Side
from common.messages.orders import (
    AccountOpened,
    BooksCompared,
    DealsCounted,
    ExternalOrderSeen,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderResolved,
    PositionFound,
)
from common.messages.outputs import Log, Output
from common.rules.boards import exchange_of
from services.order_gateway.books import Books
from services.order_gateway.broker_desk import BrokerDesk
from services.order_gateway.calls import (
    ENDED_AT_COUNTER,
    Accepted,
    CounterDeal,
    CounterOrder,
    CounterState,
    CounterStatus,
    Rejected,
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


class CounterBooks(BrokerDesk):
    """Books what the counter shows."""

    matches = False

    def __init__(self, books: Books, market: Market, settings: Settings) -> None:
        super().__init__(books, market, settings)
        self.settling = Settling(settings.settle_ns)
        self.differences: dict[str, int] = {}
        self.counts = {"answers_missing": 0, "deals_twice": 0, "old_days": 0, "links_lost": 0, "sent_again": 0}
        self.parked: dict[str, CounterDeal] = {}
        """Deals without an order, by their key in the books."""
        self._started_ns = 0
        self._agreed_ns = -1
        """When the newest comparison that found all equal was asked for."""
        self._seen_ns: dict[str, int] = {}
        """When the counter first named an order, in this process."""
        self._strange: set[str] = set()
        """Deals that cannot be booked; the difference they make stays."""
        self._ending: dict[str, CounterOrder] = {}
        """Ended by the counter's word, with deals still missing."""
        self._deals_today: set[str] = set()
        self._deals_day: Day = 0
        self._differs = 0

    def in_doubt(self) -> list[str]:
        """Return the orders that wait for a person."""
        return [order.coid for order in self._books.ledger.open_orders() if order.state is OrderState.IN_DOUBT]

    # ------------------------------------------------------------------ orders

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

    # ------------------------------------------------------------------ deals

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

    # ------------------------------------------------------------------ what a person knows

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

    # ------------------------------------------------------------------ their books and ours

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

    def _compare(self, state: CounterState) -> list[Output]:
        books = self._books
        shown = {self.deal_key(deal) for deal in state.deals}
        days = {order.day for order in state.orders} | {deal.day for deal in state.deals}
        if any(day > books.ledger.day for day in days):
            return []  # of a day that has not begun in our books: its deals wait for it
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

    # ------------------------------------------------------------------ rows

    def _push(self) -> PushId:
        return max(self._books.last_push, self._market.push)

    def _write(self, event: object) -> list[Output]:
        return self._books.write(event, self._push(), 1)  # type: ignore[arg-type]  # an Event; the union is long
