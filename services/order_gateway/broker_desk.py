"""Between the journal and the broker: what is sent, what comes back as rows, and what a restart has to send again."""

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from common.domain.errors import InvariantError
from common.domain.orders import OrderState
from common.domain.positions import OrderRecord
from common.domain.reasons import Reason
from common.domain.values import Cash, Phase, PushId, Shares, Side, day_of_push
from common.messages.feed import PushData
from common.messages.kept import OrderPlace, QueuePlaces
from common.messages.market import PushEnd
from common.messages.orders import (
    CancelRejected,
    CancelSubmitted,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderInDoubt,
    OrderRejected,
    OrderResolved,
    OrderSubmitted,
    SubmitOrder,
)
from common.messages.outputs import Effect, Log, Message, Output, Save
from common.rules.boards import exchange_of
from common.rules.book import Defect
from common.rules.queue import UNSEEN
from common.rules.withholding import added_tax
from services.order_gateway.books import Books
from services.order_gateway.calls import (
    Accepted,
    AccountView,
    Cancel,
    Cancelled,
    CancelRefused,
    DealDone,
    Expired,
    OrderReport,
    Rejected,
    Reports,
    RestingOrder,
    Restore,
    Submit,
)
from services.order_gateway.limits import fees_of, is_killed
from services.order_gateway.market import Market
from services.order_gateway.settings import Settings

QUEUE_KEY = "queue"
_NOWHERE = OrderPlace("", UNSEEN, UNSEEN)


class _Pending(NamedTuple):
    """Something on disk of which nobody knows whether the broker has it."""

    push: PushId
    seq: int
    coid: str
    cancel: CancelSubmitted | None


