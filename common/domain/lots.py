"""Acquisition lots of a position, first in first out: which shares a sale takes, and the dividends they once received.

Only the tax on dividends asks how long a share was held; cost stays an average of the position. Pure: every function
returns new tuples. Whatever way a sale is cut into deals, the pieces of income add up to the same amounts.
"""

from collections.abc import Iterable
from typing import NamedTuple

from common.domain.errors import InvariantError
from common.domain.values import Cash, Day, Shares


class Income(NamedTuple):
    """A dividend that a lot received."""

    ex_day: Day
    shares: Shares
    """Shares of the lot on the ex-day."""
    amount: Cash
    """What is taxed for all of them, 0.001 yuan."""


class Lot(NamedTuple):
    """Shares acquired on one day that received the same dividends."""

    acquired: Day
    shares: Shares
    """Left of it."""
    incomes: tuple[Income, ...] = ()


class Portion(NamedTuple):
    """Income that leaves with sold shares, to be taxed by how long they were held."""

    acquired: Day
    ex_day: Day
    amount: Cash


Lots = tuple[Lot, ...]


def shares_of(lots: Iterable[Lot]) -> Shares:
    """Return the shares of all lots."""
    return sum(lot.shares for lot in lots)


def added(lots: Lots, acquired: Day, shares: Shares) -> Lots:
    """Return the lots with shares acquired on a day, which is no earlier than the day of any of them."""
    if shares <= 0:
        return lots
    if lots and lots[-1].acquired > acquired:
        raise InvariantError(f"a lot of {acquired} after one of {lots[-1].acquired}")
    if lots and lots[-1].acquired == acquired and not lots[-1].incomes:
        return (*lots[:-1], Lot(acquired, lots[-1].shares + shares))
    return (*lots, Lot(acquired, shares))


def with_income(lots: Lots, ex_day: Day, taxable: Cash) -> Lots:
    """Return the lots after a dividend: `taxable` is spread by shares, oldest first, to the last 0.001 yuan."""
    held = shares_of(lots)
    if taxable <= 0 or held <= 0:
        return lots
    found: list[Lot] = []
    before = 0
    for lot in lots:
        through = before + lot.shares
        amount = taxable * through // held - taxable * before // held
        found.append(lot._replace(incomes=(*lot.incomes, Income(ex_day, lot.shares, amount))))
        before = through
    return tuple(found)


def taken(lots: Lots, shares: Shares) -> tuple[Lots, tuple[Portion, ...]]:
    """Return the lots after a sale of `shares`, the oldest going first, and the income that goes with them."""
    if not 0 <= shares <= shares_of(lots):
        raise InvariantError(f"{shares} shares taken from lots of {shares_of(lots)}")
    portions: list[Portion] = []
    left = shares
    for at, lot in enumerate(lots):
        if left == 0:
            return lots[at:], tuple(portions)
        gone = min(left, lot.shares)
        portions += _portions(lot, gone)
        left -= gone
        if gone < lot.shares:
            return (lot._replace(shares=lot.shares - gone), *lots[at + 1 :]), tuple(portions)
    return (), tuple(portions)


def _portions(lot: Lot, gone: Shares) -> list[Portion]:
    found = []
    for income in lot.incomes:
        # Counted from the ex-day on, so that two deals take together what one would have taken.
        before = income.shares - lot.shares
        amount = income.amount * (before + gone) // income.shares - income.amount * before // income.shares
        found.append(Portion(lot.acquired, income.ex_day, amount))
    return found
