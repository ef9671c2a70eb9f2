"""Orders and cancels: known ids are answered and never sent again, the rest is checked, journalled, then sent."""

from common.domain.calendar import second_of_day
from common.domain.ids import COID_LENGTH
from common.domain.orders import OrderState
from common.domain.positions import EXTERNAL_RULE
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.control import Fault
from common.messages.header import Role
from common.messages.orders import (
    CancelOrder,
    CancelRequest,
    CancelSubmitted,
    Denied,
    IntentDenied,
    Journalled,
    OrderResolved,
    ResolveRequest,
    SubmitOrder,
)
from common.messages.outputs import Log, Message, Origin, Output, Reply
from common.messages.signals import VerdictStatus
from common.rules.boards import exchange_of
from common.rules.checks import check_cancel_phase
from services.order_gateway.books import Books
from services.order_gateway.broker_desk import BrokerDesk
from services.order_gateway.counters import BASIS
from services.order_gateway.limits import Denial, check_cancel, check_order, need_of
from services.order_gateway.market import Market
from services.order_gateway.pushes import Pushes
from services.order_gateway.settings import HAND_ROLES, Settings

NOT_READY = Fault(Reason.NOT_READY, "the gateway has not seen the market yet; try again when market_data plays")


def base_key(key: str) -> str:
    """Return the key of the intent an order works for: reprices carry `|r<n>` after it."""
    head, mark, tail = key.rpartition("|r")
    return head if mark and tail.isdigit() else key


def reply(origin: Origin, message: Message) -> list[Output]:
    """Answer where an answer is awaited."""
    return [Reply(origin.token, message)] if origin.token is not None else []


