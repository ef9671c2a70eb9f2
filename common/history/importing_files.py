"""CSV and Parquet files of anybody, read as their column map says into raw daily rows or minute bars."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from common.domain.errors import HistoryError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.importing_daily import IN_ST, LONG_AGO, NO_ST, RAW, UNKNOWN_ST
from common.history.importing_map import FROM_FILE, Mapping
from common.history.store import polars_schema
from common.rules.boards import SUFFIXES, is_code

Progress = Callable[[str, int, int], None]
SUFFIXES_READ = (".csv", ".parquet")
MEMBERS_SHOWN = 5
YES = ("1", "true", "t", "y", "yes", "是")
NO = ("0", "false", "f", "n", "no", "否")
_CODE = re.compile(r"(?:(SH|SZ|BJ)\.?)?(\d{6})(?:\.?(SH|SZ|BJ|XSHG|XSHE|XBSE|SS))?\Z", re.IGNORECASE)
_EXCHANGES = {"XSHG": "SH", "SS": "SH", "XSHE": "SZ", "XBSE": "BJ"}
PRICES = ("open", "high", "low", "close", "prev_close", "up_limit", "down_limit")
_EMPTY = ("", "nan", "null", "none", "--", "-")


def parse_symbol(text: str) -> Symbol:
    """Return 600519.SH from 600519.SH, sh600519, sh.600519, 600519.XSHG or 600519; "" where it is no A share."""
    found = _CODE.match(text.strip())
    if found is None:
        return ""
    before, digits, after = found.groups()
    named = (before or after or "").upper()
    named = _EXCHANGES.get(named, named)
    fitting = [f"{digits}.{suffix}" for suffix in ((named,) if named else SUFFIXES) if is_code(f"{digits}.{suffix}")]
    return fitting[0] if fitting else ""


class Mapped:
    """The files of one import, read once; daily rows are handed out some stocks at a time."""

    def __init__(self, path: Path, mapping: Mapping, days: Sequence[Day], told: Progress) -> None:
        self.mapping = mapping
        self._days = days
        files = _files(path)
        parts = []
        for at, file in enumerate(files):
            parts.append(self._read(file))
            told("files", at + 1, len(files))
        self._rows = pl.concat(parts)
        if self._rows.is_empty():
            raise HistoryError(f"{path}: the files hold no row of an A share")
        strange = self._rows.filter(~pl.col("day").is_in(pl.Series(days, dtype=pl.Int32).implode()))
        if len(strange):
            raise HistoryError(
                f"{path}: {strange['day'][0]} ({strange['symbol'][0]}) is no trading day; correct the file, or extend "
                "the calendar: calendar.toml"
            )
        self._refuse_doubled(path)

    def _refuse_doubled(self, path: Path) -> None:
        key = ["symbol", "day"] if self.mapping.interval == 0 else ["symbol", "day", "label_s"]
        doubled = self._rows.filter(pl.struct(key).is_duplicated())
        if len(doubled):
            raise HistoryError(f"{path}: {', '.join(map(str, doubled.select(key).row(0)))} stands twice in the files")

    # ---------------- reading one file

    def _read(self, file: Path) -> pl.DataFrame:
        told = self.mapping.columns
        frame = _table(file, self.mapping.encoding)
        missing = [theirs for theirs in told.values() if theirs not in frame.columns and theirs != FROM_FILE]
        if missing:
            raise HistoryError(f"{file} has no column {missing[0]}; it has {', '.join(frame.columns[:20])}")
        named = frame.select(
            (pl.lit(file.stem) if theirs == FROM_FILE else pl.col(theirs)).alias(ours) for ours, theirs in told.items()
        )
        codes = {text: parse_symbol(str(text)) for text in named["symbol"].unique().to_list()}
        unknown = sorted(str(text) for text, symbol in codes.items() if not symbol)
        if unknown and self.mapping.unknown_codes == "refuse":
            raise HistoryError(
                f"{file}: {', '.join(unknown[:MEMBERS_SHOWN])} is no A share; take it out, or write "
                f'unknown_codes = "leave_out" under [rows] of {self.mapping.path}'
            )
        symbols = named["symbol"].replace_strict(codes, return_dtype=pl.String)
        named = named.with_columns(symbol=symbols)
        rows = self._daily_rows(file, named) if self.mapping.interval == 0 else self._minute_rows(file, named)
        return rows.filter(pl.col("symbol") != "")

    def _number(self, file: Path, frame: pl.DataFrame, name: str, factor: float, kind: pl.DataType) -> pl.Series:
        """Return a column as whole numbers of our unit; a cell that is no number is named."""
        whole = (_floats(file, frame, name) * factor).round().cast(kind, strict=False)
        _bad(file, name, frame[name], whole)
        return whole

    def _daily_rows(self, file: Path, frame: pl.DataFrame) -> pl.DataFrame:
        units = self.mapping.factors
        columns: dict[str, pl.Series] = {"symbol": frame["symbol"], "day": _days(file, frame["day"])}
        for name in PRICES:
            if name in frame.columns:
                columns[name] = self._number(file, frame, name, units["price"], pl.Int32())
        columns["volume"] = self._number(file, frame, "volume", units["volume"], pl.Int64())
        columns["turnover"] = self._number(file, frame, "turnover", units["turnover"], pl.Int64())
        for name in ("float_shares", "total_shares"):
            if name in frame.columns:
                columns[name] = self._number(file, frame, name, units["shares"], pl.Int64())
        if "factor" in frame.columns:
            columns["factor"] = _floats(file, frame, "factor")
        if "turnover_rate" in frame.columns:
            columns["rate"] = _floats(file, frame, "turnover_rate") * units["turnover_rate"]
        for name in ("suspended", "st"):
            if name in frame.columns:
                columns[name] = _flags(file, frame[name], name)
        for name in ("name", "listed_day"):
            if name in frame.columns:
                columns[name] = frame[name].cast(pl.String) if name == "name" else _days(file, frame[name])
        return _completed(pl.DataFrame(columns))

    def _minute_rows(self, file: Path, frame: pl.DataFrame) -> pl.DataFrame:
        units = self.mapping.factors
        day, label = _moments(file, frame)
        columns = {"day": day, "symbol": frame["symbol"], "label_s": label}
        for name in ("open", "high", "low", "close"):
            columns[name] = self._number(file, frame, name, units["price"], pl.Int32()).fill_null(0)
        columns["volume"] = self._number(file, frame, "volume", units["volume"], pl.Int64()).fill_null(0)
        columns["turnover"] = self._number(file, frame, "turnover", units["turnover"], pl.Int64()).fill_null(0)
        kinds = polars_schema(schema.MINUTES)
        shift = int(units["label"]) * 60 * self.mapping.interval
        table = pl.DataFrame(columns).with_columns(label_s=pl.col("label_s") + shift)
        return table.select(pl.col(name).cast(kind) for name, kind in kinds.items())

    # ---------------- what an import asks

    def calendar(self) -> pl.DataFrame:
        """Return no days: files of bars say nothing about days without them."""
        return pl.DataFrame(schema={"day": pl.Int32})

    def spans(self) -> pl.DataFrame:
        """Return symbol, first, last, rows."""
        days = pl.col("day")
        return self._rows.group_by("symbol").agg(first=days.min(), last=days.max(), rows=pl.len()).sort("symbol")

    def covered(self) -> pl.DataFrame:
        """Return suffix and day of the sessions on which a stock without a row was suspended."""
        rows = self._rows.select(suffix=pl.col("symbol").str.slice(-2), day="day").unique()
        return rows if self.mapping.missing == "suspended" else rows.clear()

    def listings(self) -> pl.DataFrame:
        """Return symbol, name, listed_day, through.

        A listing day that the files do not say is the stock's first row; of one that is there from the files' first
        day on nobody knows it, and it counts as listed long ago.
        """
        begin = self._rows["day"].min()
        told = self._rows.group_by("symbol").agg(
            pl.col("name").drop_nulls().last(), pl.col("listed_day").drop_nulls().first(), first=pl.col("day").min()
        )
        return told.select(
            "symbol",
            pl.col("name").fill_null(pl.col("symbol")),
            pl.coalesce("listed_day", pl.when(pl.col("first") > begin).then("first"), pl.lit(LONG_AGO, pl.Int32)),
            through=pl.lit(0, pl.Int32),
        ).sort("symbol")

    def delisting(self) -> pl.DataFrame:
        """Return no delisting periods."""
        return pl.DataFrame(schema=polars_schema(schema.ST))

    def daily(self, first: str, last: str) -> pl.DataFrame:
        """Return the raw rows of the stocks from `first` to `last`."""
        chosen = pl.col("symbol").is_between(pl.lit(first), pl.lit(last))
        return self._rows.filter(chosen).select(pl.col(name).cast(kind) for name, kind in RAW.items())

    def minutes(self) -> pl.DataFrame:
        """Return the minute bars."""
        return self._rows


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES_READ)
    if not found:
        raise HistoryError(f"{path}: no .csv or .parquet file in it")
    return found


def _table(file: Path, encoding: str) -> pl.DataFrame:
    """Read a file; CSV cells stay texts, so that a code keeps its zeros and a bad cell can be named."""
    try:
        if file.suffix.lower() == ".parquet":
            return pl.read_parquet(file)
        return pl.read_csv(file, infer_schema=False, encoding=encoding, truncate_ragged_lines=False)
    except (OSError, pl.exceptions.PolarsError, UnicodeError) as error:
        raise HistoryError(f"{file} cannot be read ({str(error).splitlines()[0]})") from error


def _bad(file: Path, column: str, before: pl.Series, after: pl.Series) -> None:
    """Raise at the first cell that held something and became nothing."""
    said = before.cast(pl.String).str.strip_chars().str.to_lowercase()
    lost = (after.is_null() & said.is_not_null() & ~said.is_in(_EMPTY)).arg_true()
    if len(lost):
        at = int(lost[0])
        raise HistoryError(f"{file}, row {at + 1}: {column} is {before[at]!r}; nothing was imported")


def _floats(file: Path, frame: pl.DataFrame, name: str) -> pl.Series:
    column = frame[name]
    text = column.str.strip_chars() if column.dtype == pl.String else column
    numbers = text.cast(pl.Float64, strict=False).fill_nan(None)
    numbers = numbers.set(numbers.is_infinite(), None)
    _bad(file, name, column, numbers)
    return numbers


def _days(file: Path, column: pl.Series) -> pl.Series:
    """Return yyyymmdd from a date, a moment, 20260105 or 2026-01-05."""
    if column.dtype in (pl.Date, pl.Datetime):
        text = column.dt.strftime("%Y%m%d")
    else:
        text = column.cast(pl.String).str.strip_chars().str.slice(0, 10).str.replace_all("[-/]", "").str.slice(0, 8)
    real = text.str.to_date("%Y%m%d", strict=False)
    number = text.cast(pl.Int32, strict=False).set(real.is_null(), None)
    missing = number.is_null().arg_true()
    if len(missing):
        raise HistoryError(
            f"{file}, row {int(missing[0]) + 1}: {column[int(missing[0])]!r} is no day; nothing was imported"
        )
    return number


def _moments(file: Path, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return day and second of the day from `time`, or from `day` and a `time` without one."""
    time = frame["time"]
    if time.dtype == pl.Datetime:
        second = (
            time.dt.hour().cast(pl.Int32) * 3600
            + time.dt.minute().cast(pl.Int32) * 60
            + time.dt.second().cast(pl.Int32)
        )
        return _days(file, frame["day"] if "day" in frame.columns else time), second
    digits = time.cast(pl.String).str.replace_all(r"\D", "")
    clock = digits if "day" in frame.columns else digits.str.slice(8)
    clock = clock.str.slice(0, 6)
    padded = pl.select(
        pl.when(clock.str.len_chars() <= 4).then(clock.str.zfill(4) + "00").otherwise(clock.str.zfill(6))
    ).to_series()
    number = padded.cast(pl.Int32, strict=False)
    second = number // 10_000 * 3600 + number // 100 % 100 * 60 + number % 100
    bad = (second.is_null() | (second >= 86_400) | (second <= 0)).arg_true()
    if len(bad):
        raise HistoryError(f"{file}, row {int(bad[0]) + 1}: {time[int(bad[0])]!r} is no time; nothing was imported")
    return _days(file, frame["day"] if "day" in frame.columns else digits.str.slice(0, 8)), second


