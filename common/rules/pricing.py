"""Prices of marketable limit orders: as far as band, cage and 2 % from last allow, on the tick."""

from common.domain.values import Day, Price, Side
from common.rules.cage import cage_bounds
from common.rules.kernel import kernel

REACH_BP = 200
"""How far from the last price an order may be."""
_TICK = 10
_BUY, _SELL = int(Side.BUY), int(Side.SELL)


@kernel
def reach_high(last: Price, reach_bp: int = REACH_BP) -> Price:
    """Return the highest price within reach of the last one: rounded down to the tick, at least one tick away."""
    return max(last * (10_000 + reach_bp) // (10_000 * _TICK) * _TICK, last // _TICK * _TICK + _TICK)


@kernel
def reach_low(last: Price, reach_bp: int = REACH_BP) -> Price:
    """Return the lowest price within reach of the last one: rounded up to the tick, at least one tick away."""
    low = -(-last * (10_000 - reach_bp) // (10_000 * _TICK)) * _TICK
    return max(min(low, -(-last // _TICK) * _TICK - _TICK), _TICK)


@kernel
def marketable_buy_price(
    board: int,
    day: Day,
    last: Price,
    best_bid: Price,
    best_ask: Price,
    prev_close: Price,
    up_limit: Price,
    down_limit: Price,
    reach_bp: int = REACH_BP,
) -> Price:
    """Return the price of a buy that should trade at once, 0.001 yuan; limits of 0 = none."""
    middle = last if last > 0 else prev_close
    price = reach_high(middle, reach_bp)
    cage = cage_bounds(board, day, _BUY, best_bid, best_ask, last, prev_close)
    if cage.high > 0:
        price = min(price, cage.high)
    if up_limit > 0:
        price = min(price, up_limit)
    return max(price, down_limit, _TICK)


@kernel
def marketable_sell_price(
    board: int,
    day: Day,
    last: Price,
    best_bid: Price,
    best_ask: Price,
    prev_close: Price,
    up_limit: Price,
    down_limit: Price,
    reach_bp: int = REACH_BP,
) -> Price:
    """Return the price of a sell that should trade at once, 0.001 yuan; locked at the down limit it rests there."""
    middle = last if last > 0 else prev_close
    price = reach_low(middle, reach_bp)
    cage = cage_bounds(board, day, _SELL, best_bid, best_ask, last, prev_close)
    price = max(price, cage.low, down_limit, _TICK)
    return min(price, up_limit) if up_limit > 0 else price
