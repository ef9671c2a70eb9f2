"""A small folder of history, written by hand for tests."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from common.domain.calendar import from_date
from common.history import schema
from common.history.store import polars_schema, write_manifest, write_table

E9 = 1_000_000_000


def weekdays(first: date, count: int) -> list[int]:
    """Return `count` days from Monday to Friday."""
    days = []
    while len(days) < count:
        if first.weekday() < 5:
            days.append(from_date(first))
        first += timedelta(days=1)
    return days


def daily_row(day: int, symbol: str, close: int = 10_000, **changes: Any) -> dict[str, Any]:
    """Return a quiet day of a stock."""
    row = {
        "day": day, "symbol": symbol, "prev_close": close, "up_limit": close * 11 // 10, "down_limit": close * 9 // 10,
        "suspended": False, "float_shares": 500_000_000, "factor_e9": E9, "open": close, "high": close + 100,
        "low": close - 100, "close": close, "volume": 1_000_000, "turnover": close * 1_000_000,
    }  # fmt: skip
    if changes.get("suspended"):
        row |= dict.fromkeys(schema.TRADED_COLUMNS, 0)
    return row | changes


def frame(name: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Make a table; an empty one keeps its columns."""
    return pl.DataFrame(list(rows), schema=polars_schema(schema.TABLES[name]))


def write_folder(
    folder: Path,
    days: Sequence[int],
    daily: Sequence[dict[str, Any]],
    *,
    listed: dict[str, int] | None = None,
    delisted: dict[str, int] | None = None,
    st: Sequence[dict[str, Any]] = (),
    ex: Sequence[dict[str, Any]] = (),
) -> Path:
    """Write a whole history; every stock of `daily` is an instrument."""
    symbols = sorted({row["symbol"] for row in daily})
    instruments = [
        {
            "symbol": symbol,
            "name": f"name {symbol}",
            "listed_day": (listed or {}).get(symbol, 20100104),
            "delisted_day": (delisted or {}).get(symbol, 0),
        }
        for symbol in symbols
    ]
    write_table(folder, schema.CALENDAR_FILE, frame(schema.CALENDAR_FILE, [{"day": day} for day in days]))
    write_table(folder, schema.INSTRUMENTS_FILE, frame(schema.INSTRUMENTS_FILE, instruments))
    write_table(folder, schema.ST_FILE, frame(schema.ST_FILE, st))
    write_table(folder, schema.EX_EVENTS_FILE, frame(schema.EX_EVENTS_FILE, ex))
    for year in sorted({row["day"] // 10_000 for row in daily}):
        rows = [row for row in daily if row["day"] // 10_000 == year]
        write_table(folder, f"{schema.DAILY_FOLDER}/{year}.parquet", frame(schema.DAILY_FOLDER, rows))
    write_manifest(folder)
    return folder
