"""Orders that no rule decided: a backtrader strategy of one's own says how many shares, the market's rules say whether."""

from collections.abc import Iterator

from common.domain.reasons import Reason
from common.domain.values import Price, Shares, Side
from common.rules.checks import check_band, check_cash, check_sellable, check_size_cap, check_suspended, check_tick
from common.rules.lots import check_buy_lots, check_sell_lots
from common.rules.sizing import buy_need
from services.backtest_worker.account import DeskSettings
from services.backtest_worker.desk import Desk
from services.backtest_worker.fills import Working, marketable_at


def send_free(
    desk: Desk, settings: DeskSettings, stock: int, side: Side, shares: Shares, price: Price, at: int
) -> Working | Reason:
    """Check an order made on the closed bar `at` and send it; `price` 0 = marketable. Returns the reason of a refusal.

    -1 is before the first bar: a marketable order is priced at its open then.

    It meets the bars after, as every order on bars does: a market order at the next open, a limit order there or when
    the price comes to it, both within a share of the volume; what the day leaves unfilled expires with it.
    """
    facts = desk.day.facts
    bar = desk.bars.bar(desk.day, stock, max(at, 0))
    if bar is None:
        return Reason.SUSPENDED
    if price == 0:
        price = marketable_at(desk.day, stock, side, bar.close if at >= 0 else bar.open)
    reasons = _checks(desk, settings, stock, side, shares, price)
    reason = next((each for each in reasons if each is not Reason.NONE), Reason.NONE)
    if reason is not Reason.NONE:
        return reason
    need = _need(desk, settings, stock, shares, price) if side is Side.BUY else 0
    why = Reason.HAND_OPEN if side is Side.BUY else Reason.HAND_CLOSE
    up_limit = int(facts.up_limit[stock])
    queues = side is Side.BUY and 0 < up_limit == price
    order = desk.send(stock, side, shares, price, need, why, at, 0, queues=queues)
    if queues:
        desk.join_queue(order, at)
    return order


def _need(desk: Desk, settings: DeskSettings, stock: int, shares: Shares, price: Price) -> int:
    exchange = int(desk.day.facts.exchange[stock])
    return buy_need(shares, price, desk.day.day, exchange, settings.commission_e7, settings.commission_min)


def _checks(
    desk: Desk, settings: DeskSettings, stock: int, side: Side, shares: Shares, price: Price
) -> Iterator[Reason]:
    facts, day = desk.day.facts, desk.day.day
    board = int(facts.board[stock])
    yield check_suspended(price <= 0)
    yield check_tick(price)
    yield check_band(price, int(facts.up_limit[stock]), int(facts.down_limit[stock]))
    yield check_size_cap(board, day, shares)
    if side is Side.BUY:
        yield check_buy_lots(board, shares, day)
        yield check_cash(_need(desk, settings, stock, shares, price), desk.ledger.free_cash)
        return
    holding = desk.holding(stock)
    sellable, bought = (holding.sellable, holding.bought_today) if holding is not None else (0, 0)
    yield check_sellable(shares, sellable, bought)
    yield check_sell_lots(board, shares, sellable, day)
