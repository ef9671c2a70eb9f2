"""The account as the risk manager sees it: the gateway's events, and what was sent and is not among them yet."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from common.domain.orders import OrderState
from common.domain.positions import Holding, Ledger, OrderRecord
from common.domain.values import Cash, Price, PushId, Shares, Side, Symbol
from common.messages.fold import fold
from common.messages.kept import KeptOrder
from common.messages.orders import EventRow
from services.risk_manager.record import Record

ANY_PUSH: PushId = 1 << 62
"""After every push there is."""


class Portfolio:
    """Books folded from events, less what our own orders on their way will hold."""

    def __init__(self, sent: Mapping[str, KeptOrder]) -> None:
        self.ledger = Ledger()
        self.record = Record()
        self._sent = sent

    def apply(self, rows: Sequence[EventRow]) -> None:
        """Take in events, in order."""
        for row in rows:
            fold(self.ledger, row.event)
            self.record.take(row)

    def holding(self, symbol: Symbol) -> Holding | None:
        """Return the position in a stock, None when nothing is held."""
        return self.ledger.positions.get(symbol)

    def order(self, coid: str) -> OrderRecord | None:
        """Return an order as the gateway's events tell it; None when they do not yet."""
        return self.ledger.orders.get(coid)

    def unbooked(self, symbol: Symbol = "", side: int = 0) -> Iterator[KeptOrder]:
        """Go through the orders that were sent and are not in the books; of one stock or side where given."""
        for coid, kept in self._sent.items():
            order = kept.order
            if coid not in self.ledger.orders and (not symbol or order.symbol == symbol) and side in (0, order.side):
                yield kept

    @property
    def free_cash(self) -> Cash:
        """Return the cash that a new order may use: what working and sent buys hold is reserved."""
        return self.ledger.free_cash - sum(kept.need for kept in self.unbooked())

    def frozen(self, symbol: Symbol, before: PushId = ANY_PUSH) -> Shares:
        """Return the shares that working and sent sells hold; of what is on its way, only what was sent before a push."""
        holding = self.holding(symbol)
        booked = holding.frozen if holding is not None else 0
        sent = (kept.order for kept in self.unbooked(symbol, Side.SELL))
        return booked + sum(order.shares for order in sent if order.push < before)

    def sellable(self, symbol: Symbol) -> Shares:
        """Return the shares that a new sell may use."""
        holding = self.holding(symbol)
        return max(0, holding.shares - holding.bought_today - self.frozen(symbol)) if holding is not None else 0

    def working(self, symbol: Symbol, side: int = 0) -> int:
        """Return the number of orders of a stock that may still fill."""
        booked = sum(1 for _ in self.ledger.open_orders(symbol, side))
        return booked + sum(1 for _ in self.unbooked(symbol, side))

    def bought(self, symbol: Symbol) -> Cash:
        """Return what the buys of a stock that may still fill can cost, without fees."""
        booked = sum(record.left * record.price for record in self.ledger.open_orders(symbol, Side.BUY))
        return booked + sum(kept.order.shares * kept.order.price for kept in self.unbooked(symbol, Side.BUY))

    def own_buys(self, symbol: Symbol) -> list[str]:
        """Return the buys of a stock that were sent from here and may still fill; one in doubt nobody can cancel."""
        return [
            coid
            for coid, kept in self._sent.items()
            if kept.order.symbol == symbol and kept.order.side == Side.BUY and self._is_known(coid)
        ]

    def _is_known(self, coid: str) -> bool:
        record = self.order(coid)
        return record is None or record.state is not OrderState.IN_DOUBT

    def slots(self) -> dict[Symbol, str]:
        """Return the stocks that take a slot and the rule each counts to: positions first, then buys under way."""
        taken = {symbol: holding.rule for symbol, holding in self.ledger.positions.items()}
        for record in self.ledger.open_orders(side=Side.BUY):
            taken.setdefault(record.symbol, record.rule)
        for kept in self.unbooked(side=Side.BUY):
            taken.setdefault(kept.order.symbol, kept.order.rule)
        return taken

    def equity(self, last_of: Callable[[Symbol], Price]) -> Cash:
        """Return cash and market value together."""
        return self.ledger.equity(last_of)
