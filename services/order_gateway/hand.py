"""Hand orders: relayed to the risk manager, whose verdict is journalled before it is answered.

When risk is silent, opening is denied and closing is served here: a person must always be able to get out.
"""

from dataclasses import dataclass, field

from common.domain.calendar import NS
from common.domain.ids import HAND, client_order_id
from common.domain.reasons import Reason
from common.domain.values import Price, Side
from common.messages.kept import RelayedHand
from common.messages.market import HandOrder
from common.messages.orders import CloseRequest, OpenRequest, SubmitOrder, VerdictGiven
from common.messages.outputs import Forget, Log, Message, Origin, Output, Reply, Request, Save, Token
from common.messages.signals import Verdict, VerdictStatus
from common.rules.pricing import marketable_sell_price
from services.order_gateway.books import Books
from services.order_gateway.limits import Denial, buy_lot_checks, check_order, price_checks
from services.order_gateway.market import Facts, Market
from services.order_gateway.orders import NOT_READY, OrderDesk, reply
from services.order_gateway.pushes import Pushes
from services.order_gateway.settings import BEFORE_CONTINUOUS, HAND_ROLES, RISK, STALE_MIN_NS, Settings

ASK_AGAIN_NS = 200_000_000
"""Wall time after which a verdict that waits for the next push is asked for again."""


@dataclass(slots=True)
class _Relay:
    request: OpenRequest | CloseRequest
    tokens: list[Token] = field(default_factory=list)
    asked: int = 0
    question: str = ""
    """Key of the question that is open at risk; empty while we wait to ask again."""
    due_ns: int = 0


