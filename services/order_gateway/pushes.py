"""One push after another: day roll, match of resting orders, day end, MatchedThrough, acknowledgement."""

from collections import deque
from collections.abc import Callable

from common.domain.orders import OrderState
from common.domain.values import Day, Phase, Price, PushId, Symbol
from common.messages.control import PushAck
from common.messages.feed import PushData
from common.messages.orders import (
    CorporateAction,
    DayClosed,
    DayResult,
    DayRolled,
    MatchedThrough,
    PositionWrittenOff,
)
from common.messages.outputs import Effect, Log, Message, Output, Publish, Tell
from common.messages.topics import MATCHED
from common.rules.book import Book
from services.order_gateway.books import Books
from services.order_gateway.broker_desk import BrokerDesk
from services.order_gateway.calls import MatchPush, Reports
from services.order_gateway.market import Market
from services.order_gateway.settings import GATEWAY, MARKET


class Pushes:
    """Works on complete pushes in order; one is in work from `_begin` until the broker reported its match."""

    def __init__(self, books: Books, market: Market, desk: BrokerDesk) -> None:
        self._books, self._market, self._desk = books, market, desk
        self._waiting: deque[PushData] = deque()
        self._working: PushData | None = None
        self.matched: MatchedThrough | None = None
        """What was said last; None until the first push after a start."""

    @property
    def ready(self) -> bool:
        """Tell whether orders can be taken: a push is done and none is in work."""
        return self._market.end is not None and self._working is None

    def on_start(self) -> list[Output]:
        """Ask for the feed."""
        return self._market.reader.on_start()

    def on_feed(self, message: Message) -> list[Output]:
        """Take a message of the feed."""
        pushes, outputs = self._market.reader.on_message(message)
        self._waiting.extend(pushes)
        return [*outputs, *self._next()]

    def on_matched(self, reports: Reports) -> list[Output]:
        """Take what the match of the push in work brought."""
        if self._working is None or reports.push != self._working.push:
            return []
        return [*self._finish(self._working, reports), *self._next()]

    def go_on(self) -> list[Output]:
        """Work on a push that waited for the broker."""
        return self._next()

    def _next(self) -> list[Output]:
        outputs: list[Output] = []
        while self._working is None and self._waiting:
            if not self._waiting[0].repeat and self._desk.holds(self._waiting[0]):
                break
            data = self._waiting.popleft()
            outputs += self._again(data.push) if data.repeat else self._begin(data)
        return outputs

    def _again(self, push: PushId) -> list[Output]:
        if self.matched is None or push > self.matched.push:
            return []
        return self._say(push)

    def _say(self, push: PushId) -> list[Output]:
        assert self.matched is not None
        return [Publish(MATCHED, self.matched), Tell(MARKET, PushAck(GATEWAY, push))]

    def _begin(self, data: PushData) -> list[Output]:
        market, end = self._market, data.end
        market.reader.before(data)
        again = self._desk.resend(data.push, end)
        orders = list(self._books.ledger.open_orders())
        unsent = bool(again) or any(order.state is OrderState.SENDING for order in orders)
        symbols = sorted({order.symbol for order in orders})
        before = {symbol: market.totals(symbol) for symbol in symbols if data.day is None}
        market.reader.apply(data)
        self._working = data
        if not self._desk.matches:
            return self._finish(data, Reports(data.push, end.ts_ns, (), matched=True))
        books: tuple[tuple[Symbol, Book], ...] = ()
        done = self._done(data.push)
        if (end.phase is Phase.CONTINUOUS or end.last_of_day) and not done:
            books = tuple(
                (symbol, market.book(symbol, before.get(symbol)))
                for symbol in symbols
                if market.came_with(data, symbol)
            )
        if unsent or books or (end.last_of_day and symbols and not done):
            # Even when there is nothing to match: the reports of what is being sent have to come first.
            auction = end.phase is not Phase.CONTINUOUS  # the day's last push carries the closing auction
            return [*again, Effect(MatchPush(data.push, end.ts_ns, books, end.last_of_day, auction))]
        return self._finish(data, Reports(data.push, end.ts_ns, (), matched=True))

    def _done(self, push: PushId) -> bool:
        """Tell whether the push was matched before a restart: all of it is committed together, so one row is all."""
        return max(self._books.last_push, self._desk.queue_push) >= push

    def _finish(self, data: PushData, reports: Reports) -> list[Output]:
        end, books = data.end, self._books
        outputs: list[Output] = []
        if not self._done(end.push):
            outputs += self._roll(end.day, end.push)
            outputs += self._desk.rows_of(reports)
            if end.last_of_day:
                outputs += self._desk.expire(end.push)
                outputs += self._close(end.day, end.push, self._market.last_of)
        self.matched = MatchedThrough(end.push, books.matched_seq(end.push))
        self._working = None
        self._market.finish(end)
        return [*outputs, *self._say(end.push), *self._desk.resend(end.push + 1, end), *self._desk.on_push()]

    # ------------------------------------------------------------------ days

    def _roll(self, day: Day, push: PushId) -> list[Output]:
        ledger = self._books.ledger
        if day <= ledger.day:
            return []
        outputs: list[Output] = []
        if ledger.day and self._books.closed_day < ledger.day:
            # The end of that day was lost to us (a gap of the feed): close it at the closes the new day names.
            outputs += self._desk.expire(push)
            outputs += self._close(ledger.day, push, self._market.close_before)
        opened = self._market.reader.day
        prev_day = opened.prev_day if opened is not None else ledger.day
        outputs += self._books.write(DayRolled(day, prev_day), push, 0)
        for symbol in sorted(ledger.positions):
            gone = self._market.delisted(symbol)
            outputs += self._write_off(symbol, day, push) if gone else self._ex_day(symbol, day, push)
        return outputs

    def _write_off(self, symbol: Symbol, day: Day, push: PushId) -> list[Output]:
        """Take a delisted stock out of the books for nothing: nobody could have sold it at its last price."""
        holding = self._books.ledger.positions[symbol]
        event = PositionWrittenOff(day, symbol, holding.shares, holding.cost, holding.mark, cash=0)
        facts = {"symbol": symbol, "shares": holding.shares, "cost": holding.cost}
        return [*self._books.write(event, push, 0), Log("warning", "delisted position written off", facts)]

    def _ex_day(self, symbol: Symbol, day: Day, push: PushId) -> list[Output]:
        holding = self._books.ledger.positions[symbol]
        ex = self._market.ex_right(symbol, holding.shares, holding.cost)
        if ex is None:
            return []
        event = CorporateAction(
            day, symbol, ex.prev_close_raw, ex.reference, holding.shares, ex.shares, ex.cash, ex.cost,
            ex.taxable,
        )  # fmt: skip
        return self._books.write(event, push, 0)

    def _close(self, day: Day, push: PushId, last_of: Callable[[Symbol], Price]) -> list[Output]:
        ledger = self._books.ledger
        if self._books.closed_day >= day:
            return []
        value = ledger.market_value(last_of)
        equity = ledger.cash + value
        result = DayResult(
            day, equity, ledger.cash, value, ledger.fees_day, equity - ledger.equity_close, ledger.taxes_day
        )
        marks = {symbol: last_of(symbol) or holding.mark for symbol, holding in sorted(ledger.positions.items())}
        return self._books.write(DayClosed(result, marks), push, 0)
