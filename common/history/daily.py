"""Point-in-time daily history: every accessor takes the day that asks and cannot return what was known later.

Who asks on D gets traded prices up to the session before D, and of D itself only what is known before its open.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.calendar import Calendar, months_before
from common.domain.errors import HistoryError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.store import check_manifest, daily_years, polars_schema, read_table

I64 = NDArray[np.int64]
YEARS_CACHED = 4


class Rows(NamedTuple):
    """Daily rows in order of day and symbol."""

    day: NDArray[np.int32]
    symbol: NDArray[np.uint32]
    """Index into `History.symbols`."""
    columns: dict[str, NDArray[np.int64]]

    def take(self, chosen: NDArray[np.bool_] | slice) -> "Rows":
        """Return some of the rows."""
        return Rows(self.day[chosen], self.symbol[chosen], {k: v[chosen] for k, v in self.columns.items()})


def _joined(parts: Sequence[Rows]) -> Rows:
    names = parts[0].columns if parts else {}
    if not parts:
        return Rows(np.zeros(0, np.int32), np.zeros(0, np.uint32), {})
    if len(parts) == 1:
        return parts[0]
    return Rows(
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.symbol for part in parts]),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in names},
    )


class History:
    """One folder of history, opened for reading."""

    def __init__(self, folder: Path) -> None:
        check_manifest(folder)
        self._folder = folder
        self._instruments = read_table(folder, schema.INSTRUMENTS_FILE)
        self.symbols: list[Symbol] = self._instruments["symbol"].to_list()
        self.index = {symbol: at for at, symbol in enumerate(self.symbols)}
        self._calendar = Calendar(read_table(folder, schema.CALENDAR_FILE)["day"].to_list())
        self._years = daily_years(folder)
        self._cached: dict[int, Rows] = {}

    # ---------------------------------------------------------------- dated facts

    def calendar(self) -> Calendar:
        """Return the trading days."""
        return self._calendar

    def session_before(self, asking: Day) -> Day:
        """Return the trading day before `asking`; raises where `asking` is no trading day of the calendar."""
        if not self._calendar.is_open(asking):
            raise HistoryError(f"{asking} is no trading day; ask for one, e.g. {self._near(asking)}")
        return self._calendar.previous(asking)

    def _near(self, day: Day) -> Day:
        found = self._calendar.window(day, 1) or self._calendar.between(day, self._calendar.last)[:1]
        return found[0]

    def instruments(self, asking: Day) -> pl.DataFrame:
        """Return the stocks listed up to `asking` and not delisted by then; a later delisting does not show."""
        listed = (pl.col("listed_day") <= asking) & ((pl.col("delisted_day") == 0) | (pl.col("delisted_day") > asking))
        return self._instruments.filter(listed).with_columns(delisted_day=pl.lit(0, pl.Int32))

    def listed_days(self) -> I64:
        """Return the first day of every stock, in the order of `symbols`."""
        return self._instruments["listed_day"].to_numpy().astype(np.int64)

    def names(self, asking: Day) -> list[str]:
        """Return every stock's name as of `asking`, in the order of `symbols`."""
        names = self._instruments["name"].to_list()
        if not (self._folder / schema.NAMES_FILE).is_file():
            return names
        known = (pl.col("known_at") <= schema.known_at_of(asking)) & (pl.col("first_day") <= asking)
        for symbol, name in read_table(self._folder, schema.NAMES_FILE).filter(known).select("symbol", "name").rows():
            if symbol in self.index:
                names[self.index[symbol]] = name  # rows are in order of first_day
        return names

    def st_intervals(self, asking: Day, months: int = 0) -> pl.DataFrame:
        """Return the ST spells known before the open of `asking` that touch the `months` up to it (0 = all).

        A spell whose end is not known by then is open-ended. Days count when they are after `asking` - months.
        """
        now = schema.known_at_of(asking)
        end_known = (pl.col("end_known_at") > 0) & (pl.col("end_known_at") <= now)
        spells = read_table(self._folder, schema.ST_FILE).filter(
            (pl.col("known_at") <= now) & (pl.col("first_day") <= asking)
        )
        spells = spells.with_columns(
            last_day=pl.when(end_known).then(pl.col("last_day")).otherwise(0).cast(pl.Int32),
            end_known_at=pl.when(end_known).then(pl.col("end_known_at")).otherwise(0),
        )
        if months == 0:
            return spells
        since = months_before(asking, months)
        return spells.filter((pl.col("last_day") == 0) | (pl.col("last_day") > since))

    def ex_events(self, asking: Day) -> pl.DataFrame:
        """Return the ex-events known before the open of `asking`, those of later days included."""
        events = read_table(self._folder, schema.EX_EVENTS_FILE)
        return events.filter(pl.col("known_at") <= schema.known_at_of(asking))

    # ---------------------------------------------------------------- daily rows

    def _year(self, year: int) -> Rows:
        if year in self._cached:
            return self._cached[year]
        frame = read_table(self._folder, f"{schema.DAILY_FOLDER}/{year}.parquet")
        try:
            symbol = frame["symbol"].cast(pl.Enum(self.symbols)).to_physical().to_numpy()
        except pl.exceptions.PolarsError as error:
            raise HistoryError(f"daily bars of {year} hold a code that {schema.INSTRUMENTS_FILE} does not") from error
        names = (*schema.PRE_OPEN_COLUMNS, *schema.TRADED_COLUMNS)
        columns = {name: frame[name].cast(pl.Int64).to_numpy() for name in names}
        rows = Rows(frame["day"].to_numpy(), symbol.astype(np.uint32), columns)
        while len(self._cached) >= YEARS_CACHED:
            del self._cached[next(iter(self._cached))]
        self._cached[year] = rows
        return rows

    def first_day(self) -> Day:
        """Return the first day with daily rows."""
        if not self._years:
            raise HistoryError(f"history in {self._folder} has no daily bars; import some: pankou data import FOLDER")
        return int(self._year(self._years[0]).day[0])

    def _span(self, first: Day, last: Day) -> Rows:
        parts = []
        for year in range(first // 10_000, last // 10_000 + 1):
            if year not in self._years:
                continue
            rows = self._year(year)
            begin, end = np.searchsorted(rows.day, [first, last + 1])
            if end > begin:
                parts.append(rows.take(slice(int(begin), int(end))))
        return _joined(parts)

    def traded(self, asking: Day, first: Day) -> Rows:
        """Return the whole rows from `first` up to the session before `asking`."""
        return self._span(first, self.session_before(asking))

    def pre_open(self, asking: Day) -> Rows:
        """Return what is known before the open of `asking`, for every stock listed that day; no price of that day."""
        self.session_before(asking)
        rows = self._span(asking, asking)
        if not len(rows.day):
            raise HistoryError(f"the pre-open facts of {asking} are not in the history yet; import that day first")
        return Rows(rows.day, rows.symbol, {name: rows.columns[name] for name in schema.PRE_OPEN_COLUMNS})

    def bars(self, symbol: Symbol, asking: Day, sessions: int) -> pl.DataFrame:
        """Return a stock's daily rows of the last `sessions` before `asking`, for people; prices in 0.001 yuan."""
        if symbol not in self.index:
            raise HistoryError(f"history knows no {symbol}; check the code, or import it")
        days = self._calendar.window(self.session_before(asking), sessions)
        rows = self.traded(asking, days[0])
        rows = rows.take(rows.symbol == self.index[symbol])
        frame = pl.DataFrame({"day": rows.day, **rows.columns})
        return frame.cast({name: kind for name, kind in polars_schema(schema.DAILY).items() if name in frame.columns})
