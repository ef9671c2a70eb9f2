"""Import of market data into a folder of history: all of it or nothing, and the same again changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from common.domain.calendar import from_date, to_date
from common.domain.errors import HistoryError
from common.domain.values import Day
from common.history import schema
from common.history.calendar_file import CALENDAR_TOML, days_with_file
from common.history.importing_daily import BEFORE, IN_ST, LONG_AGO, NO_ST, UNKNOWN_ST, Facts, Tables, tables_of
from common.history.importing_files import Mapped
from common.history.importing_map import read_mapping
from common.history.importing_shared import Shared, is_shared
from common.history.importing_spells import merged_spells
from common.history.store import key_of, polars_schema
from common.history.writer import Writer

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

ROWS_AT_ONCE = 600_000
"""Daily rows that are worked on at once, so that memory does not grow with the file."""
SAME_STEP = 0.002
"""How far a step of the factor may be from previous close / reference price, which is rounded to 0.01 yuan."""


class Imported(NamedTuple):
    """What an import read and changed, by table."""

    rows: dict[str, int]
    changed: dict[str, int]


class DailySource(Protocol):
    """Daily rows that can be read some stocks at a time."""

    def calendar(self) -> pl.DataFrame:
        """Return the trading days that the source knows."""

    def spans(self) -> pl.DataFrame:
        """Return symbol, first, last, rows."""

    def covered(self) -> pl.DataFrame:
        """Return suffix and day where suspended stocks of an exchange have no rows."""

    def listings(self) -> pl.DataFrame:
        """Return symbol, name, listed_day, through."""

    def delisting(self) -> pl.DataFrame:
        """Return spells of delisting periods (columns of `schema.ST`)."""

    def daily(self, first: str, last: str) -> pl.DataFrame:
        """Return rows of `importing_daily.RAW` of the symbols from first to last."""


def import_path(
    path: Path, into: Path, mapping: Path | None, told: Progress, calendar_file: Path | None = None
) -> Imported:
    """Import a shared data folder, or CSV and Parquet files with a column map; raises `HistoryError` in one line.

    `calendar_file` extends the built-in calendar (see `calendar_file.py`); one in the folder of history goes first.
    """
    own = into / CALENDAR_TOML
    days = days_with_file(own if own.is_file() else calendar_file)
    data = path / "data" if (path / "data").is_dir() and is_shared(path / "data") else path
    if mapping is None and is_shared(data):
        return import_shared(data, into, told, days)
    if mapping is not None:
        return import_files(path, into, mapping, told, days)
    raise HistoryError(
        f"{path}: neither a shared data folder (daily.parquet and calendar.parquet in it) nor files with a column map; "
        "write one and name it: pankou data import PATH --map FILE"
    )


def import_files(path: Path, into: Path, mapping: Path, told: Progress, days: Sequence[Day]) -> Imported:
    """Import CSV or Parquet files as their column map says."""
    source = Mapped(path, read_mapping(mapping), days, told)
    report = Imported({}, {})
    with Writer(into) as writer:
        if source.mapping.interval == 0:
            import_daily(writer, source, report, told, days)
        else:
            _minutes(writer, source, report, days)
    return report


def _minutes(writer: Writer, source: Mapped, report: Imported, days: Sequence[Day]) -> None:
    """Import minute bars; stocks that the history does not know are listed since long ago, by their code."""
    interval, bars = source.mapping.interval, source.minutes()
    _merge(writer, report, schema.CALENDAR_FILE, pl.DataFrame({"day": days}, schema={"day": pl.Int32}))
    new = bars.select("symbol").unique()
    if writer.has(schema.INSTRUMENTS_FILE):
        new = new.join(writer.read(schema.INSTRUMENTS_FILE), on="symbol", how="anti")
    listed = new.select("symbol", name="symbol", listed_day=pl.lit(LONG_AGO), delisted_day=pl.lit(0))
    _merge(writer, report, schema.INSTRUMENTS_FILE, listed)
    table = schema.minutes_folder(interval)
    _note(report, table, len(bars), writer.append_minutes(interval, bars))


def import_shared(path: Path, into: Path, told: Progress, days: Sequence[Day]) -> Imported:
    """Import the shared data folder with all its tables."""
    source = Shared(path)
    report = Imported({}, {})
    with Writer(into) as writer:
        import_daily(writer, source, report, told, days)
        _merge(writer, report, schema.NAMES_FILE, source.names())
        for interval in schema.INTERVALS:
            table = schema.minutes_folder(interval)
            for bars in source.minutes(interval):
                _note(report, table, len(bars), writer.append_minutes(interval, bars))
                told(table, report.rows[table], 0)
        told("", 0, 0)
    return report


def import_daily(writer: Writer, source: DailySource, report: Imported, told: Progress, days: Sequence[Day]) -> None:
    """Import daily rows and all that follows from them; `days` is the calendar beside the source's own."""
    both = pl.concat([source.calendar(), pl.DataFrame({"day": days}, schema={"day": pl.Int32})])
    _merge(writer, report, schema.CALENDAR_FILE, both.unique().sort("day"))
    spans, listings = source.spans(), source.listings()
    _merge(writer, report, schema.INSTRUMENTS_FILE, _instruments(writer, listings))
    calendar = writer.read(schema.CALENDAR_FILE).with_row_index("ord").cast({"ord": pl.Int32})
    old = _old_rows(writer, spans)
    facts = Facts(
        calendar,
        _listings(listings, spans, calendar),
        source.covered().join(calendar, on="day").select("suffix", "ord"),
        _last_before(writer, old, spans),
    )
    total, done = int(spans["rows"].sum()), 0
    made: list[Tables] = []
    for first, last, rows in _groups(spans):
        made.append(tables_of(source.daily(first, last), facts))
        done += rows
        told(schema.DAILY_FOLDER, done, total)
    whole = Tables(*(pl.concat(parts) for parts in zip(*made, strict=True)))
    made.clear()
    breaks = pl.concat([whole.breaks, _breaks_after(old, whole.daily)])
    _replace_within(writer, report, schema.EX_EVENTS_FILE, whole.ex_events, spans)
    _replace_within(writer, report, schema.BREAKS_FILE, breaks, spans)
    _replace_within(writer, report, schema.SHARES_FILE, whole.shares, spans)
    delisting = source.delisting()
    spells = whole.st.join(delisting, on=list(key_of(schema.ST_FILE)), how="anti")
    _spells(writer, report, pl.concat([spells, delisting]), _around(old, spans, facts))
    for year in (whole.daily["day"] // 10_000).unique().sort().to_list():
        part = whole.daily.filter(pl.col("day") // 10_000 == year)
        _note(report, schema.DAILY_FOLDER, len(part), writer.append_daily(part))
        told(schema.DAILY_FOLDER, done, total)


def _groups(spans: pl.DataFrame) -> Iterator[tuple[str, str, int]]:
    """Cut the stocks into groups of about `ROWS_AT_ONCE` rows: first and last symbol, rows."""
    group = spans.with_columns(group=(pl.col("rows").cum_sum() - 1) // ROWS_AT_ONCE)
    yield from (
        group.group_by("group", maintain_order=True)
        .agg(first=pl.col("symbol").first(), last=pl.col("symbol").last(), rows=pl.col("rows").sum())
        .select("first", "last", "rows")
        .iter_rows()
    )


def _note(report: Imported, table: str, rows: int, changed: int) -> None:
    report.rows[table] = report.rows.get(table, 0) + rows
    report.changed[table] = report.changed.get(table, 0) + changed


def _merge(writer: Writer, report: Imported, name: str, rows: pl.DataFrame) -> None:
    _note(report, name, len(rows), writer.append_table(name, rows))


# ---------------- beside what is there already


def _instruments(writer: Writer, listings: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the instruments; the earliest first day that is known stands."""
    gone = pl.col("through").map_elements(_day_after, return_dtype=pl.Int32)
    made = listings.select(
        "symbol", "name", "listed_day", delisted_day=pl.when(pl.col("through") > 0).then(gone).otherwise(0)
    )
    if not writer.has(schema.INSTRUMENTS_FILE):
        return made
    old = writer.read(schema.INSTRUMENTS_FILE).select("symbol", old_day="listed_day")
    joined = made.join(old, on="symbol", how="left", maintain_order="left")
    told = pl.when(pl.col("listed_day") != LONG_AGO).then("listed_day")
    old_told = pl.when(pl.col("old_day") != LONG_AGO).then("old_day")
    return joined.with_columns(listed_day=pl.min_horizontal(told, old_told).fill_null(LONG_AGO)).drop("old_day")


def _listings(listings: pl.DataFrame, spans: pl.DataFrame, calendar: pl.DataFrame) -> pl.DataFrame:
    """Number the sessions of a listing; before the calendar begins they count as long ago."""
    days = calendar.sort("day")
    end = days.filter(pl.col("day") <= spans["last"].max())["ord"].max()
    begins = listings.sort("listed_day").join_asof(
        days.rename({"day": "listed_day", "ord": "listed_ord"}), on="listed_day", strategy="forward"
    )
    first = days["day"][0]
    ends = begins.sort("through").join_asof(
        days.rename({"day": "through", "ord": "through_ord"}), on="through", strategy="backward"
    )
    return ends.select(
        "symbol",
        "listed_day",
        listed_ord=pl.when(pl.col("listed_day") < first).then(-1_000_000).otherwise("listed_ord"),
        through_ord=pl.when(pl.col("through") > 0).then("through_ord").otherwise(end),
    ).sort("symbol")


def _old_rows(writer: Writer, spans: pl.DataFrame) -> pl.DataFrame:
    """Return what history holds of the stocks: day, symbol, close, prev_close, factor_e9; by symbol and day."""
    columns = ("symbol", "day", "close", "prev_close", "factor_e9", "float_shares")
    names = [name for name in writer.names() if name.startswith(f"{schema.DAILY_FOLDER}/")]
    parts = [
        writer.scan(name).select(columns).join(spans.select("symbol").lazy(), on="symbol", how="semi") for name in names
    ]
    kinds = polars_schema(schema.DAILY)
    empty = pl.LazyFrame(schema={column: kinds[column] for column in columns})
    return pl.concat([empty, *parts]).collect().sort("symbol", "day")


def _last_before(writer: Writer, old: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the last row of history before the first new one of each stock, its last traded close and ST state."""
    close = pl.when(pl.col("close") > 0).then("close").forward_fill().over("symbol").fill_null(0)
    earlier = old.with_columns(close=close).join(spans.select("symbol", "first"), on="symbol")
    last = earlier.filter(pl.col("day") < pl.col("first")).group_by("symbol").last()
    spells = pl.DataFrame(schema=polars_schema(schema.ST))
    if writer.has(schema.ST_FILE):
        spells = writer.read(schema.ST_FILE)
    unknown = pl.col("state") == schema.UNKNOWN_STATE
    on = (
        last.select("symbol", "day")
        .join(spells, on="symbol")
        .filter(
            (pl.col("first_day") <= pl.col("day")) & ((pl.col("last_day") == 0) | (pl.col("last_day") >= pl.col("day")))
        )
    )
    states = on.group_by("symbol").agg(st=pl.when(unknown).then(UNKNOWN_ST).otherwise(IN_ST).min().cast(pl.Int8))
    return last.join(states, on="symbol", how="left").with_columns(pl.col("st").fill_null(NO_ST)).select(BEFORE)


def _breaks_after(old: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """Return a break where rows that are there already do not go on from the new ones before them."""
    close = pl.when(pl.col("close") > 0).then("close").forward_fill().over("symbol")
    new = daily.select("symbol", "day", "close", "factor_e9").sort("symbol", "day").with_columns(close=close)
    ends = new.group_by("symbol").last().rename({"day": "end", "close": "end_close", "factor_e9": "end_factor"})
    after = old.join(ends, on="symbol").filter(pl.col("day") > pl.col("end")).group_by("symbol").first()
    step = pl.col("factor_e9") / pl.col("end_factor")
    priced = pl.col("end_close") / pl.col("prev_close")
    goes_on = (pl.col("prev_close") > 0) & ((step / priced - 1).abs() < SAME_STEP)
    return (
        after.filter(~goes_on.fill_null(value=False))
        .select("symbol", "day")
        .cast(pl.Schema(polars_schema(schema.BREAKS)))
    )


def _replace_within(writer: Writer, report: Imported, name: str, rows: pl.DataFrame, spans: pl.DataFrame) -> None:
    """Replace the rows of a dated table within the new days of each stock."""
    if not writer.has(name):
        writer.replace_table(name, rows)
        _note(report, name, len(rows), len(rows))
        return
    dated = "first_day" if "first_day" in rows.columns else "day"
    old = writer.read(name)
    marked = old.join(spans.drop("rows"), on="symbol", how="left", maintain_order="left")
    inside = pl.col(dated).is_between(pl.col("first"), pl.col("last")).fill_null(value=False)
    kept = marked.filter(~inside)
    kept = kept.select(old.columns).join(rows, on=list(key_of(name)), how="anti")
    made = pl.concat([kept, rows.select(old.columns)], how="vertical_relaxed")
    _note(report, name, len(rows), len(rows) - len(rows.join(old, on=old.columns, how="semi")))
    writer.replace_table(name, made)


def _around(old: pl.DataFrame, spans: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Return for every stock the days of the import and the days of history next to them."""
    after = old.join(spans.select("symbol", "last"), on="symbol").filter(pl.col("day") > pl.col("last"))
    ended = facts.before.select("symbol", ended="day")
    next_old = after.group_by("symbol").agg(next_old=pl.col("day").min())
    return spans.drop("rows").join(ended, on="symbol", how="left").join(next_old, on="symbol", how="left")


def _spells(writer: Writer, report: Imported, new: pl.DataFrame, around: pl.DataFrame) -> None:
    """Write the ST spells."""
    name = schema.ST_FILE
    old = writer.read(name) if writer.has(name) else new.clear()
    made = merged_spells(old, new, around)
    _note(report, name, len(new), len(made) - len(made.join(old, on=old.columns, how="semi")))
    writer.replace_table(name, made)


def _day_after(day: Day) -> Day:
    return from_date(to_date(day) + timedelta(days=1))
