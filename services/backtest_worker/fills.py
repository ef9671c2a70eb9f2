"""Working orders of a backtest and what a bar gives them; the rules of it are `common/rules/bar_matching.py`."""

from dataclasses import dataclass
from typing import NamedTuple

from common.domain.values import Cash, Price, Shares, Side
from common.rules.bar_matching import (
    PARTICIPATION_BP,
    QUEUE_TURNOVER_BP,
    BarDeal,
    BarView,
    assumed_queue,
    marketable_at_open,
    marketable_on_bar,
    queued_on_bar,
)
from common.rules.matching import EXPECTED
from common.rules.pricing import marketable_buy_price, marketable_sell_price
from services.backtest_worker.bars import Bar, DayBars


class FillSettings(NamedTuple):
    """How generous the exchange is."""

    verdict: int = EXPECTED
    """Of orders queued at the up limit: pessimistic, expected or optimistic."""
    participation_bp: int = PARTICIPATION_BP
    queue_turnover_bp: int = QUEUE_TURNOVER_BP


@dataclass(slots=True)
class Working:
    """An order that may still fill."""

    coid: str
    stock: int
    side: int
    price: Price
    shares: Shares
    left: Shares
    cancel_at_s: int
    """Second of the day by which it has to be executed, 0 = none."""
    reason: int
    second: int
    """Label of the bar it was decided on; 0 = before the first."""
    queues: bool
    """A buy at the up limit: it waits there for its turn."""
    ahead: Shares
    """Shares assumed to be served before it."""


def fill_on_bar(order: Working, bar: Bar, limits: tuple[Price, Price], settings: FillSettings) -> BarDeal:
    """Return what an order gets of a bar, and move it on in its queue."""
    view = BarView(bar.open, bar.high, bar.low, bar.close, bar.volume, *limits)
    if not order.queues:
        return marketable_on_bar(order.side, order.left, view, order.price, settings.participation_bp, 0)
    deal = queued_on_bar(settings.verdict, order.side, order.left, order.ahead, view, settings.participation_bp, 0)
    order.ahead = deal.ahead
    return BarDeal(deal.shares, deal.price)


def fill_at_open(
    order: Working, bar: Bar, limits: tuple[Price, Price], alive: tuple[int, int], settings: FillSettings
) -> BarDeal:
    """Return what a marketable order gets that ends within the bar; `alive` = (its seconds in it, the bar's seconds)."""
    view = BarView(bar.open, bar.high, bar.low, bar.close, bar.volume, *limits)
    return marketable_at_open(order.side, order.left, view, order.price, settings.participation_bp, *alive)


def queue_after(turnover: Cash, up_limit: Price, settings: FillSettings) -> Shares:
    """Return the shares assumed to stand at the up limit when an order joins them; `turnover` of the day so far."""
    return assumed_queue(turnover, up_limit, settings.queue_turnover_bp)


def marketable_at(day: DayBars, stock: int, side: int, last: Price) -> Price:
    """Return the price of an order that is to trade at once when a stock's last price is `last`; 0 = there is none."""
    facts = day.facts
    find = marketable_buy_price if side == Side.BUY else marketable_sell_price
    return find(
        int(facts.board[stock]), day.day, last, 0, 0, int(facts.prev_close[stock]), int(facts.up_limit[stock]),
        int(facts.down_limit[stock]),
    )  # fmt: skip
