"""A download: ask within the vendor's limits, keep each answer, check, complete, append. A rerun goes on where it was cut.

The market is fetched by the day and appended month by month; named stocks are fetched by the stock and appended at the
end. What was appended is noted in the journal and not asked again unless `fresh`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import polars as pl

from common.domain.calendar import Calendar
from common.domain.errors import SourceError
from common.domain.values import Day, Symbol
from common.history import schema
from common.history.sources import keeping, seams
from common.history.sources.complete import Dividend, Facts, complete
from common.history.sources.doubts import doubts
from common.history.sources.journal import Journal
from common.history.sources.source import Ask, Kind, Source
from common.history.store import daily_years
from common.history.writer import append_minutes

Told = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""
THIN_PERCENT = 80
"""A day on which fewer stocks traded than this share of the session before is told as thin."""


class Wanted(NamedTuple):
    """What to download; `symbols` empty = the whole market."""

    first: Day
    last: Day
    symbols: tuple[Symbol, ...] = ()
    minutes: int = 0
    dividends: bool = True
    fresh: bool = False


class Downloaded(NamedTuple):
    """What a download brought."""

    days: list[Day]
    """Sessions appended."""
    rows: int
    """Daily rows that are new or different."""
    minute_rows: int
    events: int
    already: int
    """Sessions or stocks that were there from an earlier run."""
    defects: dict[str, int]
    """Rows of the vendor that were left out, by what was wrong."""
    left_out: dict[str, int]
    thin: dict[Day, str]
    """Days that look incomplete."""
    repeated: int
    """Reads that had to be repeated."""


class _Kept(NamedTuple):
    """What was appended of a window."""

    days: list[Day]
    rows: int
    events: int


class Download:
    """One download from one source into one history folder."""

    def __init__(self, folder: Path, source: Source, told: Told) -> None:
        self._folder, self._source, self._told = folder, source, told
        self._journal = Journal(folder, source.coverage.name)
        self._defects: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._thin: dict[Day, str] = {}
        self._dividend_asks: list[Ask] = []

    def run(self, wanted: Wanted) -> Downloaded:
        """Fetch and append what is wanted; raises `SourceError` with everything fetched so far kept."""
        calendar = self._basics(wanted)
        days = calendar.between(wanted.first, wanted.last)
        if not days:
            raise SourceError(f"no trading day from {wanted.first} to {wanted.last}; widen the range")
        if wanted.minutes:
            return self._minutes(wanted)
        if wanted.symbols and self._source.coverage.by_stock:
            asks = self._source.asks(Kind.BARS, days[0], days[-1], wanted.symbols)
            windows = [(days, asks)]
        else:
            windows = [
                (inside, [ask for day in inside for ask in self._source.asks(Kind.BARS, day, day, ())])
                for inside in (list(group) for _, group in groupby(days, lambda day: day // 100))
            ]
        total = sum(len(asks) for _, asks in windows)
        done = already = rows = events = 0
        appended: list[Day] = []
        for inside, asks in windows:
            missing = [ask for ask in asks if wanted.fresh or not self._journal.appended(ask)]
            already += len(asks) - len(missing)
            done += len(asks) - len(missing)
            if not missing:
                continue
            try:
                self._fetch(missing, Kind.BARS, done, total, wanted.fresh)
            except SourceError:
                # What came before the fault goes into the history; the fault is told after it.
                self._keep(inside, [ask for ask in missing if self._journal.has(ask)], calendar, wanted)
                raise
            done += len(missing)
            kept = self._keep(inside, missing, calendar, wanted)
            rows, events, appended = rows + kept.rows, events + kept.events, appended + kept.days
        return self._result(appended, rows, 0, events, already)

    def _keep(self, inside: list[Day], asks: list[Ask], calendar: Calendar, wanted: Wanted) -> "_Kept":
        """Append finished reads of a window and note that it was done."""
        if not asks:
            return _Kept([], 0, 0)
        span = [ask.first for ask in asks]
        whole = True
        if asks[0].symbol:
            # Asked by the stock, a vendor leaves out what it has not published; it is no suspension.
            last = self._journal.rows(Kind.BARS, asks)["day"].max()
            span = [day for day in inside if isinstance(last, int) and day <= last]
            whole = span == inside
        rows = events = 0
        for piece in runs(span, calendar):
            changed, found = self._append(piece, asks, calendar, wanted)
            rows, events = rows + changed, events + found
        if whole and bool(asks[0].symbol) == bool(wanted.symbols):
            self._journal.mark_appended(asks)
        else:
            self._journal.forget(asks)  # the rest of these days or stocks is not in the history: asked again
        return _Kept(span, rows, events)

    def forget(self, days: Sequence[Day]) -> None:
        """Have days of the market asked again the next time, though they were appended."""
        self._journal.forget([ask for day in days for ask in self._source.asks(Kind.BARS, day, day, ())])

    # ------------------------------------------------------------------ asking

    def _basics(self, wanted: Wanted) -> Calendar:
        """Refresh the trading calendar around the range and the list of stocks; returns the calendar of the folder."""
        kinds = self._source.coverage.kinds
        calendar, instruments = pl.DataFrame(), pl.DataFrame()
        if Kind.CALENDAR in kinds:
            # To the end of next year: the day after the last one must be known, and vendors stop where they know less.
            ahead = (wanted.last // 10_000 + 1) * 10_000 + 1231
            calendar = self._one(Ask(Kind.CALENDAR, wanted.first, ahead))
            if calendar.is_empty():
                raise SourceError(f"{self._source.coverage.name} gave no calendar for {wanted.first}..{ahead}")
        if Kind.INSTRUMENTS in kinds:
            instruments = self._one(Ask(Kind.INSTRUMENTS, wanted.first, wanted.last))
        names = self._one(Ask(Kind.NAMES)) if Kind.NAMES in kinds else None
        keeping.keep_basics(self._folder, calendar, instruments, names)
        return Calendar(keeping.stored(self._folder, schema.CALENDAR_FILE)["day"].to_list())

    def _one(self, ask: Ask) -> pl.DataFrame:
        answer = self._source.fetch(ask)
        self._count({defect.name: count for defect, count in answer.defects.items()})
        return answer.frame

    def _fetch(self, asks: Sequence[Ask], kind: Kind, done: int, total: int, fresh: bool) -> None:
        self._source.prepare([ask for ask in asks if fresh or not self._journal.has(ask)], self._told)
        for at, ask in enumerate(asks, 1):
            if fresh or not self._journal.has(ask):
                answer = self._source.fetch(ask)
                if kind is Kind.BARS and not ask.symbol and answer.frame.is_empty():
                    raise SourceError(
                        f"{self._source.coverage.name} has no bars of {ask.first} (yet?); vendors publish a session in "
                        "the evening. What came before is kept: run the same command again later"
                    )
                self._journal.keep(ask, answer)
            self._told(kind.value, done + at, total)
        self._count(self._journal.defects(asks))

    def _count(self, defects: dict[str, int]) -> None:
        self._defects.update(defects)

    # ------------------------------------------------------------------ appending

    def _append(self, days: list[Day], asks: Sequence[Ask], calendar: Calendar, wanted: Wanted) -> tuple[int, int]:
        """Complete and append sessions without a hole; returns changed daily rows and ex-events."""
        inside = pl.col("day").is_between(days[0], days[-1])
        bars = self._journal.rows(Kind.BARS, asks).filter(inside & pl.col("day").is_in(days))
        eve = calendar.previous(days[0]) if calendar.first < days[0] else days[0]
        before = seams.before_of(self._folder, days[0], keeping.st_stocks(self._folder, eve))
        facts = Facts(calendar, keeping.listings_of(self._folder), before, {})
        only = frozenset(wanted.symbols)
        completed = complete(bars, days, facts, only)
        after = seams.after_of(self._folder, days[-1])
        edges = seams.edge_events(completed.after, after, calendar, {})
        if wanted.dividends and len(completed.events) + len(edges):
            facts = facts._replace(dividends=self._dividends(pl.concat([completed.events, edges])))
            completed = complete(bars, days, facts, only)
            edges = seams.edge_events(completed.after, after, calendar, facts.dividends)
        self._left_out.update(completed.left_out)
        self._left_out.update(doubts(completed.daily, self._source.coverage.name))
        if not wanted.symbols:
            self._thin.update(thin_days(completed.daily, seams.traded_on(self._folder, eve)))
        fitted = seams.joined(completed.daily, completed.after, after, facts)
        changed = keeping.keep_days(self._folder, completed, fitted, edges, calendar, self._data_last())
        self._journal.mark_appended(self._dividend_asks)
        self._dividend_asks = []
        return changed, len(completed.events)

    def _data_last(self) -> Day:
        years = daily_years(self._folder)
        if not years:
            return 0
        last: Day = (
            pl.scan_parquet(schema.daily_file(self._folder, years[-1])).select(pl.col("day").max()).collect().item()
        )
        return last

    def _dividends(self, events: pl.DataFrame) -> dict[tuple[Day, Symbol], Dividend]:
        """Ask for what lies behind the ex-events that the reference prices show."""
        if Kind.DIVIDENDS not in self._source.coverage.kinds:
            return {}
        asks: dict[str, Ask] = {}
        for day, symbol in events.select("day", "symbol").iter_rows():
            for ask in self._source.asks(Kind.DIVIDENDS, day, day, (symbol,)):
                asks[ask.key] = ask
        wanted = list(asks.values())
        self._dividend_asks = wanted
        self._fetch(wanted, Kind.DIVIDENDS, 0, len(wanted), fresh=False)
        rows = self._journal.rows(Kind.DIVIDENDS, wanted)
        return {
            (row["day"], row["symbol"]): Dividend(row["cash_e6"], row["bonus_e6"], row["known_at"])
            for row in rows.iter_rows(named=True)
        }

    def _minutes(self, wanted: Wanted) -> Downloaded:
        asks = self._source.asks(Kind.MINUTES, wanted.first, wanted.last, wanted.symbols, wanted.minutes)
        missing = [ask for ask in asks if wanted.fresh or not self._journal.appended(ask)]
        self._fetch(missing, Kind.MINUTES, len(asks) - len(missing), len(asks), wanted.fresh)
        rows = self._journal.rows(Kind.MINUTES, missing)
        changed = append_minutes(self._folder, wanted.minutes, rows) if len(rows) else 0
        self._journal.mark_appended(missing)
        days = rows["day"].unique().sort().to_list()
        return self._result(days, 0, changed, 0, len(asks) - len(missing))

    def _result(self, days: list[Day], rows: int, minute_rows: int, events: int, already: int) -> Downloaded:
        return Downloaded(
            days, rows, minute_rows, events, already, dict(self._defects), dict(self._left_out), self._thin,
            self._source.pacer.repeated,
        )  # fmt: skip


def thin_days(daily: pl.DataFrame, last: int) -> dict[Day, str]:
    """Return the days on which far fewer stocks traded than on the session before, with the numbers.

    `last` is how many traded on the session before the first one, 0 = not known.
    """
    thin: dict[Day, str] = {}
    for day, count in daily.filter(pl.col("volume") > 0).group_by("day").len().sort("day").iter_rows():
        if last and count * 100 < last * THIN_PERCENT:
            thin[day] = f"{count} stocks traded, {last} the session before"
        last = count
    return thin


def runs(days: Iterable[Day], calendar: Calendar) -> list[list[Day]]:
    """Cut trading days where one is missing between them."""
    pieces: list[list[Day]] = []
    for day in days:
        if pieces and calendar.next(pieces[-1][-1]) == day:
            pieces[-1].append(day)
        else:
            pieces.append([day])
    return pieces
