"""The checks of one intent, from the cheap to the dear: approved with shares and price, or denied with its numbers."""

from collections.abc import Iterator
from typing import NamedTuple

from common.domain.calendar import second_of_day
from common.domain.ids import HAND
from common.domain.orders import PriceKind
from common.domain.reasons import Reason
from common.domain.values import Cash, Price, Shares, Side, Symbol, TradingState
from common.messages.market import HandOrder
from common.messages.signals import Signal
from common.rules.cage import cage_bounds
from common.rules.checks import (
    check_band,
    check_board,
    check_cage,
    check_cash,
    check_far_from_last,
    check_phase,
    check_sellable,
    check_size_cap,
    check_suspended,
    check_tick,
)
from common.rules.lots import check_buy_lots, check_sell_lots, lot_minimum, lot_step, order_cap
from common.rules.pricing import REACH_BP
from common.rules.sizing import buy_need, size_buy
from services.risk_manager.locks import Locks
from services.risk_manager.market import Facts, Market
from services.risk_manager.portfolio import Portfolio
from services.risk_manager.settings import BASIS, Settings
from services.risk_manager.slots import check_rule_slots, check_slots, slot_numbers


class Finding(NamedTuple):
    """One check: NONE or why not, and the numbers it rests on."""

    reason: Reason
    detail: dict[str, int]


class Review(NamedTuple):
    """What came of all checks."""

    reason: Reason
    detail: dict[str, int]
    shares: Shares = 0
    price: Price = 0
    need: Cash = 0
    """Cash a buy holds, fees included."""


def _first(findings: Iterator[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.reason is not Reason.NONE), None)


def _denied(finding: Finding, shares: Shares = 0, price: Price = 0) -> Review:
    return Review(finding.reason, finding.detail, shares, price)


