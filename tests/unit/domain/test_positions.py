"""The books: T+1, frozen cash and shares, fees, ex-days, and what must never happen."""

import pytest

from common.domain.errors import InvariantError
from common.domain.lots import Lot, Portion, shares_of
from common.domain.orders import OrderState
from common.domain.positions import Ledger
from common.domain.reasons import Reason
from common.domain.values import Price, Shares, Side

A = "600001.SH"
D1, D2 = 20260105, 20260106


def book(cash: int = 1_000_000_000) -> Ledger:
    ledger = Ledger()
    ledger.open_account("paper", cash)
    ledger.roll_day(D1, 20260104)
    return ledger


def submit(ledger: Ledger, coid: str, side: Side, shares: Shares, price: Price, fees: int = 5_000) -> None:
    ledger.submitted(
        coid, f"key-{coid}", A, side, shares, price, "limit_up", Reason.LIMIT_UP_TOUCH, D1 * 100_000 + 7, 1,
        shares * price + fees if side == Side.BUY else 0,
    )  # fmt: skip


def bought(shares: Shares = 1_000, price: Price = 10_000) -> Ledger:
    ledger = book()
    submit(ledger, "b1", Side.BUY, shares, price)
    ledger.accepted("b1", "p1")
    ledger.filled("b1", "b1-1", shares, price, 5_000)
    return ledger


def test_a_buy_holds_cash_and_shrinks_what_it_holds_with_each_deal() -> None:
    ledger = book()
    submit(ledger, "b1", Side.BUY, 1_000, 10_000)
    assert (ledger.cash, ledger.frozen_cash, ledger.free_cash) == (1_000_000_000, 10_005_000, 989_995_000)
    ledger.filled("b1", "b1-1", 400, 9_900, 5_000)
    order = ledger.order("b1")
    assert (order.state, order.left, order.frozen) == (OrderState.PARTIAL, 600, 6_000_000)
    ledger.filled("b1", "b1-2", 600, 10_000, 0)
    assert order.state is OrderState.FILLED
    assert not order.open
    assert ledger.frozen_cash == 0
    assert ledger.cash == 1_000_000_000 - 400 * 9_900 - 600 * 10_000 - 5_000
    assert ledger.positions[A].cost == 400 * 9_900 + 600 * 10_000
    assert ledger.fees_day == ledger.fees_total == 5_000
    assert list(ledger.open_orders()) == []


def test_what_was_bought_today_is_sellable_tomorrow() -> None:
    ledger = bought()
    assert ledger.positions[A].sellable == 0
    with pytest.raises(InvariantError, match="0 are sellable"):
        submit(ledger, "s1", Side.SELL, 100, 10_000)
    ledger.roll_day(D2, D1)
    assert (ledger.positions[A].sellable, ledger.positions[A].sessions_held, ledger.fees_day) == (1_000, 1, 0)
    submit(ledger, "s1", Side.SELL, 1_000, 10_000)
    assert ledger.positions[A].sellable == 0


def test_a_partial_sell_takes_its_floor_share_of_the_cost_and_the_last_one_the_rest() -> None:
    ledger = bought(300, 10_010)
    ledger.positions[A].cost = 1_000_001
    ledger.roll_day(D2, D1)
    submit(ledger, "s1", Side.SELL, 300, 10_000)
    ledger.filled("s1", "s1-1", 100, 10_000, 5_000)
    assert ledger.positions[A].cost == 1_000_001 - 333_333
    assert ledger.sold_day == 995_000
    assert ledger.withdrawable == ledger.free_cash - 995_000
    ledger.filled("s1", "s1-2", 200, 10_000, 0)
    assert ledger.positions == {}


