"""Trades from deals: a table of twelve, worked by hand; the odd cases; what cannot be."""

import pytest

from common.backtests.result import BookEvent, EventKind
from common.backtests.statistics import statistics_of
from common.backtests.trades import Trade, trades_of
from common.domain.errors import InvariantError
from common.domain.reasons import Reason
from tests.backtest_books import S1000, S1430, Books

D = [20260105, 20260106, 20260107, 20260108, 20260109, 20260202]
"""Six sessions in two months."""


def twelve() -> Books:
    """Keep the books of twelve trades. Amounts below are in yuan; every price is in 0.001 yuan (size: one table).

    Fees are (commission, stamp, transfer). Started with 1,000,000.00.

     #  stock   deals                                     bought     sold  fees          other    P
     1  600001  B 1000@10.00, S 1000@11.00                10,000   11,000  5+5+5.50=15.5          +984.50
     2  600002  B 1000@10.00, S 1000@ 9.50                10,000    9,500  5+5+4.75=14.75         -514.75
     3  600003  B 500@20.00 twice, S 1000@21.00           20,000   21,000  5+5+5=15               +985.00
     4  600004  B 1000@10.00, S 500@10.50, S 500@10.20    10,000   10,350  5+5+5=15               +335.00
     5  600005  B 1000@13.00, ex 10:3 and 0.10 a share,   13,000   13,260  10            +100     +350.00
                then S 1300@10.20
     6  600006  B 1000@5.00, ex 0.20 a share, S 1000@4.90  5,000    4,900  10            +200 -40  +50.00
                the tax of 40 comes the day after
     7  600007  B 200@50.00, S 200@50.05: ten yuan gained 10,000   10,010  10                       0.00
                are ten yuan of fees
     8  600008  B 100@100.00, S 100@90.00                 10,000    9,000  10                   -1,010.00
     9  600001  again: B 1000@11.00, S 1000@11.50         11,000   11,500  10                     +490.00
    10  600009  B 300@10.00, S 300@10.30                   3,000    3,090  10                      +80.00
    11  600010  B 100@10.00, delisted for 0                1,000        0  5                    -1,005.00
    12  600011  B 1000@8.00, still open at 8.50            8,000        0  5             8,500    +495.00
                                                         111,000  103,610  130.25                +1,239.75

    Closed: 11; wins 1 3 4 5 6 9 10 = 7; losses 2 8 11 = 3; number 7 is neither.
    """
    books = Books()
    five = (5_000, 0, 0)
    books.buy(D[0], "600001.SH", 1000, 10_000, five)
    books.buy(D[0], "600002.SH", 1000, 10_000, five)
    books.buy(D[0], "600003.SH", 500, 20_000, five)
    books.buy(D[0], "600003.SH", 500, 20_000, five, second=S1000)
    books.buy(D[0], "600004.SH", 1000, 10_000, five, second=S1000)
    books.buy(D[0], "600005.SH", 1000, 13_000, five, second=S1000)
    books.close(D[0], {f"60000{n}.SH": price for n, price in enumerate((10_000, 10_000, 20_000, 10_000, 13_000), 1)})

    books.event(D[1], "600005.SH", 1300, 100_000)
    books.sell(D[1], "600001.SH", 1000, 11_000, (5_000, 5_500, 0), reason=Reason.TRAILING_STOP)
    books.sell(D[1], "600002.SH", 1000, 9_500, (5_000, 4_750, 0))
    books.sell(D[1], "600004.SH", 500, 10_500, five, reason=Reason.TAKE_PROFIT_HALF)
    books.buy(D[1], "600006.SH", 1000, 5_000, five, second=S1430)
    books.buy(D[1], "600007.SH", 200, 50_000, five, second=S1430)
    books.close(D[1], {"600005.SH": 10_000, "600006.SH": 5_000, "600007.SH": 50_000})

    books.event(D[2], "600006.SH", 1000, 200_000)
    books.sell(D[2], "600003.SH", 1000, 21_000, five, reason=Reason.NOT_SEALED_AT_1430)
    books.sell(D[2], "600004.SH", 500, 10_200, five, reason=Reason.TRAILING_STOP)
    books.sell(D[2], "600005.SH", 1300, 10_200, five, reason=Reason.TRAILING_STOP)
    books.sell(D[2], "600007.SH", 200, 50_050, five, reason=Reason.WEAK_AT_0950)
    books.buy(D[2], "600008.SH", 100, 100_000, five, second=S1430)
    books.buy(D[2], "600001.SH", 1000, 11_000, five, second=S1430, reason=Reason.BOTTOM_FRACTAL_CONFIRMED)
    books.close(D[2], {"600008.SH": 100_000, "600001.SH": 11_000})

    books.sell(D[3], "600006.SH", 1000, 4_900, five)
    books.sell(D[3], "600008.SH", 100, 90_000, five)
    books.sell(D[3], "600001.SH", 1000, 11_500, five, reason=Reason.TRAILING_STOP)
    books.buy(D[3], "600009.SH", 300, 10_000, five, second=S1430)
    books.buy(D[3], "600010.SH", 100, 10_000, five, second=S1430)
    books.close(D[3], {"600009.SH": 10_000, "600010.SH": 10_000})

    books.event_after_flat(D[4], "600006.SH", -40_000)
    books.sell(D[4], "600009.SH", 300, 10_300, five, second=S1430, reason=Reason.TRAILING_STOP)
    books.close(D[4])

    books.event(D[5], "600010.SH", 0, 0, EventKind.DELISTED)
    books.buy(D[5], "600011.SH", 1000, 8_000, five)
    books.close(D[5], {"600011.SH": 8_500})
    return books


