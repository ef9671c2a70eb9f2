"""What a made market looks like beside real data, number by number.

The real numbers were measured once, on data that may not be shipped; each says how. The made ones are of the drawn
stocks: the cast is written, and its touches say nothing about the market.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from common.domain.calendar import S1300, second_of_day
from common.domain.values import Phase
from common.history import schema
from common.history.synthetic.actors import CAST
from common.history.tape import SUFFIX, TapeReader
from common.messages.columns import Instruments, quotes_of
from common.messages.market import InstrumentTable, QuoteBatch

ABOUT_FILE = "market.json"
AMPLITUDE_SESSIONS = 60
AMPLITUDE_SCREEN = 0.15
_ALWAYS = 99_991_231
_MAIN_OR_CHINEXT = r"^(60\d{4}\.SH|00\d{4}\.SZ|30\d{4}\.SZ)$"
_DAY_S = 86_400

REAL: Mapping[str, float] = {
    # Whole market, 120 days 2026-01-22..07-24, exchange-published up limits. Rows of main-board and ChiNext stocks that
    # traded, had a limit and no ST name that day: 526,788. Touches: high >= up limit, 11,492 of them. (Main board alone
    # 29.1, ChiNext 5.4. By day: 10 % of the days below 13.2, 10 % above 31.5.)
    "touches_a_day_per_1000": 21.8,
    # Of these touches, close = up limit: 8,267. (Main board 71.7 %, ChiNext 74.6 %.)
    "touches_sealed_at_close": 0.719,
    # A vendor's list of limit-ups of the same days and stocks, 8,248 stock-days that closed at the limit: those with
    # one or more "times opened" after the first seal, 4,028.
    "sealed_that_had_reopened": 0.488,
    # Level-2 snapshots of 24 stock-days (20 Shanghai stocks 2021-12-01 to 10:30, 3 Shenzhen stocks 2022-06-01,
    # 600519.SH 2023-02-01), 09:30-11:30 and 13:00-14:57: seconds between a snapshot and the one before it of the same
    # stock and half day, where last price, volume or the book had changed (95.8 % of snapshots); 38,550 gaps.
    "snapshot_gap_median_s": 3.0,
    "snapshot_gap_90_s": 3.0,
    # A third of the market by hash, 1,208 stocks, 2018-07-02..2020-08-24. Highest adjusted high / lowest adjusted low
    # of 60 traded bars - 1, for each bar with 59 traded ones before it: 548,394 windows.
    "amplitude_10": 0.197,
    "amplitude_50": 0.377,
    "amplitude_90": 0.739,
    # The part of these windows of 15 % or less. (1.0 % of the stocks of spring 2026.)
    "amplitude_within_15": 0.0344,
}


def statistics(history: Path, meter: "Meter") -> dict[str, float]:
    """Measure a made market the way the real numbers were measured; keys as in `REAL`, and the sizes of the samples."""
    return {**_daily(history), **meter.statistics()}


def describe(folder: Path) -> str:
    """Return a table of the statistics of the market in a folder beside the real ones."""
    about = json.loads((folder / ABOUT_FILE).read_text("utf-8"))
    made = about.get("statistics") or statistics(folder / "history", meter_of(sorted(folder.glob(f"*{SUFFIX}"))))
    lines = [f"{'':28} {'made':>9} {'real':>9}"]
    lines += [f"{name:28} {made[name]:>9.4g} {real:>9.4g}" for name, real in REAL.items()]
    lines += [f"{name:28} {value:>9.6g}" for name, value in made.items() if name not in REAL]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------- daily bars


def _drawn_rows(history: Path) -> pl.DataFrame:
    """Read the daily bars of the drawn stocks that traded, ST flag added."""
    files = sorted((history / schema.DAILY_FOLDER).glob("*.parquet"))
    cast = [actor.symbol for actor in CAST]
    rows = pl.read_parquet(files).filter((pl.col("volume") > 0) & ~pl.col("symbol").is_in(cast)).sort("symbol", "day")
    spells = pl.read_parquet(history / schema.ST_FILE).filter(pl.col("state") == schema.ST_STATE)
    ends = pl.when(pl.col("last_day") == 0).then(_ALWAYS).otherwise(pl.col("last_day"))
    marked = rows.select("symbol", "day").join(spells.with_columns(ends.alias("last_day")), on="symbol")
    marked = marked.filter(pl.col("day").is_between(pl.col("first_day"), pl.col("last_day")))
    marked = marked.select("symbol", "day", pl.lit(True).alias("st")).unique()
    return rows.join(marked, on=["symbol", "day"], how="left").with_columns(pl.col("st").fill_null(False))


def _daily(history: Path) -> dict[str, float]:
    rows = _drawn_rows(history)
    limited = rows.filter((pl.col("up_limit") > 0) & ~pl.col("st") & pl.col("symbol").str.contains(_MAIN_OR_CHINEXT))
    touched = limited.filter(pl.col("high") >= pl.col("up_limit"))
    sealed = touched.filter(pl.col("close") == pl.col("up_limit"))
    factor = pl.col("factor_e9") / 1e9
    high = (pl.col("high") * factor).rolling_max(AMPLITUDE_SESSIONS).over("symbol")
    low = (pl.col("low") * factor).rolling_min(AMPLITUDE_SESSIONS).over("symbol")
    amplitude = (
        rows.sort("symbol", "day").select((high / low - 1).alias("amplitude"))["amplitude"].drop_nulls().to_numpy()
    )
    return {
        "touches_a_day_per_1000": _share(1000 * touched.height, limited.height),
        "touches_sealed_at_close": _share(sealed.height, touched.height),
        **{f"amplitude_{part}": _quantile(amplitude, part) for part in (10, 50, 90)},
        "amplitude_within_15": _share(int((amplitude <= AMPLITUDE_SCREEN).sum()), len(amplitude)),
        "daily_rows": limited.height,
        "touches": touched.height,
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _quantile(values: NDArray[np.float64], percent: int) -> float:
    return round(float(np.quantile(values, percent / 100)), 4) if len(values) else 0.0


# ---------------------------------------------------------------------- snapshots


class Meter:
    """Counts what the pushes of played sessions say of the drawn stocks; fed while they are made, or from tapes."""

    def __init__(self) -> None:
        self._gaps = np.zeros(_DAY_S, np.int64)
        self._sealed = self._reopened = self._quotes = self._chances = 0
        self._cast = {actor.symbol for actor in CAST}

    def open_day(self, table: InstrumentTable) -> None:
        """Begin a session."""
        instruments = Instruments(table)
        self._drawn = np.array([symbol not in self._cast for symbol in instruments.symbols])
        self._up = np.where(self._drawn & (instruments.up_limit > 0), instruments.up_limit, np.iinfo(np.int32).max)
        self._seen, self._last = np.zeros((2, len(self._drawn)), np.int64)
        self._was_sealed, self._opened = np.zeros((2, len(self._drawn)), np.bool_)

    def push(self, second: int, phase: Phase, batches: Sequence[QuoteBatch]) -> None:
        """Take a push in."""
        trading = phase is Phase.CONTINUOUS
        self._chances += len(self._drawn) if trading else 0
        for batch in batches:
            quotes = quotes_of(batch)
            at = quotes.index
            self._last[at] = quotes.last
            if not trading:
                continue
            self._quotes += len(at)
            seen = self._seen[at]
            counted = (seen > 0) & ((seen < S1300) == (second < S1300)) & self._drawn[at]
            np.add.at(self._gaps, second - seen[counted], 1)
            self._seen[at] = second
            sealed = (quotes.last >= self._up[at]) & (quotes.ask_volume[0] == 0)
            self._opened[at] |= self._was_sealed[at] & ~sealed
            self._was_sealed[at] |= sealed

    def close_day(self) -> None:
        """End the session."""
        ended = self._last >= self._up
        self._sealed += int(ended.sum())
        self._reopened += int((ended & self._opened).sum())

    def statistics(self) -> dict[str, float]:
        """Return what all sessions say; the interval between pushes bounds the gaps from below."""
        reach = np.cumsum(self._gaps)
        return {
            "sealed_that_had_reopened": _share(self._reopened, self._sealed),
            "snapshot_gap_median_s": float(np.searchsorted(reach, reach[-1] * 0.5)),
            "snapshot_gap_90_s": float(np.searchsorted(reach, reach[-1] * 0.9)),
            "played_sealed": self._sealed,
            "changed_a_push": _share(self._quotes, self._chances),
        }


def meter_of(tapes: Sequence[Path]) -> Meter:
    """Read tapes into a meter."""
    meter = Meter()
    for path in tapes:
        for push in TapeReader(path).pushes():
            if push.day is not None:
                meter.open_day(push.day.instruments)
            meter.push(second_of_day(push.end.ts_ns), push.end.phase, push.batches)
        meter.close_day()
    return meter
