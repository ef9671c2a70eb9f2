"""The shared data folder (Parquet files as its README describes them) into a folder of history."""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from common.domain.errors import HistoryError
from common.history import schema
from common.history.importing_daily import IN_ST, LONG_AGO, NO_ST, RAW, UNKNOWN_ST
from common.history.store import polars_schema

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

DAILY = "daily.parquet"
DAILY_COLUMNS = (
    "date", "code", "open", "high", "low", "close", "pre_close", "volume", "amount", "turnover_rate", "up_limit",
    "down_limit", "total_shares", "float_shares", "adj_factor", "is_st", "suspended", "series", "source",
)  # fmt: skip
MINUTE_COLUMNS = ("time", "code", "open", "high", "low", "close", "volume", "amount")
LIMITS_FROM = "tushare"
"""The part of series C whose limits are the exchange's published ones."""
LEAVES_OUT = (LIMITS_FROM, "baostock_20260408")
"""The parts that have no row for a suspended day."""
DELISTING = "退"
"""In the name of a stock in its delisting period."""


def is_shared(path: Path) -> bool:
    """Tell whether a folder is the shared data folder."""
    return (path / DAILY).is_file() and (path / "calendar.parquet").is_file()


def day_of(column: str) -> pl.Expr:
    """Return a date column as yyyymmdd."""
    date = pl.col(column).dt
    return date.year().cast(pl.Int32) * 10_000 + date.month().cast(pl.Int32) * 100 + date.day().cast(pl.Int32)


def milli(column: str, kind: pl.DataType) -> pl.Expr:
    """Return a column in yuan as whole 0.001 yuan."""
    return (pl.col(column) * 1000).round().cast(kind)


