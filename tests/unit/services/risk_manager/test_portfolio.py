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
