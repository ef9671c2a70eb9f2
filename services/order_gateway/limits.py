"""The last checks before the broker, whoever asked: every refusal has its reason and its numbers."""

from collections.abc import Iterator
from typing import NamedTuple

from common.domain.calendar import NS, second_of_day
from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import MILLI, Cash, Day, Price, Shares, Side, Symbol
from common.messages.orders import SubmitOrder
from common.rules.boards import exchange_of
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
from services.order_gateway.settings import BUY_SHARE_BP, Settings

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
    side: int,
    exchange: int,
    day: Day,
    settings: Settings,
    deal: tuple[Shares, Price],
    before: tuple[Shares, Cash],
) -> Cash:
    """Return the fees that a deal (shares, price) adds to an order that had traded (shares, turnover) `before`."""
    shares, price = deal
    return fees(
        side, day, exchange, shares * price, before[1], settings.commission_e7, settings.commission_min,
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
    yield _kill_check(market, books, settings, _kind(order.side))
    # What is wrong at any hour comes before what is wrong now.
    yield from price_checks(order.price, facts)
    yield from _lot_checks(order.side, order.shares, facts, market.day, _sellable(books, order.symbol))
    yield Denial(check_suspended(facts.suspended), {})
    yield Denial(check_phase(market.phase), {"phase": int(market.phase)})
    yield from _near_checks(order, facts, market)
    if order.side == Side.BUY:
        yield from _buy_checks(order, market, books, settings)
    yield from _value_checks(order, books, settings)
    yield from _cover_checks(order, facts, market, books, settings)
    yield from _repeat_checks(order, books)
    yield _self_trade_check(order, books)
    yield _rate_check(order, market, books, settings)


def check_cancel(market: Market, books: Books, settings: Settings) -> Denial | None:
    """Return why no cancel may be sent now, or None: cancels pass the configured numbers up to the ceilings."""
    denial = _kill_check(market, books, settings, "all")
    if denial.reason is not Reason.NONE:
        return denial
    ceilings, counters = settings.ceilings, books.counters
    in_second, in_day = counters.sent_in(market.ts_ns // NS), counters.sent_day
    per_s, per_day = ceilings["orders_per_s"], ceilings["orders_per_day"]
    if in_second < per_s and in_day < per_day:
        return None
    numbers = {"in_second": in_second, "in_second_max": per_s, "in_day": in_day, "in_day_max": per_day}
    return Denial(Reason.TOO_MANY_ORDERS, numbers)


_KILLED = {"buys": ("buys",), "orders": ("buys", "orders"), "all": ("buys", "orders", "all")}
"""What each setting of the kill switch stops: a buy is one of `buys`, a sell of `orders`, a cancel of `all`."""


def _kill_check(market: Market, books: Books, settings: Settings, what: str) -> Denial:
    if what not in _KILLED[settings.kill_blocks]:
        return Denial(Reason.NONE, {})
    row = books.counters.killed
    by_row, by_file = int(row is not None and row.on), int(market.guard.kill_file())
    return Denial(Reason.KILL_SWITCH if by_row or by_file else Reason.NONE, {"by_word": by_row, "by_file": by_file})


def is_killed(side: int, market: Market, books: Books, settings: Settings) -> bool:
    """Tell whether the kill switch keeps an order of this side from the broker, also one that is on disk already."""
    return _kill_check(market, books, settings, _kind(side)).reason is not Reason.NONE


def _kind(side: int) -> str:
    return "buys" if side == Side.BUY else "orders"


def _buy_checks(order: SubmitOrder, market: Market, books: Books, settings: Settings) -> Iterator[Denial]:
    if settings.live:
        until_s, second = armed_until_s(market, books), second_of_day(market.ts_ns)
        numbers = {"armed_until_s": until_s, "second": second}
        yield Denial(Reason.NOT_ARMED if second >= until_s else Reason.NONE, numbers)
    silent_ms = market.guard.silent_ms(market.reader.day, market.phase, settings.stale_s)
    yield Denial(Reason.FEED_DEAD if silent_ms else Reason.NONE, {"silent_ms": silent_ms})
    exchange = order.symbol.rpartition(".")[2]
    silent = market.end is not None and exchange in market.end.silent
    yield Denial(Reason.FEED_DEAD if silent else Reason.NONE, {"exchange": int(exchange_of(order.symbol))})
    for reason, numbers in market.guard.forbidden.items():
        yield Denial(reason, numbers)
    doubt = sum(1 for record in books.ledger.open_orders(order.symbol) if record.state is OrderState.IN_DOUBT)
    yield Denial(Reason.IN_DOUBT if doubt else Reason.NONE, {"orders": doubt})


def armed_until_s(market: Market, books: Books) -> int:
    """Return the second of today before which a live account may open, 0 = it is not armed."""
    armed = books.counters.armed
    return armed.until_s if armed is not None and armed.day == market.day else 0


def _value_checks(order: SubmitOrder, books: Books, settings: Settings) -> Iterator[Denial]:
    """Bound what is bought; a sell is bounded by what is held, and must be possible: only the ceiling holds it."""
    buys, value = order.side == Side.BUY, order.shares * order.price
    limits = books.counters.limits(settings)
    most = (limits if buys else settings.ceilings)["order_value_max"] * MILLI
    yield Denial(Reason.ORDER_VALUE if value > most else Reason.NONE, {"value": value, "value_max": most})
    if buys:
        day, most = books.counters.bought_day, limits["day_value_max"] * MILLI
        numbers = {"value": value, "day_value": day, "day_value_max": most}
        yield Denial(Reason.DAY_VALUE if day + value > most else Reason.NONE, numbers)


def _repeat_checks(order: SubmitOrder, books: Books) -> Iterator[Denial]:
    sent = books.counters.sent.get(order.key, 0)  # under another id: the same one was answered before
    yield Denial(Reason.OVER_ORDERED if sent else Reason.NONE, {"sent": sent, "shares": order.shares})
    repeated = books.counters.is_repeated(order)
    numbers = {"shares": order.shares, "price": order.price, "side": order.side}
    yield Denial(Reason.DUPLICATE_ORDER if repeated else Reason.NONE, numbers)


def _self_trade_check(order: SubmitOrder, books: Books) -> Denial:
    # A buy nobody can find at the broker must not lock its stock's exits in: it counts against new buys only.
    other = Side.SELL if order.side == Side.BUY else Side.BUY
    doubt = 0 if order.side == Side.BUY else OrderState.IN_DOUBT
    ours = (rec for rec in books.ledger.open_orders(order.symbol, other) if rec.coid in books.submitted)
    working = sum(1 for record in ours if record.state != doubt)
    return Denial(Reason.SELF_TRADE if working else Reason.NONE, {"orders": working})


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
    counters, limits = books.counters, books.counters.limits(settings)
    per_s = limits["orders_per_s"] if buys else settings.ceilings["orders_per_s"]
    per_day = limits["orders_per_day"] * (BUY_SHARE_BP if buys else 10_000) // 10_000
    in_second, in_day = counters.sent_in(market.ts_ns // NS), counters.sent_day
    refused = in_second >= per_s or in_day >= per_day
    numbers = {"in_second": in_second, "in_second_max": per_s, "in_day": in_day, "in_day_max": per_day}
    return Denial(Reason.TOO_MANY_ORDERS if refused else Reason.NONE, numbers)


def _sellable(books: Books, symbol: Symbol) -> Shares:
    holding = books.ledger.positions.get(symbol)
    return holding.sellable if holding is not None else 0
