"""Dividend tax of a sale: the incomes that leave with the sold shares, each at its rate, rounded once for the order.

Source: notices Caishui [2012] 85 and [2015] 101; the rates by date are in `dividend`. The tax is charged when the shares
are sold, also where the law of that time took a part of it from the dividend itself (events before 2015-09-08).
"""

from collections.abc import Iterable

from common.domain.lots import Portion
from common.domain.values import Cash, Day
from common.rules.dividend import dividend_tax_bp


def withheld(portions: Iterable[Portion], sold: Day) -> Cash:
    """Return the tax on everything an order has sold so far, rounded half up to 0.01 yuan."""
    total = sum(each.amount * dividend_tax_bp(each.ex_day, each.acquired, sold) for each in portions)
    return (total + 50_000) // 100_000 * 10


def added_tax(before: Iterable[Portion], new: Iterable[Portion], sold: Day) -> Cash:
    """Return what a deal adds to the tax of its order: deals of an order sum to the tax of the order."""
    before = tuple(before)
    return withheld((*before, *new), sold) - withheld(before, sold)
