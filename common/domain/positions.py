"""The books of one account: a pure integer fold over what happened to its orders, days and ex-days.

size: one ledger, every change of it a few lines over the same fields.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from common.domain.errors import InvariantError
from common.domain.lots import Lots, Portion, added, taken, with_income
from common.domain.orders import ENDED, OrderState
from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, PushId, Shares, Side, Symbol

EXTERNAL_RULE = "external"
"""Stands for a rule where others gave the order at the broker."""


def external_coid(day: Day, broker_id: str) -> str:
    """Return the id that an order of others has in the books."""
    return f"X{day}{broker_id}"


@dataclass(slots=True)
class Holding:
    """A position in one stock."""

    symbol: Symbol
    shares: Shares = 0
    bought_today: Shares = 0
    """Not sellable before the next trading day (T+1)."""
    frozen: Shares = 0
    """Held by open sells."""
    cost: Cash = 0
    """Paid for the held shares, without fees."""
    rule: str = ""
    """Rule of the first buy; "hand" for people."""
    opened_day: Day = 0
    sessions_held: int = 0
    """0 on the day of entry."""
    mark: Price = 0
    """Last close (rescaled on ex-days), the price of the first deal before one: values it where the day has no quote."""
    lots: Lots = ()
    """The shares by day of acquisition, oldest first; they sum to `shares`."""

    @property
    def sellable(self) -> Shares:
        """Return the shares that may be sold now; none where a late deal took what another sell holds."""
        return max(0, self.shares - self.bought_today - self.frozen)


@dataclass(slots=True)
class OrderRecord:
    """One order and what became of it so far."""

    coid: str
    key: str
    symbol: Symbol
    side: int
    shares: Shares
    price: Price
    rule: str
    cause: Reason
    push: PushId
    ts_ns: int
    day: Day
    state: OrderState = OrderState.SENDING
    filled: Shares = 0
    turnover: Cash = 0
    """Shares x price of its deals."""
    fees: Cash = 0
    """All fees of its deals."""
    taxes: Cash = 0
    """Dividend tax of its deals."""
    portions: tuple[Portion, ...] = ()
    """Dividends that went with the shares it sold: its tax is rounded over all of them."""
    frozen_start: Cash = 0
    """Cash held at the start by a buy, fees included."""
    frozen: Cash = 0
    """Cash still held by a buy, fees included."""
    deals: int = 0
    broker_id: str = ""
    ended: Reason = Reason.NONE
    """Why it was cancelled, rejected or expired."""

    @property
    def left(self) -> Shares:
        """Return the shares not filled."""
        return self.shares - self.filled

    @property
    def open(self) -> bool:
        """Tell whether it may still fill (in doubt counts as open)."""
        return self.state not in ENDED


@dataclass(slots=True)
class Ledger:
    """Cash, positions and orders of one account. Methods raise InvariantError where the books would not add up."""

    account: str = ""
    start_cash: Cash = 0
    cash: Cash = 0
    """All cash, what open buys hold included."""
    frozen_cash: Cash = 0
    """Held by open buys, fees included."""
    day: Day = 0
    prev_day: Day = 0
    positions: dict[Symbol, Holding] = field(default_factory=dict)
    """Only stocks of which something is held."""
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    """Every order ever submitted, by client order id, oldest first."""
    open_coids: dict[str, None] = field(default_factory=dict)
    """Orders that may still fill, oldest first."""
    open_of: dict[Symbol, dict[str, None]] = field(default_factory=dict)
    """The same by stock; only stocks that have any."""
    deals: set[str] = field(default_factory=set)
    fees_total: Cash = 0
    fees_day: Cash = 0
    taxes_total: Cash = 0
    taxes_day: Cash = 0
    dividends_total: Cash = 0
    """Cash dividends received, before tax."""
    sold_day: Cash = 0
    """Proceeds of today's sells less fees and taxes: may be spent today, withdrawn tomorrow."""
    equity_close: Cash = 0
    """Equity at the last close; the cash at the start before the first."""

    # -------------------------------------------------------------- questions

    @property
    def free_cash(self) -> Cash:
        """Return the cash that new orders may use."""
        return self.cash - self.frozen_cash

    @property
    def withdrawable(self) -> Cash:
        """Return the cash that may leave the account today."""
        return max(0, self.free_cash - self.sold_day)

    def equity(self, last_of: Callable[[Symbol], Price]) -> Cash:
        """Return cash and market value together, at the prices `last_of` gives."""
        return self.cash + self.market_value(last_of)

    def market_value(self, last_of: Callable[[Symbol], Price]) -> Cash:
        """Return the value of all positions at the prices `last_of` gives; where it gives 0, at the last close."""
        return sum(holding.shares * (last_of(symbol) or holding.mark) for symbol, holding in self.positions.items())

    def open_orders(self, symbol: Symbol = "", side: int = 0) -> Iterator[OrderRecord]:
        """Go through the orders that may still fill, oldest first; of one stock or side where given."""
        for coid in tuple(self.open_of.get(symbol, ()) if symbol else self.open_coids):
            order = self.orders[coid]
            if not side or order.side == side:
                yield order

    def order(self, coid: str) -> OrderRecord:
        """Return an order that must be known."""
        try:
            return self.orders[coid]
        except KeyError:
            raise InvariantError(f"event about order {coid}, which was never submitted") from None

    # -------------------------------------------------------------- the account

    def open_account(self, account: str, cash: Cash) -> None:
        """Start with `cash`."""
        if self.account or self.orders:
            raise InvariantError(f"account {self.account!r} is open already")
        if cash < 0:
            raise InvariantError(f"account {account!r} would start with {cash}")
        self.account, self.start_cash, self.cash, self.equity_close = account, cash, cash, cash

    def roll_day(self, day: Day, prev_day: Day) -> None:
        """Begin a trading day: yesterday's buys become sellable. Orders must have ended (in doubt may stay)."""
        if day <= self.day:
            raise InvariantError(f"day {day} begins after day {self.day}")
        left = [
            order.coid
            for order in self.open_orders()
            if order.state is not OrderState.IN_DOUBT and not (order.rule == EXTERNAL_RULE and order.day >= day)
        ]
        if left:
            raise InvariantError(f"day {day} begins with open orders: {', '.join(left)}")
        self.day, self.prev_day, self.fees_day, self.taxes_day, self.sold_day = day, prev_day, 0, 0, 0
        for holding in self.positions.values():
            holding.bought_today = 0
            holding.sessions_held += 1

    def close_day(self, equity: Cash, marks: Mapping[Symbol, Price] = MappingProxyType({})) -> None:
        """Remember the equity of a close, from which the next day's result is counted, and the closing prices."""
        self.equity_close = equity
        for symbol, price in marks.items():
            self._held(symbol).mark = price

    def corporate_action(
        self,
        symbol: Symbol,
        shares_before: Shares,
        shares_after: Shares,
        cash: Cash,
        cost_after: Cash,
        reference: Price = 0,
        taxable: Cash = 0,
    ) -> None:
        """Change shares, cash and cost of a holding that goes ex today; its new shares are a lot of today."""
        holding = self._held(symbol)
        if holding.shares != shares_before:
            raise InvariantError(f"{symbol} goes ex with {holding.shares} shares in the books, not {shares_before}")
        if shares_after < shares_before or cost_after < 0 or cash < 0 or taxable < 0:
            raise InvariantError(f"{symbol} goes ex to {shares_after} shares of cost {cost_after} for {cash}")
        holding.lots = added(with_income(holding.lots, self.day, taxable), self.day, shares_after - shares_before)
        holding.shares, holding.cost = shares_after, cost_after
        holding.mark = reference or holding.mark
        self.cash += cash
        self.dividends_total += cash

    def written_off(self, symbol: Symbol, shares: Shares, cash: Cash) -> None:
        """Remove a position whose stock was delisted, for `cash`; no tax, since nothing was sold."""
        holding = self._held(symbol)
        if holding.shares != shares or cash < 0:
            raise InvariantError(f"{shares} of {symbol} are written off for {cash}, {holding.shares} are held")
        del self.positions[symbol]
        self.cash += cash

    # -------------------------------------------------------------- orders

    def submitted(  # noqa: PLR0913 - one argument a column of the order: a record would be the message over again
        self,
        coid: str,
        key: str,
        symbol: Symbol,
        side: int,
        shares: Shares,
        price: Price,
        rule: str,
        cause: Reason,
        push: PushId,
        ts_ns: int,
        frozen: Cash,
    ) -> None:
        """Take in a new order: a buy holds `frozen` cash (fees included), a sell holds its shares."""
        if coid in self.orders:
            raise InvariantError(f"order {coid} was submitted already")
        if shares <= 0 or price <= 0 or frozen < 0:
            raise InvariantError(f"order {coid} of {shares} shares at {price} holding {frozen}")
        order = OrderRecord(
            coid, key, symbol, side, shares, price, rule, cause, push, ts_ns, self.day,
            frozen_start=frozen if side == Side.BUY else 0,
        )  # fmt: skip
        if side == Side.SELL:
            holding = self._held(symbol)
            if shares > holding.sellable:
                raise InvariantError(f"order {coid} sells {shares} of {symbol}, {holding.sellable} are sellable")
            holding.frozen += shares
        else:
            if frozen > self.free_cash:
                raise InvariantError(f"order {coid} needs {frozen}, {self.free_cash} is free")
            self._hold_cash(order, frozen)
        self.orders[coid] = order
        self._open(coid, symbol)

    def external(
        self, coid: str, broker_id: str, symbol: Symbol, side: int, shares: Shares, price: Price, day: Day
    ) -> None:
        """Take in an order that others gave to the broker: it holds nothing of ours, its deals are booked."""
        if coid in self.orders:
            raise InvariantError(f"external order {coid} is in the books already")
        if shares < 0 or price < 0:
            raise InvariantError(f"external order {coid} of {shares} shares at {price}")
        self.orders[coid] = OrderRecord(
            coid, coid, symbol, side, shares, price, EXTERNAL_RULE, Reason.EXTERNAL, 0, 0, day,
            state=OrderState.WORKING, broker_id=broker_id,
        )  # fmt: skip
        self._open(coid, symbol)

    def _open(self, coid: str, symbol: Symbol) -> None:
        self.open_coids[coid] = None
        self.open_of.setdefault(symbol, {})[coid] = None

    def adopted(self, coid: str, other: str) -> None:
        """Give an order in doubt what became of an external one: a person knows that they are the same."""
        order, theirs = self.order(coid), self.order(other)
        same = (order.symbol, order.side) == (theirs.symbol, theirs.side)
        if order.filled or not order.open or theirs.rule != EXTERNAL_RULE or not same or theirs.filled > order.shares:
            raise InvariantError(f"order {coid} cannot be {other}")
        for name in ("filled", "turnover", "fees", "taxes", "portions", "deals", "broker_id"):
            setattr(order, name, getattr(theirs, name))
        holding = self.positions.get(order.symbol)
        if order.side == Side.BUY:
            self._hold_cash(order, max(0, order.frozen_start - order.filled * order.price - order.fees))
        elif holding is not None:
            holding.frozen = max(0, holding.frozen - order.filled)
        if holding is not None and order.side == Side.BUY and holding.rule == EXTERNAL_RULE:
            holding.rule = order.rule
        order.state = OrderState.PARTIAL if theirs.filled else OrderState.WORKING
        ended, theirs.filled, theirs.shares = not theirs.open, 0, 0
        if not ended:
            self._end(other, OrderState.CANCELLED, Reason.RESOLVED_ADOPTED)
        if not order.left:
            order.state = OrderState.FILLED
            self._release(order)
        elif ended:
            self._end(coid, OrderState.CANCELLED, Reason.RESOLVED_ADOPTED)

    def found(self, symbol: Symbol, shares: Shares, bought_today: Shares, cost: Cash) -> None:
        """Begin with a position that the account held before its journal."""
        if self.orders or symbol in self.positions or not 0 <= bought_today <= shares or shares <= 0 or cost < 0:
            raise InvariantError(f"{shares} of {symbol} of cost {cost} are found in books that have begun")
        self.positions[symbol] = Holding(
            symbol, shares, bought_today, 0, cost, EXTERNAL_RULE, self.day, mark=cost // shares,
            lots=added((), self.day, shares),
        )  # fmt: skip
        self.equity_close += cost

    def accepted(self, coid: str, broker_id: str = "") -> None:
        """Mark an order as working at the broker; later states stay."""
        order = self.order(coid)
        order.broker_id = broker_id or order.broker_id
        if order.state in (OrderState.SENDING, OrderState.IN_DOUBT):
            order.state = OrderState.PARTIAL if order.filled else OrderState.WORKING

    def in_doubt(self, coid: str) -> None:
        """Mark an order as unknown; what it holds stays held."""
        order = self.order(coid)
        if order.open:
            order.state = OrderState.IN_DOUBT

    def income_of(self, symbol: Symbol, shares: Shares) -> tuple[Portion, ...]:
        """Return the dividends that would go with a sale of `shares` now, first in first out."""
        return taken(self._held(symbol).lots, shares)[1]

    def filled(self, coid: str, deal: str, shares: Shares, price: Price, fees: Cash, tax: Cash = 0) -> None:
        """Book one deal; a late one after a cancel counts too, even where it costs more than there is."""
        order = self.order(coid)
        if deal in self.deals:
            raise InvariantError(f"deal {deal} is booked already")
        if shares <= 0 or price <= 0 or min(fees, tax) < 0 or shares > order.left:
            raise InvariantError(f"deal {deal}: {shares} shares at {price}, {order.left} of the order are left")
        own = order.rule != EXTERNAL_RULE
        if order.side == Side.BUY and (tax or (own and price > order.price)):
            raise InvariantError(f"deal {deal}: bought at {price} with tax {tax}, the order's limit is {order.price}")
        self.deals.add(deal)
        order.filled += shares
        order.deals += 1
        order.turnover += shares * price
        order.fees += fees
        order.taxes += tax
        self.fees_total += fees
        self.fees_day += fees
        self.taxes_total += tax
        self.taxes_day += tax
        if order.side == Side.BUY:
            self._book_buy(order, shares, price, fees)
        else:
            self._book_sell(order, shares, price, fees + tax)
        if order.open:
            order.state = OrderState.PARTIAL if order.left else OrderState.FILLED
            if not order.left:
                self._release(order)

    def rejected(self, coid: str, reason: Reason) -> None:
        """End an order that the broker refused."""
        self._end(coid, OrderState.REJECTED, reason)

    def cancelled(self, coid: str, reason: Reason) -> None:
        """End an order whose cancel the broker confirmed."""
        self._end(coid, OrderState.CANCELLED, reason)

    def expired(self, coid: str, reason: Reason = Reason.DAY_END) -> None:
        """End an order that the close left unfilled."""
        self._end(coid, OrderState.EXPIRED, reason)

    # -------------------------------------------------------------- inside

    def _held(self, symbol: Symbol) -> Holding:
        try:
            return self.positions[symbol]
        except KeyError:
            raise InvariantError(f"nothing is held of {symbol}") from None

    def _hold_cash(self, order: OrderRecord, amount: Cash) -> None:
        self.frozen_cash += amount - order.frozen
        order.frozen = amount

    def _book_buy(self, order: OrderRecord, shares: Shares, price: Price, fees: Cash) -> None:
        self.cash -= shares * price + fees
        holding = self.positions.get(order.symbol)
        if holding is None:
            holding = Holding(order.symbol, rule=order.rule, opened_day=self.day, mark=price)
            self.positions[order.symbol] = holding
        holding.lots = added(holding.lots, self.day, shares)
        holding.shares += shares
        holding.bought_today += shares
        holding.cost += shares * price
        if order.open:
            # What the rest can still cost at most: its shares at the limit and the fees not charged yet.
            self._hold_cash(order, max(0, order.frozen_start - order.filled * order.price - order.fees))

    def _book_sell(self, order: OrderRecord, shares: Shares, price: Price, charges: Cash) -> None:
        holding = self._held(order.symbol)
        if shares > holding.shares - holding.bought_today:
            raise InvariantError(
                f"order {order.coid} sold {shares} of {order.symbol}, {holding.shares} are held and "
                f"{holding.bought_today} of them bought today"
            )
        holding.lots, portions = taken(holding.lots, shares)
        order.portions += portions
        holding.cost -= holding.cost * shares // holding.shares
        holding.shares -= shares
        if order.open and order.rule != EXTERNAL_RULE:
            holding.frozen -= shares
        self.cash += shares * price - charges
        self.sold_day += shares * price - charges
        if holding.shares == 0:
            del self.positions[order.symbol]

    def _release(self, order: OrderRecord) -> None:
        self.open_coids.pop(order.coid, None)
        of_stock = self.open_of.get(order.symbol, {})
        of_stock.pop(order.coid, None)
        if not of_stock:
            self.open_of.pop(order.symbol, None)
        if order.side == Side.BUY:
            self._hold_cash(order, 0)
        elif order.left and order.rule != EXTERNAL_RULE and (holding := self.positions.get(order.symbol)) is not None:
            holding.frozen = max(0, holding.frozen - order.left)  # less where the position it froze is gone since

    def _end(self, coid: str, state: OrderState, reason: Reason) -> None:
        order = self.order(coid)
        if not order.open:
            raise InvariantError(f"order {coid} ended as {order.state.name} and would end again as {state.name}")
        order.state, order.ended = state, reason
        self._release(order)
