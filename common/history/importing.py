"""Tapes from Parquet market data of other people: five-level snapshots as they are, minute bars as one quote a minute.

Nothing is invented: a book that the data does not have stays empty, what cannot be right is left out and counted, and
the tape's source says so.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.calendar import S0915, S0925, S1500, from_date, phase_at, to_date, ts_of
from common.domain.errors import HistoryError
from common.domain.values import Day, Pace, Phase, push_id
from common.history.tape import SUFFIX, VERSION, TapeWriter
from common.messages.columns import I4, I8, U1, U2, Quotes, batch_of, quotes_from
from common.messages.market import LEVELS, DayOpened, InstrumentFlag, InstrumentTable, PushEnd, TapeHeader
from common.rules.boards import board_of
from common.rules.price_limits import price_band

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

TICK_INTERVAL_MS = 3_000
MINUTE_INTERVAL_MS = 60_000
AFTER_CLOSE_S = S1500 + 300
MINUTE_DAYS = 2
_LEVEL_COLUMNS = {
    name: [f"{side}{level}" for level in range(1, LEVELS + 1)]
    for name, side in (("bid_price", "bid"), ("ask_price", "ask"), ("bid_volume", "bid_vol"), ("ask_volume", "ask_vol"))
}


class Imported(NamedTuple):
    """A tape that was made."""

    path: Path
    day: Day
    source: str
    pushes: int
    left_out: dict[str, int]
    """Rows left out, by reason."""


class _Stock(NamedTuple):
    """What the instrument table needs of one stock. Prices in 0.001 yuan; limits None = ask the rulebook."""

    symbol: str
    name: str
    prev_close: int
    raw_prev_close: int
    limits: tuple[int, int] | None
    float_shares: int
    st: bool | None


def import_tapes(path: Path, out: Path, progress: Progress | None = None) -> list[Imported]:
    """Make every tape that a folder of market data (or one file of snapshots) allows.

    Raises HistoryError where the path holds no data we know, naming what is expected.
    """
    told = progress or _untold
    if path.is_file():
        return [_snapshots(path, None, out, told)]
    data = path / "data" if (path / "data").is_dir() else path
    ticks = sorted((data / "ticks").glob("*.parquet")) if (data / "ticks").is_dir() else []
    daily = data / "daily.parquet"
    minutes = data / "minute1.parquet"
    if not ticks and not minutes.is_file():
        raise HistoryError(
            f"{path}: no market data to make tapes from; expected ticks/*.parquet or minute1.parquet with daily.parquet in it"
        )
    made = [_snapshots(file, daily if daily.is_file() else None, out, told) for file in ticks]
    if minutes.is_file() and daily.is_file():
        made += _minutes(minutes, daily, data / "instruments.parquet", out, told)
    return made


def _untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


# ---------------------------------------------------------------------- snapshots


def _read(path: Path, needed: Sequence[str]) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise HistoryError(f"{path}: not readable as Parquet ({error})") from error
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise HistoryError(f"{path}: no data of ours, the columns {', '.join(missing)} are missing")
    return frame


def _snapshots(path: Path, daily: Path | None, out: Path, told: Progress) -> Imported:
    """Turn a day of five-level snapshots into a tape: one push for every second in which something changed."""
    levels = [name for names in _LEVEL_COLUMNS.values() for name in names]
    scalar = ["time", "code", "last", "open", "high", "low", "pre_close", "volume", "amount"]
    frame = _read(path, [*scalar, *levels]).sort("time", "code", maintain_order=True)
    if frame.is_empty():
        raise HistoryError(f"{path}: holds no snapshot")
    first: date = frame["time"][0].date()
    frame = frame.filter(pl.col("time").dt.date() == first)
    day = from_date(first)
    left_out: Counter[str] = Counter()
    frame = _sound(frame, left_out)
    if frame.is_empty():
        reasons = ", ".join(f"{reason} {count}" for reason, count in left_out.items() if count)
        raise HistoryError(f"{path}: no sound snapshot ({reasons})")
    codes = sorted(frame["code"].unique().to_list())
    stocks = [_stock_of(frame.filter(pl.col("code") == code), code, day, daily) for code in codes]
    last_second = int(_seconds(frame)[-1])
    note = f"snapshots of {len(codes)} stocks from {path.name}, {TICK_INTERVAL_MS // 1000} s apart for each"
    if last_second < S1500:
        note += f", ends at {last_second // 3600:02d}:{last_second // 60 % 60:02d}"
    source = _Source(day, _previous(day, daily), TICK_INTERVAL_MS, note, stocks)
    return _write(source, _columns(frame, codes), _seconds(frame), out, left_out, told)


def _seconds(frame: pl.DataFrame) -> NDArray[np.int64]:
    moment = pl.col("time").dt
    whole = moment.hour().cast(pl.Int64) * 3600 + moment.minute().cast(pl.Int64) * 60 + moment.second().cast(pl.Int64)
    seconds: NDArray[np.int64] = frame.select(whole).to_series().to_numpy().astype(np.int64)
    return seconds


def _sound(frame: pl.DataFrame, left_out: Counter[str]) -> pl.DataFrame:
    """Leave out what is no quote of the trading day."""
    seconds = pl.Series(_seconds(frame))
    keeps = {
        "outside 09:15-15:05": (seconds >= S0915) & (seconds < AFTER_CLOSE_S),
        "not traded yet": frame["last"] > 0,
        "off the tick": ((frame["last"] * 100).round(0) / 100 - frame["last"]).abs() < 1e-6,
    }
    left_out.update({reason: int((~keep).sum()) for reason, keep in keeps.items()})
    return frame.filter(*keeps.values())


def _milli(values: pl.Series) -> NDArray[np.int64]:
    yuan = np.asarray(values.fill_null(0).to_numpy(), np.float64)
    return np.rint(yuan * 1000).astype(np.int64)


def _columns(frame: pl.DataFrame, codes: list[str]) -> Quotes:
    at = {code: row for row, code in enumerate(codes)}
    index = np.array([at[code] for code in frame["code"].to_list()], np.int64)
    volume_max = np.iinfo(np.int32).max

    def levels(name: str) -> NDArray[np.int64]:
        columns = [frame[column] for column in _LEVEL_COLUMNS[name]]
        if name.endswith("price"):
            return np.stack([_milli(column) for column in columns])
        return np.stack([np.minimum(column.fill_null(0).to_numpy(), volume_max) for column in columns])

    arrays = (
        index, _seconds(frame) * 1000, _milli(frame["last"]), _milli(frame["pre_close"]), _milli(frame["open"]),
        _milli(frame["high"]), _milli(frame["low"]), frame["volume"].to_numpy(), _milli(frame["amount"]),
        levels("bid_price"), levels("bid_volume"), levels("ask_price"), levels("ask_volume"),
    )  # fmt: skip
    return quotes_from(arrays)


def _stock_of(rows: pl.DataFrame, code: str, day: Day, daily: Path | None) -> _Stock:
    prev_close = int(_milli(rows["pre_close"])[0])
    limits = None
    if "up_limit" in rows.columns and rows["up_limit"].null_count() == 0:
        limits = int(_milli(rows["up_limit"])[0]), int(_milli(rows["down_limit"])[0])
    before = _day_before(code, day, daily)
    raw = round(before["close"] * 1000) if before else prev_close
    return _Stock(code, code, prev_close, raw, limits, _float_shares(before), before.get("is_st") if before else None)


def _day_before(code: str, day: Day, daily: Path | None) -> dict[str, Any] | None:
    if daily is None:
        return None
    rows = (
        pl.scan_parquet(daily)
        .filter((pl.col("code") == code) & (pl.col("date") < to_date(day)) & (pl.col("volume") > 0))
        .sort("date")
        .tail(1)
        .collect()
    )
    recent = rows.height == 1 and (to_date(day) - rows["date"][0]).days < 30
    return rows.row(0, named=True) if recent else None


def _float_shares(row: dict[str, Any] | None) -> int:
    """Return listed float shares: as given, else volume / turnover rate, which the data's makers measured from them."""
    if row is None:
        return 0
    given, rate, volume = row.get("float_shares"), row.get("turnover_rate"), row.get("volume")
    if isinstance(given, int) and given > 0:
        return given
    if isinstance(rate, float) and rate > 0 and isinstance(volume, int):
        return round(volume * 100 / rate)
    return 0


