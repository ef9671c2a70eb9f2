"""Names, columns and units of the history tables. Writers and readers know nothing else of each other.

A folder of history holds one manifest and one Parquet file a table (daily bars: one a year, minute bars: one a month).
Prices and money are 0.001 yuan, quantities shares, days yyyymmdd; prices are raw as traded. Rows are sorted by the key
of their table. Unknown is 0, never an empty cell.

Point in time: a fact may be used on the day D that asks when its `known_at` is not later than D 09:15, written as
`known_at_of(D)`; a daily row's pre-open columns are known before the open of its day, its traded ones after the close.
"""

from pathlib import Path
from typing import Literal

from common.domain.errors import HistoryError
from common.domain.values import Day

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
"""{"schema": 1, "files": {"daily/2026.parquet": "<sha256>", ...}}; written last, so a cut write is seen."""

Kind = Literal["day", "text", "i1", "i4", "i8", "bool"]
Table = dict[str, Kind]

CALENDAR_FILE = "calendar.parquet"
CALENDAR: Table = {"day": "day"}
"""Trading days, ascending."""

INSTRUMENTS_FILE = "instruments.parquet"
INSTRUMENTS: Table = {
    "symbol": "text",
    "name": "text",
    "listed_day": "day",
    "delisted_day": "day",  # last day + 1; 0 = still listed
}

NAMES_FILE = "names.parquet"
NAMES: Table = {"symbol": "text", "first_day": "day", "name": "text", "known_at": "i8"}
"""The name from a day on; optional: without the file the instrument's name stands for all days."""

ST_FILE = "st.parquet"
ST: Table = {
    "symbol": "text",
    "first_day": "day",
    "last_day": "day",  # included; 0 = open-ended
    "state": "i1",
    "known_at": "i8",  # of the beginning
    "end_known_at": "i8",  # of the end; 0 = no end known
}
ST_STATE, DELISTING_STATE, UNKNOWN_STATE = 1, 2, 3
"""Values of `state`: ST or *ST; delisting period; nobody knows (counts as ST)."""

EX_EVENTS_FILE = "ex_events.parquet"
EX_EVENTS: Table = {
    "day": "day",
    "symbol": "text",
    "prev_close": "i4",  # raw close of the session before
    "reference": "i4",  # ex-right reference price of the day
    "cash_e6": "i8",  # dividend a share, 0.000001 yuan
    "bonus_e6": "i8",  # new shares for one old share x 1,000,000; with cash_e6 0 too: only the prices are known
    "known_at": "i8",
}

SHARES_FILE = "shares.parquet"
SHARES: Table = {
    "symbol": "text",
    "first_day": "day",
    "total_shares": "i8",  # 0 = unknown
    "float_shares": "i8",  # listed float shares; 0 = unknown
    "known_at": "i8",
}
"""Share capital from a day on; optional: daily rows carry the float shares of their day where they are known."""

BREAKS_FILE = "breaks.parquet"
BREAKS: Table = {"symbol": "text", "day": "day"}
"""Optional. From this day on the daily rows of the stock do not go on from those before: sessions are missing between
them, or the adjustment factor has another anchor. Nothing may be adjusted, ranged or counted across a break."""

DAILY_FOLDER = "daily"
DAILY: Table = {
    "day": "day",
    "symbol": "text",
    # known before the open of the day
    "prev_close": "i4",  # reference price (after ex-rights); the issue price on the listing day
    "up_limit": "i4",  # 0 = no limit
    "down_limit": "i4",
    "suspended": "bool",
    "float_shares": "i8",  # listed float shares; 0 = unknown
    "factor_e9": "i8",  # cumulative adjustment factor x 1e9: price x factor(day) / factor(asking day)
    # known after the close of the day; 0 = did not trade
    "open": "i4",
    "high": "i4",
    "low": "i4",
    "close": "i4",
    "volume": "i8",
    "turnover": "i8",
}
"""One row for every listed stock and trading day, suspended ones too."""
PRE_OPEN_COLUMNS = ("prev_close", "up_limit", "down_limit", "suspended", "float_shares", "factor_e9")
TRADED_COLUMNS = ("open", "high", "low", "close", "volume", "turnover")

MINUTES: Table = {
    "day": "day",
    "symbol": "text",
    "label_s": "i4",  # second of the day at which the bar ends; 09:30 of 1 minute is the opening auction alone
    "open": "i4",
    "high": "i4",
    "low": "i4",
    "close": "i4",
    "volume": "i8",
    "turnover": "i8",
}
"""One row for every bar, traded or not; the first bar of 5 and 15 minutes holds the opening auction."""
INTERVALS = (1, 5, 15)
"""Minutes of the bars that a history holds."""

KEYS: dict[str, tuple[str, ...]] = {
    CALENDAR_FILE: ("day",),
    INSTRUMENTS_FILE: ("symbol",),
    NAMES_FILE: ("symbol", "first_day"),
    ST_FILE: ("symbol", "first_day"),
    EX_EVENTS_FILE: ("day", "symbol"),
    SHARES_FILE: ("symbol", "first_day"),
    BREAKS_FILE: ("symbol", "day"),
    DAILY_FOLDER: ("day", "symbol"),
    **{f"minute{interval}": ("day", "symbol", "label_s") for interval in INTERVALS},
}
"""Sort order and unique key of each table."""

TABLES: dict[str, Table] = {
    CALENDAR_FILE: CALENDAR,
    INSTRUMENTS_FILE: INSTRUMENTS,
    NAMES_FILE: NAMES,
    ST_FILE: ST,
    EX_EVENTS_FILE: EX_EVENTS,
    SHARES_FILE: SHARES,
    BREAKS_FILE: BREAKS,
    DAILY_FOLDER: DAILY,
    **{f"minute{interval}": MINUTES for interval in INTERVALS},
}
PARTED = (DAILY_FOLDER, *(f"minute{interval}" for interval in INTERVALS))
"""Tables that are folders: one file a year (daily) or a month (minutes)."""


def known_at_of(day: Day, hour: int = 9, minute: int = 15) -> int:
    """Write a moment as yyyymmddHHMM; the default is the last moment whose facts a screen of `day` may use."""
    return day * 10_000 + hour * 100 + minute


def minutes_folder(interval: int) -> str:
    """Return the name of the table of minute bars."""
    if interval not in INTERVALS:
        raise HistoryError(f"bars of {interval} minutes are not kept; there are {', '.join(map(str, INTERVALS))}")
    return f"minute{interval}"


def part_of(table: str, day: Day) -> str:
    """Return the file of a parted table that holds a day: daily/2026.parquet, minute5/2026-07.parquet."""
    if table == DAILY_FOLDER:
        return f"{table}/{day // 10_000}.parquet"
    return f"{table}/{day // 10_000}-{day // 100 % 100:02d}.parquet"


def daily_file(folder: Path, year: int) -> Path:
    """Return the file of a year's daily bars."""
    return folder / DAILY_FOLDER / f"{year}.parquet"