class OrderDesk:
    """Takes orders from the risk manager, cancels from it and from people."""

    def __init__(self, books: Books, market: Market, broker: BrokerDesk, pushes: Pushes, settings: Settings) -> None:
        self._books, self._market, self._broker = books, market, broker
        self._pushes, self._settings = pushes, settings

    # ------------------------------------------------------------------ orders

    def on_submit(self, order: SubmitOrder, origin: Origin) -> list[Output]:
        """Take an order of the risk manager."""
        if origin.role is not Role.RISK:
            return reply(origin, Denied(order.key, Reason.NOT_ALLOWED, {"role": int(origin.role)}))
        known = self.known(order)
        if known is not None:
            return reply(origin, known)
        if not self._pushes.ready or order.push > self._market.push:
            return []  # risk asks again until we have caught up with the feed: an answer now would be final
        if self._broker.blocked and self._market.lockstep:
            return []  # the player waits for us, and risk goes on asking: in lockstep nothing is refused for a while
        denial = check_order(order, self._market, self._books, self._settings)
        if len(order.coid) > COID_LENGTH:
            denial = Denial(Reason.KEY_CONFLICT, {"coid_length": len(order.coid)})
        if denial is None and order.side == Side.BUY and self._broker.blocked:
            denial = Denial(Reason.NOT_RECONCILED, self._broker.differences)
        if denial is not None:
            return self.deny(order.key, order.coid, denial, origin)
        return self.accept(order, reply(origin, Journalled(order.key, order.coid)))

    def known(self, order: SubmitOrder) -> Message | None:
        """Return the answer to an order whose id or key was answered before, or None."""
        if order.coid in self._books.submitted:
            if self._books.submitted[order.coid] == order or self._served_directly(order):
                return Journalled(order.key, order.coid)
            return Denied(order.key, Reason.KEY_CONFLICT, {}, order.coid)
        denial = self._books.denied.get(order.key)
        if denial is not None:
            return Denied(order.key, denial.reason, denial.detail, order.coid)
        verdict = self._books.verdicts.get(base_key(order.key))
        if verdict is not None and verdict.status is VerdictStatus.DENIED:
            # The person was told no, for example because risk was silent: a late yes does not change that.
            return Denied(order.key, verdict.reason, verdict.detail, order.coid)
        return None

    def _served_directly(self, order: SubmitOrder) -> bool:
        known = self._books.submitted[order.coid]
        verdict = self._books.verdicts.get(order.key)
        return known.key == order.key and verdict is not None and verdict.status is VerdictStatus.APPROVED

    def accept(self, order: SubmitOrder, answers: list[Output]) -> list[Output]:
        """Journal and send an order that passed the checks."""
        facts = self._market.facts(order.symbol)
        assert facts is not None, f"{order.symbol} passed the checks and is gone"
        return self._broker.submit(order, need_of(order, facts, self._market.day, self._settings), answers)

    def deny(self, key: str, coid: str, denial: Denial, origin: Origin) -> list[Output]:
        """Journal a refusal under its key and answer it."""
        event = IntentDenied(key, coid, denial.reason, denial.detail)
        rows = self._books.write(event, self._market.push, 1)
        facts = {"key": key, "coid": coid, "reason": denial.reason.name, **denial.detail}
        log = Log("warning", "order denied", facts)
        return [*rows, *reply(origin, Denied(key, denial.reason, denial.detail, coid)), log]

    # ------------------------------------------------------------------ cancels

    def on_cancel(self, request: CancelOrder | CancelRequest, origin: Origin) -> list[Output]:
        """Take a cancel of the risk manager or of a person."""
        by_hand = isinstance(request, CancelRequest)
        if origin.role not in (HAND_ROLES if by_hand else {Role.RISK}):
            return reply(origin, Denied(request.key, Reason.NOT_ALLOWED, {"role": int(origin.role)}))
        known = self._known_cancel(request)
        if known is not None:
            return reply(origin, known)
        if not self._pushes.ready or (isinstance(request, CancelOrder) and request.push > self._market.push):
            return reply(origin, NOT_READY) if by_hand else []
        reason = self._cancel_refusal(request.coid)
        if reason is not Reason.NONE:
            return self.deny(request.key, request.coid, Denial(reason, {"phase": int(self._market.phase)}), origin)
        denial = check_cancel(self._market, self._books, self._settings)
        if denial is not None:
            return self.deny(request.key, request.coid, denial, origin)
        cause = request.reason if isinstance(request, CancelOrder) else Reason.HAND_CANCEL
        event = CancelSubmitted(request.key, request.coid, cause, self._market.ts_ns)
        return [
            *self._broker.cancel(event, reply(origin, Journalled(request.key, request.coid))),
            *self._ratio_alarm(),
        ]

    def _ratio_alarm(self) -> list[Output]:
        """Tell once when a cancel, counted by now, brings the day's ratio above its line."""
        counters, most = self._books.counters, self._settings.cancel_ratio_bp
        ratio_bp, orders = counters.cancel_ratio_bp, counters.orders_day
        if ratio_bp <= most or (counters.cancels_day - 1) * BASIS // orders > most:
            return []
        facts: dict[str, object] = {"cancels": counters.cancels_day, "orders": orders, "ratio_bp_max": most}
        return [Log("error", "cancel ratio of the day is high", facts)]

    # ------------------------------------------------------------------ orders in doubt

    def on_resolve(self, request: ResolveRequest, origin: Origin) -> list[Output]:
        """Settle an order in doubt by a person's word; journalled with who and why."""
        if origin.role is not Role.OPERATOR:
            return reply(origin, Denied(request.key, Reason.NOT_ALLOWED, {"role": int(origin.role)}))
        known = self._books.resolved.get(request.key)
        if known is not None:
            same = (known.coid, known.broker_id, known.deals) == (request.coid, request.broker_id, request.deals)
            answer = Journalled(request.key, request.coid) if same else Denied(request.key, Reason.KEY_CONFLICT)
            return reply(origin, answer)
        reason = self._resolve_refusal(request)
        if reason is not Reason.NONE:
            return reply(origin, Denied(request.key, reason, {}, request.coid))
        resolved = OrderResolved(
            request.key, request.coid, request.broker_id, origin.sender, request.why, request.deals
        )
        rows = self._broker.resolve(resolved)
        facts: dict[str, object] = {"coid": request.coid, "broker_id": request.broker_id, "why": request.why}
        log = Log("warning", "order resolved by a person", facts | {"by": origin.sender})
        return [*rows, *reply(origin, Journalled(request.key, request.coid)), log]

    def _resolve_refusal(self, request: ResolveRequest) -> Reason:
        ledger = self._books.ledger
        order = ledger.orders.get(request.coid)
        if order is None:
            return Reason.NO_SUCH_ORDER
        if order.state is not OrderState.IN_DOUBT:
            return Reason.NOT_IN_DOUBT
        if not request.why.strip():
            return Reason.WHY_MISSING
        if not request.broker_id:
            return Reason.BAD_QUANTITY if request.deals else Reason.NONE
        if any(deal.shares <= 0 or deal.price <= 0 or not deal.deal_id for deal in request.deals):
            return Reason.BAD_QUANTITY
        if sum(deal.shares for deal in request.deals) > order.left or not self._settings.counter:
            return Reason.BAD_QUANTITY
        known = self._books.broker_ids.get((order.day, request.broker_id))
        if known is None:
            return Reason.NONE
        theirs = ledger.order(known)
        fits = (
            theirs.rule == EXTERNAL_RULE
            and not request.deals
            and (theirs.symbol, theirs.side) == (order.symbol, order.side)
            and theirs.filled <= order.left
        )
        return Reason.NONE if fits else Reason.NO_SUCH_BROKER_ORDER

    def _known_cancel(self, request: CancelOrder | CancelRequest) -> Message | None:
        known = self._books.cancels.get(request.key)
        if known is not None:
            if known.coid == request.coid:
                return Journalled(request.key, request.coid)
            return Denied(request.key, Reason.KEY_CONFLICT, {}, request.coid)
        denial = self._books.denied.get(request.key)
        if denial is not None:
            same = denial.coid == request.coid
            reason = denial.reason if same else Reason.KEY_CONFLICT
            return Denied(request.key, reason, denial.detail if same else {}, request.coid)
        return None

    def _cancel_refusal(self, coid: str) -> Reason:
        order = self._books.ledger.orders.get(coid)
        if order is None:
            return Reason.NO_SUCH_ORDER
        if not order.open:
            return Reason.ORDER_ENDED
        if order.rule == EXTERNAL_RULE:
            return Reason.EXTERNAL
        second = second_of_day(self._market.ts_ns)
        return check_cancel_phase(exchange_of(order.symbol), second, self._market.day)
