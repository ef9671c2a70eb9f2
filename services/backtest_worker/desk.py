"""The desk every engine uses on bars: orders, standing exits and books of one rule. Pure, and the same ledger as live.

A bar is worked on in this order: what is to be cancelled by its end goes first (`cancel_due`; a marketable order
decided on the bar before still meets the open, ADR 0017), then working orders meet the bar (`match`), then standing exits are priced anew (`work`), then the rule decides on the closed bar (`exit`,
`enter`), and what it decides meets the bars after. Prices and money in 0.001 yuan.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.backtests.result import BookEvent, EquityRow, EventKind, Fill, OpenPosition, Outcome, Refused, Unfilled
from common.domain.calendar import ts_of
from common.domain.orders import Action
from common.domain.positions import Holding, Ledger
from common.domain.reasons import Reason
from common.domain.values import Cash, Price, Shares, Side, Symbol
from common.rules.bar_matching import BarDeal
from common.rules.fees import deal_fees
from common.rules.sizing import buy_need, reduce_shares, size_buy, size_sell
from common.rules.withholding import added_tax
from common.strategies.contract import AT_UP_LIMIT, Decision, Position
from services.backtest_worker.account import DeskSettings, Listener, Sent, check_decision
from services.backtest_worker.bars import Bars, ColumnBars, DayBars, start_of
from services.backtest_worker.corporate import corporate_action
from services.backtest_worker.fills import Working, fill_at_open, fill_on_bar, marketable_at, queue_after
from services.backtest_worker.refusals import Refusals

NOT_HELD = Position(0, 0, 0, 0, 0)
ACCOUNT = "backtest"


@dataclass(slots=True)
class _Standing:
    stock: int
    action: int
    reason: int
    target: Shares
    working: Working | None = None


class Desk:
    """One account, one rule; `symbols` names the universe whose indices the engines use."""

    def __init__(
        self,
        rule: str,
        symbols: Sequence[Symbol],
        settings: DeskSettings,
    ) -> None:
        self.ledger = Ledger()
        self.ledger.open_account(ACCOUNT, settings.cash)
        self.fills: list[Fill] = []
        self._unfilled: list[Unfilled] = []
        self._refusals = Refusals(rule, symbols)
        self.events: list[BookEvent] = []
        """What changed shares or cash without a deal."""
        self.equity_rows: list[EquityRow] = []
        self.sent: list[Sent] = []
        """Every order, as it was sent."""
        self.standing: dict[int, _Standing] = {}
        """Exits by stock, worked until their target is reached."""
        self.working: list[Working] = []
        """Orders that may still fill, oldest first."""
        self._rule, self._symbols, self._settings = rule, symbols, settings
        self.bars: Bars = ColumnBars()
        self._index = {symbol: at for at, symbol in enumerate(symbols)}
        self.listener: Listener | None = None
        self._day: DayBars | None = None
        self._orders = 0

    # ------------------------------------------------------------------ questions

    @property
    def day(self) -> DayBars:
        """Return the day in work."""
        assert self._day is not None, "a day is opened before anything is done in it"
        return self._day

    def held(self) -> list[int]:
        """Return the stocks held, in the order they were bought."""
        return [self._index[symbol] for symbol in self.ledger.positions]

    def holding(self, stock: int) -> Holding | None:
        """Return the position in a stock."""
        return self.ledger.positions.get(self._symbols[stock])

    def position(self, stock: int, high: Price) -> Position:
        """Return what a rule is told of its position; `high` since entry is kept by the engine."""
        holding = self.holding(stock)
        if holding is None:
            return NOT_HELD
        return Position(holding.shares, holding.sellable, holding.cost, high, holding.sessions_held)

    def slots_free(self) -> int:
        """Return how many more stocks may be bought."""
        taken = {*self.ledger.positions, *(self._symbols[w.stock] for w in self.working if w.side == Side.BUY)}
        return self._settings.positions_max - len(taken)

    def is_buying(self, stock: int) -> bool:
        """Tell whether a buy of a stock may still fill."""
        return any(each.stock == stock and each.side == Side.BUY for each in self.working)

    # ------------------------------------------------------------------ days

    def open_day(self, day: DayBars) -> None:
        """Begin a session: T+1 release, ex-days, delistings; standing exits meet its first bar."""
        self._day = day
        self._refusals.open_day(day.day, day.labels)
        self.ledger.roll_day(day.day, day.prev_day)
        changed = [stock for stock in sorted(self.held()) if self._corporate(stock)]
        if self.listener is not None:
            for stock in changed:
                self.listener.went_ex(stock)
        for stock in list(self.standing):
            if self.holding(stock) is None:
                del self.standing[stock]
        self.work(-1)

    def _corporate(self, stock: int) -> bool:
        symbol = self._symbols[stock]
        before = self.ledger.positions[symbol].shares
        event = corporate_action(self.ledger, self.day, stock, symbol)
        if event is None:
            return False
        self.events.append(event)
        stands = self.standing.get(stock)
        if stands is not None:
            stands.target = stands.target * event.shares_after // before
        return True

    def close_day(self) -> None:
        """End a session: what is unfilled expires, the books are struck at the closes."""
        for order in list(self.working):
            self.end(order, Reason.DAY_END)
        last = len(self.day.labels) - 1
        book = self.ledger
        marks = {symbol: self._last_of(symbol, last) or book.positions[symbol].mark for symbol in book.positions}
        value = book.market_value(marks.__getitem__)
        self.equity_rows.append(EquityRow(self.day.day, book.cash + value, book.cash, value, len(marks)))
        book.close_day(book.cash + value, marks)

    def open_positions(self) -> tuple[OpenPosition, ...]:
        """Return what is held, at the last close."""
        rows = sorted(self.ledger.positions.items())
        return tuple(OpenPosition(symbol, holding.shares, holding.mark) for symbol, holding in rows)

    def _last_of(self, symbol: Symbol, at: int) -> Price:
        """Return a stock's last price at the end of a bar: its reference price where it has no bars."""
        stock = self._index[symbol]
        close = self.bars.close(self.day, stock, at) if at >= 0 else 0
        return close if close > 0 else int(self.day.facts.prev_close[stock])

    # ------------------------------------------------------------------ bars

    def cancel_due(self, at: int) -> None:
        """Cancel what may not be executed any more by the end of bar `at`, but for what still meets its open."""
        for order in self._ending(at):
            if not self._meets_open(order, at):
                self.end(order, Reason.CANCEL_AT_TIME)

    def _ending(self, at: int) -> list[Working]:
        label = self.day.labels[at]
        return [each for each in self.working if 0 < each.cancel_at_s < label]

    def _meets_open(self, order: Working, at: int) -> bool:
        """Tell whether an order decided on the bar before is alive at this bar's open, and takes what it finds there."""
        decided_before = at > 0 and order.second == self.day.labels[at - 1]
        return decided_before and not order.queues and start_of(self.day, at) < order.cancel_at_s

    def match(self, at: int) -> list[int]:
        """Let working orders meet bar `at`; returns the stocks that traded."""
        traded: list[int] = []
        for order in list(self.working):
            deal = self._deal(order, at)
            if deal.shares > 0:
                self._book(order, deal.shares, deal.price, at)
                traded.append(order.stock)
        for order in self._ending(at):
            self.end(order, Reason.CANCEL_AT_TIME)
        return traded

    def _deal(self, order: Working, at: int) -> BarDeal:
        bar = self.bars.bar(self.day, order.stock, at)
        if bar is None:
            return BarDeal(0, 0)
        facts, label = self.day.facts, self.day.labels[at]
        limits = int(facts.up_limit[order.stock]), int(facts.down_limit[order.stock])
        if 0 < order.cancel_at_s < label:
            start = start_of(self.day, at)
            alive = order.cancel_at_s - start, label - start
            return fill_at_open(order, bar, limits, alive, self._settings.fill)
        return fill_on_bar(order, bar, limits, self._settings.fill)

    def _book(self, order: Working, shares: Shares, price: Price, at: int) -> None:
        day, settings, symbol = self.day.day, self._settings, self._symbols[order.stock]
        record = self.ledger.order(order.coid)
        second = self.day.labels[at]
        charge = deal_fees(
            order.side, day, int(self.day.facts.exchange[order.stock]), shares * price, record.turnover,
            settings.commission_e7, settings.commission_min, shares, record.filled,
        )  # fmt: skip
        tax = 0
        if order.side == Side.SELL:
            tax = added_tax(record.portions, self.ledger.income_of(symbol, shares), day)
        fees = charge.commission + charge.stamp + charge.transfer
        self.ledger.filled(order.coid, f"{order.coid}-{record.deals + 1}", shares, price, fees, tax)
        order.left -= shares
        fill = Fill(
            day, second, symbol, Side(order.side), shares, price, charge.commission, charge.stamp, charge.transfer,
            Reason(order.reason), self._rule,
        )  # fmt: skip
        self.fills.append(fill)
        if tax:
            holding = self.ledger.positions.get(symbol)
            held = holding.shares if holding is not None else 0
            self.events.append(BookEvent(day, second, symbol, EventKind.DIVIDEND_TAX, held, held, -tax))
        if order.left == 0:
            self.working.remove(order)
        if self.listener is not None:
            self.listener.filled(order, fill, tax)

    # ------------------------------------------------------------------ exits

    def exit(self, stock: int, decision: Decision, at: int) -> bool:
        """Let an exit or a reduction stand and send its order; False where one stands already."""
        check_decision(self._rule, decision)
        holding = self.holding(stock)
        stands = self.standing.get(stock)
        replaces = stands is not None and decision.action == Action.EXIT and stands.action == Action.REDUCE
        if holding is None or (stands is not None and not replaces):
            return False
        if stands is not None and stands.working is not None:
            self.end(stands.working, Reason.REPLACED_BY_EXIT)
        target = 0
        if decision.action == Action.REDUCE:
            board = int(self.day.facts.board[stock])
            target = holding.shares - reduce_shares(holding.shares, decision.fraction_bp, board)
        self.standing[stock] = _Standing(stock, decision.action, decision.reason, target)
        self._work(self.standing[stock], at)
        return True

    def work(self, at: int) -> None:
        """Price standing exits anew after bar `at`; -1: at the day's first price, before its first bar is met."""
        for stock in sorted(self.standing):
            self._work(self.standing[stock], at)

    def _work(self, stands: _Standing, at: int) -> None:
        holding = self.holding(stands.stock)
        if holding is None or holding.shares <= stands.target:
            del self.standing[stands.stock]
            return
        price = self._sell_price(stands.stock, at)
        if price == 0:
            return
        if stands.working is not None and stands.working.left > 0:
            if stands.working.price == price:
                return
            self.end(stands.working, Reason.REPRICE)
        board = int(self.day.facts.board[stands.stock])
        wanted = holding.shares - stands.target
        sizing = size_sell(wanted, holding.sellable, board, self.day.day)
        if sizing.shares == 0:
            if 0 < wanted <= holding.sellable:
                del self.standing[stands.stock]
            return
        stands.working = self.send(stands.stock, Side.SELL, sizing.shares, price, 0, stands.reason, at, 0)

    def _sell_price(self, stock: int, at: int) -> Price:
        bar = self.bars.bar(self.day, stock, max(at, 0))
        if bar is None or bar.close <= 0:
            return 0
        return marketable_at(self.day, stock, Side.SELL, bar.open if at < 0 else bar.close)

    # ------------------------------------------------------------------ entries

    def enter(self, stock: int, decision: Decision, at: int) -> Reason:
        """Judge, size and send an entry decided on bar `at`; the reason tells why not."""
        check_decision(self._rule, decision)
        reason = self._entry(stock, decision, at)
        if reason is not Reason.NONE:
            self.refuse(stock, reason, at)
        return reason

    def refuse(self, stock: int, reason: Reason, at: int) -> None:
        """Note a refusal, once a stock, day and reason."""
        self.refuse_many(np.array([stock], np.int64), at, reason)

    def refuse_many(self, stocks: NDArray[np.int64], bars: int | NDArray[np.int64], reason: Reason) -> None:
        """Note refusals on `bars`, once a stock, day and reason."""
        self._refusals.add(stocks, bars, reason)

    def refused(self) -> tuple[Refused, ...]:
        """Return what was refused, by day and reason."""
        return self._refusals.rows()

    def unfilled(self) -> list[Unfilled]:
        """Return every order that ended with something unfilled, by day, bar and stock."""
        return sorted(self._unfilled, key=lambda row: (row.day, row.second, row.symbol, row.outcome, row.reason))

    def _entry(self, stock: int, decision: Decision, at: int) -> Reason:
        facts = self.day.facts
        board = int(facts.board[stock])
        if self.holding(stock) is not None:
            return Reason.ALREADY_HELD
        if self.is_buying(stock):
            return Reason.ALREADY_WORKING
        if self.slots_free() <= 0:
            return Reason.SLOTS_FULL
        price = self._buy_price(stock, decision, at)
        settings, day, exchange = self._settings, self.day.day, int(facts.exchange[stock])
        sizing = size_buy(
            self.slot_cash(at), self.ledger.free_cash, price, board, day, exchange, settings.commission_e7,
            settings.commission_min,
        )  # fmt: skip
        if sizing.shares == 0:
            return Reason(sizing.reason)
        need = buy_need(sizing.shares, price, day, exchange, settings.commission_e7, settings.commission_min)
        queues = decision.price == AT_UP_LIMIT
        order = self.send(
            stock, Side.BUY, sizing.shares, price, need, decision.reason, at, decision.cancel_at_s, queues=queues
        )
        if queues:
            self.join_queue(order, at)
        return Reason.NONE

    def join_queue(self, order: Working, at: int) -> None:
        """Stand behind what is assumed to wait at the up limit after bar `at`."""
        order.ahead = queue_after(self.bars.turnover(self.day, order.stock, at), order.price, self._settings.fill)

    def equity(self, at: int) -> Cash:
        """Return cash and market value after bar `at`."""
        return self.ledger.equity(lambda symbol: self._last_of(symbol, at))

    def slot_cash(self, at: int) -> Cash:
        """Return the money of one slot after bar `at`."""
        return self.equity(at) * self._settings.slot_bp // 10_000

    def _buy_price(self, stock: int, decision: Decision, at: int) -> Price:
        up_limit = int(self.day.facts.up_limit[stock])
        if decision.price == AT_UP_LIMIT and up_limit > 0:
            return up_limit
        return marketable_at(self.day, stock, Side.BUY, self.bars.close(self.day, stock, at))

    # ------------------------------------------------------------------ orders

    def send(
        self, stock: int, side: int, shares: Shares, price: Price, need: Cash, reason: int, at: int, cancel_at_s: int,
        *, queues: bool = False,
    ) -> Working:  # fmt: skip
        """Send an order decided on bar `at`; whoever calls has checked it."""
        self._orders += 1
        coid, day = str(self._orders), self.day
        second = day.labels[at] if at >= 0 else 0
        self.ledger.submitted(
            coid, coid, self._symbols[stock], side, shares, price, self._rule, Reason(reason), 0,
            ts_of(day.day, second), need,
        )  # fmt: skip
        self.ledger.accepted(coid)
        order = Working(coid, stock, side, price, shares, shares, cancel_at_s, reason, second, queues, 0)
        self.working.append(order)
        self.sent.append(Sent(day.day, second, self._symbols[stock], side, shares, price, reason))
        if self.listener is not None:
            self.listener.sent(order)
        return order

    def end(self, order: Working, reason: Reason) -> None:
        """End an order with what is left of it."""
        end = self.ledger.expired if reason is Reason.DAY_END else self.ledger.cancelled
        end(order.coid, reason)
        self.working.remove(order)
        if self.listener is not None:
            self.listener.ended(order, reason)
        stands = self.standing.get(order.stock)
        if stands is not None and stands.working is order:
            stands.working = None
        elif order.side == Side.BUY:
            row = Unfilled(
                self.day.day, order.second, self._symbols[order.stock], Side.BUY, Outcome.MISSED, order.shares,
                order.shares - order.left, order.price, reason, Reason(order.reason), self._rule,
            )  # fmt: skip
            self._unfilled.append(row)
