"""Orders and cancels on their way to the gateway: on disk before they are sent, asked until answered, kept until ended."""

from collections import deque
from collections.abc import Sequence

from msgspec.structs import replace

from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from common.domain.values import Cash
from common.messages.header import Trace
from common.messages.kept import KeptOrder
from common.messages.orders import CancelOrder, CancelRejected, EventRow, SubmitOrder
from common.messages.outputs import Drop, Forget, Message, Output, Request, Save
from services.risk_manager.market import Market
from services.risk_manager.portfolio import Portfolio
from services.risk_manager.settings import GATEWAY


class Outbox:
    """Every order of ours that has not ended, by coid, and what the gateway has not answered."""

    def __init__(self, market: Market) -> None:
        self.kept: dict[str, KeptOrder] = {}
        self.portfolio = Portfolio(self.kept)
        self._market = market
        self._asking: dict[str, str] = {}
        """Keys of orders and cancels without an answer, to the coid they are about."""
        self._unsent: deque[tuple[SubmitOrder | CancelOrder, Trace]] = deque()
        self._in_flight = ""
        """Key of the one question that is open: asked one by one, they are journalled in our order whoever dies."""
        self._sent = 0
        self.trace = Trace()
        """Times of the chain of causes in work, for what is sent next."""

    # ------------------------------------------------------------------ life

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back what was sent and had not ended."""
        orders = [record for record in kept.values() if isinstance(record, KeptOrder)]
        for record in sorted(orders, key=lambda record: record.number):
            self.kept[record.order.coid] = record
            self._sent = max(self._sent, record.number, record.cancel_number)

    def on_start(self) -> list[Output]:
        """Ask again about everything: which answers came is not on disk, and the gateway knows what it has."""
        sent: list[tuple[int, SubmitOrder | CancelOrder]] = []
        for record in self.kept.values():
            sent.append((record.number, record.order))
            if record.cancel is not None:
                sent.append((record.cancel_number, record.cancel))
        for _, message in sorted(sent, key=lambda each: each[0]):
            self._ask(message)
        return self.pump()

    @property
    def quiet(self) -> bool:
        """Tell whether the gateway has answered everything."""
        return not self._asking

    def is_asking(self, key: str) -> bool:
        """Tell whether the order or cancel of this key has no answer yet."""
        return key in self._asking

    # ------------------------------------------------------------------ out

    def submit(self, order: SubmitOrder, need: Cash = 0, cancel_at_s: int = 0) -> list[Output]:
        """Send an order; what it needs is reserved from now on."""
        if order.coid in self.kept:
            raise InvariantError(f"order {order.key} would be sent twice")
        self._sent += 1
        self.kept[order.coid] = KeptOrder(self._sent, order, need, cancel_at_s)
        self._ask(order)
        return [self._save(order.coid)]

    def cancel(self, coid: str, reason: Reason) -> list[Output]:
        """Cancel an order as soon as it is in the books and the exchange lets us; at once where that is now."""
        record = self.kept.get(coid)
        if record is None or record.unwanted is not Reason.NONE or record.cancel is not None:
            return []
        self.kept[coid] = replace(record, unwanted=reason)
        return self._cancel_now(coid) or [self._save(coid)]

    def _cancel_now(self, coid: str) -> list[Output]:
        record, booked = self.kept[coid], self.portfolio.order(coid)
        if record.cancel is not None or booked is None:
            return []
        if not self._market.may_cancel(record.order.symbol):
            return []
        number = record.cancels + 1
        cancel = CancelOrder(f"{record.order.key}|c{number}", coid, self._market.push, record.unwanted)
        self._sent += 1
        self.kept[coid] = replace(record, cancel=cancel, cancels=number, cancel_number=self._sent)
        self._ask(cancel)
        return [self._save(coid)]

    def _ask(self, message: SubmitOrder | CancelOrder) -> None:
        self._asking[message.key] = message.coid
        self._unsent.append((message, self.trace))

    def pump(self) -> list[Output]:
        """Ask the next question when the one before is answered."""
        if self._in_flight or not self._unsent:
            return []
        message, trace = self._unsent.popleft()
        self._in_flight = message.key
        return [Request(GATEWAY, message.key, message, message.key, trace)]

    def _save(self, coid: str) -> Output:
        return Save(f"order/{coid}", self.kept[coid])

    def _drop(self, coid: str) -> Output:
        del self.kept[coid]
        return Drop(f"order/{coid}")

    # ------------------------------------------------------------------ in

    def answered(self, key: str) -> bool:
        """Note that the gateway has an order or a cancel on disk; False when nobody asked."""
        return self._close(key) != ""

    def _close(self, key: str) -> str:
        """End a question; gives back the coid it was about, empty when nobody asked."""
        if key == self._in_flight:
            self._in_flight = ""
        else:
            self._unsent = deque(each for each in self._unsent if each[0].key != key)
        return self._asking.pop(key, "")

    def denied(self, key: str) -> tuple[KeptOrder | None, list[Output]]:
        """Note a refusal; gives back the order where it was the order that was refused."""
        coid = self._close(key)
        record = self.kept.get(coid)
        if record is None:
            return None, []
        if record.order.key == key:
            return record, [self._drop(coid)]
        if record.cancel is None or record.cancel.key != key:
            return None, []
        self.kept[coid] = replace(record, cancel=None)
        return None, [self._save(coid)]

    def apply(self, rows: Sequence[EventRow]) -> list[Output]:
        """Take in events: the books move on, orders that ended are let go, refused cancels may be sent again."""
        self.portfolio.apply(rows)
        outputs: list[Output] = []
        for row in rows:
            if isinstance(row.event, CancelRejected):
                outputs += self._cancel_refused(row.event)
        for coid in list(self.kept):
            booked = self.portfolio.order(coid)
            if booked is None:
                continue
            # What is in the books is journalled, whatever became of the answer.
            outputs += self._forget(self.kept[coid].order.key)
            if not booked.open:
                outputs += self._let_go(coid)
        return outputs

    def _forget(self, key: str) -> list[Output]:
        return [Forget(key)] if key in self._asking and self._close(key) else []

    def _let_go(self, coid: str) -> list[Output]:
        cancel = self.kept[coid].cancel
        forgotten = self._forget(cancel.key) if cancel is not None else []
        return [*forgotten, self._drop(coid)]

    def _cancel_refused(self, event: CancelRejected) -> list[Output]:
        record = self.kept.get(event.coid)
        if record is None or record.cancel is None or record.cancel.key != event.key:
            return []
        self.kept[event.coid] = replace(record, cancel=None)
        return [*self._forget(event.key), self._save(event.coid)]

    def cancels_due(self) -> list[Output]:
        """Cancel what is not wanted any more and what has reached its time."""
        outputs: list[Output] = []
        for coid, record in list(self.kept.items()):
            if record.unwanted is Reason.NONE and self._market.cancel_due(record.order.symbol, record.cancel_at_s):
                outputs += self.cancel(coid, Reason.CANCEL_AT_TIME)
            elif record.unwanted is not Reason.NONE:
                outputs += self._cancel_now(coid)
        return outputs