PNL = (984_500, -514_750, 985_000, 335_000, 350_000, 50_000, 0, -1_010_000, 490_000, 80_000, -1_005_000, 495_000)
"""P of the table in 0.001 yuan."""
ORDER = (1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 10, 11)


def by_hand() -> list[Trade]:
    return trades_of(twelve().result())


def test_profit_and_loss_of_the_twelve() -> None:
    trades = by_hand()
    assert [trade.symbol for trade in trades] == [f"6000{name:02d}.SH" for name in ORDER]
    assert tuple(trade.pnl for trade in trades) == PNL
    assert sum(PNL) == 1_239_750 == twelve().equity[-1].equity - 1_000_000_000


def test_their_shares_amounts_and_fees() -> None:
    trades = by_hand()
    assert (sum(t.amount_bought for t in trades), sum(t.amount_sold for t in trades)) == (111_000_000, 103_610_000)
    assert sum(t.fees for t in trades) == 130_250
    assert [t.tax for t in trades if t.tax] == [40_000]
    third, fourth, fifth = trades[2:5]
    assert (third.buys, third.sells, third.shares_bought, third.shares_sold) == (2, 1, 1000, 1000)
    assert (fourth.buys, fourth.sells, fourth.exit) == (1, 2, Reason.TRAILING_STOP)
    assert (fifth.shares_bought, fifth.shares_sold, fifth.income, fifth.ex_days) == (1000, 1300, 100_000, 1)


def test_their_days_and_reasons() -> None:
    trades = by_hand()
    assert [trade.sessions for trade in trades] == [1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 2, 0]
    assert [trade.closed for trade in trades[:3]] == [D[1], D[1], D[2]]
    assert (trades[10].closed, trades[10].exit, trades[10].open) == (D[5], Reason.DELISTED, False)
    assert (trades[11].closed, trades[11].open, trades[11].value_left) == (0, True, 8_500_000)
    # 984.50 over the outlay of 10,005.00
    assert trades[0].gain == pytest.approx(984.5 / 10_005)


