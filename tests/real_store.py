"""A folder of history out of the shared real bars: one series, in our units, nothing invented beyond what is said here.

Limits that the data does not have are the boards' usual ones, none on the first five sessions of a listing; days
without a row between two rows of a stock are suspended ones; an ST flag that is missing is unknown.
"""

from pathlib import Path

import polars as pl

from common.history import schema
from common.history.store import write_manifest, write_table
from tests.unit.history.folder import E9, frame

FREE_SESSIONS = 5


def milli(column: str) -> pl.Expr:
    return (pl.col(column).fill_null(0) * 1000).round().cast(pl.Int32)


def raw_bars(shared: Path, series: str) -> pl.DataFrame:
    """Return one series with a row for every session between a stock's first and last one."""
    raw = pl.read_parquet(shared / "daily.parquet").filter(pl.col("series") == series)
    days = raw.select("date").unique()
    spans = raw.group_by("code").agg(pl.col("date").min().alias("begin"), pl.col("date").max().alias("end"))
    every = spans.join(days, how="cross").filter(pl.col("date").is_between("begin", "end")).select("date", "code")
    table = every.join(raw, on=["date", "code"], how="left").sort("code", "date")
    filled = pl.col("close", "adj_factor").forward_fill().over("code")
    carried = table.with_columns(filled).select(
        pl.col("close").alias("held_close"), pl.col("adj_factor").alias("held_factor")
    )
    return table.hstack(carried)


def daily_table(bars: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Return the daily rows in our units; `listed` has symbol and listed_day."""
    traded = (~pl.col("suspended").fill_null(True)) & (pl.col("volume").fill_null(0) > 0)
    by_rate = pl.when(pl.col("turnover_rate") > 0).then(pl.col("volume") / (pl.col("turnover_rate") / 100)).round()
    shares = pl.coalesce(pl.col("float_shares"), by_rate.cast(pl.Int64), 0)
    wide = pl.col("code").str.starts_with("688") | pl.col("code").str.starts_with("3")
    rate = pl.when(pl.col("code").str.ends_with("BJ")).then(30).when(wide).then(20).otherwise(10)
    day = pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int32)
    bars = bars.with_columns(
        pl.coalesce(
            pl.col("pre_close"), pl.col("held_close").shift(1).over("code"), pl.col("open"), pl.col("held_close")
        ).alias("pre_close"),
        day.alias("day"),
    )
    number = pl.int_range(1, pl.len() + 1).over("code")
    fresh = (pl.col("listed_day") >= pl.col("day").min()) & (number <= FREE_SESSIONS)
    usual = (milli("pre_close").cast(pl.Int64) * (100 + rate) + 500) // 1000 * 10
    limit = pl.when(pl.col("up_limit").is_not_null()).then(milli("up_limit")).when(fresh).then(0).otherwise(usual)
    return (
        bars.join(listed, left_on="code", right_on="symbol")
        .sort("code", "date")
        .select(
            "day",
            pl.col("code").alias("symbol"),
            milli("pre_close").alias("prev_close"),
            limit.cast(pl.Int32).alias("up_limit"),
            pl.lit(1).alias("down_limit"),
            (~traded).alias("suspended"),
            shares.cast(pl.Int64).alias("float_shares"),
            (pl.col("held_factor").fill_null(1.0) * E9).round().cast(pl.Int64).alias("factor_e9"),
            *(pl.when(traded).then(milli(name)).otherwise(0).alias(name) for name in ("open", "high", "low", "close")),
            pl.when(traded).then(pl.col("volume")).otherwise(0).alias("volume"),
            pl.when(traded)
            .then((pl.col("amount").fill_null(0) * 1000).round().cast(pl.Int64))
            .otherwise(0)
            .alias("turnover"),
        )
    )


def st_spells(bars: pl.DataFrame) -> pl.DataFrame:
    """Return runs of days on which a stock was ST, or on which nobody says."""
    state = (
        pl.when(pl.col("is_st").is_null())
        .then(schema.UNKNOWN_STATE)
        .when(pl.col("is_st"))
        .then(schema.ST_STATE)
        .otherwise(0)
    )
    runs = (
        bars.filter(pl.col("pre_close").is_not_null() | pl.col("volume").is_not_null())
        .select("code", pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int64).alias("day"), state.alias("state"))
        .sort("code", "day")
        .with_columns(pl.col("state").rle_id().over("code").alias("run"))
        .group_by("code", "run", "state")
        .agg(pl.col("day").min().alias("first_day"), pl.col("day").max().alias("last_day"))
        .sort("code", "run")
        .with_columns(pl.col("first_day").shift(-1).over("code").alias("next_day"))
    )  # fmt: skip
    return runs.filter(pl.col("state") > 0).select(
        pl.col("code").alias("symbol"),
        "first_day",
        pl.when(pl.col("next_day").is_null()).then(0).otherwise(pl.col("last_day")).alias("last_day"),
        "state",
        (pl.col("first_day") * 10_000).alias("known_at"),
        (pl.col("next_day").fill_null(0) * 10_000).alias("end_known_at"),
    )


def write_store(shared: Path, folder: Path, series: str) -> Path:
    """Write one series as a folder of history."""
    bars = raw_bars(shared, series)
    begins = bars.group_by("code").agg(pl.col("date").min().alias("begin"), pl.col("date").max().alias("end"))
    known = pl.read_parquet(shared / "instruments.parquet").select("code", "name", "list_date")
    first = bars["date"].min()
    born = pl.when(pl.col("begin") > first).then(pl.col("begin")).otherwise(pl.min_horizontal("list_date", "begin"))
    instruments = begins.join(known, on="code", how="left").select(
        pl.col("code").alias("symbol"),
        pl.col("name").fill_null(pl.col("code")),
        pl.coalesce(born, "begin").dt.strftime("%Y%m%d").cast(pl.Int32).alias("listed_day"),
        pl.when(pl.col("end") < bars["date"].max())
        .then((pl.col("end") + pl.duration(days=1)).dt.strftime("%Y%m%d").cast(pl.Int32))
        .otherwise(0)
        .alias("delisted_day"),
    )
    daily = daily_table(bars, instruments.select("symbol", "listed_day"))
    write_table(folder, schema.CALENDAR_FILE, daily.select("day").unique().sort("day"))
    write_table(folder, schema.INSTRUMENTS_FILE, instruments)
    write_table(folder, schema.EX_EVENTS_FILE, frame(schema.EX_EVENTS_FILE, []))
    write_table(folder, schema.ST_FILE, st_spells(bars))
    for year in sorted(set(daily["day"] // 10_000)):
        write_table(folder, f"{schema.DAILY_FOLDER}/{year}.parquet", daily.filter(pl.col("day") // 10_000 == year))
    write_manifest(folder)
    return folder
