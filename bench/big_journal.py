"""A gateway's journal of any size, written with the real codec and store: every row of it passes `audit journal`."""

from collections.abc import Iterator
from pathlib import Path

from common.domain.calendar import hms, ts_of
from common.domain.ids import client_order_id, deal_id, order_key
from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side, push_id
from common.messages.orders import (
    AccountOpened,
    DayClosed,
    DayResult,
    DayRolled,
    Event,
    OrderAccepted,
    OrderFilled,
    OrderSubmitted,
    SubmitOrder,
)
from common.rules.boards import exchange_of
from common.rules.fees import fees
from common.rules.sizing import buy_need
from common.runtime.store import Call, Store
from services.order_gateway.books import Books
from services.order_gateway.settings import Settings

CASH = 10**15
PER_DAY = 1000
"""Buys a day; what was bought is sold the day after."""
BUY_DEALS, SELL_DEALS = 3, 2
SHARES = 600
CALLS_A_COMMIT = 2000


class Maker:
    """Writes days of orders into a store."""

    def __init__(self, path: Path, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self.books = Books()
        self._store = Store(path, full=False)
        self._calls: list[Call] = []
        self._push = 0
        self.orders = self.fills = 0

    def make(self, orders: int, first: Day = 20200102) -> Day:
        """Write at least so many orders; returns the last day."""
        self._write(AccountOpened(CASH, self._settings.account), 0)
        for day, prev in _days(first):
            self._day(day, prev)
            if self.orders >= orders:
                break
        self._flush()
        self._store.close()
        return day

    def _write(self, event: Event, push: int, stage: int = 1) -> None:
        self._calls.append(Call(self.books.write(event, push, stage)))
        if len(self._calls) >= CALLS_A_COMMIT:
            self._flush()

    def _flush(self) -> None:
        self._store.commit_all(self._calls)
        self._calls = []

    def _day(self, day: Day, prev: Day) -> None:
        push = push_id(day, 1)
        self._write(DayRolled(day, prev), push, 0)
        held = sorted(self.books.ledger.positions)
        for at, symbol in enumerate(held):
            self._order(day, push_id(day, 2 + at), symbol, Side.SELL, SELL_DEALS)
        bought = [f"{600_000 + (int(day) + at) % 3000:06d}.SH" for at in range(0, 3 * PER_DAY, 3)]
        for at, symbol in enumerate(bought):
            self._order(day, push_id(day, 1002 + at), symbol, Side.BUY, BUY_DEALS)
        ledger = self.books.ledger
        marks = {symbol: _price(symbol) for symbol in sorted(ledger.positions)}
        value = sum(ledger.positions[symbol].shares * mark for symbol, mark in marks.items())
        equity = ledger.cash + value
        result = DayResult(day, equity, ledger.cash, value, ledger.fees_day, equity - ledger.equity_close)
        self._write(DayClosed(result, marks), push_id(day, 4000), 0)

    def _order(self, day: Day, push: int, symbol: str, side: Side, deals: int) -> None:
        key = order_key("limit_up", day, symbol, "LIMIT_UP_TOUCH" if side is Side.BUY else "STOP_LOSS", 0)
        cause = Reason.LIMIT_UP_TOUCH if side is Side.BUY else Reason.STOP_LOSS
        ts_ns, price, coid = ts_of(day, hms("09:30:03")), _price(symbol), client_order_id(day, key)
        order = SubmitOrder(coid, key, symbol, side, SHARES, price, push, ts_ns, ts_ns, "limit_up", cause)
        settings = self._settings
        need = buy_need(
            SHARES, price, day, int(exchange_of(symbol)), settings.commission_e7, settings.commission_min
        )  # fmt: skip
        self._write(OrderSubmitted(order, need if side is Side.BUY else 0), push)
        self._write(OrderAccepted(coid, f"paper-{coid}"), push)
        part = SHARES // deals
        for number in range(deals):
            charged = self._fees(order, day, part, price, number * part)
            deal = deal_id(coid, number + 1)
            self._write(OrderFilled(coid, deal, symbol, side, part, price, charged, ts_ns, "limit_up", cause), push)
        self.orders += 1
        self.fills += deals

    def _fees(self, order: SubmitOrder, day: Day, shares: Shares, price: Price, before: Shares) -> Cash:
        return fees(
            order.side, day, int(exchange_of(order.symbol)), shares * price, before * price,
            self._settings.commission_e7, self._settings.commission_min, shares, before,
        )  # fmt: skip


def _price(symbol: str) -> Price:
    return 5_000 + int(symbol[:6]) % 500 * 10


def _days(first: Day) -> Iterator[tuple[Day, Day]]:
    """Yield days and the days before them; which of them trade does not matter here."""
    prev = first - 1
    for day in range(first, first + 28):
        yield day, prev
        prev = day
