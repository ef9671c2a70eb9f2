"""The work of the nightly cycle on a history folder: a session after its close, the facts of one before its open."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from common.domain.calendar import Calendar
from common.domain.errors import SourceBusyError, SourceError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.sources import keeping, seams, tables
from common.history.sources.complete import Before, Dividend, Facts, complete
from common.history.sources.download import Download, Told, Wanted
from common.history.sources.source import Ask, Kind, Source
from common.history.store import daily_years, polars_schema
from common.rules.boards import board_of
from common.rules.corporate import ex_right_reference
from common.rules.price_limits import price_band

CARRIED = "suspensions, ST, limits and ex-days carried over from {day}: the source tells nothing before the open"


class Done(NamedTuple):
    """What a step did."""

    day: Day
    text: str
    note: str = ""
    """What is assumed, for whoever uses it."""


def close(folder: Path, source: Source, until: Day, today: Day, sessions: int, told: Told) -> Done:
    """Download, check and append every session that is missing up to `until`; raises when the newest is not whole.

    Into an empty history go the last `sessions` of them. `until` may be a day on which nothing trades. A thin session
    that is not the newest is what the vendor says for good: it is told, and the cycle goes on.
    """
    first = _first_missing(folder, until, sessions)
    done = Download(folder, source, told).run(Wanted(first, until))
    calendar = Calendar(keeping.stored(folder, schema.CALENDAR_FILE)["day"].to_list())
    if calendar.last < today:
        raise SourceError(
            f"the trading calendar of {source.coverage.name} ends on {calendar.last}: extend it, nothing trades past it"
        )
    newest = calendar.window(until, 1)[-1]
    if newest in done.thin:
        Download(folder, source, told).forget([newest])
        raise SourceBusyError(f"{newest} is not complete: {done.thin[newest]}")
    parts = [f"{len(done.days)} sessions, {done.rows} rows"]
    parts += [f"{sum(done.defects.values())} rows of the vendor left out"] if done.defects else []
    parts += [f"{day}: {text}" for day, text in sorted(done.thin.items())]
    return Done(newest, "; ".join(parts))


def _first_missing(folder: Path, until: Day, sessions: int) -> Day:
    """Return the day from which on sessions are missing; without history, far enough back for `sessions` of them."""
    last = last_traded(folder)
    if last:
        return min(last, until)  # the last one again: the journal knows what is done, and a cut one is not
    years, rest = divmod(sessions * 3 // 2 + 30, 365)
    month = until // 100 % 100 - rest // 30
    year = until // 10_000 - years - (1 if month < 1 else 0)
    return year * 10_000 + (month + 12 if month < 1 else month) * 100 + 1


def last_traded(folder: Path) -> Day:
    """Return the newest day on which the history has trades, 0 = none."""
    for year in reversed(daily_years(folder)):
        rows = pl.scan_parquet(schema.daily_file(folder, year)).filter(pl.col("volume") > 0)
        found: Day | None = rows.select(pl.col("day").max()).collect().item()
        if found is not None:
            return found
    return 0


def open_(folder: Path, source: Source | None, day: Day) -> Done:
    """Append what is known of a session before its open: from the source, or (None) carried over from the one before."""
    calendar = Calendar(keeping.stored(folder, schema.CALENDAR_FILE)["day"].to_list())
    eve = calendar.previous(day)
    if last_traded(folder) < eve:
        raise SourceError(f"the history has no trades of {eve}; the step after its close comes first")
    before = seams.before_of(folder, day, keeping.st_stocks(folder, eve))
    dividends: dict[tuple[Day, str], Dividend] = {}
    if source is None:
        bars = carried(folder, eve, day)
        note = CARRIED.format(day=eve)
    else:
        if Kind.PRE_OPEN not in source.coverage.kinds:
            raise SourceError(
                f'source {source.coverage.name} tells nothing before the open; set [nightly] pre_open = "carried" to go '
                "on with the facts of the session before, or use a source that does: pankou data sources"
            )
        keeping.keep_basics(folder, pl.DataFrame(), source.fetch(Ask(Kind.INSTRUMENTS, day, day)).frame)
        bars = source.fetch(Ask(Kind.PRE_OPEN, day, day)).frame
        if bars.is_empty():
            raise SourceBusyError(f"{source.coverage.name} has no limits of {day} yet")
        told = source.fetch(Ask(Kind.DIVIDENDS, day, day)).frame
        dividends = {(row[0], row[1]): Dividend(*row[2:]) for row in told.select(list(tables.DIVIDENDS)).iter_rows()}
        bars = referenced(bars, before, dividends)
        note = ""
    facts = Facts(calendar, keeping.listings_of(folder), before, dividends)
    completed = complete(bars, [day], facts)
    fitted = seams.joined(completed.daily, completed.after, {}, facts)
    edges = pl.DataFrame(schema=polars_schema(schema.EX_EVENTS))
    changed = keeping.keep_days(folder, completed, fitted, edges, calendar, 0)
    return Done(day, f"{completed.daily.height} stocks, {changed} rows, {len(completed.events)} ex-days", note)


def referenced(
    bars: pl.DataFrame, before: Mapping[Symbol, Before], dividends: Mapping[tuple[Day, Symbol], Dividend]
) -> pl.DataFrame:
    """Return the facts with the reference price of ex-days where a vendor gives the close of the day before instead.

    The published limits decide: the price they lie around is the reference price.
    """
    prices = bars["prev_close"].to_list()
    columns = ("day", "symbol", "prev_close", "up_limit", "down_limit", "st")
    for at, (day, symbol, told, up, down, st) in enumerate(bars.select(columns).iter_rows()):
        known, event = before.get(symbol), dividends.get((day, symbol))
        if known is None or event is None or told not in (0, known.close):
            continue
        reference = ex_right_reference(known.close, event.cash_e6, event.bonus_e6)
        band = price_band(int(board_of(symbol, day)), day, reference, st == 1)
        if told == 0 or (band.up, band.down) == (up, down):
            prices[at] = reference
    return bars.with_columns(pl.Series("prev_close", prices, bars.schema["prev_close"]))


def carried(folder: Path, eve: Day, day: Day) -> pl.DataFrame:
    """Return the facts of a session as they were on the one before: suspended then, suspended now."""
    rows = pl.scan_parquet(schema.daily_file(folder, eve // 10_000)).filter(pl.col("day") == eve).collect()
    zero = dict.fromkeys(("prev_close", "float_shares", *schema.TRADED_COLUMNS), 0)
    told = dict.fromkeys(("up_limit", "down_limit", "st"), tables.NOT_TOLD)
    made = rows.select("symbol", "suspended").with_columns(
        day=pl.lit(day), **{k: pl.lit(v) for k, v in (zero | told).items()}
    )
    kinds = polars_schema(tables.BARS)
    return made.select(pl.col(name).cast(kind) for name, kind in kinds.items())
