"""The paper broker: an exchange that matches our orders on snapshots. Deterministic: its answers follow from the calls.

It keeps nothing but resting orders and their places in the queue. Both are on the gateway's disk (fills as rows, places
beside them in the same commit), so a restart rebuilds it; what is not in there, it never had.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from common.domain.calendar import second_of_day
from common.domain.ids import deal_id
from common.domain.reasons import Reason
from common.domain.values import Day, Price, PushId, Shares, Side, Symbol, day_of_push
from common.messages.kept import OrderPlace, QueuePlaces, TakenShares
from common.messages.outputs import Message
from common.rules.boards import exchange_of
from common.rules.book import Book, Defect, check_book, price_defect, usable
from common.rules.checks import (
    check_band,
    check_buy_lots,
    check_cancel_phase,
    check_cash,
    check_phase,
    check_sell_lots,
    check_size_cap,
    check_tick,
)
from common.rules.matching import (
    NOTHING_TAKEN,
    FillVerdict,
    Taken,
    match_auction,
    match_new,
    match_resting,
    taken_before,
)
from common.rules.queue import NOWHERE, UNSEEN, Place, arrive
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


class PaperSettings(NamedTuple):
    """What the exchange believes where snapshots do not tell."""

    verdict: int = FillVerdict.EXPECTED
    cancel_share_bp: int = 0
    """Of what is cancelled at our price, so much stood ahead of us."""
    participation_bp: int = 10_000
    """Of what the other side shows, so much can be had."""


_DEFAULTS = PaperSettings()
_Stock = tuple[Symbol, int]
"""Symbol and side."""


class _Queue(NamedTuple):
    """What a restart has to know."""

    places: tuple[OrderPlace, ...]
    taken: tuple[TakenShares, ...]
    doubted: tuple[Symbol, ...]


@dataclass(slots=True)
class _Resting:
    coid: str
    symbol: Symbol
    side: int
    price: Price
    left: Shares
    deals: int
    ahead: Shares = UNSEEN
    shown: Shares = UNSEEN


class PaperBroker:
    """Holds resting orders and fills them from the snapshots that the calls bring."""

    def __init__(self, settings: PaperSettings = _DEFAULTS) -> None:
        self._settings = settings
        self._resting: dict[str, _Resting] = {}
        self._taken: dict[_Stock, TakenShares] = {}
        self._doubted: set[Symbol] = set()
        self._told = _Queue((), (), ())

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
            self._taken = {(row.symbol, row.side): row for row in call.taken}
            self._doubted = set(call.doubted)
            self._told = self._queue()
            return []
        raise TypeError(f"the paper broker knows no {type(call).__name__}")

    # ------------------------------------------------------------------ calls

    def _submit(self, call: Submit) -> Reports:
        order, book = call.order, call.book
        reason, detail = _refusal(call)
        if reason is not Reason.NONE:
            return Reports(call.push, call.ts_ns, (Rejected(order.coid, reason, detail),))
        resting = _Resting(order.coid, order.symbol, order.side, order.price, order.shares, 0)
        reports: list[Report] = [Accepted(order.coid, f"paper-{order.coid}")]
        defect, place = check_book(book), NOWHERE
        if usable(defect):
            at: _Stock = (order.symbol, order.side)
            owed = self._taken_before(at, book, call.day).owed
            share, gone = self._settings.participation_bp, max(call.taken, owed)
            deals = match_new(order.side, order.price, order.shares, book, gone, share)
            reports.extend(_deal(resting, deal.shares, deal.price) for deal in deals)
            self._take(at, owed, sum(deal.shares for deal in deals), book, call.day)
            place = arrive(order.side, order.price, book)
        else:
            self._doubted.add(order.symbol)
        resting.ahead, resting.shown = place
        if resting.left:
            self._resting[order.coid] = resting
        defects = (defect,) if defect else ()
        return Reports(call.push, call.ts_ns, tuple(reports), queue=self._moved(call.push), defects=defects)

    def _match(self, call: MatchPush) -> Reports:
        books, defects = self._checked(call)
        day = day_of_push(call.push)
        taken: dict[_Stock, Taken] = {}
        reports: list[Report] = []
        for resting in sorted(self._resting.values(), key=_priority):
            if resting.symbol in books:
                reports += self._fill(resting, books[resting.symbol], taken, day, call.auction)
        self._resting = {coid: resting for coid, resting in self._resting.items() if resting.left}
        if call.last_of_day:
            reports += [Expired(coid, resting.left) for coid, resting in self._resting.items()]
            self._resting, self._taken, self._doubted = {}, {}, set()
        queue = self._moved(call.push)
        return Reports(call.push, call.ts_ns, tuple(reports), matched=True, queue=queue, defects=defects)

    def _fill(self, resting: _Resting, book: Book, taken: dict[_Stock, Taken], day: Day, auction: bool) -> list[Report]:
        at, settings = (resting.symbol, resting.side), self._settings
        place, had = Place(resting.ahead, resting.shown), taken.get(at) or self._taken_before(at, book, day)
        if auction:
            fill = match_auction(
                settings.verdict, resting.side, resting.price, resting.left, place, book, had.now
            )  # fmt: skip
        else:
            fill = match_resting(
                settings.verdict, settings.cancel_share_bp, settings.participation_bp, resting.side, resting.price,
                resting.left, place, book, had,
            )  # fmt: skip
        resting.ahead, resting.shown = fill.place
        taken[at] = had._replace(now=had.now + fill.shares)
        if fill.shares == 0:
            return []
        self._take(at, self._taken_before(at, book, day).owed, fill.of_shown, book, day)
        return [_deal(resting, fill.shares, fill.price)]

    def _checked(self, call: MatchPush) -> tuple[dict[Symbol, Book], tuple[int, ...]]:
        """Return the snapshots that may move something, and the defects of the others (and of those without levels)."""
        books: dict[Symbol, Book] = {}
        defects: list[int] = []
        for symbol, seen in call.books:
            # The totals of a snapshot that was passed over are no beginning to count from.
            book = seen._replace(traded=0, turnover=0) if symbol in self._doubted else seen
            defect = _auction_defect(book) if call.auction else check_book(book)
            if defect:
                defects.append(defect)
            if usable(defect):
                books[symbol] = book
                self._doubted.discard(symbol)
            else:
                self._doubted.add(symbol)
        return books, tuple(defects)

    # ------------------------------------------------------------------ what we took, and where we stand

    def _taken_before(self, at: _Stock, book: Book, day: Day) -> Taken:
        row = self._taken.get(at)
        return taken_before(row.shares, row.at_volume, book) if row is not None and row.day == day else NOTHING_TAKEN

    def _take(self, at: _Stock, owed: Shares, shares: Shares, book: Book, day: Day) -> None:
        if shares:
            self._taken[at] = TakenShares(*at, owed + shares, book.day_volume, day)

    def _queue(self) -> _Queue:
        places = (OrderPlace(each.coid, each.ahead, each.shown) for each in self._resting.values())
        return _Queue(tuple(places), tuple(self._taken.values()), tuple(sorted(self._doubted)))

    def _moved(self, push: PushId) -> QueuePlaces | None:
        """Return where all stand when that is not what was told last."""
        now = self._queue()
        if now == self._told:
            return None
        self._told = now
        return QueuePlaces(push, *now)

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
        return Reports(call.push, call.ts_ns, (report,), queue=self._moved(call.push))


def _auction_defect(book: Book) -> int:
    """Return what is wrong with the result of an auction; its book may still be the auction's own, crossed by design."""
    if book.traded < 0 or book.turnover < 0:
        return int(Defect.VOLUME_FELL)
    return price_defect(book.last, book.up_limit, book.down_limit)


def _priority(resting: _Resting) -> int:
    """Return the place in the queue: the better price first; sorting keeps the order of arrival within a price."""
    return -resting.price if resting.side == Side.BUY else resting.price


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
        (covered, numbers),
        (lots, {"shares": order.shares}),
        (check_size_cap(call.board, call.day, order.shares), {"shares": order.shares}),
    )
    return next(((reason, detail) for reason, detail in checks if reason is not Reason.NONE), (Reason.NONE, {}))