def _flags(file: Path, column: pl.Series, name: str) -> pl.Series:
    """Return true, false or null."""
    if column.dtype == pl.Boolean:
        return column
    said = column.cast(pl.String).str.strip_chars().str.to_lowercase().str.replace(r"\.0$", "")
    told = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    flags = said.replace_strict(told, default=None, return_dtype=pl.Boolean)
    _bad(file, name, column, flags)
    return flags


def _completed(rows: pl.DataFrame) -> pl.DataFrame:
    """Fill in what the map does not name: unknown ST, suspended where nothing traded, limits by the rulebook."""
    have = set(rows.columns)
    rows = rows.with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in RAW.items()
        if name not in have and name not in ("st", "suspended")
    )
    extra: dict[str, pl.DataType] = {"name": pl.String(), "listed_day": pl.Int32(), "rate": pl.Float64()}
    rows = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in extra.items() if name not in have)
    nothing = pl.col("volume").fill_null(0) == 0
    worked_out = (pl.col("volume") / pl.when(pl.col("rate") > 0).then("rate")).round().cast(pl.Int64)
    state = pl.lit(UNKNOWN_ST)
    if "st" in have:
        state = pl.when(pl.col("st").is_null()).then(UNKNOWN_ST).when("st").then(IN_ST).otherwise(NO_ST)
    return rows.with_columns(
        float_published=pl.col("float_shares").is_not_null(),
        float_shares=pl.coalesce("float_shares", worked_out),
        limits_published=pl.lit({"up_limit", "down_limit"} <= have),
        st=state.cast(pl.Int8),
        suspended=(pl.col("suspended").fill_null(nothing) if "suspended" in have else nothing),
        series=pl.lit(0, pl.Int16),
    ).select(*(pl.col(name).cast(kind) for name, kind in RAW.items()), "name", "listed_day")