def test_a_cancel_releases_what_the_rest_held_and_a_late_deal_still_counts() -> None:
    ledger = book()
    submit(ledger, "b1", Side.BUY, 1_000, 10_000)
    ledger.accepted("b1")
    ledger.cancelled("b1", Reason.HAND_CANCEL)
    assert ledger.free_cash == ledger.cash
    assert ledger.order("b1").state is OrderState.CANCELLED
    ledger.filled("b1", "late", 200, 10_000, 5_000)
    assert ledger.order("b1").state is OrderState.CANCELLED
    assert ledger.positions[A].shares == 200
    assert ledger.frozen_cash == 0


def test_cancelled_sell_gives_its_shares_back() -> None:
    ledger = bought()
    ledger.roll_day(D2, D1)
    submit(ledger, "s1", Side.SELL, 600, 10_000)
    ledger.filled("s1", "s1-1", 100, 10_000, 5_000)
    ledger.cancelled("s1", Reason.REPRICE)
    assert (ledger.positions[A].shares, ledger.positions[A].sellable) == (900, 900)


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_ends_release_cash(end: str) -> None:
    ledger = book()
    submit(ledger, "b1", Side.BUY, 1_000, 10_000)
    getattr(ledger, end)("b1", Reason.DAY_END)
    assert ledger.free_cash == ledger.cash == 1_000_000_000
    with pytest.raises(InvariantError, match="end again"):
        ledger.cancelled("b1", Reason.HAND_CANCEL)


def test_in_doubt_keeps_what_it_holds_and_survives_the_day() -> None:
    ledger = book()
    submit(ledger, "b1", Side.BUY, 1_000, 10_000)
    ledger.in_doubt("b1")
    ledger.roll_day(D2, D1)
    assert ledger.frozen_cash == 10_005_000
    assert ledger.order("b1").open
    ledger.accepted("b1", "found")
    assert ledger.order("b1").state is OrderState.WORKING


def test_an_ex_day_changes_shares_cash_and_cost() -> None:
    ledger = bought(1_000, 10_000)
    ledger.roll_day(D2, D1)
    before = ledger.cash
    ledger.corporate_action(A, 1_000, 1_300, 200_000, 9_800_000)
    assert (ledger.positions[A].shares, ledger.positions[A].cost) == (1_300, 9_800_000)
    assert ledger.cash == before + 200_000
    assert ledger.equity(lambda _: 7_500) == ledger.cash + 1_300 * 7_500
    with pytest.raises(InvariantError, match="goes ex"):
        ledger.corporate_action(A, 1_000, 1_300, 0, 0)


def test_the_books_refuse_what_cannot_be() -> None:
    ledger = book(10_000_000)
    with pytest.raises(InvariantError, match="is free"):
        submit(ledger, "b1", Side.BUY, 1_000, 10_000)
    submit(ledger, "b1", Side.BUY, 100, 10_000)
    with pytest.raises(InvariantError, match="submitted already"):
        submit(ledger, "b1", Side.BUY, 100, 10_000)
    with pytest.raises(InvariantError, match="100 of the order are left"):
        ledger.filled("b1", "d", 200, 10_000, 0)
    ledger.filled("b1", "d", 50, 10_000, 0)
    with pytest.raises(InvariantError, match="booked already"):
        ledger.filled("b1", "d", 50, 10_000, 0)
    with pytest.raises(InvariantError, match="never submitted"):
        ledger.accepted("nobody")
    with pytest.raises(InvariantError, match="open orders"):
        ledger.roll_day(D2, D1)
    with pytest.raises(InvariantError, match="after day"):
        ledger.roll_day(D1, D1)
    with pytest.raises(InvariantError, match="the order's limit is 10000"):
        ledger.filled("b1", "e", 50, 10_010, 0)
    with pytest.raises(InvariantError, match="open already"):
        ledger.open_account("again", 1)


