"""Pre-trade checks, one function each, for risk and gateway alike: `Reason.NONE` when all is well.

`check_buy_lots` and `check_sell_lots` are in `lots.py`.
"""

from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Phase, Price, Shares, Side
from common.rules.cage import cage_bounds
from common.rules.kernel import kernel
from common.rules.lots import check_buy_lots, check_sell_lots, order_cap
from common.rules.phases import may_cancel
from common.rules.pricing import REACH_BP, reach_high, reach_low

__all__ = [
    "check_band",
    "check_board",
    "check_buy_lots",
    "check_cage",
    "check_cancel_phase",
    "check_cash",
    "check_far_from_last",
    "check_phase",
    "check_sell_lots",
    "check_sellable",
    "check_size_cap",
    "check_suspended",
    "check_tick",
]

_TICK = 10
_BUY = int(Side.BUY)
_CONTINUOUS = int(Phase.CONTINUOUS)


@kernel
def check_phase(phase: int) -> Reason:
    """Orders enter in continuous trading only: auction snapshots carry virtual prices."""
    return Reason.NONE if phase == _CONTINUOUS else Reason.PHASE_CLOSED


@kernel
def check_cancel_phase(exchange: int, second: int, day: Day) -> Reason:
    """Tell whether the exchange takes a cancel at a second of the day."""
    return Reason.NONE if may_cancel(exchange, second, day) else Reason.CANCEL_REFUSED_BY_PHASE


@kernel
def check_suspended(suspended: bool) -> Reason:
    """A suspended stock takes no orders."""
    return Reason.SUSPENDED if suspended else Reason.NONE


@kernel
def check_board(board: int, allowed_mask: int) -> Reason:
    """Tell whether the configuration allows a board; `allowed_mask` as `boards.board_mask` makes it."""
    return Reason.NONE if allowed_mask >> board & 1 else Reason.BOARD_NOT_ALLOWED


@kernel
def check_tick(price: Price) -> Reason:
    """A price is a positive multiple of 0.01 yuan."""
    return Reason.NONE if price > 0 and price % _TICK == 0 else Reason.OFF_TICK


@kernel
def check_band(price: Price, up_limit: Price, down_limit: Price) -> Reason:
    """A price lies within the day's limits; limits of 0 = none."""
    if (up_limit > 0 and price > up_limit) or price < down_limit:
        return Reason.OUTSIDE_BAND
    return Reason.NONE


@kernel
def check_cage(
    board: int, day: Day, side: int, price: Price, best_bid: Price, best_ask: Price, last: Price, prev_close: Price
) -> Reason:
    """A limit order in continuous trading lies within the price cage."""
    cage = cage_bounds(board, day, side, best_bid, best_ask, last, prev_close)
    if price < cage.low or (cage.high > 0 and price > cage.high):
        return Reason.OUTSIDE_CAGE
    return Reason.NONE


@kernel
def check_far_from_last(side: int, price: Price, last: Price, reach_bp: int = REACH_BP) -> Reason:
    """A buy lies within reach of the last price on both sides, a sell is not far below it; 0 = no last price.

    Reach is 2 %, at least one tick. A sell far above the last price only rests: it is neither opening nor marketable.
    """
    if last <= 0:
        return Reason.NONE
    if price < reach_low(last, reach_bp) or (side == _BUY and price > reach_high(last, reach_bp)):
        return Reason.FAR_FROM_LAST
    return Reason.NONE


@kernel
def check_size_cap(board: int, day: Day, shares: Shares) -> Reason:
    """An order is not above the board's largest one."""
    return Reason.NONE if shares <= order_cap(board, day) else Reason.ORDER_TOO_LARGE


@kernel
def check_cash(need: Cash, free_cash: Cash) -> Reason:
    """A buy with its fees is covered by free cash."""
    return Reason.NONE if need <= free_cash else Reason.INSUFFICIENT_CASH


@kernel
def check_sellable(shares: Shares, sellable: Shares, bought_today: Shares) -> Reason:
    """A sell is covered by what may be sold; what only T+1 holds back is told apart."""
    if shares <= sellable:
        return Reason.NONE
    return Reason.T1_UNSELLABLE if shares <= sellable + bought_today else Reason.INSUFFICIENT_SHARES