def _previous(day: Day, daily: Path | None) -> Day:
    if daily is None:
        return 0
    found = pl.scan_parquet(daily).filter(pl.col("date") < to_date(day)).select(pl.col("date").max()).collect().item()
    return from_date(found) if found is not None else 0


# ---------------------------------------------------------------------- minutes


def _minutes(minutes: Path, daily: Path, instruments: Path, out: Path, told: Progress) -> list[Imported]:
    """Turn the last two days of minute bars into tapes, one quote a minute with an empty book."""
    bars = _read(minutes, ["time", "code", "open", "high", "low", "close", "volume", "amount"]).sort("time", "code")
    days = sorted(set(bars["time"].dt.date().to_list()))[-MINUTE_DAYS:]
    names = dict(pl.read_parquet(instruments).select("code", "name").iter_rows()) if instruments.is_file() else {}
    made = []
    for one in days:
        day = from_date(one)
        left_out: Counter[str] = Counter()
        rows = bars.filter(pl.col("time").dt.date() == one)
        facts = pl.scan_parquet(daily).filter(pl.col("date") == one).collect()
        known = {row["code"]: row for row in facts.iter_rows(named=True) if row["pre_close"] is not None}
        codes = [code for code in sorted(set(rows["code"].to_list())) if code in known]
        left_out["no daily row"] = int((~rows["code"].is_in(codes)).sum())
        rows = rows.filter(pl.col("code").is_in(codes))
        stocks = [_stock_of_day(known[code], names.get(code, code), day, daily) for code in codes]
        note = (
            f"minute bars of {len(codes)} stocks from {minutes.name}: one quote a minute, no books; picked by hindsight"
        )
        source = _Source(day, _previous(day, daily), MINUTE_INTERVAL_MS, note, stocks)
        quotes, seconds = _minute_quotes(rows, codes, {stock.symbol: stock.prev_close for stock in stocks})
        made.append(_write(source, quotes, seconds, out, left_out, told))
    return made


