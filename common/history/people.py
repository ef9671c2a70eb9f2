"""What `History` hands to people: pandas frames, prices in yuan, quantities in shares, adjusted as of the day that asks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from common.domain.errors import HistoryError
from common.domain.values import MILLI, Day, Symbol
from common.history import schema
from common.history.daily import History
from common.history.limits import board_or_zero
from common.rules.boards import BOARD_NAMES

PRICES = ("open", "high", "low", "close")
ST_WORDS = {schema.ST_STATE: "st", schema.DELISTING_STATE: "delisting", schema.UNKNOWN_STATE: "unknown"}
_BOARDS = {int(board): name for board, name in BOARD_NAMES.items()}


def listed(history: History, symbols: Symbol | Sequence[Symbol]) -> list[Symbol]:
    """Return the symbols asked for; raises `HistoryError` at one that history does not know."""
    wanted = [symbols] if isinstance(symbols, str) else list(symbols)
    unknown = [symbol for symbol in wanted if symbol not in history.index]
    if unknown:
        raise HistoryError(f"history knows no {', '.join(unknown[:5])}; check the code, or import it")
    return wanted


class Chosen(NamedTuple):
    """Daily rows of some stocks, in order of stock and day."""

    symbol: list[Symbol]
    day: NDArray[np.int32]
    columns: dict[str, NDArray[np.int64]]
    scale: NDArray[np.float64]
    """What prices are multiplied by: factor of the day / factor of the stock's last row before the day that asks."""


def _chosen(history: History, symbols: list[Symbol], asking: Day, sessions: int) -> Chosen:
    rows = history.traded(asking, _first(history, asking, sessions))
    wanted = np.zeros(len(history.symbols), bool)
    wanted[[history.index[symbol] for symbol in symbols]] = True
    rows = rows.take(wanted[rows.symbol])
    order = np.lexsort((rows.day, rows.symbol))
    ids = rows.symbol[order].astype(np.int64)
    columns = {name: values[order] for name, values in rows.columns.items()}
    factor = columns["factor_e9"].astype(np.float64) if len(ids) else np.zeros(0)
    ends = np.flatnonzero(np.diff(ids, append=-1))
    last = np.repeat(factor[ends], np.diff(ends, prepend=-1))
    return Chosen([history.symbols[at] for at in ids.tolist()], rows.day[order], columns, factor / last)


def daily(history: History, symbols: list[Symbol], asking: Day, sessions: int, adjusted: bool) -> pd.DataFrame:
    """Return daily bars up to the session before `asking`; a day without trading has no prices (NaN)."""
    rows = _chosen(history, symbols, asking, sessions)
    if not rows.symbol:
        first = _first(history, asking, sessions)
        raise HistoryError(
            f"history has no days of {', '.join(symbols[:5])} from {first} up to {asking} that go on to it"
        )
    columns, scale = rows.columns, rows.scale if adjusted else np.ones(len(rows.day))
    frame = pd.DataFrame({"date": _dates(rows.day), "symbol": rows.symbol})
    for name in (*PRICES, "prev_close"):
        yuan = np.where(columns[name] > 0, columns[name] / MILLI, np.nan)
        frame[name] = yuan * scale
    frame["volume"], frame["turnover"] = columns["volume"], columns["turnover"] / MILLI
    frame["float_shares"], frame["suspended"] = columns["float_shares"], columns["suspended"] > 0
    return frame


def bars(
    history: History, symbols: list[Symbol], asking: Day, sessions: int, interval: int, adjusted: bool
) -> pd.DataFrame:
    """Return minute bars up to the session before `asking`, labelled by their end."""
    table = schema.minutes_folder(interval)
    first, last = _first(history, asking, sessions), history.session_before(asking)
    files = [
        history.folder / name
        for name in history.files
        if name.startswith(f"{table}/") and schema.part_of(table, first) <= name <= schema.part_of(table, last)
    ]
    chosen = pl.col("day").is_between(first, last) & pl.col("symbol").is_in(symbols)
    rows = pl.concat([pl.scan_parquet(file).filter(chosen) for file in files]).collect() if files else None
    if rows is None or rows.is_empty():
        raise HistoryError(
            f"history has no bars of {interval} minutes of {', '.join(symbols[:5])} from {first} to {last}; import some"
        )
    rows = rows.sort("symbol", "day", "label_s")
    scale = np.ones(len(rows))
    if adjusted:
        days = _chosen(history, symbols, asking, sessions)
        scales = pl.DataFrame(
            {"symbol": days.symbol, "day": days.day, "scale": days.scale}, schema_overrides={"symbol": pl.String}
        )
        joined = rows.select("symbol", "day").join(scales, on=["symbol", "day"], how="left", maintain_order="left")
        scale = joined["scale"].fill_null(np.nan).to_numpy()
    moments = _dates(rows["day"].to_numpy()) + rows["label_s"].to_numpy().astype("timedelta64[s]")
    frame = pd.DataFrame({
        "time": moments,
        "symbol": rows["symbol"].to_list(),
    })  # fmt: skip
    for name in PRICES:
        values = rows[name].to_numpy()
        frame[name] = np.where(values > 0, values / MILLI, np.nan) * scale
    frame["volume"], frame["turnover"] = rows["volume"].to_numpy(), rows["turnover"].to_numpy() / MILLI
    return frame


def universe(history: History, asking: Day) -> pd.DataFrame:
    """Return the stocks of the day with name, board, ST state, suspension, limits and float shares before its open."""
    facts = history.pre_open(asking)
    names, listed_days = history.names(asking), history.listed_days()
    states = dict(
        history.st_intervals(asking).filter(_on(asking)).sort("state", descending=True).select("symbol", "state").rows()
    )
    ids = facts.symbol.astype(np.int64)
    symbols = [history.symbols[at] for at in ids.tolist()]
    frame = pd.DataFrame({
        "symbol": symbols,
        "name": [names[at] for at in ids.tolist()],
        "board": [_BOARDS.get(board_or_zero(symbol, asking), "") for symbol in symbols],
        "listed": _dates(np.maximum(listed_days[ids], 19900101).astype(np.int32)),
        "st": [ST_WORDS.get(states.get(symbol, 0), "no") for symbol in symbols],
        "suspended": facts.columns["suspended"] > 0,
    })  # fmt: skip
    for name in ("prev_close", "up_limit", "down_limit"):
        values = facts.columns[name]
        frame[name] = np.where(values > 0, values / MILLI, np.nan)
    frame["float_shares"] = facts.columns["float_shares"]
    return frame


def _on(asking: Day) -> pl.Expr:
    """Keep the spells that a day lies in."""
    return (pl.col("last_day") == 0) | (pl.col("last_day") >= asking)


def _first(history: History, asking: Day, sessions: int) -> Day:
    return history.calendar().window(history.session_before(asking), sessions)[0]


def _dates(day: NDArray[np.int32]) -> NDArray[np.datetime64]:
    months = (day // 10_000 - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (day // 100 % 100 - 1)
    dates: NDArray[np.datetime64] = (months.astype("datetime64[D]") + (day % 100 - 1)).astype("datetime64[ns]")
    return dates
