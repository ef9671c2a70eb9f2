"""Income tax of an individual holder on dividends, by the day of the event and how long the shares were held.

A lot is held from the day it was acquired to the day before it is sold. Lots are sold first in, first out. Since 2013
the tax is settled when the shares are sold; before that the rate was one and taken from the dividend itself.
"""

from common.domain.values import Cash, Day, Shares
from common.rules.kernel import kernel
from common.rules.tables import DIVIDEND_TAXES

_FACE_VALUE_E6 = 1_000_000
"""A bonus share out of profit counts as 1.00 yuan of dividend."""
_E6 = 1_000_000


@kernel
def one_month_after(day: Day) -> Day:
    """Return the same day of the next month, as a number to compare days with.

    31 January gives "31 February": all of February lies below it and the first of March above.
    """
    return day + 8_900 if day // 100 % 100 == 12 else day + 100


@kernel
def dividend_tax_bp(ex_day: Day, acquired: Day, sold: Day) -> int:
    """Return the tax on a dividend of `ex_day` in basis points of the gross amount, for a lot acquired and sold so.

    The holding ends the day before `sold`; up to one month means that this day is not after the day before the same
    day of the next month, and a year likewise. `acquired` lies before `ex_day` and `sold` not before it: others get no
    dividend. An `ex_day` before the tables begin gives 0.
    """
    for row in DIVIDEND_TAXES:
        if row.first <= ex_day <= row.last:
            if sold <= one_month_after(acquired):
                return row.to_month_bp
            if sold <= acquired + 10_000:
                return row.to_year_bp
            return row.over_year_bp
    return 0


@kernel
def sold_of_lot(older: Shares, lot: Shares, sold: Shares) -> Shares:
    """Return how many shares of a lot a sale of `sold` takes when `older` shares were acquired before it and go first."""
    return max(0, min(lot, sold - older))


@kernel
def taxable_dividend(shares: Shares, cash_e6: int, profit_bonus_e6: int = 0) -> Cash:
    """Return what is taxed for `shares` held before the ex-day: cash, and bonus shares out of profit at 1.00 yuan each.

    Both come per old share x 1,000,000, as in `corporate`. Shares out of capital reserve are not taxed: leave them out.
    """
    per_share_e6 = cash_e6 + profit_bonus_e6 * _FACE_VALUE_E6 // _E6
    return (shares * per_share_e6 + 5_000) // 10_000 * 10


@kernel
def dividend_tax(taxable: Cash, ex_day: Day, acquired: Day, sold: Day) -> Cash:
    """Return the tax on a taxable amount of one lot, rounded half up to 0.01 yuan."""
    return (taxable * dividend_tax_bp(ex_day, acquired, sold) + 50_000) // 100_000 * 10
