"""Point-in-time history: every accessor takes the day that asks and cannot return what was known later.

Who asks on D gets traded prices up to the session before D, and of D itself only what is known before its open. Rows
before a break (`schema.BREAKS`) do not go on to D and are left out. `daily`, `bars` and `universe` are for people:
pandas, prices in yuan, adjusted as of D. The others are for programs: integers, raw prices.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.calendar import Calendar, months_before
from common.domain.errors import HistoryError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.store import check_manifest, daily_years, polars_schema, read_manifest, read_table

if TYPE_CHECKING:
    import pandas as pd

I64 = NDArray[np.int64]
YEARS_CACHED = 4


class Rows(NamedTuple):
    """Daily rows in order of day and symbol."""

    day: NDArray[np.int32]
    symbol: NDArray[np.uint32]
    """Index into `History.symbols`."""
    columns: dict[str, NDArray[Any]]
    """As wide as the table keeps them: bring them to 64 bits before any sum or product."""

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
        self.files = read_manifest(folder)
        """Content hash of every table file."""
        self._instruments = read_table(folder, schema.INSTRUMENTS_FILE)
        self.symbols: list[Symbol] = self._instruments["symbol"].to_list()
        self.index = {symbol: at for at, symbol in enumerate(self.symbols)}
        self._calendar = Calendar(read_table(folder, schema.CALENDAR_FILE)["day"].to_list())
        self._years = daily_years(folder)
        self._cached: dict[int, Rows] = {}
        breaks = self._optional(schema.BREAKS_FILE).filter(pl.col("symbol").is_in(self.symbols))
        ids = np.array([self.index[symbol] for symbol in breaks["symbol"].to_list()], np.int64)
        self._breaks = (ids, breaks["day"].to_numpy().astype(np.int64))
        self._events: pl.DataFrame | None = None
        """The ex-events, read when first asked for."""
        self._life = (self.listed_days(), self._instruments["delisted_day"].to_numpy().astype(np.int64))
        self._begins: tuple[Day, I64] = (0, np.zeros(len(self.symbols), np.int64))

    def _optional(self, name: str) -> pl.DataFrame:
        """Return a table that a history may lack."""
        if (self._folder / name).is_file():
            return read_table(self._folder, name)
        return pl.DataFrame(schema=polars_schema(schema.TABLES[name]))

    @property
    def folder(self) -> Path:
        """The folder that is read."""
        return self._folder

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
        """Return the stocks listed up to `asking` and not delisted by then; nothing later shows, names neither."""
        listed = (pl.col("listed_day") <= asking) & ((pl.col("delisted_day") == 0) | (pl.col("delisted_day") > asking))
        named = self._instruments.with_columns(name=pl.Series(self.names(asking), dtype=pl.String))
        return named.filter(listed).with_columns(delisted_day=pl.lit(0, pl.Int32))

    def listed_days(self) -> I64:
        """Return the first day of every stock, in the order of `symbols`."""
        return self._instruments["listed_day"].to_numpy().astype(np.int64)

    def living(self, asking: Day) -> NDArray[np.bool_]:
        """Tell of every stock whether it is listed on `asking`, in the order of `symbols`; see `instruments`."""
        listed, delisted = self._life
        living: NDArray[np.bool_] = (listed <= asking) & ((delisted == 0) | (delisted > asking))
        return living

    def names(self, asking: Day) -> list[str]:
        """Return every stock's name as of `asking`, in the order of `symbols`."""
        names = self._instruments["name"].to_list()
        known = (pl.col("known_at") <= schema.known_at_of(asking)) & (pl.col("first_day") <= asking)
        for symbol, name in self._optional(schema.NAMES_FILE).filter(known).select("symbol", "name").rows():
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
        if self._events is None:
            self._events = read_table(self._folder, schema.EX_EVENTS_FILE)
        return self._events.filter(pl.col("known_at") <= schema.known_at_of(asking))

    def share_capital(self, asking: Day) -> pl.DataFrame:
        """Return the last published share capital of each stock that was known before the open of `asking`."""
        known = (pl.col("known_at") <= schema.known_at_of(asking)) & (pl.col("first_day") <= asking)
        return self._optional(schema.SHARES_FILE).filter(known).group_by("symbol", maintain_order=True).last()

    def unbroken_since(self, asking: Day) -> I64:
        """Return from which day on each stock's rows go on to the session before `asking`; 0 = all of them."""
        if self._begins[0] != asking:
            since = np.zeros(len(self.symbols), np.int64)
            ids, days = self._breaks
            np.maximum.at(since, ids[days < asking], days[days < asking])
            self._begins = (asking, since)
        return self._begins[1]

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
        columns = {name: frame[name].to_numpy() for name in names}
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
            # Numbers of another type would have the whole column converted first.
            begin, end = np.searchsorted(rows.day, np.array([first, last + 1], rows.day.dtype))
            if end > begin:
                parts.append(rows.take(slice(int(begin), int(end))))
        return _joined(parts)

    def traded(self, asking: Day, first: Day) -> Rows:
        """Return the whole rows from `first` up to the session before `asking`, without those before a break."""
        last = self.session_before(asking)
        since = self.unbroken_since(asking)
        rows = self._span(first, last)
        return rows if int(since.max(initial=0)) <= first else rows.take(rows.day >= since[rows.symbol])

    def pre_open(self, asking: Day) -> Rows:
        """Return what is known before the open of `asking`, for every stock listed that day; no price of that day.

        Float shares are those of the session before: a source tells those of a day after its close.
        """
        before = self.session_before(asking)
        rows = self._span(asking, asking)
        if not len(rows.day):
            raise HistoryError(f"the pre-open facts of {asking} are not in the history yet; import that day first")
        columns = {name: rows.columns[name] for name in schema.PRE_OPEN_COLUMNS}
        shares = np.zeros(len(self.symbols), np.int64)
        earlier = self._span(before, before)
        shares[earlier.symbol] = earlier.columns["float_shares"] if len(earlier.day) else 0
        return Rows(rows.day, rows.symbol, columns | {"float_shares": shares[rows.symbol]})

    # ---------------------------------------------------------------- for people

    def daily(
        self, symbols: Symbol | Sequence[Symbol], asking: Day, sessions: int, adjusted: bool = True
    ) -> "pd.DataFrame":
        """Return daily bars of the last `sessions` before `asking`: date, symbol, yuan, shares, factor."""
        from common.history import people

        return people.daily(self, people.listed(self, symbols), asking, sessions, adjusted)

    def bars(
        self, symbols: Symbol | Sequence[Symbol], asking: Day, sessions: int, interval: int = 5, adjusted: bool = True
    ) -> "pd.DataFrame":
        """Return bars of 1, 5 or 15 minutes of the last `sessions` before `asking`: time, symbol, yuan, shares."""
        from common.history import people

        return people.bars(self, people.listed(self, symbols), asking, sessions, interval, adjusted)

    def universe(self, asking: Day) -> "pd.DataFrame":
        """Return every stock listed on `asking`, delisted later or not, with what is known of it before the open."""
        from common.history import people

        return people.universe(self, asking)