def _stock_of_day(row: dict[str, Any], name: str, day: Day, daily: Path) -> _Stock:
    def milli(key: str) -> int:
        value = row[key]
        return round(value * 1000) if isinstance(value, float) else 0

    before = _day_before(str(row["code"]), day, daily)
    close = before["close"] if before else None
    raw = round(close * 1000) if isinstance(close, float) else milli("pre_close")
    limits = (milli("up_limit"), milli("down_limit"))
    st = row["is_st"]
    return _Stock(
        str(row["code"]),
        name,
        milli("pre_close"),
        raw,
        limits,
        _float_shares(before),
        st if isinstance(st, bool) else None,
    )


def _minute_quotes(rows: pl.DataFrame, codes: list[str], prev: dict[str, int]) -> tuple[Quotes, NDArray[np.int64]]:
    rows = rows.sort("code", "time").with_columns(
        pl.col("open").first().over("code").alias("day_open"),
        pl.col("high").cum_max().over("code").alias("day_high"),
        pl.col("low").cum_min().over("code").alias("day_low"),
        pl.col("volume").cum_sum().over("code").alias("day_volume"),
        pl.col("amount").cum_sum().over("code").alias("day_amount"),
    )
    rows = rows.sort("time", "code")
    at = {code: row for row, code in enumerate(codes)}
    seconds = _seconds(rows)
    # The bar labelled 09:30 is the opening auction, which is matched at 09:25.
    seconds = np.where(seconds == S0925 + 300, S0925, seconds)
    order = np.argsort(seconds, kind="stable")
    rows, seconds = rows[order], seconds[order]
    index = np.array([at[code] for code in rows["code"].to_list()], np.int64)
    empty = np.zeros((LEVELS, rows.height), np.int64)
    arrays = (
        index, seconds * 1000, _milli(rows["close"]), np.array([prev[code] for code in codes], np.int64)[index],
        _milli(rows["day_open"]), _milli(rows["day_high"]), _milli(rows["day_low"]), rows["day_volume"].to_numpy(),
        _milli(rows["day_amount"]), empty, empty, empty, empty,
    )  # fmt: skip
    return quotes_from(arrays), seconds


