"""A small folder in the shape of the shared data, written by hand for tests."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from common.domain.calendar import from_date, to_date

DAILY: dict[str, Any] = {
    "date": pl.Date, "code": pl.String, "open": pl.Float64, "high": pl.Float64, "low": pl.Float64, "close": pl.Float64,
    "pre_close": pl.Float64, "volume": pl.Int64, "amount": pl.Float64, "turnover_rate": pl.Float64,
    "up_limit": pl.Float64, "down_limit": pl.Float64, "total_shares": pl.Int64, "float_shares": pl.Int64,
    "adj_factor": pl.Float64, "is_st": pl.Boolean, "suspended": pl.Boolean, "series": pl.String, "source": pl.String,
}  # fmt: skip
BAR: dict[str, Any] = {
    "time": pl.Datetime("ms"), "code": pl.String, "open": pl.Float64, "high": pl.Float64, "low": pl.Float64,
    "close": pl.Float64, "volume": pl.Int64, "amount": pl.Float64,
}  # fmt: skip
SOURCES = {"A": "baostock_front_unadjusted", "B": "baostock_raw", "C": "tushare"}


def shared_row(day: int, code: str, close: float = 10.0, series: str = "A", **changes: Any) -> dict[str, Any]:
    """Return a quiet day as the shared file has it."""
    row = {
        "date": to_date(day), "code": code, "open": close, "high": close + 0.1, "low": close - 0.1, "close": close,
        "pre_close": close, "volume": 1_000_000, "amount": close * 1e6, "turnover_rate": 0.5, "up_limit": None,
        "down_limit": None, "total_shares": None, "float_shares": None, "adj_factor": 1.0, "is_st": False,
        "suspended": False, "series": series, "source": SOURCES[series],
    }  # fmt: skip
    if changes.get("suspended"):
        row |= {"volume": 0, "amount": 0.0, "turnover_rate": None, "high": close, "low": close}
    return row | changes


def shared_bars(day: int, code: str, minutes: int = 5, close: float = 10.0) -> list[dict[str, Any]]:
    """Return two bars of a stock."""
    begin = datetime(day // 10_000, day // 100 % 100, day % 100, 9, 30)
    bar = {"code": code, "open": close, "high": close, "low": close, "close": close, "volume": 100, "amount": 1000.0}
    return [bar | {"time": begin + timedelta(minutes=minutes * number)} for number in (1, 2)]


def write_shared(
    folder: Path,
    days: Sequence[int],
    daily: Sequence[dict[str, Any]],
    *,
    listed: dict[str, int] | None = None,
    gone: Sequence[str] = (),
    names: Sequence[tuple[str, str, int, int]] = (),
    minute5: Sequence[dict[str, Any]] = (),
) -> Path:
    """Write the folder; stocks in `gone` are not among the instruments, names are (code, name, first, last)."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = sorted({row["code"] for row in daily} - set(gone))
    first = {code: min(from_date(row["date"]) for row in daily if row["code"] == code) for code in codes}
    pl.DataFrame(list(daily), schema=DAILY).sort("series", "code", "date").write_parquet(folder / "daily.parquet")
    calendar = {"date": [to_date(day) for day in days], "is_open": [True] * len(days), "source": ["test"] * len(days)}
    pl.DataFrame(calendar).write_parquet(folder / "calendar.parquet")
    pl.DataFrame(
        [
            {"code": code, "name": f"name {code}", "list_date": to_date((listed or first).get(code, 20100104))}
            for code in codes
        ],
        schema={"code": pl.String, "name": pl.String, "list_date": pl.Date},
    ).write_parquet(folder / "instruments.parquet")
    runs = [
        {
            "code": code,
            "name": name,
            "is_st": False,
            "first_seen": to_date(begin),
            "last_seen": to_date(end),
            "kind": "name",
        }
        for code, name, begin, end in names
    ]
    kinds = {"code": pl.String, "name": pl.String, "is_st": pl.Boolean, "first_seen": pl.Date, "last_seen": pl.Date, "kind": pl.String}  # fmt: skip
    pl.DataFrame(runs, schema=kinds).write_parquet(folder / "st_history.parquet")
    if minute5:
        pl.DataFrame(list(minute5), schema=BAR).write_parquet(folder / "minute5.parquet")
    return folder


def sessions(first: date, count: int) -> list[int]:
    """Return `count` days from Monday to Friday."""
    days = []
    while len(days) < count:
        if first.weekday() < 5:
            days.append(from_date(first))
        first += timedelta(days=1)
    return days
