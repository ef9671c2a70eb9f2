"""Both screens on real bars of 2019 and 2020 equal the slow ones, code for code."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from common.history import schema
from common.history.cross import cross_of
from common.history.daily import History
from common.history.store import write_manifest, write_table
from common.rules.boards import board_of
from common.screens.screen import run_screen
from tests.unit.history.folder import E9, frame
from tests.unit.screens import slow
from tests.unit.screens.shipped import passing, shipped

FIRST, LAST = date(2019, 9, 2), date(2020, 7, 16)
ASKED = (20200103, 20200506, 20200715)
WINDOW = 60
LEAST, MOST, BP_MAX = 1_000_000_000, 30_000_000_000, 2_500


def milli(column: str) -> pl.Expr:
    return (pl.col(column).fill_null(0) * 1000).round().cast(pl.Int32)


@pytest.fixture(scope="module")
def bars(shared_data: Path) -> pl.DataFrame:
    """Series A in our units, one row a stock and day; limits do not matter here and are set to 1."""
    raw = pl.scan_parquet(shared_data / "daily.parquet").filter(
        pl.col("series") == "A", pl.col("date").is_between(FIRST, LAST)
    )
    traded = ~pl.col("suspended")
    shares = pl.col("volume") / (pl.col("turnover_rate") / 100)
    return raw.select(
        pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int32).alias("day"),
        pl.col("code").alias("symbol"),
        milli("pre_close").alias("prev_close"),
        pl.lit(1).alias("up_limit"),
        pl.lit(1).alias("down_limit"),
        pl.col("suspended"),
        pl.when(pl.col("turnover_rate") > 0).then(shares.round()).otherwise(0).cast(pl.Int64).alias("float_shares"),
        (pl.col("adj_factor") * E9).round().cast(pl.Int64).alias("factor_e9"),
        *(pl.when(traded).then(milli(name)).otherwise(0).alias(name) for name in ("open", "high", "low", "close")),
        pl.when(traded).then(pl.col("volume")).otherwise(0).alias("volume"),
        pl.lit(0).alias("turnover"),
        pl.col("is_st"),
    ).collect()


@pytest.fixture(scope="module")
def history(bars: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("real")
    days = bars["day"].unique().sort()
    begins = bars.group_by("symbol").agg(pl.col("day").min().alias("listed_day"))
    write_table(folder, schema.CALENDAR_FILE, days.to_frame())
    write_table(
        folder, schema.INSTRUMENTS_FILE, begins.with_columns(pl.col("symbol").alias("name"), delisted_day=pl.lit(0))
    )
    write_table(folder, schema.EX_EVENTS_FILE, frame(schema.EX_EVENTS_FILE, []))
    spells = [
        {"symbol": symbol, "first_day": day, "last_day": day, "state": 1, "known_at": 0, "end_known_at": 1}
        for symbol, day in bars.filter("is_st").select("symbol", "day").rows()
    ]
    write_table(folder, schema.ST_FILE, frame(schema.ST_FILE, spells))
    for year in (2019, 2020):
        write_table(folder, f"daily/{year}.parquet", bars.filter(pl.col("day") // 10_000 == year))
    write_manifest(folder)
    return History(folder)


def slow_stocks(bars: pl.DataFrame, asked: int) -> dict[str, slow.Stock]:
    """Build what the slow screens look at straight from the rows."""
    days = sorted(day for day in bars["day"].unique() if day < asked)
    stocks = {}
    half_a_year_before = asked - 600 if asked % 10_000 > 700 else asked - 10_000 + 600
    columns = ("day", "open", "high", "low", "close", "factor_e9", "float_shares", "is_st", "suspended")
    for (symbol,), rows in bars.sort("day").group_by(["symbol"]):
        table = {row[0]: row[1:] for row in rows.select(columns).rows() if row[0] <= asked}
        if asked not in table:
            continue
        sessions: list[tuple[int, int, int, int, int] | None] = []
        factor = shares = 0
        for at, day in enumerate(days):
            row = table.get(day)
            sessions.append(row[:5] if row and row[3] else None)
            factor = row[4] if row else factor
            if row and row[5] and at >= len(days) - WINDOW:
                shares = row[5]
        st = int(any(row[6] for day, row in table.items() if day > half_a_year_before))
        listed = sum(1 for day in days if day >= min(table))
        board = int(board_of(str(symbol), asked))
        stocks[str(symbol)] = slow.Stock(board, sessions, factor, shares, listed, st, table[asked][7], 1)
    return stocks


@pytest.mark.parametrize("asked", ASKED)
def test_real_pools_equal_the_slow_ones(bars: pl.DataFrame, history: History, asked: int) -> None:
    stocks = slow_stocks(bars, asked)
    cross = cross_of(history, asked, WINDOW)
    assert sorted(stocks) == list(cross.symbols)
    quiet = sorted(
        symbol for symbol, stock in stocks.items() if slow.limit_up(stock, LEAST, MOST, {1, 2}, WINDOW, BP_MAX)
    )
    size = {"float_value_min": LEAST, "float_value_max": MOST}
    assert passing(run_screen(shipped("limit_up", amplitude_bp_max=BP_MAX, **size), cross)) == quiet
    fractals = {
        symbol: found
        for symbol, stock in stocks.items()
        if (found := slow.bottom_fractal(stock, LEAST, MOST, {1, 2}, WINDOW))
    }
    result = run_screen(shipped("bottom_fractal", **size), cross)
    assert passing(result) == sorted(fractals)
    for at in np.flatnonzero(result.passed):
        values = tuple(int(result.context()[name][at]) for name in ("k1_high", "k1_low", "k2_high", "k2_low"))
        assert values == fractals[cross.symbols[at]]
    assert len(quiet) + len(fractals) > 20
