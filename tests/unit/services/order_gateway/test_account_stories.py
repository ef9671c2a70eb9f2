"""Stories of an account with their sums written out, through the real gateway; amounts in yuan.

Fees since 2023-08-28: commission 0.015 % and at least 5.00 an order (a setting), transfer fee 0.001 %, stamp duty 0.05 %
on sales. Dividend tax since 2015-09-08: 20 % up to a month, 10 % up to a year, none after that.
"""

import pytest

from common.domain.values import Side
from tests.account_story import Story, yuan

MON, TUE, WED = 20260105, 20260106, 20260107


def test_a_small_buy_pays_the_minimum_commission() -> None:
    story = Story(cash=20_000)
    story.day(MON)
    # 1,000 x 10.00 = 10,000.00; commission 1.50 -> 5.00; transfer 0.10
    assert story.buy(1_000, 10.00).fees == yuan(5.10)
    # 20,000.00 - 10,000.00 - 5.10
    assert story.account.cash == yuan(9_994.90)
    assert story.position.cost == yuan(10_000.00), "cost is without fees"
    assert story.account.fees_total == yuan(5.10)


def test_a_large_buy_pays_by_rate() -> None:
    story = Story(cash=2_000_000)
    story.day(MON)
    # 100,000 x 10.00 = 1,000,000.00; commission 150.00; transfer 10.00
    assert story.buy(100_000, 10.00).fees == yuan(160.00)
    assert story.account.cash == yuan(2_000_000 - 1_000_000 - 160)


def test_bought_today_is_sold_tomorrow_and_the_seller_pays_stamp_duty() -> None:
    story = Story(cash=20_000)
    story.day(MON)
    story.buy(1_000, 10.00)
    row = story.position
    assert (row.shares, row.sellable, row.bought_today, row.frozen) == (1_000, 0, 1_000, 0)
    story.order(Side.SELL, 1_000, 10.00)
    assert len(story.fills()) == 1, "T+1: denied"
    story.close(10.20)
    story.day(TUE)
    row = story.position
    assert (row.sellable, row.bought_today) == (1_000, 0)
    # 1,000 x 10.30 = 10,300.00; commission 1.545 -> 5.00; stamp duty 5.15; transfer 0.103 -> 0.10
    assert story.sell(1_000, 10.30).fees == yuan(10.25)
    # 9,994.90 + 10,300.00 - 10.25
    assert story.account.cash == yuan(20_284.65)
    # gain 284.65 = 300.00 of price - 5.10 - 10.25 of fees
    assert story.account.equity - story.account.start_cash == yuan(284.65)


def test_half_sold_leaves_half_the_cost() -> None:
    story = Story()
    story.day(MON)
    story.buy(300, 10.01)
    story.close(10.01)
    story.day(TUE)
    story.sell(100, 10.00)
    # cost 3,003.00; sold floor(3,003.00 x 100 / 300) = 1,001.00
    assert story.position.cost == yuan(2_002.00)
    story.sell(100, 10.00)
    assert story.position.cost == yuan(1_001.00)


def test_a_working_buy_freezes_its_cash_with_fees_until_it_is_cancelled() -> None:
    story = Story(cash=20_000)
    story.day(MON)
    story.quote(9.99, 10.00)
    coid = story.order(Side.BUY, 1_000, 9.90)
    # 1,000 x 9.90 = 9,900.00; commission 5.00; transfer 0.099 -> 0.10
    account = story.account
    assert (account.frozen, account.cash) == (yuan(9_905.10), yuan(10_094.90))
    assert account.withdrawable == yuan(10_094.90)
    story.cancel(coid)
    account = story.account
    assert (account.frozen, account.cash, account.withdrawable) == (0, yuan(20_000), yuan(20_000))


def test_a_working_sell_freezes_its_shares() -> None:
    story = Story()
    story.day(MON)
    story.buy(1_000, 10.00)
    story.close(10.00)
    story.day(TUE)
    story.quote(9.99, 10.00)
    coid = story.order(Side.SELL, 400, 10.10)
    row = story.position
    assert (row.shares, row.sellable, row.frozen) == (1_000, 600, 400)
    story.order(Side.SELL, 700, 10.10)
    assert story.position.frozen == 400, "700 more are not sellable"
    story.cancel(coid)
    assert story.position.sellable == 1_000


