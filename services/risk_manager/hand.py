"""Orders of people: recorded with the feed first, judged in the push they enter with. Pure bookkeeping of who asked."""

from common.domain.ids import HAND
from common.domain.reasons import Reason
from common.domain.values import PushId, Side
from common.messages.control import HandOrderPlaced, RecordHandOrder
from common.messages.kept import PlacedHandOrder
from common.messages.market import HandOrder
from common.messages.orders import CloseRequest, OpenRequest
from common.messages.outputs import Drop, Message, Output, Request, Save
from common.messages.signals import Verdict, VerdictStatus
from services.risk_manager.settings import MARKET
from services.risk_manager.verdicts import VerdictBook


class HandDesk:
    """What was asked under which key, and the push it enters with (0 = not known yet)."""

    def __init__(self, verdicts: VerdictBook) -> None:
        self.asked: dict[str, PlacedHandOrder] = {}
        self.waiting: dict[str, None] = {}
        """Keys without a verdict."""
        self._verdicts = verdicts

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back what was asked; the verdicts are back already."""
        self.asked = {rec.order.key: rec for rec in kept.values() if isinstance(rec, PlacedHandOrder)}
        self.waiting = {key: None for key in self.asked if self._verdicts.get(key) is None}

    def on_start(self) -> list[Output]:
        """Ask again for the push of orders that have none."""
        waiting = (self.asked[key] for key in self.waiting)
        return [self._record(record.order) for record in waiting if record.push == 0]

    def conflicts(self, request: OpenRequest | CloseRequest) -> bool:
        """Tell whether the key was used for something else."""
        known = self.asked.get(request.key)
        return known is not None and known.order != body_of(request)

    def ask(self, request: OpenRequest | CloseRequest) -> list[Output]:
        """Keep a hand order and have it recorded with the feed."""
        known = self.asked.get(request.key)
        kept: list[Output] = []
        if known is None:
            known = PlacedHandOrder(body_of(request), 0)
            kept = self._keep(known)
        return [*kept, self._record(known.order)] if known.push == 0 else kept

    def _record(self, order: HandOrder) -> Output:
        return Request(MARKET, f"hand|{order.key}", RecordHandOrder(order), cause_id=order.key)

    def placed(self, answer: HandOrderPlaced) -> list[Output]:
        """Note the push an order enters with; it may have come with it already."""
        known = self.asked.get(answer.key)
        if known is None or answer.key not in self.waiting or answer.push == 0:
            return []
        return self._keep(PlacedHandOrder(known.order, answer.push))

    def met(self, order: HandOrder, push: PushId) -> list[Output]:
        """Note that an order came with a push, ours or a script's."""
        if order.key in self.asked:
            return []
        return self._keep(PlacedHandOrder(order, push))

    def missed(self, push: PushId) -> list[HandOrder]:
        """Return the orders that were to enter before `push`: those without a verdict were lost with their push."""
        records = [self.asked[key] for key in self.waiting]
        return [record.order for record in records if 0 < record.push < push]

    def give(self, verdict: Verdict) -> list[Output]:
        """Give the verdict on a hand order."""
        self.waiting.pop(verdict.key, None)
        return self._verdicts.give(verdict)

    def forget(self, keys: list[str]) -> list[Output]:
        """Forget orders of long ago."""
        gone = [key for key in keys if self.asked.pop(key, None) is not None]
        return [Drop(f"hand/{key}") for key in gone]

    def _keep(self, record: PlacedHandOrder) -> list[Output]:
        self.asked[record.order.key] = record
        if self._verdicts.get(record.order.key) is None:
            self.waiting[record.order.key] = None
        return [Save(f"hand/{record.order.key}", record)]


def body_of(request: OpenRequest | CloseRequest) -> HandOrder:
    """Return a request as the feed carries it."""
    side = Side.BUY if isinstance(request, OpenRequest) else Side.SELL
    return HandOrder(request.key, side, request.symbol, request.shares, request.price, request.wide_price)


def cause_of(order: HandOrder) -> Reason:
    """Return why an order of a person is made."""
    return Reason.HAND_OPEN if order.side == Side.BUY else Reason.HAND_CLOSE


def denied(order: HandOrder, reason: Reason, detail: dict[str, int], push: PushId) -> Verdict:
    """Return the refusal of a hand order."""
    return Verdict(
        key=order.key,
        status=VerdictStatus.DENIED,
        reason=reason,
        detail=detail,
        symbol=order.symbol,
        side=order.side,
        shares=order.shares,
        price=order.price,
        push=push,
        rule=HAND,
        cause=cause_of(order),
    )
