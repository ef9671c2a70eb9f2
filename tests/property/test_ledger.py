"""The books over random lives of orders: money is conserved, T+1 never oversells, lots and taxes are those of a slow twin.

Every event goes through the codec and the fold that the services use, and is folded again at the end.
"""

import random
from collections import Counter
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from common.domain.calendar import from_date, to_date
from common.domain.errors import InvariantError
from common.domain.lots import Lot, added, shares_of, taken, with_income
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.codec import decode_body, encode_body
from common.messages.fold import fold
from common.messages.orders import (
    AccountOpened,
    CorporateAction,
    DayClosed,
    DayResult,
    DayRolled,
    Event,
    EventRow,
    OrderCancelled,
    OrderExpired,
    OrderFilled,
    OrderSubmitted,
    PositionWrittenOff,
    SubmitOrder,
)
from common.rules.corporate import rescale_cost
from common.rules.withholding import added_tax
from tests.property.plain_account import PlainAccount

SYMBOLS = ("600001.SH", "000002.SZ")
START = 20_000_000
FIRST = 20250106
KINDS = (
    *("buy", "buy", "sell", "sell", "sell", "fill", "fill", "fill", "fill"),
    *("late", "cancel", "expire", "roll", "roll", "ex", "ex", "gone"),
)
Step = tuple[str, int, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(1, 20), st.integers(900, 1_100)), max_size=60
)
HELD: list[Step] = [
    step for pick in (0, 1) for step in [("buy", pick, 20, 1_000), ("fill", 0, 20, 1_000)]
] + [("roll", 0, 1, 1_000)]  # fmt: skip
"""Every life begins with 200 shares of both stocks, bought a day ago."""


def later(day: int, days: int) -> int:
    return from_date(to_date(day).fromordinal(to_date(day).toordinal() + days))