def test_proceeds_buy_today_and_leave_tomorrow() -> None:
    story = Story(cash=20_000)
    story.day(MON)
    story.buy(1_900, 10.00)  # 19,000.00; commission 5.00 (2.85); transfer 0.19
    assert story.account.cash == yuan(994.81)
    story.close(10.00)
    story.day(TUE)
    story.sell(1_900, 10.00)  # 19,000.00; commission 5.00; stamp duty 9.50; transfer 0.19
    account = story.account
    # 19,000.00 - 14.69 came in; 994.81 were there before
    assert (account.sold_today, account.cash) == (yuan(18_985.31), yuan(19_980.12))
    assert account.withdrawable == yuan(994.81)
    story.buy(1_000, 10.00)  # 10,005.10 are spent
    account = story.account
    # 19,980.12 - 10,005.10 = 9,975.02 are free, less than came in today
    assert (account.cash, account.withdrawable) == (yuan(9_975.02), 0)
    story.close(10.00)
    story.day(WED)
    assert story.account.withdrawable == story.account.cash == yuan(9_975.02)


def held(shares: int = 1_000, day: int = MON, cash: float = 1_000_000) -> Story:
    """Return an account that bought at 10.00 on a day that closed at 10.00."""
    story = Story(cash)
    story.day(day)
    story.buy(shares, 10.00)
    story.close(10.00)
    return story


def test_an_ex_day_with_cash_only() -> None:
    story = held()
    before = story.account
    # 0.50 a share: reference 10.00 - 0.50 = 9.50; 1,000 x 0.50 come in; cost 10,000.00 x 9.50 / 10.00
    story.day(TUE, reference=9.50, cash=0.50)
    assert story.account.cash - before.cash == yuan(500.00)
    assert story.position.cost == yuan(9_500.00)
    assert story.account.equity == before.equity, "1,000 x 0.50 in cash, 1,000 x 0.50 less in shares"
    assert story.account.dividends_total == yuan(500.00)
    assert story.position.tax_due == yuan(100.00), "20 % of 500.00 if sold today"


def test_an_ex_day_with_transfer_shares_only() -> None:
    story = held()
    before = story.account
    # 10 new for 10 out of capital reserve: reference 10.00 / 2 = 5.00; cost 10,000.00 x 5.00 / 10.00 x 2,000 / 1,000
    story.day(TUE, reference=5.00, bonus=1.0)
    row = story.position
    assert (row.shares, row.sellable, row.cost) == (2_000, 2_000, yuan(10_000.00))
    assert story.account.equity == before.equity
    assert story.ex().taxable == row.tax_due == 0


def test_an_ex_day_with_cash_bonus_and_transfer() -> None:
    story = held()
    before = story.account
    # For 10: 2 out of profit, 3 out of reserve, 1.00 yuan. Reference (10.00 - 0.10) / 1.5 = 6.60.
    story.day(TUE, reference=6.60, cash=0.10, bonus=0.5, profit=0.2)
    row = story.position
    assert row.shares == 1_500
    assert story.account.cash - before.cash == yuan(100.00)
    # 10,000.00 x 6.60 / 10.00 x 1,500 / 1,000
    assert row.cost == yuan(9_900.00)
    # 1,000 x 0.10 cash + 200 shares out of profit at 1.00
    assert story.ex().taxable == yuan(300.00)
    assert row.tax_due == yuan(60.00)
    # 1,500 x 6.60 + 100.00 = 10,000.00
    assert story.account.equity == before.equity


def test_a_fraction_of_a_new_share_is_dropped() -> None:
    story = held(shares=300)
    # 300 x 0.0333 = 9.99 -> 9
    story.day(TUE, reference=9.68, bonus=0.0333)
    assert story.position.shares == 309
    # 3,000.00 x 9.68 / 10.00 x 309 / 300 = 2,991.12
    assert story.position.cost == yuan(2_991.12)


def taxed(bought: int, ex_day: int, sold: int) -> Story:
    """Return an account that got 0.50 a share on 1,000 shares and sold all of them."""
    story = held(day=bought)
    if sold == ex_day:
        story.day(ex_day, reference=9.50, cash=0.50)
        story.sell(1_000, 9.50)
        return story
    story.day(ex_day, reference=9.50, cash=0.50)
    story.close(9.50)
    story.day(sold)
    story.sell(1_000, 9.50)
    return story


