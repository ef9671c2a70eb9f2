"""Real days in a client's shape: no real suspension is taken for a hole, and real bars that are taken away are missed."""

from datetime import date
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from common.domain.calendar import ts_of
from common.domain.errors import SourceError
from common.history.sources.source import Ask, Kind
from common.history.sources.xt_window import spans
from tests.fakes.xtquant.reference import Library, ms_of
from tests.fakes.xtquant.terminal import Terminal
from tests.unit.xtquant.small_market import NOTHING, detail, fill, source

FIRST, LAST = 20260506, 20260529
TRADED_THROUGHOUT = 60
"""Stocks without a suspension that are taken along."""
pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pl.DataFrame:
    """Real bars of April to July 2026: every stock that was suspended in May, and some that were not."""
    bars = (
        pl.scan_parquet(shared_data / "daily.parquet")
        .filter(
            (pl.col("series") == "C"),
            pl.col("date").is_between(date(2026, 4, 9), date(2026, 7, 24)),
            pl.col("volume") > 0,
            pl.col("pre_close") > 0,
        )
        .select("date", "code", "open", "high", "low", "close", "pre_close", "volume", "amount")
        .collect()
        .with_columns(day=pl.col("date").dt.strftime("%Y%m%d"))
    )
    sessions = bars["day"].n_unique()
    # Bars before and after the month: stocks that came or left in it are another matter.
    edges = bars.group_by("code").agg(first=pl.col("day").min(), last=pl.col("day").max(), sessions=pl.len())
    there = edges.filter(pl.col("first") == "20260409", pl.col("last") == "20260724").sort("code")
    paused = there.filter(pl.col("sessions") < sessions)
    steady = there.filter(pl.col("sessions") == sessions).gather_every(80).head(TRADED_THROUGHOUT)
    return bars.filter(pl.col("code").is_in(pl.concat([paused, steady])["code"].to_list()))


def put(terminal: Terminal, folder: Path, real: pl.DataFrame, events: pl.DataFrame) -> Library:
    """Give the servers real bars as a client would have them: lots, no row on a suspended day, noisy floats."""
    held = fill(terminal, folder)
    held.bars.clear()
    held.divid, held.capital = {}, {}
    held.trading_ms = [ms_of(day) for day in real["day"].unique().sort().to_list()]
    codes = real["code"].unique().to_list()
    terminal.sectors = {"沪深A股": codes}
    terminal.instruments = {code: detail(code, "某股", 20000101) for code in codes}
    for row in real.iter_rows(named=True):
        bar = {name: row[name] + 1e-13 for name in ("open", "high", "low", "close")}
        told = {
            "preClose": row["pre_close"],
            "volume": float(row["volume"] // 100),
            "amount": row["amount"],
            "suspendFlag": 0,
        }
        held.bars.setdefault((row["code"], "1d"), {})[row["day"]] = bar | told
    for row in events.iter_rows(named=True):
        on = row["date"].strftime("%Y%m%d")
        held.divid.setdefault(row["code"], {})[on] = {
            **NOTHING,
            "interest": round(row["prev_close"] - row["pre_close"], 3),
        }
    return held


def market(xtdata: ModuleType, folder: Path) -> pl.DataFrame:
    """Read the month."""
    ours = source(xtdata, folder, ts_of(20260725, 43_200))
    return ours.fetch(Ask(Kind.BARS, FIRST, LAST)).frame


@pytest.fixture(scope="module")
def events(shared_data: Path, real: pl.DataFrame) -> pl.DataFrame:
    """Ex-days of these stocks, as their prices show them."""
    found = pl.read_parquet(shared_data / "ex_events.parquet")
    return found.filter(pl.col("date") >= date(2026, 4, 10), pl.col("code").is_in(real["code"].unique().to_list()))


def test_real_suspensions_are_proved_and_real_bars_come_through(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, real: pl.DataFrame, events: pl.DataFrame
) -> None:
    put(terminal, tmp_path, real, events)
    rows = market(xtdata, tmp_path)
    truth = real.with_columns(pl.col("day").cast(pl.Int32)).filter(pl.col("day").is_between(FIRST, LAST))
    both = rows.filter(~pl.col("suspended")).join(truth, left_on=["day", "symbol"], right_on=["day", "code"])
    assert both.height == truth.height > 1_000
    for name in ("open", "high", "low", "close"):
        assert (both[name] == (both[f"{name}_right"] * 1000).round().cast(pl.Int32)).all()
    assert (both["prev_close"] == (both["pre_close"] * 1000).round().cast(pl.Int32)).all()
    assert (both["volume"] == both["volume_right"] // 100 * 100).all()
    suspended = rows.filter("suspended")
    assert suspended.height > 40
    assert suspended.join(truth, left_on=["day", "symbol"], right_on=["day", "code"]).is_empty()


def test_real_bars_that_are_taken_away_are_missed(
    xtdata: ModuleType, terminal: Terminal, tmp_path: Path, real: pl.DataFrame, events: pl.DataFrame
) -> None:
    held = put(terminal, tmp_path, real, events)
    taken = {}
    for number, code in enumerate(sorted({code for code, _ in held.bars})):
        bars = held.bars[code, "1d"]
        days = [day for day in sorted(bars) if str(FIRST) <= day <= str(LAST)]
        at = number % max(1, len(days) - 1)
        # A day without a change of price cannot be told from a suspension; one that moved can.
        if number % 10 == 0 and days and bars[days[at]]["close"] != pytest.approx(bars[days[at]]["preClose"]):
            del bars[days[at]]
            taken[code] = int(days[at])
    assert len(taken) > 5
    with pytest.raises(SourceError) as error:
        market(xtdata, tmp_path)
    text = str(error.value)
    assert f"and {len(taken) - 5} stocks more" in text
    assert all(f"{code} {spans([day])}" in text for code, day in sorted(taken.items())[:5])
