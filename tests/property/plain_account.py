"""A slow account in plain words: a list of single shares, each with its birthday and what it was paid. For comparison.

Nothing of the ledger's ways is used here: no lots, no sums carried along, no portions.
"""

from dataclasses import dataclass, field
from itertools import groupby

from common.rules.dividend import dividend_tax_bp


@dataclass
class Share:
    acquired: int
    paid: dict[int, int] = field(default_factory=dict)
    """Ex-day to taxable income of this one share, 0.001 yuan."""


@dataclass
class PlainPosition:
    shares: list[Share] = field(default_factory=list)
    """Oldest first."""
    cost: int = 0


class PlainAccount:
    """Cash, positions and what was sold in each order."""

    def __init__(self, cash: int) -> None:
        self.cash = cash
        self.day = 0
        self.positions: dict[str, PlainPosition] = {}
        self.sold: dict[str, list[Share]] = {}
        self.taxes: dict[str, int] = {}

    def buy(self, symbol: str, shares: int, price: int, fees: int) -> None:
        position = self.positions.setdefault(symbol, PlainPosition())
        position.shares += [Share(self.day) for _ in range(shares)]
        position.cost += shares * price
        self.cash -= shares * price + fees

    def tax_of(self, coid: str, symbol: str, shares: int, day: int) -> int:
        """Return what selling so many more shares adds to the tax of an order."""
        return self._tax([*self.sold.get(coid, []), *self.positions[symbol].shares[:shares]], day) - self.taxes.get(
            coid, 0
        )

    def sell(self, coid: str, symbol: str, shares: int, price: int, fees: int, tax: int) -> None:
        position = self.positions[symbol]
        position.cost -= position.cost * shares // len(position.shares)
        self.sold.setdefault(coid, []).extend(position.shares[:shares])
        self.taxes[coid] = self.taxes.get(coid, 0) + tax
        position.shares = position.shares[shares:]
        self.cash += shares * price - fees - tax
        if not position.shares:
            del self.positions[symbol]

    def ex(self, symbol: str, new: int, cash: int, cost: int, taxable: int) -> None:
        position = self.positions[symbol]
        held, at = len(position.shares), 0
        # Shares that were born together and were paid the same share a sum; within it the older ones round down first.
        for _, group in groupby(position.shares, key=lambda share: (share.acquired, tuple(share.paid))):
            same = list(group)
            amount = taxable * (at + len(same)) // held - taxable * at // held
            for number, share in enumerate(same):
                part = amount * (number + 1) // len(same) - amount * number // len(same)
                if taxable:
                    share.paid[self.day] = part
            at += len(same)
        position.shares += [Share(self.day) for _ in range(new)]
        position.cost = cost
        self.cash += cash

    def write_off(self, symbol: str) -> None:
        del self.positions[symbol]

    @staticmethod
    def _tax(shares: list[Share], day: int) -> int:
        total = sum(
            amount * dividend_tax_bp(ex_day, share.acquired, day)
            for share in shares
            for ex_day, amount in share.paid.items()
        )
        fen, rest = divmod(total, 100_000)
        return (fen + (rest >= 50_000)) * 10
