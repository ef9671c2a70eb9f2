"""An account that lives through days of a few lines each: the real gateway on its paper exchange, deep books."""

from common.domain.values import Side
from common.messages.orders import (
    Account,
    AccountRequest,
    CancelRequest,
    CorporateAction,
    DayClosed,
    OrderFilled,
    PositionRow,
    Positions,
    PositionsRequest,
    PositionWrittenOff,
)
from services.order_gateway.settings import Settings
from tests.builders import PREV_DAY, Quote, table
from tests.gateway_rig import Rig

A = "600001.SH"
DEEP = 9_000_000


def yuan(amount: float) -> int:
    """Return an amount in 0.001 yuan."""
    return round(amount * 1000)


class Story:
    """One stock, one account; prices and amounts in yuan."""

    def __init__(self, cash: float = 1_000_000, symbol: str = A) -> None:
        self.rig = Rig(Settings(cash=yuan(cash)))
        self.symbol = symbol
        self.number = 0
        self.keys = 0
        self.last_day = PREV_DAY
        self.close_price = 10.0

    # ------------------------------------------------------------------ what happens

    def day(
        self,
        day: int,
        *,
        reference: float = 0,
        cash: float = 0,
        bonus: float = 0,
        profit: float = 0,
        suspended: bool = False,
        there: bool = True,
        delisted: bool = False,
    ) -> None:
        """Begin a day; `cash`, `bonus` (all new shares) and `profit` (those out of profit) are per old share."""
        known = {self.symbol: self.close_price} if there else {"000009.SZ": 5.0}
        e6 = {"bonus_e6": bonus, "cash_e6": cash, "profit_e6": profit}
        made = table(
            known, day=day, references={self.symbol: reference} if reference else None,
            flags={self.symbol: 2} if suspended else None, delisted=[self.symbol] if delisted else (),
            **{name: {self.symbol: round(value * 1_000_000)} for name, value in e6.items() if value},  # type: ignore[arg-type]  # forwarded by name
        )  # fmt: skip
        self.rig.tape.open(made, self.last_day)
        self.rig.play()
        self.last_day, self.number = day, 0

    def quote(self, bid: float, ask: float, volume: int = DEEP) -> None:
        """Let the market stand at a bid and an ask, the last price being the ask."""
        self.number += 1
        at = f"{9 + (30 + self.number) // 60:02d}:{(30 + self.number) % 60:02d}:00"
        seen = Quote(ask, bid=[(bid, volume)], ask=[(ask, volume)], volume=self.number * 1000)
        self.rig.tape.push(self.number, at, {self.symbol: seen})
        self.rig.play()
        self.close_price = ask

    def order(self, side: Side, shares: int, price: float) -> str:
        """Place an order; returns its id."""
        self.keys += 1
        made = self.rig.order(f"k{self.keys}", self.symbol, shares, price, side)
        self.rig.submit(made)
        return made.coid

    def buy(self, shares: int, price: float) -> OrderFilled:
        """Buy at the ask, all at once."""
        self.quote(price - 0.01, price)
        self.order(Side.BUY, shares, price)
        return self.fill(shares, price)

    def sell(self, shares: int, price: float) -> OrderFilled:
        """Sell at the bid, all at once."""
        self.quote(price, price + 0.01)
        self.order(Side.SELL, shares, price)
        return self.fill(shares, price)

    def fill(self, shares: int, price: float) -> OrderFilled:
        """Return the last deal, which must be the one meant."""
        found = self.fills()[-1]
        assert (found.shares, found.price) == (shares, yuan(price))
        return found

    def cancel(self, coid: str) -> None:
        """Cancel an order by hand."""
        self.keys += 1
        self.rig.ask(CancelRequest(f"c{self.keys}", coid))

    def close(self, price: float) -> None:
        """End the day at a price."""
        self.number += 1
        self.rig.tape.push(self.number, "15:00:00", {self.symbol: Quote(price, volume=self.number * 1000)})
        self.rig.play()
        self.close_price = price

    # ------------------------------------------------------------------ what the account says

    @property
    def account(self) -> Account:
        """The account as anybody sees it."""
        found = self.rig.ask(AccountRequest())
        assert isinstance(found, Account)
        return found

    @property
    def position(self) -> PositionRow:
        """The position as anybody sees it."""
        found = self.rig.ask(PositionsRequest())
        assert isinstance(found, Positions)
        (row,) = found.rows
        return row

    def fills(self) -> list[OrderFilled]:
        """Return the deals so far."""
        return self.rig.events(OrderFilled)  # type: ignore[return-value]  # the kind asked for

    def ex(self) -> CorporateAction:
        """Return the last ex-day."""
        return self.rig.events(CorporateAction)[-1]  # type: ignore[return-value]  # the kind asked for

    def gone(self) -> list[PositionWrittenOff]:
        """Return the positions written off."""
        return self.rig.events(PositionWrittenOff)  # type: ignore[return-value]  # the kind asked for

    def closed(self) -> DayClosed:
        """Return the last close."""
        return self.rig.events(DayClosed)[-1]  # type: ignore[return-value]  # the kind asked for
