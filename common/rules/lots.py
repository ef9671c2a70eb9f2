"""Whole quantities, odd lots and largest orders by board and date; a day left out asks for the rule now in force.

Sells look at what may be sold, because a remainder goes in one order.
"""

from common.domain.reasons import Reason
from common.domain.values import Day, Shares
from common.rules.kernel import kernel
from common.rules.tables import FOREVER, LOTS, ORDER_CAPS, ST_DAILY_CAPS

_NEVER_SOLD = 0


@kernel
def lot_minimum(board: int, day: Day = FOREVER) -> Shares:
    """Return the smallest buy of a board in shares; 0 = the board is unknown then."""
    for row in LOTS:
        if row.board == board and row.first <= day <= row.last:
            return row.minimum
    return _NEVER_SOLD


@kernel
def lot_step(board: int, day: Day = FOREVER) -> Shares:
    """Return the step of buys above the smallest one; 0 = the board is unknown then."""
    for row in LOTS:
        if row.board == board and row.first <= day <= row.last:
            return row.step
    return _NEVER_SOLD


@kernel
def order_cap(board: int, day: Day = FOREVER) -> Shares:
    """Return the largest limit order of a board on a day; 0 = the board is unknown then."""
    for row in ORDER_CAPS:
        if row.board == board and row.first <= day <= row.last:
            return row.shares
    return _NEVER_SOLD


@kernel
def market_order_cap(board: int, day: Day = FOREVER) -> Shares:
    """Return the largest market order of a board on a day; 0 = the board is unknown then."""
    for row in ORDER_CAPS:
        if row.board == board and row.first <= day <= row.last:
            return row.market
    return _NEVER_SOLD


@kernel
def st_daily_cap(board: int, day: Day = FOREVER) -> Shares:
    """Return how many shares of one ST stock an account may buy in a day; 0 = no such rule."""
    for row in ST_DAILY_CAPS:
        if row.board == board and row.first <= day <= row.last:
            return row.shares
    return 0


@kernel
def check_buy_lots(board: int, shares: Shares, day: Day = FOREVER) -> Reason:
    """Tell whether a buy is a whole quantity."""
    if shares <= 0:
        return Reason.BAD_QUANTITY
    step = lot_step(board, day)
    if step == 0 or shares < lot_minimum(board, day) or shares % step != 0:
        return Reason.ODD_LOT
    return Reason.NONE


@kernel
def check_sell_lots(board: int, shares: Shares, sellable: Shares, day: Day = FOREVER) -> Reason:
    """Tell whether a sell is a whole quantity, or takes the odd remainder of `sellable` with it in one order."""
    if shares <= 0:
        return Reason.BAD_QUANTITY
    step, minimum = lot_step(board, day), lot_minimum(board, day)
    if step == 0:
        return Reason.ODD_LOT
    if step == 1:
        return Reason.NONE if shares >= minimum or shares == sellable else Reason.ODD_LOT
    odd = shares % step
    return Reason.NONE if odd == 0 or (shares <= sellable and odd == sellable % step) else Reason.ODD_LOT


@kernel
def round_buy(board: int, shares: Shares, day: Day = FOREVER) -> Shares:
    """Round a quantity down to what may be bought; 0 = below one lot."""
    step = lot_step(board, day)
    if step == 0 or shares < lot_minimum(board, day):
        return 0
    return shares // step * step


@kernel
def round_sell(board: int, wanted: Shares, sellable: Shares, day: Day = FOREVER) -> Shares:
    """Return the most that one order may sell of `wanted` when `sellable` may be sold; 0 = nothing."""
    cap = order_cap(board, day)
    if wanted <= 0 or sellable <= 0 or cap == 0:
        return 0
    shares = min(wanted, sellable)
    if shares == sellable and shares <= cap:
        return shares
    shares = min(shares, cap)
    step = lot_step(board, day)
    if step == 1:
        return shares if shares >= lot_minimum(board, day) else 0
    return shares // step * step