class Reviewer:
    """Judges intents by the market and the books of the push in work."""

    def __init__(self, market: Market, portfolio: Portfolio, locks: Locks, settings: Settings) -> None:
        self._market, self._portfolio, self._locks, self._settings = market, portfolio, locks, settings

    # ------------------------------------------------------------------ entries of rules

    def entry(self, signal: Signal, state: TradingState) -> Review:
        """Judge, size and price an entry of a rule."""
        facts = self._market.facts(signal.symbol)
        if facts is None:
            return Review(Reason.UNKNOWN_SYMBOL, {"day": self._market.day})
        denial = _first(self._entry_checks(signal, state, facts))
        if denial is not None:
            return _denied(denial)
        return self._sized(signal, facts)

    def _entry_checks(self, signal: Signal, state: TradingState, facts: Facts) -> Iterator[Finding]:
        yield self._opening(state)
        yield self._fresh(signal)
        yield from self._stock_checks(facts)
        yield from self._free_checks(signal.symbol)
        taken = self._portfolio.slots()
        numbers = slot_numbers(taken, signal.rule, self._settings)
        yield Finding(check_slots(taken, signal.symbol, self._settings), numbers)
        yield Finding(check_rule_slots(taken, signal.rule, self._settings), numbers)

    def _opening(self, state: TradingState) -> Finding:
        """Check the trading state; where a lock holds it down, that is the reason."""
        reason, lock = check_opening(state), self._locks.first
        if reason is Reason.STATE_REDUCING and lock is not None:
            return Finding(lock.reason, lock.detail)
        return Finding(reason, {"state": int(state)})

    def _fresh(self, signal: Signal) -> Finding:
        age_ns, stale_ns = self._market.age_ns(signal.push, signal.ts_ns), self._market.stale_ns
        numbers = {"age_ms": age_ns // 1_000_000, "age_max_ms": stale_ns // 1_000_000}
        return Finding(Reason.STALE if age_ns > stale_ns else Reason.NONE, numbers)

    def _stock_checks(self, facts: Facts) -> Iterator[Finding]:
        yield Finding(check_board(facts.board, self._settings.boards_mask), {"board": facts.board})
        yield from self._trading_checks(facts)
        numbers = {"gap_ms": self._market.gap.time_ms}
        yield Finding(Reason.QUOTE_BEFORE_GAP if facts.before_gap else Reason.NONE, numbers)
        yield check_feed_limits(facts)

    def _trading_checks(self, facts: Facts) -> Iterator[Finding]:
        yield Finding(check_suspended(facts.suspended), {"prev_close": facts.prev_close})
        second = second_of_day(self._market.ts_ns)
        yield Finding(check_phase(self._market.phase), {"phase": int(self._market.phase), "second": second})
        yield Finding(Reason.NONE if facts.quoted else Reason.NO_QUOTE, {"last": facts.last, "second": second})

    def _free_checks(self, symbol: Symbol) -> Iterator[Finding]:
        holding = self._portfolio.holding(symbol)
        held = holding.shares if holding is not None else 0
        yield Finding(Reason.ALREADY_HELD if held else Reason.NONE, {"held": held})
        working = self._portfolio.working(symbol)
        yield Finding(Reason.ALREADY_WORKING if working else Reason.NONE, {"orders": working})

    def _sized(self, signal: Signal, facts: Facts) -> Review:
        price = facts.up_limit if signal.price is PriceKind.AT_UP_LIMIT else 0
        price = price or self._market.marketable(Side.BUY, facts)
        denial = _first(self._price_checks(Side.BUY, price, facts, wide=False))
        if denial is not None:
            return _denied(denial, price=price)
        settings, equity, free = self._settings, self._portfolio.equity(self._market.last_of), self._portfolio.free_cash
        slot_cash = equity * settings.slot_bp // BASIS
        sizing = size_buy(
            slot_cash, free, price, facts.board, self._market.day, facts.exchange, settings.commission_e7,
            settings.commission_min,
        )  # fmt: skip
        need = self._need(sizing.shares or lot_minimum(facts.board), price, facts)
        numbers = {"equity": equity, "slot_cash": slot_cash, "free_cash": free, "price": price, "need": need}
        if sizing.reason is not Reason.NONE:
            return Review(sizing.reason, numbers | {"lot_minimum": lot_minimum(facts.board)}, 0, price)
        return Review(Reason.NONE, numbers, sizing.shares, price, need)

    def _need(self, shares: Shares, price: Price, facts: Facts) -> Cash:
        settings = self._settings
        return buy_need(
            shares, price, self._market.day, facts.exchange, settings.commission_e7, settings.commission_min
        )

    # ------------------------------------------------------------------ hand orders

    def hand_open(self, order: HandOrder, state: TradingState, standing: bool) -> Review:
        """Judge a buy by a person; `standing` tells that an exit of the stock stands."""
        facts = self._market.facts(order.symbol)
        if facts is None:
            return Review(Reason.UNKNOWN_SYMBOL, {"day": self._market.day}, order.shares, order.price)
        price = order.price or self._market.marketable(Side.BUY, facts)
        denial = _first(self._hand_open_checks(order, price, state, facts, standing))
        if denial is not None:
            return _denied(denial, order.shares, price)
        need, free = self._need(order.shares, price, facts), self._portfolio.free_cash
        numbers = {"need": need, "free_cash": free}
        denial = _first(iter((Finding(check_cash(need, free), numbers), self._name_share(order, price))))
        if denial is not None:
            return _denied(denial, order.shares, price)
        return Review(Reason.NONE, numbers, order.shares, price, need)

    def _hand_open_checks(
        self, order: HandOrder, price: Price, state: TradingState, facts: Facts, standing: bool
    ) -> Iterator[Finding]:
        yield self._opening(state)
        yield from self._stock_checks(facts)
        numbers = {"shares": order.shares, "lot": lot_step(facts.board), "lot_minimum": lot_minimum(facts.board)}
        yield Finding(check_buy_lots(facts.board, order.shares), numbers)
        yield self._size_cap(order.shares, facts)
        yield from self._price_checks(Side.BUY, price, facts, wide=order.wide_price)
        yield Finding(Reason.EXIT_STANDING if standing else Reason.NONE, {})
        selling = self._portfolio.working(order.symbol, Side.SELL)
        yield Finding(Reason.ALREADY_WORKING if selling else Reason.NONE, {"orders": selling})
        taken = self._portfolio.slots()
        yield Finding(check_slots(taken, order.symbol, self._settings), slot_numbers(taken, HAND, self._settings))

    def _name_share(self, order: HandOrder, price: Price) -> Finding:
        """Bound one stock's share of equity; the slot that a rule's entry gets is never above it."""
        portfolio, market, settings = self._portfolio, self._market, self._settings
        holding = portfolio.holding(order.symbol)
        held = holding.shares * market.last_of(order.symbol) if holding is not None else 0
        value, equity = held + portfolio.bought(order.symbol) + order.shares * price, portfolio.equity(market.last_of)
        most = equity * max(settings.name_share_bp, settings.slot_bp) // BASIS
        return Finding(Reason.NAME_SHARE if value > most else Reason.NONE, {"value": value, "value_max": most})

    def hand_close(self, order: HandOrder, state: TradingState, standing: bool) -> Review:
        """Judge a sell by a person; 0 shares = all that may be sold now."""
        facts = self._market.facts(order.symbol)
        holding = self._portfolio.holding(order.symbol)
        if facts is None:
            return Review(Reason.UNKNOWN_SYMBOL, {"day": self._market.day}, order.shares, order.price)
        if holding is None:
            return Review(Reason.NO_POSITION, {"held": 0}, order.shares, order.price)
        shares = order.shares or self._portfolio.sellable(order.symbol)
        price = order.price or self._market.marketable(Side.SELL, facts)
        denial = _first(self._hand_close_checks(order, shares, price, state, facts, standing))
        if denial is not None:
            return _denied(denial, shares, price)
        return Review(Reason.NONE, {"held": holding.shares}, shares, price)

    def _hand_close_checks(
        self, order: HandOrder, shares: Shares, price: Price, state: TradingState, facts: Facts, standing: bool
    ) -> Iterator[Finding]:
        halted = Reason.STATE_HALTED if state is TradingState.HALTED else Reason.NONE
        yield Finding(halted, {"state": int(state)})
        yield from self._trading_checks(facts)
        yield Finding(Reason.BAD_QUANTITY if order.shares < 0 else Reason.NONE, {"shares": order.shares})
        buying = len(self._portfolio.own_buys(order.symbol))
        yield Finding(Reason.SELF_TRADE if buying else Reason.NONE, {"orders": buying})
        yield self._covered(order, shares, standing)
        sellable = self._portfolio.sellable(order.symbol)
        numbers = {"shares": shares, "sellable": sellable, "lot": lot_step(facts.board)}
        yield Finding(check_sell_lots(facts.board, shares, sellable), numbers)
        yield self._size_cap(shares, facts)
        yield from self._price_checks(Side.SELL, price, facts, wide=order.wide_price)

    def _covered(self, order: HandOrder, shares: Shares, standing: bool) -> Finding:
        holding = self._portfolio.holding(order.symbol)
        assert holding is not None, "a close of nothing is denied before"
        sellable, frozen = self._portfolio.sellable(order.symbol), self._portfolio.frozen(order.symbol)
        numbers = {
            "shares": shares, "held": holding.shares, "bought_today": holding.bought_today, "frozen": frozen,
            "sellable": sellable,
        }  # fmt: skip
        if 0 < shares <= sellable:
            return Finding(Reason.NONE, numbers)
        if max(shares, 1) <= sellable + frozen:
            # Shares that may be sold are there, but an order of ours holds them already.
            return Finding(Reason.EXIT_STANDING if standing else Reason.ALREADY_WORKING, numbers)
        return Finding(check_sellable(max(shares, 1), sellable + frozen, holding.bought_today), numbers)

    # ------------------------------------------------------------------ both

    def _size_cap(self, shares: Shares, facts: Facts) -> Finding:
        cap = order_cap(facts.board, self._market.day)
        return Finding(check_size_cap(facts.board, self._market.day, shares), {"shares": shares, "order_cap": cap})

    def _price_checks(self, side: int, price: Price, facts: Facts, *, wide: bool) -> Iterator[Finding]:
        yield Finding(check_tick(price), {"price": price, "tick": 10})
        limits = {"price": price, "up_limit": facts.up_limit, "down_limit": facts.down_limit}
        yield Finding(check_band(price, facts.up_limit, facts.down_limit), limits)
        place = (facts.board, self._market.day, side)
        quote = (facts.bid, facts.ask, facts.last, facts.prev_close)
        cage = cage_bounds(*place, *quote)
        numbers = {"price": price, "cage_low": cage.low, "cage_high": cage.high}
        yield Finding(check_cage(*place, price, *quote), numbers)
        if not wide:
            far = {"price": price, "last": facts.last, "reach_bp": REACH_BP}
            yield Finding(check_far_from_last(side, price, facts.last), far)


def check_feed_limits(facts: Facts) -> Finding:
    """Compare the day's limits with what the live feed says: one of the two is wrong, so nothing is bought."""
    ours, told = (facts.up_limit, facts.down_limit), (facts.feed_up_limit, facts.feed_down_limit)
    numbers = {"up_limit": ours[0], "down_limit": ours[1], "feed_up_limit": told[0], "feed_down_limit": told[1]}
    return Finding(Reason.NONE if ours == told else Reason.LIMITS_DIFFER, numbers)


def check_opening(state: TradingState) -> Reason:
    """Tell whether the trading state lets a position be opened."""
    if state is TradingState.ACTIVE:
        return Reason.NONE
    return Reason.STATE_HALTED if state is TradingState.HALTED else Reason.STATE_REDUCING