class BrokerDesk:
    """Makes calls of orders and cancels, and rows of reports."""

    matches = True
    """The broker is moved by `MatchPush`: the pushes of the tape are its time."""

    def __init__(self, books: Books, market: Market, settings: Settings) -> None:
        self._books, self._market, self._settings = books, market, settings
        self.now_ns = 0
        """Time of the message in work, of the kind that never jumps."""
        self._pending: list[_Pending] = []
        self.queue_push: PushId = 0
        """The last push of which the kept places know."""
        self._kept = QueuePlaces(0, ())
        """Places as they were kept, for `restore`."""
        self.defects: Counter[str] = Counter()
        """Snapshots that met an order and were passed over, by defect, since the start."""

    # ------------------------------------------------------------------ what only a counter needs

    @property
    def blocked(self) -> bool:
        """Tell whether nothing may be bought: the paper exchange has no books that could differ."""
        return False

    differences: dict[str, int] = MappingProxyType({})  # type: ignore[assignment]  # none, and nobody writes here
    """What the broker has more than our books, by name."""

    def resolve(self, resolved: OrderResolved) -> list[Output]:
        """Journal how a person settled an order in doubt, and what follows for the order."""
        push = max(self._books.last_push, self._market.push)
        rows = self._books.write(resolved, push, 1)
        if not resolved.broker_id:
            rows += self._books.write(OrderRejected(resolved.coid, Reason.RESOLVED_ABSENT), push, 1)
        return rows

    def holds(self, data: PushData) -> bool:
        """Tell whether a push has to wait for the broker."""
        return False

    def on_push(self) -> list[Output]:
        """Do what waited for a push."""
        return []

    def next_deadline_ns(self) -> int | None:
        """Return when the broker is to be asked."""
        return None

    def on_deadline(self) -> list[Output]:
        """Ask it."""
        return []

    def status(self) -> tuple[dict[str, int], dict[str, str]]:
        """Return numbers and words about the broker."""
        return {}, {}

    # ------------------------------------------------------------------ out

    def submit(self, order: SubmitOrder, frozen: int, between: Sequence[Output] = ()) -> list[Output]:
        """Journal a checked order and send it; `between` (answers) goes out after the commit and before the sending."""
        market = self._market
        rows = self._books.write(OrderSubmitted(order, frozen), market.push, 1)
        return [*rows, *between, Effect(self._submit_call(order, market.push, market.ts_ns, market.phase))]

    def cancel(self, cancel: CancelSubmitted, between: Sequence[Output] = ()) -> list[Output]:
        """Journal a cancel of an open order and send it; `between` as in `submit`."""
        rows = self._books.write(cancel, self._market.push, 1)
        return [*rows, *between, Effect(self._cancel_call(cancel, self._market.push, self._market.ts_ns))]

    def _submit_call(self, order: SubmitOrder, push: PushId, ts_ns: int, phase: Phase) -> Submit:
        facts = self._market.facts(order.symbol)
        assert facts is not None, f"{order.symbol} passed the checks and is gone"
        record = self._books.ledger.order(order.coid)
        if order.shares + record.filled > record.shares or not record.open:
            raise InvariantError(f"order {order.coid} would be sent for more than was ordered")
        holding = self._books.ledger.positions.get(order.symbol)
        sellable = holding.sellable + record.left if holding is not None and order.side == Side.SELL else 0
        return Submit(
            order=order,
            push=push,
            ts_ns=ts_ns,
            day=day_of_push(push),
            board=facts.board,
            phase=phase,
            account=AccountView(self._books.ledger.free_cash + record.frozen, record.frozen, sellable),
            book=self._market.book(order.symbol),
            taken=self._books.taken(push, order.symbol, order.side),
        )

    def _cancel_call(self, cancel: CancelSubmitted, push: PushId, ts_ns: int) -> Cancel:
        symbol = self._books.ledger.order(cancel.coid).symbol
        return Cancel(cancel.key, cancel.coid, symbol, push, ts_ns, day_of_push(push))

    # ------------------------------------------------------------------ in

    def rows_of(self, reports: Reports) -> list[Output]:
        """Journal what the broker reported; what is known already is passed over."""
        outputs: list[Output] = []
        stage = 0 if reports.matched else 1
        for report in reports.reports:
            if isinstance(report, OrderReport):
                outputs += self._row_of(report, reports, stage)
        if reports.queue is not None:
            self.queue_push = max(self.queue_push, reports.push)
            outputs.append(Save(QUEUE_KEY, replace(reports.queue, push=self.queue_push)))
        return outputs

    def note_defects(self, reports: Reports) -> list[Output]:
        """Count the snapshots that the exchange passed over; the first of a kind is logged."""
        outputs: list[Output] = []
        for number in reports.defects:
            name = Defect(number).name
            if not self.defects[name]:
                outputs.append(Log("warning", "snapshot passed over", {"defect": name, "push": reports.push}))
            self.defects[name] += 1
        return outputs

    def _row_of(self, report: OrderReport, reports: Reports, stage: int) -> list[Output]:
        books, push = self._books, reports.push
        order = books.ledger.orders.get(report.coid)
        if order is None:
            return [Log("error", "broker reports an unknown order", {"coid": report.coid})]
        match report:
            case DealDone():
                return self._deal(report, reports, stage)
            case Accepted() if order.state is OrderState.SENDING and not order.broker_id:
                return books.write(OrderAccepted(report.coid, report.broker_id), push, stage)
            case Rejected() if order.open:
                return books.write(OrderRejected(report.coid, report.reason, report.detail), push, stage)
            case Cancelled() if order.open:
                reason = books.cancel_reason(report.coid)
                return books.write(OrderCancelled(report.coid, order.left, reason), push, stage)
            case CancelRefused() if report.coid in books.open_cancels:
                return books.write(CancelRejected(report.key, report.coid, report.reason), push, stage)
            case Expired() if order.open:
                return books.write(OrderExpired(report.coid, order.left), push, stage)
            case _:
                return []

    def _deal(self, deal: DealDone, reports: Reports, stage: int) -> list[Output]:
        ledger = self._books.ledger
        if deal.deal_id in ledger.deals:
            return []
        record, order = ledger.order(deal.coid), self._books.submitted[deal.coid]
        fees = fees_of(
            order.side, int(exchange_of(order.symbol)), day_of_push(reports.push), self._settings, (deal.shares, deal.price),
            (record.filled, record.turnover),
        )  # fmt: skip
        filled = OrderFilled(
            deal.coid, deal.deal_id, order.symbol, order.side, deal.shares, deal.price, fees, reports.ts_ns,
            order.rule, order.cause, self._tax(record, deal.shares),
        )  # fmt: skip
        late = not record.open
        rows = self._books.write(filled, reports.push, stage)
        return [*rows, *(self._alerts(record, deal) if late else [])]

    def _tax(self, record: OrderRecord, shares: Shares) -> Cash:
        if record.side != Side.SELL:
            return 0
        income = self._books.ledger.income_of(record.symbol, shares)
        return added_tax(record.portions, income, record.day)

    def _alerts(self, record: OrderRecord, deal: DealDone) -> list[Output]:
        """Say that a deal came after its order had ended, and what it took that was promised to others."""
        ledger = self._books.ledger
        holding = ledger.positions.get(record.symbol)
        missing = holding.frozen + holding.bought_today - holding.shares if holding is not None else 0
        facts = {
            "coid": deal.coid,
            "deal": deal.deal_id,
            "shares": deal.shares,
            "cash_missing": max(0, -ledger.free_cash),
            "shares_missing": max(0, missing),
        }
        return [Log("warning", "late fill after the order ended", facts)]

    def expire(self, push: PushId) -> list[Output]:
        """End every order that an older day left open."""
        outputs: list[Output] = []
        for order in self._books.ledger.open_orders():
            if order.state is not OrderState.IN_DOUBT:
                outputs += self._books.write(OrderExpired(order.coid, order.left), push, 0)
        return outputs

    # ------------------------------------------------------------------ after a restart

    def restore_places(self, kept: dict[str, Message]) -> None:
        """Take back where the resting orders stood."""
        record = kept.get(QUEUE_KEY)
        if isinstance(record, QueuePlaces):
            self.queue_push, self._kept = record.push, record

    def restore(self) -> list[Output]:
        """Rebuild the broker's resting orders, and note what was on disk and perhaps never sent."""
        ledger = self._books.ledger
        resting = tuple(
            self._resting(order)
            for order in ledger.open_orders()
            if order.state in (OrderState.WORKING, OrderState.PARTIAL)
        )
        pending: list[_Pending] = []
        cancels = {cancel.coid: cancel for cancel in self._books.unanswered_cancels()}
        for row in self._books.rows:
            event = row.event
            if isinstance(event, OrderSubmitted):
                if ledger.order(event.order.coid).state is OrderState.SENDING:
                    pending.append(_Pending(row.push, row.seq, event.order.coid, None))
            elif isinstance(event, CancelSubmitted) and cancels.get(event.coid) == event:
                pending.append(_Pending(row.push, row.seq, event.coid, event))
        self._pending = pending
        return [Effect(Restore(resting, self._kept.taken, self._kept.doubted))]

    def _resting(self, order: OrderRecord) -> RestingOrder:
        place = next((place for place in self._kept.places if place.coid == order.coid), _NOWHERE)
        return RestingOrder(
            order.coid, order.symbol, order.side, order.price, order.left, order.deals, place.ahead, place.shown
        )

    def resend(self, before: PushId, end: PushEnd) -> list[Output]:
        """Send again what was journalled in pushes before `before`; `end` is the push about to be worked on.

        The paper exchange is rebuilt from the journal, so an order of which it knows nothing never arrived: its
        absence is proved at once, and the same id is sent again, to the book it would have met.
        """
        due = [pending for pending in self._pending if pending.push < before]
        self._pending = [pending for pending in self._pending if pending.push >= before]
        outputs: list[Output] = []
        for pending in due:
            order = self._books.submitted[pending.coid]
            missed = pending.push not in (end.prev, end.push) and order.valid_until_ns < end.ts_ns
            if pending.cancel is not None:
                # The order was taken in continuous trading, and so was the cancel: its time serves for the phase.
                outputs.append(Effect(self._cancel_call(pending.cancel, pending.push, order.ts_ns)))
            elif self._settings.park:
                outputs += self._books.write(OrderInDoubt(pending.coid), pending.push, 1)
            elif is_killed(order.side, self._market, self._books, self._settings):
                outputs += self._books.write(OrderRejected(order.coid, Reason.KILL_SWITCH), pending.push, 1)
            elif missed or self._market.facts(order.symbol) is None:
                outputs += self._reject_unsent(order, pending.push)
            else:
                outputs.append(Effect(self._submit_call(order, pending.push, order.ts_ns, Phase.CONTINUOUS)))
        return outputs

    def _reject_unsent(self, order: SubmitOrder, push: PushId) -> list[Output]:
        rejected = OrderRejected(order.coid, Reason.EXPIRED, {"valid_until_ns": order.valid_until_ns})
        return self._books.write(rejected, push, 1)
