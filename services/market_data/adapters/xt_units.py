"""What the vendor's volumes count: settled from the day's own trades, group by group, or the group's quotes are refused.

The average price of a day, turnover / shares, lies between the day's low and high. Read as shares, or as lots of 100, a
volume meets that for one reading only, since no stock moves a hundredfold in a day. The daily bar says the same of a day
that is over, so the quotes of the session before serve as well: they settle the units before the open.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.values import Board
from services.market_data.adapters.xt_columns import Raw, Units

GROUPS = ("SH", "STAR", "SZ", "BJ")
"""Exchanges, and the STAR board, which may count otherwise (notes §2.2 [?])."""
READINGS = (1, 100)
VOTES_MIN = 20
"""Quotes that must agree, where the group has that many stocks."""
FEW = 3
"""The least that settles a group of few stocks."""
AGREE_BP = 9_500
UNITS_MIN = 200
"""Least volume of a quote that is heard: a volume cut down to whole lots is off by one in 200 at most."""
SLACK = 0.006
UNSETTLED = Units(0, False)


def group_numbers(symbols: list[str], boards: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the group of every row of an instrument table, as an index into `GROUPS`."""
    named = [
        "STAR" if board == Board.STAR else symbol.rpartition(".")[2]
        for symbol, board in zip(symbols, boards, strict=True)
    ]
    return np.array([GROUPS.index(name) for name in named], np.uint8)


class Verdict(NamedTuple):
    """What the votes of a group say."""

    units: Units
    votes: dict[str, int]
    """Quotes for each reading, for the log and the status."""


class UnitCourt:
    """Gathers votes until each group's units are settled; what is settled stays for the day."""

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        self.units = [UNSETTLED] * len(GROUPS)
        self._sizes = sizes
        """Stocks of each group."""
        self._votes = np.zeros((len(GROUPS), 4), np.int64)
        """By group: volume in shares, volume in lots, pvolume in shares, pvolume absent or otherwise."""

    def needs(self) -> bool:
        """Tell whether a group with stocks is open still."""
        return any(unit.lots == 0 for unit, size in zip(self.units, self._sizes, strict=True) if size)

    def hear(self, raw: Raw, group_of: NDArray[np.uint8]) -> list[tuple[str, Verdict]]:
        """Take the votes of quotes that have traded; returns the groups that are settled by them."""
        high, low, volume, amount, exact = (raw.scalars[row] for row in (4, 5, 6, 7, 9))
        fit = np.isfinite(raw.scalars).all(axis=0) & (volume >= UNITS_MIN) & (amount > 0) & (low > 0) & (high >= low)
        if not fit.any():
            return []
        groups = group_of[raw.at][fit].astype(np.intp)
        high, low, volume, amount, exact = high[fit], low[fit], volume[fit], amount[fit], exact[fit]
        for column, reading in enumerate(READINGS):
            np.add.at(self._votes[:, column], groups, _within(amount / (volume * reading), low, high))
        counted = exact > 0
        average = np.divide(amount, exact, out=np.zeros_like(amount), where=counted)
        shares = counted & _within(average, low, high)
        np.add.at(self._votes[:, 2], groups, shares)
        np.add.at(self._votes[:, 3], groups, ~shares)
        return [found for number in range(len(GROUPS)) if (found := self._judge(number)) is not None]

    def _judge(self, number: int) -> tuple[str, Verdict] | None:
        if self.units[number].lots or not self._sizes[number]:
            return None
        as_shares, as_lots, exact, other = (int(votes) for votes in self._votes[number])
        needed = max(FEW, min(VOTES_MIN, int(self._sizes[number]) // 2))
        if as_shares + as_lots < needed or max(as_shares, as_lots) * 10_000 < (as_shares + as_lots) * AGREE_BP:
            return None
        lots = READINGS[int(as_lots > as_shares)]
        self.units[number] = Units(lots, exact * 10_000 >= (exact + other) * AGREE_BP)
        votes = {"shares": as_shares, "lots": as_lots, "pvolume": exact, "no_pvolume": other}
        return GROUPS[number], Verdict(self.units[number], votes)


def _within(average: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (average >= low * (1 - SLACK)) & (average <= high * (1 + SLACK))
    return inside
