"""What an order gets from bars: both backtest engines call these kernels. Pure integers, scalars and NamedTuples only.

A decision on a closed bar executes from the next bar on:

- A marketable order trades at the bar's open, inside band and cage, and at most `participation_bp` of the bar's
  volume; the rest goes on in the bars after. It never trades at a limit locked against it.
- A marketable order whose cancel time lies inside the very next bar meets that bar's open and nothing after it.
- An order queued at the limit of the day is the doubtful case. OPTIMISTIC: filled when a later bar trades there.
  PESSIMISTIC: only when a later bar trades on the near side of the limit (the board opened). EXPECTED: then too, and
  on bars locked at the limit it gets its share (`participation_bp`) of what is traded after an assumed queue. The
  queue is assumed because bars show none: `queue_turnover_bp` of the day's turnover so far.

Nothing here ever gives more than a bar traded.
"""

from typing import NamedTuple

from common.domain.values import Day, Price, Shares, Side
from common.rules.kernel import kernel
from common.rules.matching import EXPECTED, OPTIMISTIC
from common.rules.pricing import marketable_buy_price, marketable_sell_price

PARTICIPATION_BP = 1_000
"""Of a bar's volume, so much is ours at most."""
QUEUE_TURNOVER_BP = 3_000
"""Assumed queue at the limit in basis points of the day's turnover so far."""
_BUY = int(Side.BUY)
_BP = 10_000
_LOT = 100
_TICK = 10


class BarView(NamedTuple):
    """One bar and the day's limits, 0.001 yuan and shares; 0 = no limit."""

    open: Price
    high: Price
    low: Price
    close: Price
    volume: Shares
    up_limit: Price
    down_limit: Price


class BarDeal(NamedTuple):
    """Shares at a price; 0 shares = nothing."""

    shares: Shares
    price: Price


class QueuedDeal(NamedTuple):
    """Shares at a price, and the shares that still stand ahead of the rest."""

    shares: Shares
    price: Price
    ahead: Shares


class BarOrder(NamedTuple):
    """What is left of an order between two bars."""

    side: int
    left: Shares
    queued: bool
    """At the limit of the day that its side seals; else marketable."""
    ahead: Shares
    """Of a queued order: shares taken to stand ahead."""


class Worked(NamedTuple):
    """What a bar gave an order, and what is left of it."""

    shares: Shares
    price: Price
    order: BarOrder


@kernel
def bar_ok(bar: BarView) -> bool:
    """Tell whether a bar can be traded on: traded, in order, on the tick and inside the day's limits."""
    if bar.volume <= 0 or bar.low <= 0:
        return False
    if not (bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high):
        return False
    if bar.open % _TICK != 0 or bar.high % _TICK != 0 or bar.low % _TICK != 0:
        return False
    return bar.low >= bar.down_limit and (bar.up_limit <= 0 or bar.high <= bar.up_limit)


@kernel
def locked_up(bar: BarView) -> bool:
    """Tell whether a bar traded at its up limit only."""
    return 0 < bar.up_limit <= bar.low


@kernel
def locked_down(bar: BarView) -> bool:
    """Tell whether a bar traded at its down limit only."""
    return 0 < bar.high <= bar.down_limit


@kernel
def bar_share(volume: Shares, participation_bp: int) -> Shares:
    """Return our part of a volume in whole lots."""
    return max(0, volume) * participation_bp // (_BP * _LOT) * _LOT


@kernel
def order_price(
    side: int, board: int, day: Day, close: Price, prev_close: Price, up_limit: Price, down_limit: Price
) -> Price:
    """Return the price a marketable order is given at the end of a bar: within reach, cage and band of its close.

    As in live trading (`pricing.py`), with the cage built on the last price because bars show no best bid and ask.
    """
    if side == _BUY:
        return marketable_buy_price(board, day, close, 0, 0, prev_close, up_limit, down_limit)
    return marketable_sell_price(board, day, close, 0, 0, prev_close, up_limit, down_limit)


@kernel
def marketable_price(side: int, bar: BarView, order: Price) -> Price:
    """Return the price at which a marketable order trades on this bar, 0.001 yuan; 0 = it does not.

    At the open. Opened at the limit that stops us, we wait there and trade at the limit when the bar leaves it. Opened
    beyond the order's own price (`order`, 0 = none), we rest at that and trade there when the bar goes on through it.
    """
    if side == _BUY:
        if locked_up(bar):
            return 0
        price = bar.open if bar.up_limit <= 0 else min(bar.open, bar.up_limit)
        if order > 0 and price > order:
            return order if bar.low < order else 0
        return price
    if locked_down(bar):
        return 0
    price = max(bar.open, bar.down_limit)
    if order > 0 and price < order:
        return order if bar.high > order else 0
    return price