class Shared:
    """The shared data folder, read in pieces of some stocks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._daily = self.scan(DAILY, DAILY_COLUMNS)

    def scan(self, name: str, needed: tuple[str, ...]) -> pl.LazyFrame:
        """Open one file of the folder; raises `HistoryError` where it is missing or another one."""
        path = self.path / name
        if not path.is_file():
            raise HistoryError(f"{self.path}: the shared data folder has no {name}")
        try:
            frame = pl.scan_parquet(path)
            missing = [column for column in needed if column not in frame.collect_schema().names()]
        except (OSError, pl.exceptions.PolarsError) as error:
            raise HistoryError(f"{path}: not readable as Parquet ({str(error).splitlines()[0]})") from error
        if missing:
            raise HistoryError(f"{path}: no shared data, the columns {', '.join(missing)} are missing")
        return frame

    def calendar(self) -> pl.DataFrame:
        """Return the trading days."""
        days = self.scan("calendar.parquet", ("date", "is_open")).filter("is_open")
        return days.select(day=day_of("date")).sort("day").collect()

    def spans(self) -> pl.DataFrame:
        """Return symbol, first and last day and number of rows of every stock."""
        return (
            self._daily.group_by(symbol="code")
            .agg(first=day_of("date").min(), last=day_of("date").max(), rows=pl.len())
            .sort("symbol")
            .collect()
        )

    def covered(self) -> pl.DataFrame:
        """Return suffix and day where suspended stocks of an exchange have no rows."""
        left_out = self._daily.filter(pl.col("source").is_in(LEAVES_OUT))
        return left_out.select(suffix=pl.col("code").str.slice(-2), day=day_of("date")).unique().collect()

    def listings(self) -> pl.DataFrame:
        """Return symbol, name, listed_day and the last day a stock was listed, 0 = listed to the end of the data.

        The folder's instruments are those listed at its end; others were so until their last row or their last name.
        A listing day that nobody tells is the first row, or long ago for a stock that is there when a series begins.
        """
        spans = self.spans()
        starts = self._daily.group_by("series").agg(day_of("date").min().alias("day")).collect()["day"].to_list()
        known = self.scan("instruments.parquet", ("code", "name", "list_date")).select(
            "code", "name", list_day=day_of("list_date")
        )
        names = self._names().group_by("symbol").agg(seen=pl.col("last_seen").max())
        joined = spans.join(known.collect(), left_on="symbol", right_on="code", how="left").join(
            names, on="symbol", how="left"
        )
        return joined.select(
            "symbol",
            name=pl.col("name").fill_null(pl.col("symbol")),
            listed_day=pl.coalesce(
                "list_day", pl.when(~pl.col("first").is_in(starts)).then("first"), pl.lit(LONG_AGO, pl.Int32)
            ),
            through=pl.when(pl.col("name").is_null())
            .then(pl.max_horizontal("last", pl.col("seen").fill_null(0)))
            .otherwise(0),
        )

    def _names(self) -> pl.DataFrame:
        runs = self.scan("st_history.parquet", ("code", "name", "first_seen", "last_seen", "kind"))
        return (
            runs.filter(pl.col("kind") == "name")
            .select("name", symbol="code", first_day=day_of("first_seen"), last_seen=day_of("last_seen"))
            .sort("symbol", "first_day")
            .collect()
        )

    def names(self) -> pl.DataFrame:
        """Return the names; before the first that is known a stock is called by its code, never by a later name."""
        runs = self._names().select("symbol", "first_day", "name")
        begins = self.listings().select("symbol", first_day="listed_day", name="symbol")
        both = pl.concat([runs, begins.join(runs, on=["symbol", "first_day"], how="anti")], how="vertical_relaxed")
        return both.with_columns(known_at=pl.col("first_day").cast(pl.Int64) * 10_000 + 800)

    def delisting(self) -> pl.DataFrame:
        """Return the delisting periods as the names show them."""
        runs = self._names().filter(pl.col("name").str.contains(DELISTING))
        spell = runs.select(
            "symbol",
            "first_day",
            last_day=pl.lit(0),
            state=pl.lit(schema.DELISTING_STATE),
            known_at=pl.col("first_day").cast(pl.Int64) * 10_000 + 800,
            end_known_at=pl.lit(0),
        )
        return spell.cast(pl.Schema(polars_schema(schema.ST)))

    def daily(self, first: str, last: str) -> pl.DataFrame:
        """Return the raw daily rows of the stocks from `first` to `last`."""
        rows = self._daily.filter(pl.col("code").is_between(pl.lit(first), pl.lit(last)))
        rate = pl.when(pl.col("turnover_rate") > 0).then("turnover_rate")
        worked_out = (pl.col("volume") / (rate / 100)).round().cast(pl.Int64)
        series = {"A": 0, "B": 1, "C": 2}
        state = pl.when(pl.col("is_st").is_null()).then(UNKNOWN_ST).when("is_st").then(IN_ST).otherwise(NO_ST)
        i4, i8 = pl.Int32(), pl.Int64()
        return (
            rows.select(
                day_of("date").alias("day"),
                pl.col("code").alias("symbol"),
                *(milli(name, i4) for name in ("open", "high", "low", "close")),
                milli("pre_close", i4).alias("prev_close"),
                pl.col("volume").cast(i8),
                milli("amount", i8).alias("turnover"),
                pl.coalesce("float_shares", worked_out).alias("float_shares"),
                pl.col("float_shares").is_not_null().alias("float_published"),
                "total_shares",
                *(milli(name, i4) for name in ("up_limit", "down_limit")),
                (pl.col("up_limit").is_not_null() | (pl.col("source") == LIMITS_FROM)).alias("limits_published"),
                pl.col("adj_factor").alias("factor"),
                state.cast(pl.Int8).alias("st"),
                "suspended",
                pl.col("series").replace_strict(series, return_dtype=pl.Int16),
            )
            .select(pl.col(name).cast(kind) for name, kind in RAW.items())
            .collect()
        )

    def minutes(self, interval: int) -> Iterator[pl.DataFrame]:
        """Give the minute bars, a month at a time."""
        name = f"minute{interval}.parquet"
        if not (self.path / name).is_file():
            return
        bars = self.scan(name, MINUTE_COLUMNS)
        time = pl.col("time").dt
        label = time.hour().cast(pl.Int32) * 3600 + time.minute().cast(pl.Int32) * 60 + time.second().cast(pl.Int32)
        rows = bars.select(
            day_of("time").alias("day"),
            pl.col("code").alias("symbol"),
            label.alias("label_s"),
            *(milli(column, pl.Int32()) for column in ("open", "high", "low", "close")),
            pl.col("volume").cast(pl.Int64),
            milli("amount", pl.Int64()).alias("turnover"),
        )
        months = rows.select((pl.col("day") // 100).unique().sort()).collect().to_series().to_list()
        for month in months:
            yield rows.filter(pl.col("day") // 100 == month).collect()