class Run:
    """Applies random steps to the books and to their slow twin."""

    def __init__(self) -> None:
        self.ledger, self.plain = Ledger(), PlainAccount(START)
        self.events: list[Event] = []
        self.bought_today: dict[str, int] = {}
        self.sold_today: dict[str, int] = {}
        self.held_at_roll: dict[str, int] = {}
        self.went_ex: set[str] = set()
        self.proceeds = 0
        self.number = 0
        self.refused = 0
        self.late_fills = 0
        self.apply(AccountOpened(START, "paper"))
        self.apply(DayRolled(FIRST, later(FIRST, -1)))
        self.plain.day = FIRST

    def apply(self, event: Event) -> None:
        row = decode_body(encode_body(EventRow(len(self.events) + 1, 1, 0, event)))
        assert isinstance(row, EventRow)
        fold(self.ledger, row.event)
        self.events.append(row.event)

    def step(self, what: str, pick: int, lots: int, ticks: int) -> None:
        symbol, shares, price = SYMBOLS[pick % 2], lots * 10, ticks * 10
        getattr(self, what)(symbol, pick, shares, price)

    def _submit(self, symbol: str, side: Side, shares: int, price: int) -> None:
        self.number += 1
        coid = f"o{self.number}"
        order = SubmitOrder(coid, coid, symbol, side, shares, price, 1, 1, 2, "r", Reason.STOP_LOSS)
        try:
            self.apply(OrderSubmitted(order, shares * price + 5_000 if side is Side.BUY else 0))
        except InvariantError:
            self.refused += 1

    def buy(self, symbol: str, _: int, shares: int, price: int) -> None:
        self._submit(symbol, Side.BUY, shares, price)

    def sell(self, symbol: str, _: int, shares: int, price: int) -> None:
        self._submit(symbol, Side.SELL, shares, price)

    def _pick(self, pick: int, ended: bool = False) -> str:
        ledger = self.ledger
        coids = (
            [coid for coid, o in ledger.orders.items() if not o.open and o.left] if ended else list(ledger.open_coids)
        )
        return coids[pick % len(coids)] if coids else ""

    def fill(self, _: str, pick: int, shares: int, price: int) -> None:
        if coid := self._pick(pick):
            self._book(coid, shares, price)

    def late(self, _: str, pick: int, shares: int, price: int) -> None:
        coid = self._pick(pick, ended=True)
        order = self.ledger.orders.get(coid)
        if order is None:
            return
        if order.side == Side.SELL:
            holding = self.ledger.positions.get(order.symbol)
            # No counter sells what is not there; what other sells hold it may have sold.
            shares = min(shares, holding.shares - holding.bought_today if holding is not None else 0)
        if shares > 0 and (order.side == Side.SELL or order.left * order.price + 5_000 <= self.ledger.free_cash):
            self._book(coid, shares, price)
            self.late_fills += 1

    def _book(self, coid: str, shares: int, price: int) -> None:
        ledger, order = self.ledger, self.ledger.order(coid)
        symbol, shares = order.symbol, min(shares, order.left)
        price = min(price, order.price) if order.side == Side.BUY else max(price, order.price)
        fees, tax = (0 if order.deals else 5_000), 0
        if order.side == Side.SELL:
            holding = ledger.positions.get(symbol)
            shares = min(shares, holding.shares - holding.bought_today if holding is not None else 0)
            if shares <= 0:
                return  # a late deal of another sell took them
            tax = added_tax(order.portions, ledger.income_of(symbol, shares), order.day)
            assert tax == self.plain.tax_of(coid, symbol, shares, order.day), "first in first out, share by share"
            self.plain.sell(coid, symbol, shares, price, fees, tax)
            self.proceeds += shares * price - fees - tax
        else:
            self.plain.buy(symbol, shares, price, fees)
        deal = f"{coid}-{order.deals + 1}"
        self.apply(OrderFilled(coid, deal, symbol, order.side, shares, price, fees, 1, "r", Reason.STOP_LOSS, tax))
        book = self.sold_today if order.side == Side.SELL else self.bought_today
        book[symbol] = book.get(symbol, 0) + shares

    def cancel(self, _: str, pick: int, __: int, ___: int) -> None:
        if coid := self._pick(pick):
            self.apply(OrderCancelled(coid, self.ledger.order(coid).left, Reason.HAND_CANCEL))

    def expire(self, _: str, pick: int, __: int, ___: int) -> None:
        if coid := self._pick(pick):
            self.apply(OrderExpired(coid, self.ledger.order(coid).left))

    def roll(self, _: str, pick: int, lots: int, ticks: int) -> None:
        ledger = self.ledger
        for coid in list(ledger.open_coids):
            self.apply(OrderExpired(coid, ledger.order(coid).left))
        marks = dict.fromkeys(ledger.positions, ticks * 10)
        equity = ledger.equity(lambda _: ticks * 10)
        self.apply(DayClosed(DayResult(ledger.day, equity, ledger.cash, 0, ledger.fees_day, 0), marks))
        assert ledger.equity(lambda _: 0) == equity, "a day without a quote is valued at the last close"
        # From a night to more than half a year: every holding period comes about.
        self.apply(DayRolled(later(ledger.day, 1 + (pick % 3) * lots * 5), ledger.day))
        self.plain.day = ledger.day
        self.bought_today, self.sold_today, self.proceeds = {}, {}, 0
        self.went_ex.clear()
        self.held_at_roll = {symbol: holding.shares for symbol, holding in ledger.positions.items()}

    def ex(self, symbol: str, pick: int, shares: int, price: int) -> None:
        holding = self.ledger.positions.get(symbol)
        if holding is None or holding.frozen or symbol in {*self.bought_today, *self.sold_today, *self.went_ex}:
            return
        self.went_ex.add(symbol)
        before, after = holding.shares, holding.shares + (shares if pick % 3 else 0)
        cash = holding.shares * (price % 7) * 47 + pick * 13
        cost = rescale_cost(holding.cost, price, 11_000, before, after)
        taxable = cash + (after - before) * 1_000 * (pick % 2)
        self.apply(CorporateAction(self.ledger.day, symbol, 11_000, price, before, after, cash, cost, taxable))
        self.plain.ex(symbol, after - before, cash, cost, taxable)
        self.held_at_roll[symbol] = after

    def gone(self, symbol: str, pick: int, _: int, __: int) -> None:
        holding = self.ledger.positions.get(symbol)
        if holding is None or holding.frozen or pick > 1:
            return
        self.apply(PositionWrittenOff(self.ledger.day, symbol, holding.shares, holding.cost, holding.mark, 0))
        self.plain.write_off(symbol)
        self.held_at_roll.pop(symbol, None)
        self.bought_today.pop(symbol, None)
        self.sold_today.pop(symbol, None)

    def check(self) -> None:
        ledger, plain = self.ledger, self.plain
        assert ledger.cash == plain.cash
        assert ledger.frozen_cash == sum(order.frozen for order in ledger.open_orders(side=Side.BUY))
        assert ledger.free_cash + ledger.frozen_cash == ledger.cash
        assert ledger.free_cash >= 0, "what an order holds covers it to the last fee"
        assert ledger.sold_day == self.proceeds
        assert 0 <= ledger.withdrawable <= max(0, ledger.free_cash)
        assert ledger.positions.keys() == plain.positions.keys()
        for symbol, holding in ledger.positions.items():
            twin = plain.positions[symbol]
            assert holding.shares == shares_of(holding.lots) == len(twin.shares) > 0
            assert [lot.acquired for lot in holding.lots for _ in range(lot.shares)] == [
                s.acquired for s in twin.shares
            ]
            assert holding.cost == twin.cost >= 0
            assert 0 <= holding.sellable <= holding.shares
            assert holding.bought_today == self.bought_today.get(symbol, 0)
            assert holding.frozen == sum(order.left for order in ledger.open_orders(symbol, Side.SELL))
        for symbol, shares in self.sold_today.items():
            assert shares <= self.held_at_roll.get(symbol, 0), "sold shares that were bought today"
        orders = ledger.orders.values()
        assert all(order.filled <= order.shares for order in orders)
        assert ledger.fees_total == sum(order.fees for order in orders)
        assert ledger.taxes_total == sum(order.taxes for order in orders) == sum(plain.taxes.values())
        for coid, sold in plain.sold.items():
            income = sum(portion.amount for portion in ledger.orders[coid].portions)
            assert income == sum(amount for share in sold for amount in share.paid.values())
        flows = sum((1 if o.side == Side.SELL else -1) * o.turnover - o.fees - o.taxes for o in orders)
        assert ledger.cash == START + flows + ledger.dividends_total


