"""Ex-days: reference price, shares, dividend, and the rescaling of prices and cost. Everything rounds half up.

Ratios come as new shares (or yuan) for one old share x 1,000,000.
"""

from common.domain.values import Cash, Day, Price, Shares
from common.rules.kernel import kernel
from common.rules.tables import FOREVER, TABLES_BEGIN

_E6 = 1_000_000


@kernel
def ex_right_reference(
    prev_close: Price,
    cash_e6: int,
    bonus_e6: int,
    rights_e6: int = 0,
    rights_price: Price = 0,
    day: Day = FOREVER,
) -> Price:
    """Return the reference price of an ex-day, to 0.01 yuan; 0 where the dividend eats the whole price.

    (close - dividend + rights price x rights ratio) / (1 + bonus ratio + rights ratio); the limits of the day are
    computed from the rounded value. A day before the tables begin gives 0. Differential dividends and restructurings
    have announced formulas of their own: take the exchange's previous close where there is one.
    """
    if day < TABLES_BEGIN:
        return 0
    over = (prev_close * 1000 - cash_e6) * _E6 + rights_price * 1000 * rights_e6
    under = (_E6 + bonus_e6 + rights_e6) * 10_000
    if over <= 0 or under <= 0:
        return 0
    return (2 * over + under) // (2 * under) * 10


@kernel
def rescale(price: Price, reference: Price, prev_close: Price) -> Price:
    """Return a price of before the ex-day as of the ex-day: x reference / previous close, to 0.001 yuan."""
    if prev_close <= 0 or reference <= 0:
        return price
    return (2 * price * reference + prev_close) // (2 * prev_close)


@kernel
def shares_after(shares: Shares, bonus_e6: int) -> Shares:
    """Return the shares held after the ex-day; a fraction of a share is dropped."""
    return shares + shares * bonus_e6 // _E6


@kernel
def dividend(shares: Shares, cash_e6: int) -> Cash:
    """Return the cash dividend of the shares held before the ex-day, to 0.01 yuan."""
    return (shares * cash_e6 + 5_000) // 10_000 * 10


@kernel
def rescale_cost(cost: Cash, reference: Price, prev_close: Price, before: Shares, after: Shares) -> Cash:
    """Return the total cost as of the ex-day: x reference / previous close x new shares / old shares, to 0.001 yuan.

    Rounded once. The whole part is taken out before the last product, so that 64 bits hold positions of 100 million
    yuan and more: compiled code must not say anything else than plain Python.
    """
    if prev_close <= 0 or reference <= 0 or before <= 0:
        return cost
    under = prev_close * before
    whole, rest = cost * after // under, cost * after % under
    return whole * reference + (rest * reference + under // 2) // under


@kernel
def cost_left(cost: Cash, sold: Shares, held: Shares) -> Cash:
    """Return the cost of what is left after a sale: it falls by floor(cost x sold / held)."""
    if held <= 0:
        return 0
    return cost - cost * sold // held