@pytest.mark.parametrize(
    ("sold", "tax"),
    [
        pytest.param(20260106, 100.00, id="on the ex-day: 20 % of 500.00"),
        pytest.param(20260205, 100.00, id="5 January to 4 February is one month: 20 % of 500.00"),
        pytest.param(20260206, 50.00, id="5 January to 5 February is more: 10 % of 500.00"),
        pytest.param(20270105, 50.00, id="5 January to 4 January is one year: 10 % of 500.00"),
        pytest.param(20270106, 0.00, id="more than a year: nothing"),
    ],
)
def test_tax_by_holding_period(sold: int, tax: float) -> None:
    story = taxed(20260105, 20260106, sold)
    fill = story.fills()[-1]
    assert fill.tax == story.account.taxes_total == yuan(tax)
    # 1,000,000.00 less 10,000.00 and 5.10, and 500.00, and 9,500.00 less 5.00, 4.75, 0.10 (0.095) and the tax
    assert story.account.cash == yuan(999_985.05 - tax)
    assert story.account.sold_today == yuan(9_500.00 - 9.85 - tax)


def test_a_dividend_of_2014_is_taxed_by_the_rates_of_2014() -> None:
    story = taxed(20140106, 20140107, 20150108)
    # more than a year: 5 % of 500.00
    assert story.fills()[-1].tax == yuan(25.00)


def test_first_in_first_out() -> None:
    story = held(shares=1_000, day=20250106)
    story.day(20260105)
    story.buy(500, 10.00)
    story.close(10.00)
    # 1,500 x 0.20 = 300.00 taxable: 200.00 on the old lot, 100.00 on the new one
    story.day(20260120, reference=9.80, cash=0.20)
    assert story.sell(800, 9.80).tax == 0, "all from the lot of a year ago"
    # 200 of the old lot at nothing, 300 of the new one: 100.00 x 300 / 500 x 20 %
    assert story.sell(500, 9.80).tax == yuan(12.00)
    # 100.00 x 200 / 500 x 20 %
    assert story.sell(200, 9.80).tax == yuan(8.00)
    assert story.account.taxes_total == yuan(20.00)


def test_what_was_bought_on_the_ex_day_got_no_dividend() -> None:
    story = held(shares=100)
    story.day(TUE, reference=9.80, cash=0.20)
    story.buy(900, 9.80)
    story.close(9.80)
    story.day(WED)
    # 100 x 0.20 x 20 %; the 900 bear nothing
    assert story.sell(1_000, 9.80).tax == yuan(4.00)


def test_new_shares_are_held_from_the_ex_day_on() -> None:
    story = held(shares=1_000, day=20250106)
    # 10 new for 10 out of reserve on 5 January: 1,000 shares of a year ago, 1,000 of today
    story.day(20260105, reference=5.00, bonus=1.0)
    story.close(5.00)
    # 2,000 x 0.10: 100.00 on each lot
    story.day(20260112, reference=4.90, cash=0.10)
    assert story.sell(1_000, 4.90).tax == 0
    assert story.sell(1_000, 4.90).tax == yuan(20.00)


def test_the_deals_of_an_order_are_taxed_as_one() -> None:
    story = held(shares=300)
    # 300 x 0.0333 = 9.99 taxable; 20 % = 1.998 -> 2.00
    story.day(TUE, reference=9.97, cash=0.0333)
    story.quote(9.97, 9.98, volume=100)
    story.order(Side.SELL, 300, 9.97)
    for _ in range(2):
        story.quote(9.97, 9.98, volume=100)
    taxes = [fill.tax for fill in story.fills() if fill.side == Side.SELL]
    assert taxes[0] == yuan(0.67), "100 of 300: 0.666"
    assert len(taxes) > 1
    assert sum(taxes) == yuan(2.00)


def test_a_suspended_stock_keeps_its_value_and_its_t_plus_1_passes() -> None:
    story = held()
    before = story.account.equity
    story.day(TUE, suspended=True)
    assert story.account.equity == before
    assert story.position.sellable == 1_000
    story.quote(9.99, 10.00)
    story.order(Side.SELL, 1_000, 10.00)
    assert len(story.fills()) == 1, "denied: suspended"


def test_a_stock_that_is_missing_from_the_table_is_valued_at_its_last_close() -> None:
    story = held()
    before = story.account.equity
    story.day(TUE, there=False)
    assert story.position.last == yuan(10.00)
    assert story.account.equity == before
    assert story.gone() == []
    story.day(WED, there=False)
    assert story.closed().result.pnl == 0, "the day that was missing its end closes at the same value"


def test_a_delisted_stock_is_written_off() -> None:
    story = held()
    before = story.account
    story.day(TUE, there=False, delisted=True)
    (gone,) = story.gone()
    assert (gone.shares, gone.cost, gone.last, gone.cash) == (1_000, yuan(10_000.00), yuan(10.00), 0)
    assert story.account.cash == before.cash
    # 1,000 x 10.00 are gone
    assert story.account.equity == before.equity - yuan(10_000.00)
    story.rig.boot()
    assert story.account.market_value == 0