# ---------------------------------------------------------------------- writing


class _Source(NamedTuple):
    day: Day
    prev_day: Day
    interval_ms: int
    note: str
    stocks: list[_Stock]


def _table(source: _Source) -> InstrumentTable:
    bands, flags, cash, boards = [], [], [], []
    for stock in source.stocks:
        board = board_of(stock.symbol, source.day)
        boards.append(int(board))
        if stock.limits is None:
            band = price_band(board, source.day, stock.prev_close, bool(stock.st))
            bands.append((band.up, band.down))
        else:
            bands.append(stock.limits)
        ex = stock.raw_prev_close != stock.prev_close
        unknown = InstrumentFlag.ST_UNKNOWN if stock.st is None else 0
        flags.append((InstrumentFlag.ST if stock.st else 0) | unknown | (InstrumentFlag.EX_DAY if ex else 0))
        # Only the price ratio of an ex-day is known here: all of it is taken for a cash dividend.
        cash.append(max(0, stock.raw_prev_close - stock.prev_close) * 1000 if ex else 0)
    return InstrumentTable(
        source.day,
        [stock.symbol for stock in source.stocks],
        [stock.name for stock in source.stocks],
        np.array(boards, U1).tobytes(),
        np.array([stock.prev_close for stock in source.stocks], I4).tobytes(),
        np.array([stock.raw_prev_close for stock in source.stocks], I4).tobytes(),
        np.array([up for up, _ in bands], I4).tobytes(),
        np.array([down for _, down in bands], I4).tobytes(),
        np.array([stock.float_shares for stock in source.stocks], I8).tobytes(),
        np.array(flags, U2).tobytes(),
        np.array(cash, I8).tobytes(),
        np.zeros(len(bands), I8).tobytes(),
    )


def _write(
    source: _Source, quotes: Quotes, seconds: NDArray[np.int64], out: Path, left_out: Counter[str], told: Progress
) -> Imported:
    """Write the tape: one push a distinct second, everything from 15:00 on in the last one."""
    day = source.day
    seconds = np.minimum(seconds, S1500)
    starts = np.flatnonzero(np.diff(seconds, prepend=-1))
    stops = [*starts[1:], len(seconds)]
    closes = int(seconds[-1]) == S1500
    count = len(starts) + (not closes)
    path = out / f"{day}{SUFFIX}"
    pool = {"limit_up": [stock.symbol for stock in source.stocks]}
    writer = TapeWriter(path, TapeHeader(VERSION, day, source.prev_day, source.interval_ms, source.note, count, pool))
    opening = ts_of(day, 9 * 3600)
    writer.write(
        DayOpened(
            f"{source.note}:{day}",
            day,
            source.prev_day,
            push_id(day, 0),
            opening,
            Pace.LOCKSTEP,
            0,
            source.interval_ms,
            source.note,
            _table(source),
            pool,
        )
    )
    writer.write(PushEnd("", day, push_id(day, 0), opening, Phase.PRE_OPEN, 0, 0))
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True), 1):
        second = int(seconds[start])
        piece = _newest(quotes.cut(int(start), int(stop)))
        push, ts_ns, phase = push_id(day, number), ts_of(day, second), phase_at(second)
        writer.write(batch_of(push, 0, ts_ns, phase, piece))
        writer.write(PushEnd("", day, push, ts_ns, phase, 1, 0, last_of_day=second == S1500))
        if number % 500 == 0:
            told(f"{day}", number, count)
    if not closes:
        writer.write(PushEnd("", day, push_id(day, count), ts_of(day, S1500), Phase.CLOSED, 0, 0, last_of_day=True))
    writer.close()
    told(f"{day}", count, count)
    return Imported(path, day, source.note, count, {reason: n for reason, n in left_out.items() if n})


def _newest(quotes: Quotes) -> Quotes:
    """Keep the newest quote of each stock in a push."""
    reversed_index = quotes.index[::-1]
    _, at = np.unique(reversed_index, return_index=True)
    keep = np.sort(len(reversed_index) - 1 - at)
    return quotes_from([column[..., keep] for column in quotes])
