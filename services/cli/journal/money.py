"""Cash, shares, fees and closes, counted row by row without the ledger; then the ledger folded beside it."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from common.domain.errors import BadSymbolError, InvariantError
from common.domain.positions import Ledger, external_coid
from common.domain.values import Side, day_of_push
from common.messages.fold import fold
from common.messages.orders import (
    AccountOpened,
    CorporateAction,
    DayClosed,
    DayRolled,
    DealsCounted,
    EventRow,
    ExternalOrderSeen,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderResolved,
    OrderSubmitted,
    PositionFound,
    PositionWrittenOff,
)
from common.rules.boards import exchange_of
from common.rules.fees import fees
from common.rules.sizing import buy_need
from services.cli.journal.findings import Findings


class Rates(NamedTuple):
    """What the broker takes: rate x 10,000,000, and at least so much an order in 0.001 yuan."""

    commission_e7: int
    commission_min: int


@dataclass(slots=True)
class Held:
    """A position."""

    shares: int = 0
    bought_today: int = 0
    frozen: int = 0


@dataclass(slots=True)
class Promise:
    """What an order holds, and what was dealt of it."""

    symbol: str
    side: int
    price: int
    left: int
    frozen_start: int
    frozen: int
    row: int
    filled: int = 0
    turnover: int = 0
    fees: int = 0
    day: int = 0
    open: bool = True
    external: bool = False
    """Given by others: it holds nothing of ours, and what it costs is the broker's to say."""


