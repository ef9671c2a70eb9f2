"""A small history with 5-minute bars: three quiet stocks, one of which is touched, sealed and falls back."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from common.history import schema
from common.history.store import polars_schema
from common.history.writer import append_minutes
from services.backtest_worker.bars import labels_of
from tests.unit.history.folder import daily_row, weekdays, write_folder

# One day more than is played, as every history has.
DAYS = weekdays(date(2025, 7, 1), 85)
FIRST, LAST = DAYS[80], DAYS[83]
QUIET, TOUCHED, PARTIAL = "600000.SH", "600001.SH", "600002.SH"
LABELS = labels_of(300)
UP = 11_000


def bar(day: int, symbol: str, label: int, **prices: int) -> dict[str, Any]:
    row = {
        "day": day,
        "symbol": symbol,
        "label_s": label,
        "open": 10_000,
        "high": 10_000,
        "low": 10_000,
        "close": 10_000,
    }
    return {**row, "volume": 100_000, "turnover": 1_000_000_000, **prices}


def quiet(day: int, symbol: str, price: int = 10_000) -> list[dict[str, Any]]:
    level = {"open": price, "high": price, "low": price, "close": price}
    return [bar(day, symbol, label, **level) for label in LABELS]


def touched(day: int) -> list[dict[str, Any]]:
    """Rises to its limit in the tenth bar, opens again, and ends below it."""
    rows = quiet(day, TOUCHED)
    rows[9] |= {"high": UP, "close": UP}
    rows[10] |= {"open": UP, "high": UP, "low": UP - 50, "close": UP, "volume": 900_000}
    return [*rows[:11], *[row | {"open": 10_900, "high": 10_900, "low": 10_900, "close": 10_900} for row in rows[11:]]]


def make(folder: Path, closes: dict[int, int] | None = None) -> Path:
    """Write four sessions of minutes after eighty of daily bars; PARTIAL lacks a bar on the first of them.

    `closes` of some days differ from the quiet 10 yuan.
    """
    stocks = (QUIET, TOUCHED, PARTIAL)
    daily = [daily_row(day, symbol) for day in DAYS for symbol in stocks]
    daily = [row | {"close": (closes or {}).get(row["day"], row["close"])} for row in daily]
    write_folder(folder, DAYS, daily)
    rows = [*quiet(FIRST, QUIET), *touched(FIRST), *quiet(FIRST, PARTIAL)[:-1]]
    for day in DAYS[81:]:
        rows += [*quiet(day, QUIET), *quiet(day, TOUCHED, 10_300), *quiet(day, PARTIAL)]
    append_minutes(folder, 5, pl.DataFrame(rows, schema=polars_schema(schema.MINUTES)))
    return folder
