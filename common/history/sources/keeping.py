"""Completed rows into the history folder: every table in one commit, so that a reader never sees a day in halves."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from common.domain.calendar import Calendar
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.schema import known_at_of
from common.history.sources.complete import Completed, Listing
from common.history.sources.seams import Joined, breaks_after, rescaled
from common.history.sources.spells import Spell, merged
from common.history.store import polars_schema, read_table
from common.history.writer import Writer


def stored(folder: Path, name: str) -> pl.DataFrame:
    """Return a table of the folder, empty where it is not there yet."""
    if (folder / name).is_file():
        return read_table(folder, name)
    return pl.DataFrame(schema=polars_schema(schema.TABLES[name]))


def keep_basics(
    folder: Path, calendar: pl.DataFrame, instruments: pl.DataFrame, names: pl.DataFrame | None = None
) -> None:
    """Merge the calendar of a range (days that are not open any more are taken out), the list of stocks, their names."""
    with Writer(folder) as writer:
        for name in (schema.ST_FILE, schema.EX_EVENTS_FILE):  # a reader wants them, empty or not
            if not writer.has(name):
                writer.replace_table(name, pl.DataFrame(schema=polars_schema(schema.TABLES[name])))
        if len(calendar):
            old = writer.read(schema.CALENDAR_FILE) if writer.has(schema.CALENDAR_FILE) else calendar.head(0)
            kept = old.select("day").join(calendar, on="day", how="anti")
            days = pl.concat([kept, calendar.filter(pl.col("open")).select("day")])
            writer.replace_table(schema.CALENDAR_FILE, days)
        if len(instruments):
            writer.append_table(schema.INSTRUMENTS_FILE, instruments)
        if names is not None and len(names):
            writer.append_table(schema.NAMES_FILE, names)


def keep_days(
    folder: Path, completed: Completed, fitted: Joined, edges: pl.DataFrame, calendar: Calendar, data_last: Day
) -> int:
    """Merge completed sessions; returns how many daily rows are new or different.

    `data_last` is the last session that the history held before: behind it nothing was known of any state.
    """
    with Writer(folder) as writer:
        changed = writer.append_daily(fitted.daily)
        if fitted.back:
            _reanchor(writer, fitted, min(completed.daily["day"].to_list()))
        # An ex-event that the new rows do not have any more was a fault of the old ones.
        events = pl.concat([completed.events, edges])
        new = pl.concat([completed.daily.select("day", "symbol"), edges.select("day", "symbol")])
        kept = writer.read(schema.EX_EVENTS_FILE).join(new, on=["day", "symbol"], how="anti")
        writer.replace_table(schema.EX_EVENTS_FILE, pl.concat([kept, events]))
        writer.replace_table(
            schema.ST_FILE, st_after(writer.read(schema.ST_FILE), completed, fitted, calendar, data_last)
        )
        breaks = (
            writer.read(schema.BREAKS_FILE) if writer.has(schema.BREAKS_FILE) else stored(folder, schema.BREAKS_FILE)
        )
        if len(breaks) or fitted.breaks:
            writer.replace_table(schema.BREAKS_FILE, breaks_after(breaks, fitted))
    return changed


def _reanchor(writer: Writer, fitted: Joined, first: Day) -> None:
    """Let the rows before new ones take the anchor of those behind, back to where the stock does not go on anyway."""
    breaks = writer.read(schema.BREAKS_FILE) if writer.has(schema.BREAKS_FILE) else None
    since: dict[Symbol, Day] = {}
    if breaks is not None:
        since = dict(breaks.filter(pl.col("day") < first).group_by("symbol").agg(pl.col("day").max()).iter_rows())
    for year in range(first // 10_000, 0, -1):
        name = f"{schema.DAILY_FOLDER}/{year}.parquet"
        if not writer.has(name):
            return
        rows = writer.read(name)
        early = rows.filter(pl.col("day") < first)
        writer.append_daily(rescaled(early, fitted.back, since))


def st_after(
    old: pl.DataFrame, completed: Completed, fitted: Joined, calendar: Calendar, data_last: Day
) -> pl.DataFrame:
    """Return the ST table after the states that a vendor told; what nobody told of is unknown, which counts as ST."""
    names = list(schema.ST)
    by_symbol: dict[Symbol, list[Spell]] = {}
    for symbol, *rest in old.select("symbol", *names[1:]).iter_rows():
        by_symbol.setdefault(symbol, []).append(Spell(*rest))
    for symbol, told in completed.states.items():
        by_symbol[symbol] = merged(by_symbol.get(symbol, []), told, calendar, goes_on=told[-1][0] < data_last)
    for symbol, (first, last) in fitted.untold.items():
        dark = Spell(first, last, schema.UNKNOWN_STATE, known_at_of(first, 8, 0), known_at_of(last, 18, 0))
        known = by_symbol.setdefault(symbol, [])
        if all(spell.first_day != first for spell in known):
            known.append(dark)
    rows = [(symbol, *spell) for symbol, spells in by_symbol.items() for spell in spells]
    return pl.DataFrame(rows, schema=polars_schema(schema.ST), orient="row")


def st_stocks(folder: Path, day: Day) -> frozenset[Symbol]:
    """Return the stocks that are in an ST spell on a day, as far as the history knows."""
    table = stored(folder, schema.ST_FILE)
    now = (pl.col("first_day") <= day) & ((pl.col("last_day") == 0) | (pl.col("last_day") >= day))
    return frozenset(table.filter(now & (pl.col("state") == schema.ST_STATE))["symbol"].to_list())


def listings_of(folder: Path) -> Mapping[Symbol, Listing]:
    """Return when each stock of the history is listed."""
    rows = stored(folder, schema.INSTRUMENTS_FILE).select("symbol", "listed_day", "delisted_day").iter_rows()
    return {symbol: Listing(listed, gone) for symbol, listed, gone in rows}