def test_their_metrics() -> None:
    found = statistics_of(twelve().result())
    metrics = found.metrics
    assert (metrics["trades"], metrics["open_trades"], metrics["wins"], metrics["losses"]) == (11, 1, 7, 3)
    assert metrics["win_rate"] == pytest.approx(7 / 11)
    # wins 984.5 + 985 + 335 + 350 + 50 + 490 + 80 = 3,274.5 over 7; losses 514.75 + 1,010 + 1,005 = 2,529.75 over 3
    assert metrics["profit_loss_ratio"] == pytest.approx((3274.5 / 7) / (2529.75 / 3))
    assert metrics["pnl"] == 1_239_750
    # sessions of the closed ones: 1+1+2+2+2+2+1+1+1+1+2 = 16
    assert metrics["holding_mean"] == pytest.approx(16 / 11)
    assert metrics["holding_max"] == 2
    # commission: 24 deals of 5.00, 13 of them buys; stamp 5.50 + 4.75
    assert (metrics["fills"], metrics["commission"], metrics["stamp"]) == (24, 120_000, 10_250)
    assert (metrics["transfer"], metrics["dividend_tax"], metrics["costs"]) == (0, 40_000, 170_250)
    assert metrics["cost_share"] == pytest.approx(130.25 / 214_610)
    # outlay of number 8: 10,005; its loss 1,010. Number 11: 1,005 of 1,005
    assert metrics["worst_gain"] == pytest.approx(-1.0)
    assert metrics["best_gain"] == pytest.approx(984.5 / 10_005)


def test_their_tables() -> None:
    found = statistics_of(twelve().result())
    rows = {row.reason: row for row in found.by_exit}
    # trailing stop ended 1, 4, 5, 9, 10: 984.5 + 335 + 350 + 490 + 80
    assert (rows[Reason.TRAILING_STOP].trades, rows[Reason.TRAILING_STOP].pnl) == (5, 2_239_500)
    # stop loss ended 2, 6, 8: -514.75 + 50 - 1,010
    stop = rows[Reason.STOP_LOSS]
    assert (stop.trades, stop.wins, stop.losses, stop.pnl) == (3, 1, 2, -1_474_750)
    assert (rows[Reason.DELISTED].trades, rows[Reason.WEAK_AT_0950].pnl) == (1, 0)
    assert {row.reason: row.trades for row in found.by_entry} == {
        Reason.LIMIT_UP_TOUCH: 10,
        Reason.BOTTOM_FRACTAL_CONFIRMED: 1,
    }
    january, february = found.by_month
    assert (january.month, january.sessions, january.closed, january.wins) == (202601, 5, 10, 7)
    # January ends without number 11's loss of its 1,000.00 and without number 12: 1,239.75 + 1,000 - 495
    assert (january.pnl, february.pnl) == (1_744_750, -505_000)
    assert february.gain == pytest.approx(-505_000 / 1_001_744_750)


def test_a_day_trade_of_shares_held_before() -> None:
    """More bought, and the old shares sold, on one day: still the same trade."""
    books = Books()
    books.buy(D[0], "600001.SH", 200, 10_000)
    books.close(D[0], {"600001.SH": 10_000})
    books.buy(D[1], "600001.SH", 200, 9_000)
    books.sell(D[1], "600001.SH", 200, 10_500)
    books.close(D[1], {"600001.SH": 9_500})
    (trade,) = trades_of(books.result())
    assert (trade.shares_left, trade.open, trade.exit) == (200, True, Reason.NONE)
    assert trade.pnl == 200 * (10_500 + 9_500 - 10_000 - 9_000)


def test_flat_and_bought_again_on_one_day_are_two_trades() -> None:
    books = Books()
    books.buy(D[0], "600001.SH", 200, 10_000)
    books.close(D[0], {"600001.SH": 10_000})
    books.sell(D[1], "600001.SH", 200, 10_500)
    books.buy(D[1], "600001.SH", 100, 10_400, second=S1430)
    books.close(D[1], {"600001.SH": 10_400})
    assert [(t.pnl, t.open) for t in trades_of(books.result())] == [(100_000, False), (0, True)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda books: books.sell(D[1], "600002.SH", 100, 10_000), "nothing is held"),
        (lambda books: books.sell(D[1], "600001.SH", 300, 10_000), "300 sold, 200 held"),
        (lambda books: books.events.append(BookEvent(D[1], 0, "600009.SH", EventKind.EX_DAY, 1, 2, 0)), "never held"),
        (lambda books: books.events.append(BookEvent(D[1], 0, "600001.SH", EventKind.EX_DAY, 1, 2, 0)), "200 are held"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(spoil: object, words: str) -> None:
    books = Books()
    books.buy(D[0], "600001.SH", 200, 10_000)
    books.close(D[0], {"600001.SH": 10_000})
    assert callable(spoil)
    spoil(books)
    with pytest.raises(InvariantError, match=words):
        trades_of(books.result())
