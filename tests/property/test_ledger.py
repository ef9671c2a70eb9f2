"""The books over random lives of orders: money is conserved, T+1 never oversells, what is held adds up."""

from hypothesis import given, settings
from hypothesis import strategies as st

from common.domain.errors import InvariantError
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Side

SYMBOLS = ("600001.SH", "000002.SZ")
START = 100_000_000
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "fill", "fill", "cancel", "expire", "roll", "ex"]),
        st.integers(0, 9),
        st.integers(1, 20),
        st.integers(900, 1_100),
    ),
    max_size=60,
)


class Run:
    """Applies random steps and keeps the flows beside the books."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.open_account("paper", START)
        self.ledger.roll_day(20260105, 20260104)
        self.flow = 0
        self.bought_today: dict[str, int] = {}
        self.sold_today: dict[str, int] = {}
        self.held_at_roll: dict[str, int] = {}
        self.number = 0
        self.refused = 0

    def step(self, what: str, pick: int, lots: int, ticks: int) -> None:
        symbol, shares, price = SYMBOLS[pick % 2], lots * 100, ticks * 10
        try:
            getattr(self, what)(symbol, pick, shares, price)
        except InvariantError:
            self.refused += 1

    def _submit(self, symbol: str, side: Side, shares: int, price: int) -> None:
        self.number += 1
        coid = f"o{self.number}"
        frozen = shares * price + 5_000 if side is Side.BUY else 0
        self.ledger.submitted(coid, coid, symbol, side, shares, price, "r", Reason.NONE, 1, 1, frozen)

    def buy(self, symbol: str, _: int, shares: int, price: int) -> None:
        self._submit(symbol, Side.BUY, shares, price)

    def sell(self, symbol: str, _: int, shares: int, price: int) -> None:
        self._submit(symbol, Side.SELL, shares, price)

    def _pick(self, pick: int) -> str:
        coids = list(self.ledger.open_coids)
        return coids[pick % len(coids)] if coids else ""

    def fill(self, _: str, pick: int, shares: int, price: int) -> None:
        coid = self._pick(pick)
        if not coid:
            return
        order = self.ledger.order(coid)
        shares = min(shares, order.left)
        price = min(price, order.price) if order.side == Side.BUY else max(price, order.price)
        fees = 5_000 if not order.deals else 0
        if order.side == Side.SELL and shares * price < fees:
            return
        self.ledger.filled(coid, f"{coid}-{order.deals + 1}", shares, price, fees)
        sign = 1 if order.side == Side.SELL else -1
        self.flow += sign * shares * price - fees
        book = self.sold_today if order.side == Side.SELL else self.bought_today
        book[order.symbol] = book.get(order.symbol, 0) + shares

    def cancel(self, _: str, pick: int, __: int, ___: int) -> None:
        if coid := self._pick(pick):
            self.ledger.cancelled(coid, Reason.HAND_CANCEL)

    def expire(self, _: str, pick: int, __: int, ___: int) -> None:
        if coid := self._pick(pick):
            self.ledger.expired(coid)

    def roll(self, *_: object) -> None:
        for coid in list(self.ledger.open_coids):
            self.ledger.expired(coid)
        self.ledger.roll_day(self.ledger.day + 1, self.ledger.day)
        self.bought_today, self.sold_today = {}, {}
        self.held_at_roll = {symbol: holding.shares for symbol, holding in self.ledger.positions.items()}

    def ex(self, symbol: str, _: int, shares: int, price: int) -> None:
        holding = self.ledger.positions.get(symbol)
        if holding is None or holding.frozen or symbol in self.bought_today or symbol in self.sold_today:
            return
        self.ledger.corporate_action(symbol, holding.shares, holding.shares + shares, price, holding.cost)
        self.flow += price
        self.held_at_roll[symbol] = holding.shares

    def check(self) -> None:
        ledger = self.ledger
        assert ledger.cash == START + self.flow >= 0
        assert ledger.frozen_cash == sum(order.frozen for order in ledger.open_orders(side=Side.BUY))
        assert ledger.free_cash >= 0
        for symbol, holding in ledger.positions.items():
            assert holding.shares > 0
            assert holding.cost >= 0
            assert holding.sellable >= 0
            assert holding.frozen == sum(order.left for order in ledger.open_orders(symbol, Side.SELL))
            assert holding.bought_today == self.bought_today.get(symbol, 0)
        for symbol, sold in self.sold_today.items():
            assert sold <= self.held_at_roll.get(symbol, 0), "sold shares that were bought today"
        assert all(order.filled <= order.shares for order in ledger.orders.values())
        assert ledger.fees_total == sum(order.fees for order in ledger.orders.values())


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_money_is_conserved_and_t1_never_oversells(steps: list[tuple[str, int, int, int]]) -> None:
    run = Run()
    for step in steps:
        run.step(*step)
        run.check()


def test_the_random_lives_contain_what_they_are_about() -> None:
    run = Run()
    for step in [("buy", 0, 5, 1000), ("fill", 0, 5, 990), ("sell", 0, 5, 1000), ("roll", 0, 1, 900),
                 ("sell", 0, 5, 1000), ("fill", 0, 2, 1000), ("cancel", 0, 1, 900), ("ex", 0, 3, 950)]:  # fmt: skip
        run.step(*step)
        run.check()
    assert run.refused == 1
    assert run.ledger.positions[SYMBOLS[0]].shares == 300