def lived(steps: list[Step]) -> Run:
    run = Run()
    for step in [*HELD, *steps]:
        run.step(*step)
        run.check()
    return run


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_books_balance_and_are_those_of_the_slow_account(steps: list[Step]) -> None:
    run = lived(steps)
    again = Ledger()
    for event in run.events:
        fold(again, event)
    assert again == run.ledger


def test_random_lives_contain_what_they_are_about() -> None:
    draw = random.Random(7)
    found: Counter[str] = Counter()
    for _ in range(100):
        run = lived(
            [(draw.choice(KINDS), draw.randint(0, 9), draw.randint(1, 20), draw.randint(900, 1_100)) for _ in range(60)]
        )
        sells = [order for order in run.ledger.orders.values() if order.side == Side.SELL and order.filled]
        found["refused"] += run.refused
        found["late"] += run.late_fills
        found["taxed"] += sum(1 for order in sells if order.taxes)
        found["several deals taxed"] += sum(1 for order in sells if order.taxes and order.deals > 1)
        found["several lots"] += sum(1 for order in sells if len({p.acquired for p in order.portions}) > 1)
        found["several dividends"] += sum(1 for order in sells if len({p.ex_day for p in order.portions}) > 1)
        found["free of tax"] += sum(1 for order in sells if order.portions and not order.taxes)
        found["written off"] += sum(1 for event in run.events if isinstance(event, PositionWrittenOff))
    for what in ("refused", "late", "taxed", "several lots", "several dividends", "written off"):
        assert found[what] >= 10, (what, found)
    assert min(found["several deals taxed"], found["free of tax"]) >= 3, found


CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=12)


@given(st.lists(st.tuples(st.integers(1, 200), st.integers(0, 100_000)), min_size=1, max_size=5), CUTS, CUTS)
def test_however_a_sale_is_cut_its_income_is_the_same(
    history: list[tuple[int, int]], one: list[int], other: list[int]
) -> None:
    lots: tuple[Lot, ...] = ()
    for at, (shares, taxable) in enumerate(history):
        lots = with_income(added(lots, FIRST + at, shares), FIRST + at, taxable)
    total = min(sum(one), sum(other), shares_of(lots))

    def sold(cuts: list[int]) -> tuple[dict[tuple[int, int], int], tuple[Lot, ...]]:
        left, still, found = total, lots, dict[tuple[int, int], int]()
        for cut in [*cuts, total]:
            still, portions = taken(still, min(cut, left))
            left -= min(cut, left)
            for portion in portions:
                key = (portion.acquired, portion.ex_day)
                found[key] = found.get(key, 0) + portion.amount
        return found, still

    assert sold(one) == sold(other)
    everything = taken(lots, shares_of(lots))[1]
    assert sum(portion.amount for portion in everything) == sum(taxable for _, taxable in history)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=8), st.integers(1, 10**7))
def test_every_lot_gets_its_share_of_a_dividend_to_a_thousandth(sizes: list[int], taxable: int) -> None:
    lots: tuple[Lot, ...] = ()
    for at, shares in enumerate(sizes):
        lots = added(lots, FIRST + at, shares)
    for lot in with_income(lots, FIRST + 10, taxable):
        (income,) = lot.incomes
        assert abs(income.amount - Fraction(taxable * lot.shares, sum(sizes))) < 1
