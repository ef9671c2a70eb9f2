"""What is wrong in a folder of history, named row by row. Pure rules over frames are in `check_rules.py`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from common.domain.calendar import Calendar
from common.domain.errors import HistoryError
from common.domain.values import Day
from common.history import check_rules as rules
from common.history import schema
from common.history.store import check_manifest, digest_of, key_of, polars_schema, read_manifest
from common.rules.boards import is_code

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

SESSIONS_LEFT_MIN = 30
"""The calendar is asked to be extended when fewer sessions than this are left."""
FAULT, WARNING = "fault", "warning"


class Finding(NamedTuple):
    """One fault, or a run of the same fault on consecutive sessions of one stock."""

    kind: str
    """See `KINDS`."""
    table: str
    """The file it stands in."""
    symbol: str
    day: Day
    last_day: Day
    rows: int
    detail: str
    """The numbers of the first row, prices in yuan."""
    severity: str = FAULT


KINDS: dict[str, str] = {
    "changed_file": "a file is not what the manifest says, or cannot be read",
    "duplicate_key": "a key stands twice",
    "unknown_code": "a code that is no A share or no instrument of the history",
    "no_session": "rows on a day that the calendar does not have",
    "gap": "sessions are missing between the rows of a stock, or up to the end of the history",
    "bar_order": "the high is below the open or close, or the low above them",
    "outside_limits": "a price beyond the day's limits",
    "zero_filled": "a traded day or bar with a price of 0",
    "flat_padded": "the same traded bar again and again",
    "lots_for_shares": "turnover / volume is about 100 times the price: the volume is in lots",
    "turnover_unit": "turnover / volume is far below the price: the turnover is in thousands or ten thousands of yuan",
    "average_outside": "turnover / volume lies outside low and high",
    "no_turnover": "a volume without turnover",
    "unadjusted_ex_day": "the factor and the reference price do not tell of the same ex-day",
    "incomplete_minutes": "a stock-day without all its bars",
    "calendar_short": "the calendar ends soon",
}
"""What is looked for; `calendar_short` is a warning, everything else a fault."""


def check_history(folder: Path, today: Day, told: Progress) -> list[Finding]:
    """Return all that is wrong, by kind in the order of `KINDS`, then stock and day."""
    check_manifest(folder)
    files = read_manifest(folder)
    found: list[Finding] = []
    sound: list[str] = []
    for at, (name, digest) in enumerate(files.items()):
        told("files", at + 1, len(files))
        faults = list(_file(folder, name, digest))
        found += faults
        if not any(fault.kind == "changed_file" for fault in faults):
            sound.append(name)
    if schema.CALENDAR_FILE not in sound:
        raise HistoryError(f"{folder} has no readable {schema.CALENDAR_FILE}; import again")
    days = pl.read_parquet(folder / schema.CALENDAR_FILE, memory_map=False)["day"].unique().sort()
    sessions = pl.DataFrame({"day": days}).with_row_index("ord").cast({"ord": pl.Int64})
    found += calendar_left(Calendar(days.to_list()), today)
    bars = [name for name in sound if "/" in name]
    for at, name in enumerate(bars):
        told("rows", at + 1, len(bars))
        found += _bars(folder, name, sessions)
    found += _history(folder, [name for name in bars if name.startswith(f"{schema.DAILY_FOLDER}/")], sessions)
    found += _codes(folder, sound)
    order = {kind: at for at, kind in enumerate(KINDS)}
    return sorted(found, key=lambda each: (order[each.kind], each.symbol, each.day, each.table))


def calendar_left(calendar: Calendar, today: Day) -> list[Finding]:
    """Warn when few sessions are left in the calendar."""
    left = len(calendar.between(today, calendar.last))
    if left >= SESSIONS_LEFT_MIN:
        return []
    return [
        Finding("calendar_short", schema.CALENDAR_FILE, "", calendar.last, calendar.last, 1, f"left={left}", WARNING)
    ]


def _file(folder: Path, name: str, digest: str) -> Iterator[Finding]:
    """Check that a file is the one the manifest names, readable, with its columns, and every key once."""
    path = folder / name
    if digest_of(path) != digest:
        yield Finding("changed_file", name, "", 0, 0, 1, "content")
    kinds = polars_schema(schema.TABLES[name.partition("/")[0]])
    try:
        found = pl.read_parquet_schema(path)
        if any(found.get(column) != kind for column, kind in kinds.items()):
            raise HistoryError("columns")
        key = list(key_of(name))
        keys = pl.read_parquet(path, columns=key, memory_map=False).sort(key)
    except (OSError, pl.exceptions.PolarsError, HistoryError) as error:
        yield Finding("changed_file", name, "", 0, 0, 1, f"unreadable: {str(error).splitlines()[0]}")
        return
    doubled = keys.filter(pl.struct(key) == pl.struct(key).shift())
    for row in doubled.iter_rows(named=True):
        day = row.get("day", row.get("first_day", 0))
        detail = f"label_s={row['label_s']}" if "label_s" in row else ""
        yield Finding("duplicate_key", name, row.get("symbol", ""), day, day, 1, detail)


def _findings(kind: str, table: str, hits: pl.DataFrame) -> list[Finding]:
    """Join hits (symbol, day, ord, detail) on consecutive sessions of a stock to one finding."""
    if hits.is_empty():
        return []
    hits = hits.sort("symbol", "day")
    goes_on = (pl.col("symbol") == pl.col("symbol").shift()) & (pl.col("ord") - pl.col("ord").shift() <= 1)
    runs = hits.group_by((~goes_on.fill_null(value=False)).cum_sum().alias("run"), maintain_order=True).agg(
        pl.col("symbol", "day", "detail").first(), last_day=pl.col("day").last(), rows=pl.len()
    )
    columns = ("symbol", "day", "last_day", "rows", "detail")
    return [Finding(kind, table, *row) for row in runs.select(columns).rows()]


def _bars(folder: Path, name: str, sessions: pl.DataFrame) -> Iterator[Finding]:
    """Check the rows of one file of daily or minute bars."""
    rows = pl.read_parquet(folder / name, memory_map=False).join(sessions, on="day", how="left")
    daily = name.startswith(f"{schema.DAILY_FOLDER}/")
    checks = (rules.DAILY if daily else rules.BARS) | (
        {} if daily else {"incomplete_minutes": rules.incomplete_minutes}
    )
    for kind, rule in checks.items():
        yield from _findings(kind, name, rule(rows))


def _history(folder: Path, names: list[str], sessions: pl.DataFrame) -> Iterator[Finding]:
    """Check what shows only over all years of a stock."""
    if not names:
        return
    columns = ("symbol", "day", "close", "high", "prev_close", "down_limit", "factor_e9")
    rows = pl.concat([pl.read_parquet(folder / name, columns=list(columns), memory_map=False) for name in names])
    rows = rows.join(sessions, on="day").sort("symbol", "day")
    gone = _gone(folder)
    for symbol, start, stop in rules.gaps(rows, gone).rows():
        day, last = sessions["day"][start], sessions["day"][stop - 1]
        yield Finding("gap", schema.DAILY_FOLDER, symbol, day, last, stop - start, f"sessions={stop - start}")
    yield from _findings("unadjusted_ex_day", schema.DAILY_FOLDER, rules.unadjusted(rows))


def _gone(folder: Path) -> list[str]:
    """Return the stocks that are delisted."""
    if not (folder / schema.INSTRUMENTS_FILE).is_file():
        return []
    table = pl.read_parquet(folder / schema.INSTRUMENTS_FILE, memory_map=False)
    return table.filter(pl.col("delisted_day") > 0)["symbol"].to_list()


def _codes(folder: Path, sound: list[str]) -> Iterator[Finding]:
    """Name codes that are no A shares, or that the instruments lack."""
    known: set[str] = set()
    if schema.INSTRUMENTS_FILE in sound:
        known = set(pl.read_parquet(folder / schema.INSTRUMENTS_FILE, columns=["symbol"], memory_map=False)["symbol"])
    for name in sound:
        table = schema.TABLES[name.partition("/")[0]]
        if "symbol" not in table:
            continue
        day = "day" if "day" in table else "first_day" if "first_day" in table else "listed_day"
        rows = (
            pl.scan_parquet(folder / name)
            .group_by("symbol")
            .agg(first=pl.col(day).min(), last=pl.col(day).max(), rows=pl.len())
        )
        for symbol, first, last, count in rows.collect().sort("symbol").rows():
            if not is_code(symbol):
                yield Finding("unknown_code", name, symbol, first, last, count, "no A share")
            elif symbol not in known:
                yield Finding("unknown_code", name, symbol, first, last, count, "no instrument")
