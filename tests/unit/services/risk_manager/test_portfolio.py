"""The account as risk sees it: what was sent and is not in the gateway's events counts already."""

from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.kept import KeptOrder
from common.messages.orders import AccountOpened, EventRow, OrderCancelled, OrderFilled, OrderSubmitted, SubmitOrder
from services.risk_manager.portfolio import Portfolio

A, B = "600001.SH", "600002.SH"


def order(coid: str, symbol: str = A, side: Side = Side.BUY, shares: int = 100, price: int = 10_000) -> SubmitOrder:
    return SubmitOrder(coid, f"key {coid}", symbol, side, shares, price, 1, 0, 0, "limit_up", Reason.NONE)


def rows(*events: object) -> list[EventRow]:
    return [EventRow(seq, 1, 0, event) for seq, event in enumerate(events, 1)]  # type: ignore[arg-type]  # a builder


def test_a_sent_buy_holds_cash_and_a_slot_until_its_own_event_does() -> None:
    sent = {"1": KeptOrder(1, order("1"), need=1_005_000)}
    portfolio = Portfolio(sent)
    portfolio.apply(rows(AccountOpened(2_000_000, "paper")))
    assert (portfolio.free_cash, portfolio.slots(), portfolio.working(A)) == (995_000, {A: "limit_up"}, 1)
    portfolio.apply(rows(OrderSubmitted(order("1"), 1_005_000)))
    assert (portfolio.free_cash, portfolio.slots(), portfolio.working(A)) == (995_000, {A: "limit_up"}, 1)
    portfolio.apply(rows(OrderCancelled("1", 100, Reason.CANCEL_AT_TIME)))
    assert (portfolio.free_cash, portfolio.slots(), portfolio.working(A)) == (2_000_000, {}, 0)


def test_a_sent_sell_holds_its_shares() -> None:
    sent: dict[str, KeptOrder] = {}
    portfolio = Portfolio(sent)
    filled = OrderFilled("1", "1-1", A, Side.BUY, 100, 10_000, 5_000, 0, "limit_up", Reason.NONE)
    portfolio.apply(rows(AccountOpened(2_000_000, "paper"), OrderSubmitted(order("1"), 1_005_000), filled))
    assert (portfolio.sellable(A), portfolio.sellable(B)) == (0, 0), "bought today"
    portfolio.ledger.positions[A].bought_today = 0
    assert portfolio.sellable(A) == 100
    sent["2"] = KeptOrder(1, order("2", side=Side.SELL, shares=60))
    assert (portfolio.sellable(A), portfolio.frozen(A), portfolio.working(A, Side.SELL)) == (40, 60, 1)
    assert portfolio.slots() == {A: "limit_up"}
    portfolio.apply(rows(OrderSubmitted(order("2", side=Side.SELL, shares=60), 0)))
    assert (portfolio.sellable(A), portfolio.frozen(A)) == (40, 60)
    assert portfolio.equity(lambda symbol: 11_000) == 2_000_000 - 1_005_000 + 1_100_000


def fill(coid: str, number: int, shares: int, side: Side = Side.BUY, price: int = 10_000, fees: int = 0) -> OrderFilled:
    return OrderFilled(coid, f"{coid}-{number}", A, side, shares, price, fees, 0, "limit_up", Reason.NONE)


def test_a_partly_filled_buy_holds_what_its_rest_can_cost() -> None:
    portfolio = Portfolio({})
    opened = (AccountOpened(10_000_000, "paper"), OrderSubmitted(order("1", shares=300), 3_005_000))
    portfolio.apply(rows(*opened, fill("1", 1, 100, price=9_900, fees=5_000)))
    assert portfolio.ledger.cash == 10_000_000 - 990_000 - 5_000
    assert portfolio.free_cash == 10_000_000 - 990_000 - 5_000 - 2_000_000, "200 at the limit; the fee is paid"
    assert (portfolio.bought(A), portfolio.working(A), portfolio.slots()) == (2_000_000, 1, {A: "limit_up"})
    portfolio.apply(rows(OrderCancelled("1", 200, Reason.CANCEL_AT_TIME)))
    assert (portfolio.free_cash, portfolio.bought(A), portfolio.slots()) == (9_005_000, 0, {A: "limit_up"})


def test_a_late_fill_takes_cash_and_a_slot_although_nothing_held_them_any_more() -> None:
    portfolio = Portfolio({})
    ended = (OrderSubmitted(order("1"), 1_005_000), OrderCancelled("1", 100, Reason.CANCEL_AT_TIME))
    portfolio.apply(rows(AccountOpened(2_000_000, "paper"), *ended))
    assert (portfolio.free_cash, portfolio.slots()) == (2_000_000, {})
    portfolio.apply(rows(fill("1", 1, 100, fees=5_000)))
    assert (portfolio.free_cash, portfolio.slots()) == (995_000, {A: "limit_up"})
    assert (portfolio.sellable(A), portfolio.working(A)) == (0, 0)


def test_a_late_sell_takes_what_another_sell_holds_and_leaves_nothing_below_zero() -> None:
    portfolio = Portfolio({})
    bought = (AccountOpened(2_000_000, "paper"), OrderSubmitted(order("1"), 1_005_000), fill("1", 1, 100))
    portfolio.apply(rows(*bought))
    portfolio.ledger.positions[A].bought_today = 0
    first, second = (order(coid, side=Side.SELL) for coid in ("2", "3"))
    portfolio.apply(rows(OrderSubmitted(first, 0), OrderCancelled("2", 100, Reason.REPRICE), OrderSubmitted(second, 0)))
    portfolio.apply(rows(fill("2", 1, 60, Side.SELL)))
    assert (portfolio.frozen(A), portfolio.sellable(A)) == (100, 0)
    portfolio.apply(rows(OrderCancelled("3", 100, Reason.REPRICE)))
    assert (portfolio.frozen(A), portfolio.sellable(A)) == (0, 40)
