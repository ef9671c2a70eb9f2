"""backtrader for a strategy of one's own: our feeds, minutes beside days, and a broker that keeps to the market's rules.

`cerebro_of` gives a Cerebro that is ready but for the strategy. Orders are checked like any other (whole lots, T+1,
limits, cash) and refused with the reason in `order.info.reason`; fills, fees and ex-days are the desk's.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.domain.errors import UserError
from common.domain.reasons import WORDS, Reason
from common.domain.values import MILLI, Day, Side, Symbol
from common.screens.screen import Screen
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.adapters.bt import DeskBroker
from services.backtest_worker.adapters.bt_feeds import (
    ColumnFeed,
    DailyFeed,
    columns_of,
    daily_columns_of,
    numbers_of,
)
from services.backtest_worker.adapters.days import HistoryDays
from services.backtest_worker.bars import DayBars
from services.backtest_worker.desk import Desk
from services.backtest_worker.fills import Working
from services.backtest_worker.free_orders import send_free

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # as in bt_feeds
    import backtrader as bt

RULE = "own"
DAILY_SUFFIX = "/day"
NOBODY = Screen("nobody", (), ())
_KINDS = (None, bt.Order.Market, bt.Order.Limit)


class PlainBroker(DeskBroker):
    """Takes Market and Limit orders for whole shares, none tied to another; an order lives until its day ends.

    One made on the last bar of a day is for the next day.
    """

    def __init__(
        self, desk: Desk, settings: DeskSettings, days: Sequence[DayBars], feeds: Mapping[int, ColumnFeed], clock: Any
    ) -> None:
        super().__init__(desk, days, feeds)
        self._settings, self._clock = settings, clock
        self._stock_of = {feed: stock for stock, feed in feeds.items()}
        self._coid_of: dict[int, str] = {}
        self._making: Any = None
        self._tomorrow: list[tuple[Any, Side, int, float, int]] = []
        """Orders made on a day's last bar: they enter before the next day's first."""
        self._seen = 0

    # ------------------------------------------------------------------ the clock

    def next(self) -> None:
        """Let what was ordered before meet the bar; nothing happens where only a day's bar of old was delivered."""
        if len(self._clock) == self._seen:
            return
        self._seen = len(self._clock)
        ended = self._number >= 0 and self.closing
        if ended:
            self.desk.close_day()
        begun = self.move_on()
        if begun is not None:
            self.desk.open_day(begun)
            self._enter_kept()
        self.desk.cancel_due(self.at)
        self.desk.match(self.at)

    def _enter_kept(self) -> None:
        kept, self._tomorrow = self._tomorrow, []
        for order, side, stock, size, milli in kept:
            self._making = order
            made = send_free(self.desk, self._settings, stock, side, int(size), milli, -1)
            if isinstance(made, Reason):
                self._refuse(order, made)
                self._note(order)

    def stop(self) -> None:
        """End the last day."""
        if self._number >= 0 and self.closing:
            self.desk.close_day()
        super().stop()

    # ------------------------------------------------------------------ orders

    def buy(self, owner: Any, data: Any, size: float, price: float | None = None, **more: Any) -> Any:
        """Take an order to buy."""
        return self._take(bt.BuyOrder, Side.BUY, owner, data, size, price, more)

    def sell(self, owner: Any, data: Any, size: float, price: float | None = None, **more: Any) -> Any:
        """Take an order to sell what is held; nobody sells short."""
        return self._take(bt.SellOrder, Side.SELL, owner, data, size, price, more)

    def cancel(self, order: Any) -> bool:
        """Cancel what is left of an order."""
        coid = self._coid_of.get(order.ref, "")
        working = next((each for each in self.desk.working if each.coid == coid), None)
        kept = [each for each in self._tomorrow if each[0].ref == order.ref]
        for each in kept:
            self._tomorrow.remove(each)
            each[0].cancel()
            self._note(each[0])
        if working is None:
            return bool(kept)
        self.desk.end(working, Reason.HAND_CANCEL)
        return True

    def sent(self, order: Working) -> None:
        """Note which order of the strategy's the desk has sent."""
        self._orders[order.coid] = self._making
        self._coid_of[self._making.ref] = order.coid

    def _take(
        self, make: Any, side: Side, owner: Any, data: Any, size: float, price: float | None, more: dict[str, Any]
    ) -> Any:
        self.owner = owner
        kind = more.get("exectype")
        order = make(
            owner=owner, data=data, size=size, price=price, exectype=kind or bt.Order.Market,
            valid=more.get("valid"), tradeid=more.get("tradeid", 0), simulated=True,
        )  # fmt: skip
        order.p.simulated = False
        order.addcomminfo(self.getcommissioninfo(data))
        order.submit(self)
        self._making = order
        tied = more.get("oco") is not None or more.get("parent") is not None or not more.get("transmit", True)
        reason = Reason.NOT_ALLOWED if tied or kind not in _KINDS else Reason.NONE
        if reason is Reason.NONE:
            reason = self._sent_or_why(side, data, abs(size), price if kind == bt.Order.Limit else None)
        if reason is Reason.NONE:
            order.accept(self)
        else:
            self._refuse(order, reason)
        self._note(order)
        return order

    @staticmethod
    def _refuse(order: Any, reason: Reason) -> None:
        order.addinfo(reason=reason.name, zh=WORDS[reason].zh, en=WORDS[reason].en)
        order.reject()

    def _sent_or_why(self, side: Side, data: Any, size: float, price: float | None) -> Reason:
        stock = self._stock_of.get(data)
        if stock is None:
            return Reason.UNKNOWN_SYMBOL  # the clock, or a feed of days: nothing is traded there
        if self._number < 0:
            return Reason.PHASE_CLOSED
        if size != int(size) or size <= 0:
            return Reason.BAD_QUANTITY
        milli = round(price * MILLI) if price is not None else 0
        if price is not None and (milli <= 0 or abs(milli - price * MILLI) > 1e-6):
            return Reason.OFF_TICK
        if self.closing:
            self._tomorrow.append((self._making, side, stock, size, milli))
            return Reason.NONE
        made = send_free(self.desk, self._settings, stock, side, int(size), milli, self.at)
        return made if isinstance(made, Reason) else Reason.NONE


