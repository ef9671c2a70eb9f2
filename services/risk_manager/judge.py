"""From intents to verdicts and orders: what one push decides, in the order of the design."""

from collections.abc import Iterable

from common.domain.calendar import S1500, ts_of
from common.domain.ids import HAND, client_order_id
from common.domain.orders import Action
from common.domain.positions import OrderRecord
from common.domain.reasons import Reason
from common.domain.values import Side, TradingState
from common.messages.market import HandOrder
from common.messages.orders import Denied, SubmitOrder
from common.messages.outputs import Log, Output
from common.messages.signals import Signal, Verdict, VerdictStatus
from services.risk_manager.exits import ExitDesk
from services.risk_manager.hand import HandDesk, cause_of, denied
from services.risk_manager.market import Market
from services.risk_manager.outbox import Outbox
from services.risk_manager.review import Review, Reviewer
from services.risk_manager.slots import entries_in_order, exits_of
from services.risk_manager.verdicts import VerdictBook


class Judge:
    """Gives verdicts; a key that has one keeps it."""

    def __init__(
        self,
        market: Market,
        outbox: Outbox,
        exits: ExitDesk,
        verdicts: VerdictBook,
        hand: HandDesk,
        reviewer: Reviewer,
    ) -> None:
        self._market, self._outbox, self._exits = market, outbox, exits
        self._verdicts, self._hand = verdicts, hand
        self._reviewer = reviewer

    def decide(
        self, hand: Iterable[HandOrder], signals: Iterable[Signal], state: TradingState, seq: int
    ) -> list[Output]:
        """Judge what came in one push: closes by hand, exits, opens by hand, entries in slot order."""
        orders, decisions = list(hand), list(signals)
        outputs: list[Output] = []
        for order in orders:
            outputs += self._hand.met(order, self._market.push)
        for order in orders:
            if order.side != Side.BUY:
                outputs += self._hand_order(order, state)
        for signal in exits_of(decisions):
            outputs += self._exit(signal, state, seq)
        for order in orders:
            if order.side == Side.BUY:
                outputs += self._hand_order(order, state)
        for signal in entries_in_order(decisions):
            outputs += self._entry(signal, state)
        return outputs

    # ------------------------------------------------------------------ rules

    def _exit(self, signal: Signal, state: TradingState, seq: int) -> list[Output]:
        if self._verdicts.get(signal.key) is not None:
            return []
        reason, detail = self._exits.check(signal)
        if reason is not Reason.NONE:
            return self._verdicts.give(self._of_signal(signal, VerdictStatus.DENIED, Review(reason, detail)))
        outputs = self._exits.begin(signal, state, seq)
        stands = self._exits.standing.get(signal.symbol)
        kept = self._outbox.kept.get(stands.coid) if stands is not None else None
        review = Review(Reason.NONE, detail | ({"target": stands.target} if stands is not None else {}))
        coid = ""
        if kept is not None and kept.order.key == signal.key:
            coid, review = kept.order.coid, review._replace(shares=kept.order.shares, price=kept.order.price)
        return [*outputs, *self._verdicts.give(self._of_signal(signal, VerdictStatus.STANDING, review, coid))]

    def _entry(self, signal: Signal, state: TradingState) -> list[Output]:
        if self._verdicts.get(signal.key) is not None:
            return []
        coid = client_order_id(self._market.day, signal.key)
        booked = self._outbox.portfolio.order(coid)
        if booked is not None:
            return self._verdicts.give(self._of_signal(signal, VerdictStatus.APPROVED, _as_booked(booked), coid))
        review = self._reviewer.entry(signal, state)
        if review.reason is not Reason.NONE:
            return self._verdicts.give(self._of_signal(signal, VerdictStatus.DENIED, review))
        order = SubmitOrder(
            coid=coid,
            key=signal.key,
            symbol=signal.symbol,
            side=Side.BUY,
            shares=review.shares,
            price=review.price,
            push=self._market.push,
            ts_ns=self._market.ts_ns,
            valid_until_ns=self._market.ts_ns + self._market.stale_ns,
            rule=signal.rule,
            cause=signal.reason,
        )
        return [
            *self._outbox.submit(order, review.need, signal.cancel_at_s),
            *self._verdicts.give(self._of_signal(signal, VerdictStatus.APPROVED, review, coid)),
        ]

    def _of_signal(self, signal: Signal, status: VerdictStatus, review: Review, coid: str = "") -> Verdict:
        return Verdict(
            key=signal.key,
            status=status,
            reason=review.reason,
            detail=review.detail,
            coid=coid,
            symbol=signal.symbol,
            side=Side.BUY if signal.action is Action.ENTER else Side.SELL,
            shares=review.shares,
            price=review.price,
            push=self._market.push,
            rule=signal.rule,
            action=int(signal.action),
            cause=signal.reason,
        )

    # ------------------------------------------------------------------ people

    def _hand_order(self, order: HandOrder, state: TradingState) -> list[Output]:
        if self._verdicts.get(order.key) is not None:
            return []
        coid = client_order_id(self._market.day, order.key)
        booked = self._outbox.portfolio.order(coid)
        if booked is not None:
            # The gateway served it itself while we were silent.
            return self._hand.give(self._of_hand(order, _as_booked(booked), coid))
        standing = order.symbol in self._exits.standing
        judge = self._reviewer.hand_open if order.side == Side.BUY else self._reviewer.hand_close
        review = judge(order, state, standing)
        if review.reason is not Reason.NONE:
            verdict = denied(order, review.reason, review.detail, self._market.push)
            return self._hand.give(verdict)
        ts_ns, day = self._market.ts_ns, self._market.day
        submit = SubmitOrder(
            coid=coid,
            key=order.key,
            symbol=order.symbol,
            side=order.side,
            shares=review.shares,
            price=review.price,
            push=self._market.push,
            ts_ns=ts_ns,
            valid_until_ns=ts_ns + self._market.stale_ns if order.side == Side.BUY else ts_of(day, S1500),
            rule=HAND,
            cause=cause_of(order),
            wide_price=order.wide_price,
        )
        return [*self._outbox.submit(submit, review.need), *self._hand.give(self._of_hand(order, review, coid))]

    def _of_hand(self, order: HandOrder, review: Review, coid: str) -> Verdict:
        return Verdict(
            key=order.key,
            status=VerdictStatus.APPROVED,
            detail=review.detail,
            coid=coid,
            symbol=order.symbol,
            side=order.side,
            shares=review.shares,
            price=review.price,
            push=self._market.push,
            rule=HAND,
            cause=cause_of(order),
        )

    # ------------------------------------------------------------------ the gateway's no

    def refused(self, answer: Denied) -> list[Output]:
        """Take a refusal of the gateway: an entry is denied, an exit goes on standing."""
        record, outputs = self._outbox.denied(answer.key)
        facts: dict[str, object] = {"key": answer.key, "reason": answer.reason.name, **answer.detail}
        outputs.append(Log("warning", "refused by the gateway", facts))
        verdict = self._verdicts.get(answer.key) if record is not None else None
        if verdict is None or verdict.status is not VerdictStatus.APPROVED:
            return outputs
        no = Verdict(
            key=verdict.key,
            status=VerdictStatus.DENIED,
            reason=answer.reason,
            detail=dict(answer.detail),
            symbol=verdict.symbol,
            side=verdict.side,
            shares=verdict.shares,
            price=verdict.price,
            push=verdict.push,
            rule=verdict.rule,
            action=verdict.action,
            cause=verdict.cause,
        )
        return [*outputs, *self._verdicts.give(no)]


def _as_booked(order: OrderRecord) -> Review:
    return Review(Reason.NONE, {}, order.shares, order.price)
