"""Trades from deals: one trade is one position in one stock from flat to flat. All amounts are integers, 0.001 yuan."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from common.backtests.result import BacktestResult, BookEvent, EventKind, Fill
from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side, Symbol


class Trade(NamedTuple):
    """One position from its first buy until nothing was held, or until the end of the result."""

    symbol: Symbol
    rule: str
    opened: Day
    opened_s: int
    """Second of the day of the first buy."""
    closed: Day
    """0 = still open."""
    closed_s: int
    entry: Reason
    exit: Reason
    """Reason of the last sell; DELISTED where that ended it, NONE while open."""
    buys: int
    sells: int
    shares_bought: Shares
    shares_sold: Shares
    shares_left: Shares
    amount_bought: Cash
    amount_sold: Cash
    commission: Cash
    stamp: Cash
    transfer: Cash
    fees_bought: Cash
    """The part of the fees that the buys bore."""
    income: Cash
    """Cash of ex-days and of a delisting."""
    tax: Cash
    """Dividend tax, above zero where it was paid."""
    value_left: Cash
    """What is still held, at the last close of the result."""
    sessions: int
    """Sessions from the first buy to the last sell: 0 = the same day."""
    ex_days: int

    @property
    def fees(self) -> Cash:
        """Return commission, stamp duty and transfer fee."""
        return self.commission + self.stamp + self.transfer

    @property
    def pnl(self) -> Cash:
        """Return what the trade added to the account, everything paid; an open one at the last close."""
        return self.amount_sold + self.value_left + self.income - self.amount_bought - self.fees - self.tax

    @property
    def outlay(self) -> Cash:
        """Return what was paid for the shares, fees of the buys included."""
        return self.amount_bought + self.fees_bought

    @property
    def gain(self) -> float:
        """Return the profit or loss over the outlay, a ratio."""
        return self.pnl / self.outlay

    @property
    def open(self) -> bool:
        """Tell whether something is still held."""
        return self.closed == 0


@dataclass(slots=True)
class _Position:
    """A trade under way."""

    first: Fill
    held: Shares = 0
    bought: list[Fill] = field(default_factory=list)
    sold: list[Fill] = field(default_factory=list)
    income: Cash = 0
    tax: Cash = 0
    ex_days: int = 0
    closed: tuple[Day, int] = (0, 0)

    def take(self, fill: Fill) -> None:
        self.held += fill.shares if fill.side is Side.BUY else -fill.shares
        (self.bought if fill.side is Side.BUY else self.sold).append(fill)
        self.end(fill.day, fill.second)

    def change(self, event: BookEvent) -> None:
        self.held = event.shares_after
        self.income += event.cash
        self.ex_days += event.kind is EventKind.EX_DAY
        self.end(event.day, event.second)

    def end(self, day: Day, second: int) -> None:
        if self.held == 0:
            self.closed = (day, second)

    def _exit(self) -> Reason:
        if not self.closed[0]:
            return Reason.NONE
        sold = self.sold and (self.sold[-1].day, self.sold[-1].second) == self.closed
        return self.sold[-1].reason if sold else Reason.DELISTED

    def trade(self, at: dict[Day, int], price: Price) -> Trade:
        fills = [*self.bought, *self.sold]
        last = self.closed[0] or max(at)
        return Trade(
            symbol=self.first.symbol,
            rule=self.first.rule,
            opened=self.first.day,
            opened_s=self.first.second,
            closed=self.closed[0],
            closed_s=self.closed[1],
            entry=self.first.reason,
            exit=self._exit(),
            buys=len(self.bought),
            sells=len(self.sold),
            shares_bought=sum(fill.shares for fill in self.bought),
            shares_sold=sum(fill.shares for fill in self.sold),
            shares_left=self.held,
            amount_bought=sum(fill.amount for fill in self.bought),
            amount_sold=sum(fill.amount for fill in self.sold),
            commission=sum(fill.commission for fill in fills),
            stamp=sum(fill.stamp for fill in fills),
            transfer=sum(fill.transfer for fill in fills),
            fees_bought=sum(fill.fees for fill in self.bought),
            income=self.income,
            tax=self.tax,
            value_left=self.held * price,
            sessions=at[last] - at[self.first.day],
            ex_days=self.ex_days,
        )  # fmt: skip


def happenings(result: BacktestResult) -> Iterator[Fill | BookEvent]:
    """Yield deals and events in the order they happened; an event goes before the deals of its second."""
    rows: list[tuple[Day, int, int, Fill | BookEvent]] = [(row.day, row.second, 0, row) for row in result.events]
    rows += [(row.day, row.second, 1, row) for row in result.fills]
    for *_, row in sorted(rows, key=lambda found: found[:3]):
        yield row


def trades_of(result: BacktestResult) -> list[Trade]:
    """Return the trades in the order of their first buys, those still open included.

    A tax that comes after the position is flat belongs to the last trade of that stock.
    """
    found: list[_Position] = []
    last: dict[Symbol, _Position] = {}
    for row in happenings(result):
        position = last.get(row.symbol)
        if isinstance(row, Fill):
            if position is None or position.held == 0:
                if row.side is Side.SELL:
                    raise InvariantError(f"{row.day} {row.symbol}: {row.shares} sold, nothing is held")
                position = last[row.symbol] = _Position(row)
                found.append(position)
            position.take(row)
            if position.held < 0:
                raise InvariantError(f"{row.day} {row.symbol}: {row.shares} sold, {position.held + row.shares} held")
        elif position is None:
            raise InvariantError(f"{row.day} {row.symbol}: {row.kind.name} of a stock that was never held")
        elif row.kind is EventKind.DIVIDEND_TAX:
            position.tax -= row.cash
        elif position.held != row.shares_before:
            raise InvariantError(
                f"{row.day} {row.symbol}: {row.kind.name} of {row.shares_before} shares, {position.held} are held"
            )
        else:
            position.change(row)
    at = {row.day: index for index, row in enumerate(result.equity)}
    prices = {row.symbol: row.price for row in result.open_positions}
    return [position.trade(at, prices.get(position.first.symbol, 0)) for position in found]