class HandDesk:
    """Takes hand orders and keeps the verdicts on them."""

    def __init__(self, books: Books, market: Market, orders: OrderDesk, pushes: Pushes, settings: Settings) -> None:
        self._books, self._market, self._orders = books, market, orders
        self._pushes, self._settings = pushes, settings
        self._relays: dict[str, _Relay] = {}
        self._bodies: dict[str, HandOrder] = {}
        self.risk_up = False
        """Risk is known to be alive (its beats); a relay then waits as long as it takes."""

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back what was asked under which key."""
        self._bodies = {record.order.key: record.order for record in kept.values() if isinstance(record, RelayedHand)}

    # ------------------------------------------------------------------ asking

    def on_request(self, request: OpenRequest | CloseRequest, origin: Origin, now_ns: int) -> list[Output]:
        """Take a hand order."""
        if origin.role not in HAND_ROLES:
            return reply(origin, _denied(request, Denial(Reason.NOT_ALLOWED, {"role": int(origin.role)})))
        body = _body(request)
        if self._bodies.get(request.key, body) != body:
            return reply(origin, _denied(request, Denial(Reason.KEY_CONFLICT, {})))
        verdict = self._books.verdicts.get(request.key)
        if verdict is not None:
            return reply(origin, verdict)
        if not self._pushes.ready:
            return reply(origin, NOT_READY)
        relay = self._relays.get(request.key)
        if relay is not None:
            relay.tokens += [origin.token] if origin.token is not None else []
            return []
        self._bodies[request.key] = body
        saved: list[Output] = [Save(f"hand/{request.key}", RelayedHand(body))]
        relay = _Relay(request, [origin.token] if origin.token is not None else [])
        self._relays[request.key] = relay
        denial = self._refusal(request)
        if denial is not None:
            return [*saved, *self._answer(_denied(request, denial))]
        return [*saved, *self._ask(relay, now_ns)]

    def _ask(self, relay: _Relay, now_ns: int) -> list[Output]:
        relay.asked += 1
        relay.question = f"relay|{relay.request.key}|{relay.asked}"
        relay.due_ns = now_ns + self._settings.silent_ns
        return [Request(RISK, relay.question, relay.request, cause_id=relay.request.key)]

    def _refusal(self, request: OpenRequest | CloseRequest) -> Denial | None:
        """Return what no push to come can mend; the rest is for risk to judge at the push the order enters with."""
        facts = self._market.facts(request.symbol)
        if facts is None:
            return Denial(Reason.UNKNOWN_SYMBOL, {})
        checks: list[Denial] = list(price_checks(request.price, facts)) if request.price else []
        if isinstance(request, OpenRequest):
            checks += [Denial(reason, numbers) for reason, numbers in self._market.guard.forbidden.items()]
            checks += buy_lot_checks(request.shares, facts, self._market.day)
        elif request.shares < 0:
            checks.append(Denial(Reason.BAD_QUANTITY, {"shares": request.shares}))
        else:
            checks.append(self._holding_check(request))
        phase = self._market.phase
        # Last: a wrong order is told what is wrong with it at any hour.
        checks.append(Denial(Reason.NONE if phase in BEFORE_CONTINUOUS else Reason.PHASE_CLOSED, {"phase": int(phase)}))
        return next((denial for denial in checks if denial.reason is not Reason.NONE), None)

    def _holding_check(self, request: CloseRequest) -> Denial:
        holding = self._books.ledger.positions.get(request.symbol)
        if holding is None:
            return Denial(Reason.NO_POSITION, {"sellable": 0})
        old = holding.shares - holding.bought_today
        numbers = {"shares": request.shares, "sellable": old, "bought_today": holding.bought_today}
        if request.shares > holding.shares:
            return Denial(Reason.INSUFFICIENT_SHARES, numbers)
        return Denial(Reason.T1_UNSELLABLE if request.shares > old or old == 0 else Reason.NONE, numbers)

    # ------------------------------------------------------------------ answers

    def on_verdict(self, verdict: Verdict, origin: Origin, now_ns: int) -> list[Output]:
        """Take risk's answer to a relayed order; only the answer to our question counts."""
        relay = self._relays.get(verdict.key)
        if relay is None or not relay.question or origin.correlation_id != relay.question:
            return []
        if verdict.status is VerdictStatus.PENDING:
            relay.question, relay.due_ns = "", now_ns + ASK_AGAIN_NS
            return []
        return self._answer(verdict)

    def _answer(self, verdict: Verdict) -> list[Output]:
        relay = self._relays.pop(verdict.key)
        rows = self._books.write(VerdictGiven(verdict), self._market.push, 1)
        facts = {"key": verdict.key, "status": verdict.status.name, "reason": verdict.reason.name, **verdict.detail}
        log = Log("info", "hand order answered", facts)
        return [*rows, *(Reply(token, verdict) for token in relay.tokens), log]

    # ------------------------------------------------------------------ silence

    def next_deadline_ns(self) -> int | None:
        """Return when the first relay is due."""
        return min((relay.due_ns for relay in self._relays.values()), default=None)

    def on_deadline(self, now_ns: int) -> list[Output]:
        """Ask again what was pending; decide without risk where it is silent."""
        outputs: list[Output] = []
        for relay in [relay for relay in self._relays.values() if relay.due_ns <= now_ns]:
            if not relay.question:
                outputs += self._ask(relay, now_ns)
            elif self.risk_up:
                relay.due_ns = now_ns + ASK_AGAIN_NS  # alive: the order waits for its push
            else:
                outputs += [Forget(relay.question), *self._alone(relay.request)]
        return outputs

    def _alone(self, request: OpenRequest | CloseRequest) -> list[Output]:
        if isinstance(request, OpenRequest):
            return self._answer(_denied(request, Denial(Reason.RISK_SILENT, {})))
        sent = self._books.submitted.get(client_order_id(self._market.day, request.key))
        if sent is not None:
            # Risk's own order under this key is on disk already: it was only the verdict that did not come.
            return self._answer(_approved(sent))
        order = self._close_order(request)
        if isinstance(order, Denial):
            return self._answer(_denied(request, order))
        denial = check_order(order, self._market, self._books, self._settings)
        if denial is not None:
            return self._answer(_denied(request, denial))
        *rows, send = self._orders.accept(order, [])
        return [*rows, *self._answer(_approved(order)), send]

    def _close_order(self, request: CloseRequest) -> SubmitOrder | Denial:
        facts = self._market.facts(request.symbol)
        holding = self._books.ledger.positions.get(request.symbol)
        if facts is None or holding is None:
            return Denial(Reason.NO_POSITION, {"sellable": 0})
        shares = request.shares or holding.sellable
        if shares <= 0:
            reason = Reason.T1_UNSELLABLE if holding.bought_today else Reason.INSUFFICIENT_SHARES
            return Denial(reason, {"sellable": holding.sellable, "bought_today": holding.bought_today})
        market = self._market
        return SubmitOrder(
            coid=client_order_id(market.day, request.key),
            key=request.key,
            symbol=request.symbol,
            side=Side.SELL,
            shares=shares,
            price=request.price or self._sell_price(facts),
            push=market.push,
            ts_ns=market.ts_ns,
            valid_until_ns=market.ts_ns + max(STALE_MIN_NS, 2 * market.interval_ns) + NS,
            rule=HAND,
            cause=Reason.HAND_CLOSE,
            wide_price=request.wide_price,
        )

    def _sell_price(self, facts: Facts) -> Price:
        return marketable_sell_price(
            facts.board, self._market.day, facts.last, facts.bid, facts.ask, facts.prev_close, facts.up_limit,
            facts.down_limit,
        )  # fmt: skip


def _body(request: OpenRequest | CloseRequest) -> HandOrder:
    side = Side.BUY if isinstance(request, OpenRequest) else Side.SELL
    return HandOrder(request.key, side, request.symbol, request.shares, request.price, request.wide_price)


def _denied(request: OpenRequest | CloseRequest, denial: Denial) -> Verdict:
    opens = isinstance(request, OpenRequest)
    return Verdict(
        key=request.key,
        status=VerdictStatus.DENIED,
        reason=denial.reason,
        detail=denial.detail,
        symbol=request.symbol,
        side=Side.BUY if opens else Side.SELL,
        shares=request.shares,
        price=request.price,
        rule=HAND,
        cause=Reason.HAND_OPEN if opens else Reason.HAND_CLOSE,
    )


def _approved(order: SubmitOrder) -> Verdict:
    return Verdict(
        key=order.key,
        status=VerdictStatus.APPROVED,
        coid=order.coid,
        symbol=order.symbol,
        side=order.side,
        shares=order.shares,
        price=order.price,
        push=order.push,
        rule=order.rule,
        cause=order.cause,
    )
