"""The backtrader engine: its clock, feeds, orders, trades and analyzers over our desk and our rule host.

Prices in the lines of its feeds are yuan, as backtrader's users expect; the broker goes back to whole ticks, so
nothing is lost. Only stocks that were ever in the pool become feeds. The first feed is
the session's clock: a stock that starts late, pauses or ends holds nobody up.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from common.backtests.result import Fill
from common.domain.reasons import Reason
from common.domain.values import MILLI, Cash, Side, Symbol
from common.strategies.contract import Rule
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.bt_feeds import ColumnFeed, columns_of, numbers_of
from services.backtest_worker.bars import Bar, Bars, DayBars
from services.backtest_worker.desk import Desk
from services.backtest_worker.fills import Working
from services.backtest_worker.hosted import Hosted

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its docstrings hold escapes that Python warns of when it first compiles them
    import backtrader as bt

ANALYZERS: Mapping[str, type] = {
    "trades": bt.analyzers.TradeAnalyzer,
    "drawdown": bt.analyzers.DrawDown,
    "returns": bt.analyzers.TimeReturn,
    "sharpe": bt.analyzers.SharpeRatio_A,
}


class FeedBars(Bars):
    """Bars out of the lines of backtrader's feeds."""

    def __init__(self, broker: "DeskBroker") -> None:
        self._broker = broker

    def bar(self, day: DayBars, stock: int, at: int) -> Bar | None:
        """Read a bar of the day in work from a stock's lines."""
        if day.first_row[stock] < 0:
            return None
        data = self._broker.feeds[stock]
        ago = at - max(self._broker.at, 0)
        lines = (data.open, data.high, data.low, data.close)
        opened, high, low, close = (round(line[ago] * MILLI) for line in lines)
        return Bar(opened, high, low, close, int(data.volume[ago]), int(data.openinterest[ago]))


class DeskBroker(bt.broker.BrokerBase):  # type: ignore[misc]  # backtrader ships no types
    """A broker that keeps no books of its own: the desk trades, this tells backtrader of it."""

    def __init__(self, desk: Desk, days: Sequence[DayBars], feeds: Mapping[int, ColumnFeed]) -> None:
        super().__init__()
        self.desk, self.feeds = desk, feeds
        self.owner: Any = None
        self.startingcash = self.cash = desk.ledger.cash / MILLI
        self.at = -1
        self._days = list(days)
        self._number = -1
        self._orders: dict[str, Any] = {}
        self._notes: list[Any] = []
        self._positions: dict[Any, bt.Position] = {}
        desk.listener, desk.bars = self, FeedBars(self)

    # ------------------------------------------------------------------ what backtrader asks

    def getcash(self) -> float:
        """Return free cash in yuan."""
        return self.desk.ledger.free_cash / MILLI

    def getvalue(self, datas: Any = None) -> float:
        """Return equity in yuan."""
        desk = self.desk
        if self._number < 0:
            return desk.ledger.cash / MILLI
        return desk.equity(self.at) / MILLI

    def getposition(self, data: Any, clone: bool = True) -> bt.Position:
        """Return the position of a feed."""
        return self._positions.setdefault(data, bt.Position())

    def get_notification(self) -> Any:
        """Hand over what became of an order."""
        return self._notes.pop(0) if self._notes else None

    # ------------------------------------------------------------------ the clock

    @property
    def closing(self) -> bool:
        """Tell whether the day's last bar is in work."""
        return self.at == len(self._days[self._number].labels) - 1

    def move_on(self) -> DayBars | None:
        """Go to the next bar of the clock; returns the day that begins with it, if one does."""
        self.at += 1
        if self._number >= 0 and self.at < len(self._days[self._number].labels):
            return None
        self._number, self.at = self._number + 1, 0
        return self._days[self._number]

    # ------------------------------------------------------------------ what the desk tells

    def sent(self, order: Working) -> None:
        """Make backtrader's order of ours."""
        make = bt.BuyOrder if order.side == Side.BUY else bt.SellOrder
        made = make(
            owner=self.owner, data=self.feeds[order.stock], size=order.shares, price=order.price / MILLI,
            exectype=bt.Order.Limit, simulated=True,
        )  # fmt: skip
        made.p.simulated = False
        made.addinfo(reason=Reason(order.reason).name)
        made.addcomminfo(self.getcommissioninfo(made.data))
        made.submit(self)
        made.accept(self)
        self._orders[order.coid] = made
        self._note(made)

    def filled(self, order: Working, fill: Fill, tax: Cash) -> None:
        """Execute backtrader's order, so that its trades and analyzers see the deal."""
        made, data = self._orders[order.coid], self.feeds[order.stock]
        size, price = (fill.shares if fill.side == Side.BUY else -fill.shares), fill.price / MILLI
        position = self.getposition(data)
        was = position.price
        new_size, new_price, opened, closed = position.update(size, price)
        charges = (fill.fees + tax) / MILLI
        made.execute(
            data.datetime[0], size, price, closed, closed * was, charges if closed else 0.0, opened, opened * price,
            charges if opened else 0.0, None, -closed * (price - was), new_size, new_price,
        )  # fmt: skip
        made.partial() if order.left else made.completed()
        self._note(made)

    def ended(self, order: Working, reason: Reason) -> None:
        """Cancel or expire backtrader's order."""
        made = self._orders[order.coid]
        made.status = bt.Order.Expired if reason is Reason.DAY_END else bt.Order.Canceled
        self._note(made)

    def went_ex(self, stock: int) -> None:
        """Bring backtrader's position to the shares and cost after an ex-day."""
        position = self.getposition(self.feeds[stock])
        holding = self.desk.holding(stock)
        shares = holding.shares if holding is not None else 0
        price = holding.cost / shares / MILLI if holding is not None else 0.0
        position.set(shares, price)
        # Its record of the open trade counts shares on its own, and would not close where there are more to sell.
        for trade in self.owner._trades[self.feeds[stock]][0][-1:]:
            trade.size, trade.price = shares, price

    def _note(self, order: Any) -> None:
        self._notes.append(order.clone())


