"""The rulebook's price limits for whole columns, for days without published ones: `price_band`, asked once a case."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.errors import UserError
from common.domain.values import Day, Symbol
from common.rules.boards import board_of, exchange_of
from common.rules.price_limits import limit_bp, price_band
from common.rules.tables import TABLES_BEGIN

I64 = NDArray[np.int64]
FIRST_SESSIONS = 5
"""No rule about the first sessions of a listing reaches further."""


def board_or_zero(symbol: Symbol, day: Day) -> int:
    """Return the board of a code on a day; 0 = no A share, or no rules for that day."""
    try:
        return int(board_of(symbol, day))
    except UserError:
        return 0


def rule_limits(rows: pl.DataFrame) -> pl.DataFrame:
    """Return `up_limit` and `down_limit` of rows by the rulebook; 0 = no limit that day, or a code out of scope.

    Args:
        rows: symbol, day, prev_close (the reference price), st (bool), session (number since the listing, 1 = the
            listing day), listed_day.
    """
    up, down = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    if not len(rows):
        return pl.DataFrame({"up_limit": up, "down_limit": down}, schema={"up_limit": pl.Int32, "down_limit": pl.Int32})
    cases = rows.select("board", "st", "day").unique().rows()
    width = {case: limit_bp(case[0], case[2], case[1]) for case in cases}
    kinds = pl.DataFrame(
        [(*case, bp) for case, bp in width.items()],
        schema={"board": pl.Int8, "st": pl.Boolean, "day": pl.Int32, "bp": pl.Int32},
        orient="row",
    )
    asked = rows.select("board", "st", "day", "prev_close").join(kinds, on=["board", "st", "day"], how="left")
    alike = asked.group_by("board", "st", "bp", "prev_close").agg(pl.col("day").first())
    bands = [price_band(row[0], row[4], row[3], row[1]) for row in alike.rows()]
    alike = alike.with_columns(up=pl.Series([band.up for band in bands]), down=pl.Series([band.down for band in bands]))
    found = asked.join(alike.drop("day"), on=["board", "st", "bp", "prev_close"], how="left", maintain_order="left")
    up, down = found["up"].to_numpy().astype(np.int64), found["down"].to_numpy().astype(np.int64)
    _first_sessions(rows, up, down)
    return pl.DataFrame({"up_limit": up.astype(np.int32), "down_limit": down.astype(np.int32)})


def _first_sessions(rows: pl.DataFrame, up: I64, down: I64) -> None:
    """Ask the rulebook for the first sessions of listings one by one."""
    early = np.flatnonzero((rows["session"] <= FIRST_SESSIONS).to_numpy())
    columns = ("symbol", "board", "day", "prev_close", "st", "session", "listed_day")
    for at, (symbol, board, day, prev_close, st, session, listed) in zip(
        early.tolist(), rows[early].select(columns).rows(), strict=True
    ):
        exchange = int(exchange_of(symbol)) if board else 0
        band = price_band(board, day, prev_close, st, 0, session, listed, exchange)
        up[at], down[at] = band.up, band.down


def boards(symbols: pl.Series, first: pl.Series, last: pl.Series) -> list[int]:
    """Return the board of each symbol, 0 = none, asked on the last day and, where the code had gone by then, the first."""
    return [
        board_or_zero(symbol, end) or board_or_zero(symbol, max(begin, TABLES_BEGIN))
        for symbol, begin, end in zip(symbols, first, last, strict=True)
    ]
