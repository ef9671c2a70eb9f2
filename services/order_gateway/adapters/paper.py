"""The paper broker: an exchange that matches our orders on snapshots. Deterministic: its answers follow from the calls.

It keeps nothing but resting orders, so it is rebuilt from the gateway's journal; what is not in there, it never had.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.domain.calendar import second_of_day
from common.domain.ids import deal_id
from common.domain.reasons import Reason
from common.domain.values import Price, Shares, Side, Symbol
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.checks import (
    check_band,
    check_buy_lots,
    check_cage,
    check_cancel_phase,
    check_cash,
    check_phase,
    check_sell_lots,
    check_size_cap,
    check_tick,
)
from common.rules.matching import Book, match_new, match_resting
from services.order_gateway.calls import (
    Accepted,
    Cancel,
    Cancelled,
    CancelRefused,
    DealDone,
    Expired,
    MatchPush,
    Rejected,
    Report,
    Reports,
    Restore,
    Submit,
)


@dataclass(slots=True)
class _Resting:
    coid: str
    symbol: Symbol
    side: int
    price: Price
    left: Shares
    deals: int


class PaperBroker:
    """Holds resting orders and fills them from the snapshots that the calls bring."""

    def __init__(self) -> None:
        self._resting: dict[str, _Resting] = {}

    def perform(self, call: Message) -> Sequence[Message]:
        """Carry out a call of the gateway's core."""
        if isinstance(call, MatchPush):
            return [self._match(call)]
        if isinstance(call, Submit):
            return [self._submit(call)]
        if isinstance(call, Cancel):
            return [self._cancel(call)]
        if isinstance(call, Restore):
            self._resting = {order.coid: _Resting(*order) for order in call.orders}
            return []
        raise TypeError(f"the paper broker knows no {type(call).__name__}")

    def _submit(self, call: Submit) -> Reports:
        order = call.order
        reason, detail = _refusal(call)
        if reason is not Reason.NONE:
            return Reports(call.push, call.ts_ns, (Rejected(order.coid, reason, detail),))
        resting = _Resting(order.coid, order.symbol, order.side, order.price, order.shares, 0)
        reports: list[Report] = [Accepted(order.coid, f"paper-{order.coid}")]
        deals = match_new(order.side, order.price, order.shares, call.book, call.taken)
        reports.extend(_deal(resting, deal.shares, deal.price) for deal in deals)
        if resting.left:
            self._resting[order.coid] = resting
        return Reports(call.push, call.ts_ns, tuple(reports))

    def _match(self, call: MatchPush) -> Reports:
        books = dict(call.books)
        taken: dict[tuple[Symbol, int], Shares] = {}
        reports: list[Report] = []
        for resting in sorted(self._resting.values(), key=_priority):
            if resting.symbol in books:
                reports += _fill(resting, books[resting.symbol], taken)
        self._resting = {coid: resting for coid, resting in self._resting.items() if resting.left}
        if call.last_of_day:
            reports += [Expired(coid, resting.left) for coid, resting in self._resting.items()]
            self._resting = {}
        return Reports(call.push, call.ts_ns, tuple(reports), matched=True)

    def _cancel(self, call: Cancel) -> Reports:
        reason = check_cancel_phase(exchange_of(call.symbol), second_of_day(call.ts_ns), call.day)
        resting = self._resting.get(call.coid)
        if resting is None:
            reason = Reason.ORDER_ENDED
        report: Report
        if reason is not Reason.NONE or resting is None:
            report = CancelRefused(call.key, call.coid, reason)
        else:
            del self._resting[call.coid]
            report = Cancelled(call.coid, resting.left)
        return Reports(call.push, call.ts_ns, (report,))


def _priority(resting: _Resting) -> int:
    """Return the place in the queue: the better price first; sorting keeps the order of arrival within a price."""
    return -resting.price if resting.side == Side.BUY else resting.price


def _fill(resting: _Resting, book: Book, taken: dict[tuple[Symbol, int], Shares]) -> list[Report]:
    at = (resting.symbol, resting.side)
    shares = match_resting(resting.side, resting.price, resting.left, book, taken.get(at, 0))
    if shares == 0:
        return []
    taken[at] = taken.get(at, 0) + shares
    return [_deal(resting, shares, resting.price)]


def _deal(resting: _Resting, shares: Shares, price: Price) -> DealDone:
    resting.left -= shares
    resting.deals += 1
    return DealDone(resting.coid, deal_id(resting.coid, resting.deals), shares, price)


def _refusal(call: Submit) -> tuple[Reason, dict[str, int]]:
    """Return what a counter would find wrong with the order, with its numbers."""
    order, account = call.order, call.account
    if order.side == Side.BUY:
        lots, covered = check_buy_lots(call.board, order.shares), check_cash(account.need, account.cash)
        numbers = {"need": account.need, "free_cash": account.cash}
    else:
        lots = check_sell_lots(call.board, order.shares, account.sellable)
        covered = Reason.NONE if order.shares <= account.sellable else Reason.INSUFFICIENT_SHARES
        numbers = {"shares": order.shares, "sellable": account.sellable}
    price = {"price": order.price}
    band = price | {"up_limit": call.book.up_limit, "down_limit": call.book.down_limit}
    checks = (
        (check_phase(call.phase), {"phase": int(call.phase)}),
        (check_tick(order.price), price),
        (check_band(order.price, call.book.up_limit, call.book.down_limit), band),
        (_cage(call), price | {"bid": call.book.bid_price[0], "ask": call.book.ask_price[0]}),
        (covered, numbers),
        (lots, {"shares": order.shares}),
        (check_size_cap(call.board, call.day, order.shares), {"shares": order.shares}),
    )
    return next(((reason, detail) for reason, detail in checks if reason is not Reason.NONE), (Reason.NONE, {}))


def _cage(call: Submit) -> Reason:
    """Judge the cage on the book the order meets, as the exchange does; without any price there is none."""
    order, book = call.order, call.book
    return check_cage(
        call.board, call.day, order.side, order.price, book.bid_price[0], book.ask_price[0], book.last, prev_close=0
    )
