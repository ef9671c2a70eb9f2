"""From a slot of money, or a share of what is held, to whole quantities."""

from typing import NamedTuple

from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side
from common.rules.fees import fees
from common.rules.kernel import kernel
from common.rules.lots import lot_minimum, lot_step, order_cap, round_buy, round_sell
from common.rules.tables import FOREVER

_BUY = int(Side.BUY)
_HIGHEST_FEES_E7 = 60_000
"""More than stamp duty and transfer fee on turnover in any row of `FEES`; those on face value are at most 0.001 yuan a share."""
_ROUNDING = 100
"""0.001 yuan; three fees, each rounded to 0.01 yuan."""


class Sizing(NamedTuple):
    """How many shares, or why none."""

    shares: Shares
    reason: Reason


@kernel
def buy_need(shares: Shares, price: Price, day: Day, exchange: int, commission_e7: int, commission_min: Cash) -> Cash:
    """Return the cash a buy freezes: its worst turnover and the fees on it."""
    turnover = shares * price
    return turnover + fees(_BUY, day, exchange, turnover, 0, commission_e7, commission_min, shares, 0)


@kernel
def size_buy(
    slot_cash: Cash,
    free_cash: Cash,
    price: Price,
    board: int,
    day: Day,
    exchange: int,
    commission_e7: int,
    commission_min: Cash,
) -> Sizing:
    """Return the most whole lots that the slot, cut to free cash, pays for with fees; below one lot it is denied."""
    budget = min(slot_cash, free_cash)
    if price <= 0 or budget <= 0:
        return Sizing(0, Reason.BELOW_ONE_LOT)
    minimum, step = lot_minimum(board, day), lot_step(board, day)
    most = round_buy(board, min(budget // price, order_cap(board, day)), day)
    if most == 0 or buy_need(minimum, price, day, exchange, commission_e7, commission_min) > budget:
        return Sizing(0, Reason.BELOW_ONE_LOT)
    steps = (most - minimum) // step
    # A step less needs less by at most this: its price, all fees at their highest, and what rounding moves.
    dearest = step * price + step * price * (commission_e7 + _HIGHEST_FEES_E7) // 10_000_000 + step + _ROUNDING
    while True:
        over = buy_need(minimum + steps * step, price, day, exchange, commission_e7, commission_min) - budget
        if over <= 0:
            return Sizing(minimum + steps * step, Reason.NONE)
        steps -= max(1, over // dearest)


@kernel
def reduce_shares(shares: Shares, fraction_bp: int, board: int, day: Day = FOREVER) -> Shares:
    """Return how many of the held shares a REDUCE sells: the fraction rounded down to lots, at least one lot.

    One lot or less left: all of it.
    """
    minimum, step = lot_minimum(board, day), lot_step(board, day)
    if shares <= minimum or step == 0:
        return shares
    part = shares * fraction_bp // 10_000 // step * step
    return min(max(part, minimum), shares)


@kernel
def size_sell(wanted: Shares, sellable: Shares, board: int, day: Day = FOREVER) -> Sizing:
    """Return what one order may sell now of `wanted`; nothing sellable is T+1 (or other orders) holding it back."""
    if sellable <= 0:
        return Sizing(0, Reason.T1_UNSELLABLE)
    shares = round_sell(board, wanted, sellable, day)
    return Sizing(shares, Reason.NONE if shares > 0 else Reason.BELOW_ONE_LOT)


@kernel
def size_reduce(shares: Shares, sellable: Shares, fraction_bp: int, board: int, day: Day = FOREVER) -> Sizing:
    """Return what a REDUCE of the fraction sells now of `shares` held, `sellable` of them free."""
    return size_sell(reduce_shares(shares, fraction_bp, board, day), sellable, board, day)