def cerebro_of(
    history: Path, symbols: Sequence[Symbol], first: Day, last: Day, *, interval: int = 5, warm_up: int = 0,
    settings: DeskSettings = DeskSettings(),  # noqa: B008 - immutable
) -> Any:  # fmt: skip
    """Return a Cerebro over a folder of history, ready but for `addstrategy`; days as yyyymmdd, both included.

    Feeds by name: `clock` (the session's bars, no prices), each symbol (bars of `interval` minutes), and each symbol
    with `/day` behind it (days, delivered at 15:00, with `warm_up` sessions before `first`). `settings.cash` is in
    0.001 yuan. Raises `UserError` for a symbol that history does not know or that has no bars in these days.
    """
    days = HistoryDays(history, NOBODY, (), interval, first, last)
    unknown = [symbol for symbol in symbols if symbol not in days.history.index]
    if unknown:
        raise UserError(f"history knows no {', '.join(unknown)}; check the code, or import it")
    played = list(days)
    desk = Desk(RULE, days.symbols, settings)
    cerebro = bt.Cerebro(stdstats=False, preload=True, runonce=True)
    clock = ColumnFeed(columns={"datetime": np.concatenate([numbers_of(day.day, day.labels) for day in played])})
    cerebro.adddata(clock, name="clock")
    feeds: dict[int, ColumnFeed] = {}
    for symbol in symbols:
        stock = days.history.index[symbol]
        columns = columns_of(played, stock)
        if not len(columns["datetime"]):
            raise UserError(f"history has no whole days of {interval}-minute bars of {symbol} from {first} to {last}")
        feeds[stock] = ColumnFeed(columns=columns)
        cerebro.adddata(feeds[stock], name=symbol)
    calendar = days.history.calendar()
    begin = calendar.window(calendar.previous(days.sessions[0]), warm_up)[0] if warm_up else days.sessions[0]
    for stock, columns in daily_columns_of(days.history, list(feeds), begin, days.sessions[-1]).items():
        cerebro.adddata(DailyFeed(columns=columns), name=days.symbols[stock] + DAILY_SUFFIX)
    cerebro.setbroker(PlainBroker(desk, settings, played, feeds, clock))
    return cerebro