class Money:
    """Takes rows in order; `rates` None = fees are added up but not worked out again."""

    def __init__(self, findings: Findings, rates: Rates | None) -> None:
        self.ledger = Ledger()
        self._found, self._rates = findings, rates
        self._cash = self._frozen = 0
        self._held: dict[str, Held] = {}
        self._promises: dict[str, Promise] = {}
        self._deals: set[str] = set()
        self._opened = self._day = self._closed_day = 0
        self._fees_day = self._taxes_day = self._equity = 0
        self._ledger_lost = self._differs = False
        self._short: set[str] = set()
        self._closed_row = 0

    def take(self, row: EventRow) -> None:
        """Count one row."""
        seq, event = row.seq, row.event
        match event:
            case AccountOpened():
                self._open(seq, event)
            case OrderSubmitted():
                self._submitted(seq, event)
            case OrderFilled():
                self._filled(row, event)
            case OrderCancelled() | OrderRejected() | OrderExpired():
                self._release(event.coid)
            case ExternalOrderSeen():
                self._external(seq, event)
            case OrderResolved() if event.broker_id:
                self._adopt(event)
            case PositionFound():
                self._position_found(event)
            case DealsCounted():
                self._deals.update(event.deal_ids)
            case DayRolled():
                self._rolled(seq, event)
            case CorporateAction():
                self._went_ex(seq, event)
            case PositionWrittenOff():
                self._written_off(seq, event)
            case DayClosed():
                self._closed(seq, event)
            case _:
                pass
        self._not_negative(row)
        self._fold(row)

    def finish(self) -> None:
        """Compare what open orders hold with what is held for them."""
        promised: Counter[str] = Counter()
        for each in self._promises.values():
            if each.open and each.side == Side.SELL and not each.external:
                promised[each.symbol] += each.left
        for symbol, held in self._held.items():
            if held.frozen != promised[symbol]:
                self._found.add("frozen_shares", symbol=symbol, frozen=held.frozen, wanted=promised[symbol])

    # ------------------------------------------------------------------ rows

    def _open(self, seq: int, event: AccountOpened) -> None:
        if self._opened or seq != 1:
            self._found.add("opened_twice", self._opened or 1, seq)
        self._opened = seq
        self._cash = self._equity = event.cash

    def _submitted(self, seq: int, event: OrderSubmitted) -> None:
        order = event.order
        frozen = event.frozen if order.side == Side.BUY else 0
        promise = Promise(
            order.symbol, order.side, order.price, order.shares, frozen, frozen, seq, day=day_of_push(order.push)
        )
        if order.coid in self._promises:
            return  # said by the trails
        self._promises[order.coid] = promise
        if order.side == Side.SELL:
            held = self._held.setdefault(order.symbol, Held())
            sellable = max(0, held.shares - held.bought_today - held.frozen)
            if order.shares > sellable:
                self._found.add("sells_too_much", seq, coid=order.coid, shares=order.shares, sellable=sellable)
            held.frozen += order.shares
            return
        need = order.shares * order.price
        exchange = _exchange(order.symbol)
        if self._rates is not None and exchange:
            need = buy_need(order.shares, order.price, day_of_push(order.push), exchange, *self._rates)
            if frozen != need:
                self._found.add("frozen_wrong", seq, coid=order.coid, frozen=frozen, wanted=need)
        elif frozen < need:
            self._found.add("frozen_wrong", seq, coid=order.coid, frozen=frozen, wanted=need)
        self._frozen += frozen

    def _filled(self, row: EventRow, fill: OrderFilled) -> None:
        seq, promise = row.seq, self._promises.get(fill.coid)
        if promise is None or fill.deal_id in self._deals:
            return  # said by the trails
        self._deals.add(fill.deal_id)
        self._fees(row, fill, promise)
        promise.filled += fill.shares
        promise.left -= fill.shares
        promise.turnover += fill.shares * fill.price
        promise.fees += fill.fees
        self._fees_day += fill.fees
        self._taxes_day += fill.tax
        held = self._held.setdefault(fill.symbol, Held())
        if promise.side == Side.BUY:
            self._cash -= fill.shares * fill.price + fill.fees
            held.shares += fill.shares
            held.bought_today += fill.shares
            if promise.open:
                self._hold(promise, max(0, promise.frozen_start - promise.filled * promise.price - promise.fees))
        else:
            if fill.shares > held.shares - held.bought_today:
                facts = {"shares": fill.shares, "held": held.shares, "bought_today": held.bought_today}
                self._found.add("sold_too_much", seq, coid=fill.coid, **facts)
            self._cash += fill.shares * fill.price - fill.fees - fill.tax
            held.shares -= fill.shares
            held.frozen -= fill.shares if promise.open and not promise.external else 0
        if promise.open and promise.left <= 0:
            self._release(fill.coid)

    def _fees(self, row: EventRow, fill: OrderFilled, promise: Promise) -> None:
        exchange = _exchange(fill.symbol)
        if self._rates is None or promise.external or not exchange or fill.shares <= 0 or fill.price <= 0:
            return
        day = day_of_push(row.push)
        wanted = fees(
            promise.side, day, exchange, fill.shares * fill.price, promise.turnover, *self._rates, fill.shares,
            promise.filled,
        )  # fmt: skip
        if fill.fees != wanted:
            self._found.add("fees_wrong", row.seq, coid=fill.coid, deal=fill.deal_id, fees=fill.fees, wanted=wanted)

    def _release(self, coid: str) -> None:
        promise = self._promises.get(coid)
        if promise is None or not promise.open:
            return
        promise.open = False
        if promise.side == Side.BUY:
            self._hold(promise, 0)
        elif promise.left > 0 and not promise.external:
            held = self._held.setdefault(promise.symbol, Held())
            held.frozen = max(0, held.frozen - promise.left)

    def _hold(self, promise: Promise, amount: int) -> None:
        self._frozen += amount - promise.frozen
        promise.frozen = amount

    def _external(self, seq: int, event: ExternalOrderSeen) -> None:
        if event.coid not in self._promises:
            self._promises[event.coid] = Promise(
                event.symbol, event.side, event.price, event.shares, 0, 0, seq, day=event.day, external=True
            )

    def _adopt(self, event: OrderResolved) -> None:
        """Let an order in doubt have what an external one did: the deals are booked already, what it held is not free."""
        mine = self._promises.get(event.coid)
        theirs = self._promises.get(external_coid(mine.day, event.broker_id)) if mine is not None else None
        if mine is None or theirs is None or not mine.open:
            return  # said by the trails
        ended = not theirs.open
        mine.filled, mine.turnover, mine.fees = theirs.filled, theirs.turnover, theirs.fees
        mine.left -= theirs.filled
        theirs.open = False
        if mine.side == Side.BUY:
            self._hold(mine, max(0, mine.frozen_start - mine.filled * mine.price - mine.fees))
        elif (held := self._held.get(mine.symbol)) is not None:
            held.frozen = max(0, held.frozen - mine.filled)
        if mine.left <= 0 or ended:
            self._release(event.coid)

    def _position_found(self, event: PositionFound) -> None:
        self._held[event.symbol] = Held(event.shares, event.bought_today)
        self._equity += event.cost

    def _rolled(self, seq: int, event: DayRolled) -> None:
        if event.day <= self._day or event.prev_day >= event.day:
            self._found.add("days_out_of_order", seq, day=event.day, before=self._day)
        self._day = event.day
        self._fees_day = self._taxes_day = 0
        for held in self._held.values():
            held.bought_today = 0

    def _went_ex(self, seq: int, event: CorporateAction) -> None:
        held = self._held.setdefault(event.symbol, Held())
        if held.shares != event.shares_before:
            self._found.add("shares_differ", seq, symbol=event.symbol, shares=event.shares_before, wanted=held.shares)
        held.shares = event.shares_after
        self._cash += event.cash

    def _written_off(self, seq: int, event: PositionWrittenOff) -> None:
        held = self._held.pop(event.symbol, Held())
        if held.shares != event.shares:
            self._found.add("shares_differ", seq, symbol=event.symbol, shares=event.shares, wanted=held.shares)
        self._cash += event.cash

    def _closed(self, seq: int, event: DayClosed) -> None:
        result = event.result
        if result.day <= self._closed_day:
            self._found.add("closed_twice", self._closed_row, seq, day=result.day)
        held_now = {symbol for symbol, held in self._held.items() if held.shares}
        value = sum(held.shares * event.marks.get(symbol, 0) for symbol, held in self._held.items())
        if held_now and not event.marks:
            self._found.note("no_marks", seq, day=result.day)
            value = result.market_value
        elif held_now != set(event.marks):
            self._found.add("marks_differ", seq, day=result.day, symbols=", ".join(sorted(held_now ^ set(event.marks))))
        counted = {
            "cash": self._cash, "fees": self._fees_day, "taxes": self._taxes_day, "market_value": value,
            "equity": self._cash + value, "pnl": self._cash + value - self._equity,
        }  # fmt: skip
        wrong = {
            name: (getattr(result, name), count) for name, count in counted.items() if getattr(result, name) != count
        }
        for name, (said, count) in wrong.items():
            self._found.add("close_differs", seq, day=result.day, name=name, said=said, wanted=count)
        self._equity, self._closed_day, self._closed_row = result.equity, result.day, seq

    # ------------------------------------------------------------------ what holds after every row

    def _not_negative(self, row: EventRow) -> None:
        counted = {"cash": self._cash, "free_cash": self._cash - self._frozen, "frozen_cash": self._frozen}
        symbol = getattr(row.event, "symbol", "")
        if symbol in self._held:
            counted[f"shares of {symbol}"] = self._held[symbol].shares
        for name, amount in counted.items():
            if amount >= 0:
                self._short.discard(name)
            elif name not in self._short:
                self._short.add(name)
                self._found.add("below_zero", row.seq, name=name, amount=amount)

    def _fold(self, row: EventRow) -> None:
        if self._ledger_lost:
            return
        try:
            fold(self.ledger, row.event)
        except InvariantError as error:
            self._ledger_lost = True  # its books are half changed: what it would say from here on is no news
            self._found.add("ledger_refuses", row.seq, text=str(error))
            return
        ledger = self.ledger
        mine: list[int] = [self._cash, self._frozen]
        theirs = [ledger.cash, ledger.frozen_cash]
        symbol = getattr(row.event, "symbol", "")
        holding, held = ledger.positions.get(symbol), self._held.get(symbol, Held())
        if symbol and holding is not None:
            mine += [held.shares, held.frozen, held.bought_today]
            theirs += [holding.shares, holding.frozen, holding.bought_today]
        elif symbol:
            mine, theirs = [*mine, held.shares], [*theirs, 0]
        if mine != theirs and not self._differs:
            self._differs = True
            self._found.add("ledger_differs", row.seq, ledger=theirs, wanted=mine)


def _exchange(symbol: str) -> int:
    try:
        return int(exchange_of(symbol))
    except BadSymbolError:
        return 0
