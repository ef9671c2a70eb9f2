"""The tables of a made market: history as Parquet, the instrument table of a session."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from common.domain.values import Day
from common.history import schema
from common.history.store import polars_schema, write_manifest, write_table
from common.history.synthetic.daily import Bar
from common.history.synthetic.params import CALENDAR_FIRST, CALENDAR_LAST, weekdays
from common.history.synthetic.universe import LONG_AGO, DayFacts, Stock
from common.messages.columns import I4, I8, U1, U2
from common.messages.market import InstrumentFlag, InstrumentTable

Cell = int | str | bool
Row = dict[str, Cell]
EX_KNOWN_BEFORE = 3
"""Sessions between the notice of an ex-day and the day."""


class DailyRows:
    """Daily rows and ex-days, gathered session by session."""

    def __init__(self) -> None:
        self.daily: list[Row] = []
        self.ex: list[Row] = []

    def add(self, days: Sequence[Day], at: int, stock: Stock, facts: DayFacts, bar: Bar | None) -> None:
        """Add a session of a stock; no bar = suspended."""
        day, traded = days[at], bar or Bar(0, 0, 0, 0, 0, 0)
        self.daily.append({
            "day": day, "symbol": stock.symbol, "prev_close": facts.prev_close, "up_limit": facts.up,
            "down_limit": facts.down, "suspended": facts.suspended, "float_shares": facts.float_shares,
            "factor_e9": facts.factor_e9, **traded._asdict(),
        })  # fmt: skip
        if facts.raw_prev_close != facts.prev_close:
            self.ex.append({
                "day": day, "symbol": stock.symbol, "prev_close": facts.raw_prev_close, "reference": facts.prev_close,
                "cash_e6": facts.cash_e6, "bonus_e6": facts.bonus_e6,
                "known_at": schema.known_at_of(days[max(0, at - EX_KNOWN_BEFORE)], 18, 0),
            })  # fmt: skip


def write_history(folder: Path, days: Sequence[Day], stocks: Sequence[Stock], rows: DailyRows) -> None:
    """Write every table and then the manifest."""
    calendar: list[Row] = [{"day": day} for day in weekdays(CALENDAR_FIRST, CALENDAR_LAST)]
    tables = {
        schema.CALENDAR_FILE: calendar,
        schema.INSTRUMENTS_FILE: [_instrument(stock, days) for stock in stocks],
        schema.NAMES_FILE: [row for stock in stocks for row in _names(stock, days)],
        schema.ST_FILE: [_spell(stock, days) for stock in stocks if stock.st_from < len(days)],
        schema.EX_EVENTS_FILE: rows.ex,
    }
    for name, made in tables.items():
        write_table(folder, name, pl.DataFrame(made, schema=polars_schema(schema.TABLES[name])))
    daily = pl.DataFrame(rows.daily, schema=polars_schema(schema.DAILY))
    for year in sorted({day // 10_000 for day in days}):
        write_table(folder, f"{schema.DAILY_FOLDER}/{year}.parquet", daily.filter(pl.col("day") // 10_000 == year))
    write_manifest(folder)


def listed_day(stock: Stock, days: Sequence[Day]) -> Day:
    """Return the first day of a listing."""
    return days[stock.listed_at] if stock.listed_at >= 0 else LONG_AGO


def _instrument(stock: Stock, days: Sequence[Day]) -> Row:
    gone = days[stock.delisted_at] if stock.delisted_at < len(days) else 0
    return {
        "symbol": stock.symbol, "name": stock.name_at(len(days) - 1), "listed_day": listed_day(stock, days),
        "delisted_day": gone,
    }  # fmt: skip


def _names(stock: Stock, days: Sequence[Day]) -> list[Row]:
    """Return the names of a stock, each from its first day on."""
    first = listed_day(stock, days)
    rows: list[Row] = [{"symbol": stock.symbol, "first_day": first, "name": stock.name, "known_at": _eve(first)}]
    if stock.st(0):
        rows[0]["name"] = stock.name_at(0)
    changes = [at for at in (stock.st_from, stock.st_to + 1) if 0 < at < len(days)]
    return rows + [
        {"symbol": stock.symbol, "first_day": days[at], "name": stock.name_at(at), "known_at": _eve(days[at])}
        for at in changes
    ]


def _spell(stock: Stock, days: Sequence[Day]) -> Row:
    over = stock.st_to < len(days)
    end = days[stock.st_to] if over else 0
    return {
        "symbol": stock.symbol, "first_day": days[stock.st_from], "last_day": end, "state": schema.ST_STATE,
        "known_at": _eve(days[stock.st_from]), "end_known_at": schema.known_at_of(end, 18, 0) if over else 0,
    }  # fmt: skip


def _eve(day: Day) -> int:
    """Return a moment before the open of a day."""
    return schema.known_at_of(day, 8, 0)


def instrument_table(
    day: Day, at: int, stocks: Sequence[Stock], facts: Sequence[DayFacts], gone: tuple[str, ...] = ()
) -> InstrumentTable:
    """Return the instrument table of a session; `gone` are the stocks that were delisted before it."""
    flags = [
        (InstrumentFlag.ST if stock.st(at) else 0)
        | (InstrumentFlag.SUSPENDED if fact.suspended else 0)
        | (InstrumentFlag.EX_DAY if fact.raw_prev_close != fact.prev_close else 0)
        for stock, fact in zip(stocks, facts, strict=True)
    ]
    return InstrumentTable(
        day=day,
        symbols=[stock.symbol for stock in stocks],
        names=[stock.name_at(at) for stock in stocks],
        board=np.array([int(stock.board) for stock in stocks], U1).tobytes(),
        prev_close=np.array([fact.prev_close for fact in facts], I4).tobytes(),
        raw_prev_close=np.array([fact.raw_prev_close for fact in facts], I4).tobytes(),
        up_limit=np.array([fact.up for fact in facts], I4).tobytes(),
        down_limit=np.array([fact.down for fact in facts], I4).tobytes(),
        float_shares=np.array([fact.float_shares for fact in facts], I8).tobytes(),
        flags=np.array(flags, U2).tobytes(),
        ex_cash_e6=np.array([fact.cash_e6 for fact in facts], I8).tobytes(),
        ex_bonus_e6=np.array([fact.bonus_e6 for fact in facts], I8).tobytes(),
        delisted=gone,
    )