@kernel
def marketable_on_bar(
    side: int, left: Shares, bar: BarView, order: Price, participation_bp: int, taken: Shares
) -> BarDeal:
    """Return what a marketable order of `left` shares at the price `order` gets; `taken` is what we had of this bar."""
    if left <= 0 or not bar_ok(bar):
        return BarDeal(0, 0)
    price = marketable_price(side, bar, order)
    if price <= 0:
        return BarDeal(0, 0)
    return BarDeal(max(0, min(left, bar_share(bar.volume, participation_bp) - taken)), price)


@kernel
def marketable_at_open(
    side: int, left: Shares, bar: BarView, order: Price, participation_bp: int, alive_s: int, length_s: int
) -> BarDeal:
    """Return what a marketable order gets that is cancelled `alive_s` seconds into a bar of `length_s` seconds.

    The bar does not tell what was traded before that time: only its open is known to have come first. So the order
    trades at the open or not at all, with no wait for a better price, and of the volume it takes its part of the
    seconds it was alive.
    """
    if left <= 0 or not bar_ok(bar):
        return BarDeal(0, 0)
    if side == _BUY:
        barred = 0 < bar.up_limit <= bar.open or 0 < order < bar.open
    else:
        barred = 0 < bar.open <= bar.down_limit or bar.open < order
    if barred:
        return BarDeal(0, 0)
    seen = max(0, bar.volume) * max(0, min(alive_s, length_s)) // max(1, length_s)
    return BarDeal(max(0, min(left, bar_share(seen, participation_bp))), bar.open)


@kernel
def assumed_queue(day_turnover: int, limit: Price, queue_turnover_bp: int) -> Shares:
    """Return the shares taken to stand ahead when we come to the limit; turnover so far in 0.001 yuan."""
    return max(0, day_turnover) * queue_turnover_bp // (_BP * limit) if limit > 0 else 0


@kernel
def opened(side: int, bar: BarView) -> bool:
    """Tell whether a bar traded away from the limit we queue at: whoever queued there was served."""
    return bar.low < bar.up_limit if side == _BUY else bar.high > bar.down_limit


@kernel
def queued_on_bar(
    verdict: int, side: int, left: Shares, ahead: Shares, bar: BarView, participation_bp: int, taken: Shares
) -> QueuedDeal:
    """Return what an order queued at the day's limit (buys at the up limit, sells at the down limit) gets of a bar."""
    limit = bar.up_limit if side == _BUY else bar.down_limit
    if left <= 0 or limit <= 0 or not bar_ok(bar):
        return QueuedDeal(0, 0, ahead)
    volume = max(0, bar.volume - taken)
    if opened(side, bar):
        return QueuedDeal(min(left, volume), limit, 0)
    rest_ahead = max(0, ahead - volume)
    if verdict == OPTIMISTIC:
        return QueuedDeal(min(left, volume), limit, rest_ahead)
    if verdict == EXPECTED:
        return QueuedDeal(min(left, bar_share(volume - ahead, participation_bp)), limit, rest_ahead)
    return QueuedDeal(0, limit, rest_ahead)


@kernel
def queued_order(side: int, shares: Shares, limit: Price, day_turnover: int, queue_turnover_bp: int) -> BarOrder:
    """Return an order that queues at the limit behind the assumed queue, sent at the end of a bar."""
    return BarOrder(side, shares, True, assumed_queue(day_turnover, limit, queue_turnover_bp))


@kernel
def marketable_order(side: int, shares: Shares) -> BarOrder:
    """Return an order that takes what the next bars give."""
    return BarOrder(side, shares, False, 0)


@kernel
def work_on_bar(
    verdict: int, order: BarOrder, bar: BarView, price: Price, participation_bp: int, taken: Shares
) -> Worked:
    """Work an order on one bar, of either kind; `price` is `order_price` of the bar before, for marketable orders."""
    if order.queued:
        queued = queued_on_bar(verdict, order.side, order.left, order.ahead, bar, participation_bp, taken)
        rest = BarOrder(order.side, order.left - queued.shares, True, queued.ahead)
        return Worked(queued.shares, queued.price, rest)
    deal = marketable_on_bar(order.side, order.left, bar, price, participation_bp, taken)
    return Worked(deal.shares, deal.price, BarOrder(order.side, order.left - deal.shares, False, 0))
