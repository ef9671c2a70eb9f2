"""The last checks before the broker, whoever asked: every refusal has its reason and its numbers."""

from collections.abc import Iterator
from typing import NamedTuple

from common.domain.calendar import NS
from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side, Symbol
from common.messages.orders import SubmitOrder
from common.rules.cage import cage_bounds
from common.rules.checks import (
    check_band,
    check_cage,
    check_cash,
    check_far_from_last,
    check_phase,
    check_sellable,
    check_size_cap,
    check_suspended,
    check_tick,
)
from common.rules.fees import fees
from common.rules.lots import check_buy_lots, check_sell_lots, lot_minimum, lot_step, order_cap
from common.rules.pricing import REACH_BP
from common.rules.sizing import buy_need
from services.order_gateway.books import Books
from services.order_gateway.market import Facts, Market
from services.order_gateway.settings import BUY_SHARE_BP, ORDERS_PER_S_CEILING, Settings

LATE_REACH_BP = 300


class Denial(NamedTuple):
    """Why not, and the numbers it rests on."""

    reason: Reason
    detail: dict[str, int]


def need_of(order: SubmitOrder, facts: Facts, day: Day, settings: Settings) -> Cash:
    """Return the cash an order holds: for a buy its worst turnover and fees, for a sell nothing."""
    if order.side != Side.BUY:
        return 0
    return buy_need(order.shares, order.price, day, facts.exchange, settings.commission_e7, settings.commission_min)


def fees_of(
    order: SubmitOrder,
    facts: Facts,
    day: Day,
    settings: Settings,
    deal: tuple[Shares, Price],
    before: tuple[Shares, Cash],
) -> Cash:
    """Return the fees that a deal (shares, price) adds to an order that had traded (shares, turnover) `before`."""
    shares, price = deal
    return fees(
        order.side, day, facts.exchange, shares * price, before[1], settings.commission_e7, settings.commission_min,
        shares, before[0],
    )  # fmt: skip


def check_order(order: SubmitOrder, market: Market, books: Books, settings: Settings) -> Denial | None:
    """Return the first thing wrong with an order, or None."""
    if order.side not in (Side.BUY, Side.SELL) or order.shares <= 0:
        return Denial(Reason.BAD_QUANTITY, {"shares": order.shares, "side": order.side})
    facts = market.facts(order.symbol)
    if facts is None:
        return Denial(Reason.UNKNOWN_SYMBOL, {})
    if order.valid_until_ns < market.ts_ns:
        return Denial(Reason.EXPIRED, {"valid_until_ns": order.valid_until_ns, "ts_ns": market.ts_ns})
    for denial in _checks(order, facts, market, books, settings):
        if denial.reason is not Reason.NONE:
            return denial
    return None


def _checks(order: SubmitOrder, facts: Facts, market: Market, books: Books, settings: Settings) -> Iterator[Denial]:
    # What is wrong at any hour comes before what is wrong now.
    yield from price_checks(order.price, facts)
    yield from _lot_checks(order.side, order.shares, facts, market.day, _sellable(books, order.symbol))
    yield Denial(check_suspended(facts.suspended), {})
    yield Denial(check_phase(market.phase), {"phase": int(market.phase)})
    yield from _near_checks(order, facts, market)
    yield from _cover_checks(order, facts, market, books, settings)
    yield _rate_check(order, market, books, settings)


def price_checks(price: Price, facts: Facts) -> Iterator[Denial]:
    """Check tick and band."""
    yield Denial(check_tick(price), {"price": price, "tick": 10})
    yield Denial(
        check_band(price, facts.up_limit, facts.down_limit),
        {"price": price, "up_limit": facts.up_limit, "down_limit": facts.down_limit},
    )


def _lot_checks(side: int, shares: Shares, facts: Facts, day: Day, sellable: Shares) -> Iterator[Denial]:
    numbers = {"shares": shares, "lot": lot_step(facts.board), "lot_minimum": lot_minimum(facts.board)}
    if side == Side.BUY:
        yield Denial(check_buy_lots(facts.board, shares), numbers)
    elif shares <= sellable:  # more than that is refused for its own reason
        yield Denial(check_sell_lots(facts.board, shares, sellable), numbers | {"sellable": sellable})
    cap = order_cap(facts.board, day)
    yield Denial(check_size_cap(facts.board, day, shares), {"shares": shares, "order_cap": cap})


def buy_lot_checks(shares: Shares, facts: Facts, day: Day) -> Iterator[Denial]:
    """Check the quantity of a buy."""
    yield from _lot_checks(Side.BUY, shares, facts, day, 0)


def _near_checks(order: SubmitOrder, facts: Facts, market: Market) -> Iterator[Denial]:
    # Risk priced the order on its push. Where the market has moved on since (real time only), a price at the edge
    # must not be refused for one tick of it: the cage is then the exchange's to judge, and the reach is wider.
    late = order.push < market.push
    if not late:
        cage = cage_bounds(facts.board, market.day, order.side, facts.bid, facts.ask, facts.last, facts.prev_close)
        yield Denial(
            check_cage(
                facts.board, market.day, order.side, order.price, facts.bid, facts.ask, facts.last, facts.prev_close
            ),
            {"price": order.price, "cage_low": cage.low, "cage_high": cage.high},
        )
    if not order.wide_price:
        reach_bp = LATE_REACH_BP if late else REACH_BP
        yield Denial(
            check_far_from_last(order.side, order.price, facts.last, reach_bp),
            {"price": order.price, "last": facts.last, "reach_bp": reach_bp},
        )


def _cover_checks(
    order: SubmitOrder, facts: Facts, market: Market, books: Books, settings: Settings
) -> Iterator[Denial]:
    if order.side == Side.BUY:
        need, free = need_of(order, facts, market.day, settings), books.ledger.free_cash
        yield Denial(check_cash(need, free), {"need": need, "free_cash": free})
        return
    holding = books.ledger.positions.get(order.symbol)
    bought = holding.bought_today if holding is not None else 0
    sellable = _sellable(books, order.symbol)
    numbers = {"shares": order.shares, "sellable": sellable, "bought_today": bought}
    yield Denial(check_sellable(order.shares, sellable, bought), numbers)


def _rate_check(order: SubmitOrder, market: Market, books: Books, settings: Settings) -> Denial:
    # Exits must get through when buys have used up their share of the exchange's patience.
    buys = order.side == Side.BUY
    per_s = settings.orders_per_s if buys else ORDERS_PER_S_CEILING
    per_day = settings.orders_per_day * (BUY_SHARE_BP if buys else 10_000) // 10_000
    in_second = books.sent_in(market.ts_ns // NS)
    refused = in_second >= per_s or books.sent_day >= per_day
    numbers = {"in_second": in_second, "in_second_max": per_s, "in_day": books.sent_day, "in_day_max": per_day}
    return Denial(Reason.TOO_MANY_ORDERS if refused else Reason.NONE, numbers)


def _sellable(books: Books, symbol: Symbol) -> Shares:
    holding = books.ledger.positions.get(symbol)
    return holding.sellable if holding is not None else 0
