"""Where downloaded rows meet those that are there: what stands before them, what after, and what does not go on."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from common.domain.calendar import Calendar
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.sources.complete import Before, Dividend, Facts, ex_event
from common.history.sources.spells import eve
from common.history.sources.tables import NOT_TOLD
from common.history.store import daily_years, polars_schema

YEARS_LOOKED_AT = 2
"""Years before and after in which the neighbour of a row is looked for; farther away it is none."""


class Neighbour(NamedTuple):
    """The first stored row behind new ones."""

    day: Day
    prev_close: int
    factor_e9: int


def before_of(folder: Path, day: Day, st_now: frozenset[Symbol]) -> dict[Symbol, Before]:
    """Return the newest stored row of every stock before a day; `st_now` = the stocks in ST then."""
    years = [year for year in daily_years(folder) if day // 10_000 - YEARS_LOOKED_AT < year <= day // 10_000]
    found: dict[Symbol, Before] = {}
    for year in years:
        rows = pl.scan_parquet(schema.daily_file(folder, year)).filter(pl.col("day") < day)
        last = (
            rows.group_by("symbol").last().select("symbol", "day", "close", "prev_close", "factor_e9", "float_shares")
        )
        for symbol, at, close, reference, factor, shares in last.collect().iter_rows():
            # A suspended row holds its last close as the day's reference price.
            st = 1 if symbol in st_now else NOT_TOLD
            found[symbol] = Before(at, close or reference, factor, shares, st)
    return found


def traded_on(folder: Path, day: Day) -> int:
    """Return how many stocks traded on a stored day."""
    if day // 10_000 not in daily_years(folder):
        return 0
    rows = pl.scan_parquet(schema.daily_file(folder, day // 10_000)).filter(pl.col("day") == day, pl.col("volume") > 0)
    count: int = rows.select(pl.len()).collect().item()
    return count


def after_of(folder: Path, day: Day) -> dict[Symbol, Neighbour]:
    """Return the first stored row of every stock after a day."""
    years = [year for year in daily_years(folder) if day // 10_000 <= year < day // 10_000 + YEARS_LOOKED_AT]
    found: dict[Symbol, Neighbour] = {}
    for year in reversed(years):
        rows = pl.scan_parquet(schema.daily_file(folder, year)).filter(pl.col("day") > day)
        first = rows.group_by("symbol").first().select("symbol", "day", "prev_close", "factor_e9")
        for symbol, at, reference, factor in first.collect().iter_rows():
            found[symbol] = Neighbour(at, reference, factor)
    return found


def expected_factor(last: Before, after: Neighbour) -> int:
    """Return the factor that the row behind would have if it went on from the last new one."""
    if after.prev_close in (0, last.close) or last.close == 0:
        return last.factor_e9
    return (2 * last.factor_e9 * last.close + after.prev_close) // (2 * after.prev_close)


def same_anchor(expected: int, found: int) -> bool:
    """Tell whether two factors are one, but for roundings of 1e-9."""
    return abs(expected - found) <= 4


def rescaled(rows: pl.DataFrame, ratios: Mapping[Symbol, tuple[int, int]], since: Mapping[Symbol, Day]) -> pl.DataFrame:
    """Return daily rows with the factors of some stocks x over / under, from a day on (0 = all of them).

    A ratio of two factors is good to 1e-9, as they are; the float between them is good to 1e-15.
    """
    if not ratios:
        return rows
    scale = pl.DataFrame(
        [(symbol, over / under, since.get(symbol, 0)) for symbol, (over, under) in ratios.items()],
        schema={"symbol": pl.String, "ratio": pl.Float64, "since": pl.Int32},
        orient="row",
    )
    found = rows.join(scale, on="symbol", how="left", maintain_order="left")
    wanted = pl.col("day") >= pl.col("since")
    factor = (pl.col("factor_e9") * pl.col("ratio")).round().cast(pl.Int64)
    return found.with_columns(factor_e9=pl.when(wanted).then(factor).otherwise("factor_e9")).select(rows.columns)


def edge_events(
    last: Mapping[Symbol, Before],
    after: Mapping[Symbol, Neighbour],
    calendar: Calendar,
    dividends: Mapping[tuple[Day, Symbol], Dividend],
) -> pl.DataFrame:
    """Return the ex-events of the rows right behind the new ones: their reference price had no close to stand beside."""
    rows = [
        ex_event(behind.day, symbol, last[symbol].close, behind.prev_close, dividends)
        for symbol, behind in after.items()
        if symbol in last
        and calendar.next(last[symbol].day) == behind.day
        and last[symbol].close > 0
        and behind.prev_close not in (0, last[symbol].close)
    ]
    return pl.DataFrame(rows, schema=polars_schema(schema.EX_EVENTS), orient="row")


class Joined(NamedTuple):
    """New rows fitted to their neighbours, and the breaks that are left."""

    daily: pl.DataFrame
    breaks: list[tuple[Symbol, Day]]
    mended: pl.DataFrame
    """Spans (symbol, first, last) in which older breaks are over."""
    back: dict[Symbol, tuple[int, int]]
    """Stocks whose stored rows before the new ones take the anchor of those behind too: factor x over / under."""
    untold: dict[Symbol, tuple[Day, Day]]
    """Days of a stock that no row tells of, which makes its ST state unknown there: since its listing, or in a hole."""


def joined(
    daily: pl.DataFrame,
    last: Mapping[Symbol, Before],
    after: Mapping[Symbol, Neighbour],
    facts: Facts,
) -> Joined:
    """Fit new rows between what stands before and behind them. `last` = each stock at the end of the new rows.

    What lies behind stays as it is; where the new rows lead up to it with another factor, they take its anchor.
    """
    spans = daily.group_by("symbol").agg(first=pl.col("day").min(), last=pl.col("day").max())
    breaks: list[tuple[Symbol, Day]] = []
    ratios: dict[Symbol, tuple[int, int]] = {}
    back: dict[Symbol, tuple[int, int]] = {}
    ends: list[Day] = []
    untold: dict[Symbol, tuple[Day, Day]] = {}
    before, calendar = facts.before, facts.calendar
    for symbol, first_day, last_day in spans.iter_rows():
        goes_on = symbol in before and calendar.next(before[symbol].day) >= first_day
        if symbol in before and not goes_on:
            breaks.append((symbol, first_day))
        behind = after.get(symbol)
        if behind is None and not goes_on:
            # With rows behind, the days before the new ones were noted when those came.
            since = calendar.next(before[symbol].day) if symbol in before else facts.listings[symbol].listed
            if since < first_day:
                untold[symbol] = (since, eve(first_day, calendar))
        ends.append(last_day if behind is None else behind.day)
        if behind is None:
            continue
        wanted = expected_factor(last[symbol], behind)
        if calendar.next(last_day) < behind.day:
            breaks.append((symbol, behind.day))
        elif not same_anchor(wanted, behind.factor_e9):
            ratios[symbol] = (behind.factor_e9, wanted)
            if goes_on:
                back[symbol] = ratios[symbol]
    mended = spans.with_columns(last=pl.Series(ends, dtype=pl.Int32))
    return Joined(rescaled(daily, ratios, {}), breaks, mended, back, untold)


def breaks_after(old: pl.DataFrame, fitted: Joined) -> pl.DataFrame:
    """Return the table of breaks: old ones outside of the mended spans, and the new ones."""
    inside = old.join(fitted.mended, on="symbol").filter(pl.col("day").is_between("first", "last")).select(old.columns)
    kept = old.join(inside, on=list(old.columns), how="anti")
    new = pl.DataFrame(fitted.breaks, schema=old.schema, orient="row")
    return pl.concat([kept, new]).unique()