def test_a_sale_takes_the_oldest_lots_and_pays_their_tax() -> None:
    ledger = bought(1_000)
    ledger.roll_day(D2, D1)
    ledger.corporate_action(A, 1_000, 1_100, 300_000, 9_000_000, 8_600, 400_000)
    holding = ledger.positions[A]
    assert (holding.lots[0].acquired, holding.lots[0].incomes[0].amount) == (D1, 400_000)
    assert holding.lots[1] == Lot(D2, 100)
    assert (ledger.dividends_total, holding.mark) == (300_000, 8_600)
    before = ledger.cash
    assert ledger.income_of(A, 500) == (Portion(D1, D2, 200_000),)
    submit(ledger, "s1", Side.SELL, 500, 8_600)
    ledger.filled("s1", "s1-1", 500, 8_600, 5_000, 40_000)
    assert ledger.cash - before == ledger.sold_day == 500 * 8_600 - 45_000
    order = ledger.order("s1")
    assert (order.taxes, order.portions) == (40_000, (Portion(D1, D2, 200_000),))
    assert (ledger.taxes_day, ledger.taxes_total, ledger.fees_total) == (40_000, 40_000, 10_000)
    assert shares_of(holding.lots) == holding.shares == 600
    ledger.roll_day(20260107, D2)
    assert (ledger.taxes_day, ledger.taxes_total) == (0, 40_000)


def test_a_sell_in_doubt_over_an_ex_day_keeps_what_it_holds() -> None:
    ledger = bought(1_000)
    ledger.roll_day(D2, D1)
    submit(ledger, "s1", Side.SELL, 400, 10_000)
    ledger.in_doubt("s1")
    ledger.roll_day(20260107, D2)
    ledger.corporate_action(A, 1_000, 1_300, 0, 9_800_000)
    assert (ledger.positions[A].frozen, ledger.positions[A].sellable) == (400, 900)
    ledger.expired("s1")
    assert ledger.positions[A].sellable == 1_300


def test_without_a_quote_a_position_is_worth_its_last_close() -> None:
    ledger = bought(100, 10_000)
    assert ledger.market_value(lambda _: 0) == 1_000_000, "before any close: the price it was bought at"
    ledger.close_day(ledger.cash + 1_050_000, {A: 10_500})
    assert ledger.market_value(lambda _: 0) == 1_050_000
    assert ledger.market_value(lambda _: 9_000) == 900_000
    with pytest.raises(InvariantError, match="nothing is held"):
        ledger.close_day(0, {"600002.SH": 1})


def test_a_position_is_written_off_and_its_sell_in_doubt_ends_quietly() -> None:
    ledger = bought(100)
    ledger.roll_day(D2, D1)
    submit(ledger, "s1", Side.SELL, 100, 10_000)
    ledger.in_doubt("s1")
    ledger.roll_day(20260107, D2)
    before = ledger.cash
    with pytest.raises(InvariantError, match="100 are held"):
        ledger.written_off(A, 200, 0)
    ledger.written_off(A, 100, 3_000)
    assert (ledger.cash, ledger.positions, ledger.taxes_total) == (before + 3_000, {}, 0)
    ledger.expired("s1")
    assert list(ledger.open_orders()) == []


def test_the_books_refuse_deals_that_cannot_be() -> None:
    ledger = bought(1_000)
    submit(ledger, "b2", Side.BUY, 100, 10_000)
    with pytest.raises(InvariantError, match="with tax 10"):
        ledger.filled("b2", "d", 100, 10_000, 0, 10)
    ledger.cancelled("b2", Reason.HAND_CANCEL)
    ledger.roll_day(D2, D1)
    submit(ledger, "s1", Side.SELL, 1_000, 10_000)
    ledger.cancelled("s1", Reason.HAND_CANCEL)
    submit(ledger, "s2", Side.SELL, 1_000, 10_000)
    ledger.filled("s2", "d2", 900, 10_000, 0)
    submit(ledger, "b3", Side.BUY, 500, 10_000)
    ledger.filled("b3", "d3", 500, 10_000, 0)
    with pytest.raises(InvariantError, match="600 are held and 500 of them bought today"):
        ledger.filled("s1", "d4", 200, 10_000, 0)
    ledger.filled("s1", "d5", 100, 10_000, 0)
    assert ledger.positions[A].sellable == 0
