"""Limits of whole columns are those of the rulebook, row by row."""

import random

import polars as pl

from common.history.limits import board_or_zero, boards, rule_limits
from common.rules.price_limits import price_band


def test_columns_equal_the_rulebook() -> None:
    random.seed(20260105)
    exchanges = {"600519.SH": 1, "300750.SZ": 2, "688001.SH": 1, "920002.BJ": 3, "000001.SZ": 2}
    rows = []
    for _ in range(3_000):
        symbol = random.choice(list(exchanges))
        day = random.choice([20180702, 20200821, 20200824, 20230407, 20230410, 20260703, 20260706])
        session = random.choice([1, 2, 5, 6, 500])
        rows.append((symbol, board_or_zero(symbol, 20260706), day, random.randrange(0, 300_000, 10), random.random() < 0.3,
                     session, day if session < 6 else 20100104))  # fmt: skip
    names = ("symbol", "board", "day", "prev_close", "st", "session", "listed_day")
    kinds = {"board": pl.Int8, "day": pl.Int32, "prev_close": pl.Int32}
    found = rule_limits(pl.DataFrame(rows, schema=list(names), orient="row").cast(kinds)).rows()
    expected = [
        tuple(price_band(board, day, prev, st, 0, session, listed, exchanges[symbol]))
        for symbol, board, day, prev, st, session, listed in rows
    ]
    assert found == expected
    assert len({band for band in found if band[0]}) > 1_000


def test_no_rows_have_no_limits() -> None:
    assert rule_limits(pl.DataFrame()).rows() == []


def test_codes_that_are_no_shares_have_no_board() -> None:
    days = pl.Series([20240102, 20250102, 20240102])
    assert boards(pl.Series(["600519.SH", "399300.SZ", "830001.BJ"]), days, pl.Series([20260105] * 3)) == [1, 0, 4]