class HostedBroker(DeskBroker):
    """The broker of a hosted rule, which opens the days and lets the orders of the rule meet each bar."""

    def __init__(self, hosted: Hosted, days: Sequence[DayBars], feeds: Mapping[int, ColumnFeed]) -> None:
        super().__init__(hosted.desk, days, feeds)
        self.hosted = hosted

    def next(self) -> None:
        """Move on one bar of the clock: a new day where one begins, then what was decided before meets the bar."""
        begun = self.move_on()
        if begun is not None:
            self.hosted.open_day(begun)
        self.hosted.trade(self.at)


class HostedStrategy(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """Steps the rule host through each bar of the clock."""

    params = (("broker", None),)

    def start(self) -> None:
        """Let the broker know whose orders they are."""
        self.p.broker.owner = self

    def next(self) -> None:
        """Let the rule decide on the bar that closed; end the day on its last one."""
        broker: HostedBroker = self.p.broker
        hosted, at = broker.hosted, broker.at
        desk, day = hosted.desk, hosted.desk.day
        bars = ((stock, desk.bars.bar(day, stock, at)) for stock in broker.feeds)
        hosted.decide(at, [(stock, bar) for stock, bar in bars if bar is not None])
        if broker.closing:
            hosted.close_day()

    def prenext(self) -> None:
        """Go on while some stocks have not begun."""
        self.next()


def run_backtrader(
    rule: Rule, params: Any, symbols: Sequence[Symbol], days: Iterable[DayBars], settings: DeskSettings
) -> tuple[Desk, Any]:
    """Run a rule under backtrader; returns the desk with its books and the strategy with its analyzers."""
    played = list(days)
    # A stock that was never in the pool on a day with bars cannot be bought: every feed costs time at every bar.
    wanted = sorted({int(stock) for day in played for stock in day.pool.stocks if day.first_row[stock] >= 0})
    clock = ColumnFeed(columns={"datetime": np.concatenate([numbers_of(day.day, day.labels) for day in played])})
    cerebro = bt.Cerebro(stdstats=False, preload=True, runonce=True)
    cerebro.adddata(clock, name="clock")
    feeds: dict[int, ColumnFeed] = {}
    for stock in wanted:
        columns = columns_of(played, stock)
        if len(columns["datetime"]):
            feeds[stock] = ColumnFeed(columns=columns)
            cerebro.adddata(feeds[stock], name=symbols[stock])
    desk = Desk(rule.NAME, symbols, settings)
    hosted = Hosted(rule, params, desk, symbols)
    broker = HostedBroker(hosted, played, feeds)
    cerebro.setbroker(broker)
    cerebro.addstrategy(HostedStrategy, broker=broker)
    for name, kind in ANALYZERS.items():
        cerebro.addanalyzer(kind, _name=name)
    (strategy,) = cerebro.run()
    return desk, strategy
