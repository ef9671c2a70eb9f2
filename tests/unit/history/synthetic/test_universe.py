"""The drawn stocks: every kind of event in every size, ex-days that add up."""

import pytest

from common.domain.values import Board
from common.history.synthetic.actors import CAST
from common.history.synthetic.draws import Draws
from common.history.synthetic.params import PLAYED_DAYS, STOCKS_MAX, MarketParams
from common.history.synthetic.universe import LONG_AGO, NEVER, Stock, facts_of, make_stocks
from common.rules.boards import board_of


@pytest.mark.parametrize(("count", "seed"), [(60, 1), (60, 2), (400, 1)])
def test_every_size_has_every_event(count: int, seed: int) -> None:
    params = MarketParams(seed=seed, stocks=count)
    stocks = make_stocks(params, Draws(seed))
    assert len({stock.symbol for stock in stocks}) == count
    assert [stock.symbol for stock in stocks] == sorted(stock.symbol for stock in stocks)
    drawn = [stock for stock in stocks if stock.actor is None]
    assert len(stocks) - len(drawn) == len(CAST)
    assert {stock.board for stock in drawn} == {Board.MAIN, Board.CHINEXT, Board.STAR}
    played = range(params.sessions, params.sessions + 3)
    for wanted in (
        [stock for stock in drawn if stock.st_from < params.sessions],
        [stock for stock in drawn if stock.suspended],
        [stock for stock in drawn if any(cash for cash, _ in stock.ex.values())],
        [stock for stock in drawn if any(bonus for _, bonus in stock.ex.values())],
        [stock for stock in drawn if 0 <= stock.listed_at < params.sessions],
        [stock for stock in drawn if stock.delisted_at < NEVER],
        [stock for stock in drawn if stock.listed_at in played],
        [stock for stock in drawn if set(stock.suspended) & set(played)],
    ):
        assert wanted
    assert {at for stock in drawn for at in stock.ex} >= set(played)


def test_an_ex_day_moves_reference_shares_and_factor() -> None:
    stock = Stock("600001.SH", "n", Board.MAIN, 12_000, 1_000_000, 20_000, 10_000, 500_000, base=12_000)
    stock.ex = {5: (500_000, 200_000)}
    before = facts_of(stock, 4, 20260105, LONG_AGO)
    assert (before.prev_close, before.up, before.down, before.factor_e9) == (12_000, 13_200, 10_800, 10**9)
    facts = facts_of(stock, 5, 20260105, LONG_AGO)
    assert (facts.raw_prev_close, facts.prev_close, facts.up) == (12_000, 9_580, 10_540)  # (12 - 0.5) / 1.2 = 9.583
    assert (facts.float_shares, facts.factor_e9) == (1_200_000, 10**9 * 12_000 // 9_580)


def test_a_suspended_stock_does_not_go_ex_and_a_new_one_has_no_limits() -> None:
    stock = Stock("600001.SH", "n", Board.MAIN, 12_000, 1_000_000, 20_000, 10_000, 500_000, suspended=range(5, 6))
    stock.ex = {5: (500_000, 0)}
    facts = facts_of(stock, 5, 20260105, LONG_AGO)
    assert (facts.suspended, facts.prev_close, facts.cash_e6) == (True, 12_000, 0)
    new = Stock("301001.SZ", "n", Board.CHINEXT, 12_000, 1_000_000, 20_000, 10_000, 500_000, listed_at=7)
    assert facts_of(new, 7, 20260105, 20260105).up == 0
    assert facts_of(new, 12, 20260112, 20260105).up == 14_400
    assert not new.listed(6)


def test_the_largest_market_has_codes_of_its_boards_only() -> None:
    stocks = make_stocks(MarketParams(stocks=STOCKS_MAX), Draws(7))
    assert len({stock.symbol for stock in stocks}) == STOCKS_MAX
    assert all(board_of(stock.symbol, PLAYED_DAYS[0]) is stock.board for stock in stocks)
