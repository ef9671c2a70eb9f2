"""The real data as history: nothing lost, limits and ex-days as published, past universes whole."""

import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from common.domain.calendar import exchange_days
from common.history import schema
from common.history.columns import MinuteColumns
from common.history.commit import READY
from common.history.cross import cross_of
from common.history.daily import History
from common.history.importing_shared import day_of, milli
from common.history.store import check_manifest, daily_years, read_manifest, read_table
from common.history.writer import append_daily
from tests.conftest import CHECKOUT
from tests.unit.history.folder import daily_row, frame, write_folder

pytestmark = [pytest.mark.real_data, pytest.mark.timeout(180)]  # 2.9 million rows


@pytest.fixture(scope="module")
def daily(real_history: Path) -> pl.DataFrame:
    columns = [
        "day",
        "symbol",
        "prev_close",
        "up_limit",
        "down_limit",
        "close",
        "suspended",
        "factor_e9",
        "float_shares",
    ]
    return pl.concat([
        read_table(real_history, f"daily/{year}.parquet").select(columns) for year in daily_years(real_history)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> pl.DataFrame:
    return pl.read_parquet(shared_data / "daily.parquet").with_columns(day_of("date").alias("day"), symbol="code")


def test_every_row_is_there_and_only_suspended_ones_were_added(daily: pl.DataFrame, raw: pl.DataFrame) -> None:
    assert len(daily.join(raw, on=["day", "symbol"], how="semi")) == len(raw)
    added = daily.join(raw, on=["day", "symbol"], how="anti")
    assert 1_000 < len(added) < 3_000
    assert added["suspended"].all()
    assert added["day"].min() >= 20260122


def test_factors_step_as_the_vendor_says_and_start_from_one(daily: pl.DataFrame, raw: pl.DataFrame) -> None:
    both = raw.filter(pl.col("adj_factor").is_not_null()).join(daily, on=["day", "symbol"]).sort("symbol", "day")
    same = (pl.col("symbol") == pl.col("symbol").shift()) & (pl.col("series") == pl.col("series").shift())
    theirs, ours = (pl.col(name) / pl.col(name).shift() for name in ("adj_factor", "factor_e9"))
    steps = both.select(off=pl.when(same).then((theirs / ours - 1).abs()))["off"].drop_nulls()
    assert len(steps) > 2_500_000
    assert (steps > 1e-6).sum() < 20, "but where a break stands between"
    assert daily.group_by("symbol").agg(pl.col("factor_e9").sort_by("day").first())["factor_e9"].eq(10**9).all()


def test_ex_days_are_those_the_bars_show(real_history: Path, shared_data: Path) -> None:
    ours = read_table(real_history, schema.EX_EVENTS_FILE)
    told = pl.read_parquet(shared_data / "ex_events.parquet").select(
        day_of("date").alias("day"),
        symbol="code",
        prev=milli("prev_close", pl.Int32()),
        ref=milli("pre_close", pl.Int32()),
    )
    both = ours.join(told, on=["day", "symbol"])
    assert len(both) > 0.95 * max(len(ours), len(told))
    assert both.filter((pl.col("prev") != pl.col("prev_close")) | (pl.col("ref") != pl.col("reference"))).height < 20


def test_published_limits_are_kept_and_the_rulebook_fills_the_rest(daily: pl.DataFrame, raw: pl.DataFrame) -> None:
    published = raw.filter(pl.col("up_limit").is_not_null()).join(daily, on=["day", "symbol"], suffix="_ours")
    assert len(published) > 600_000
    for name in ("up_limit", "down_limit"):
        assert ((published[name] * 1000).round().cast(pl.Int32) == published[f"{name}_ours"]).all()
    unlimited = daily.filter((pl.col("up_limit") == 0) & (pl.col("prev_close") > 0) & ~pl.col("suspended"))
    assert len(unlimited) < 3_000, "first days of listings"


def test_past_universes_hold_what_is_gone_by_now(real_history: Path) -> None:
    history = History(real_history)
    past = history.universe(20200820)
    assert len(past) > 1_100
    gone = set(history.instruments(20200820)["symbol"]) - set(history.instruments(20260724)["symbol"])
    assert len(gone & set(past["symbol"])) > 70
    assert (past["st"] == "st").sum() > 50
    later = set(history.universe(20260720).query("st == 'st'")["symbol"])
    assert len(later & set(past.query("st == 'no'")["symbol"])) > 20, "ST later, not then"


def test_screens_and_people_can_ask_on_real_days(real_history: Path) -> None:
    history = History(real_history)
    assert len(cross_of(history, 20200103).symbols) > 1_000
    assert len(cross_of(history, 20260720).symbols) > 5_000
    frame = history.daily("600519.SH", 20260720, 60)
    assert len(frame) == 60
    assert frame["close"].iloc[-1] > 1_000
    assert history.unbroken_since(20250110).max() == 20250102
    assert len(history.daily("000004.SZ", 20250110, 60)) == 6, "nothing from before the break"


def test_minutes_are_mapped(real_history: Path) -> None:
    total = 0
    for interval, rows in ((1, 522_247), (5, 108_004), (15, 288_000)):
        minutes = MinuteColumns(real_history, interval)
        symbols = History(real_history).symbols
        parts = minutes.between(symbols, 20240101, 20261231)
        assert sum(int((part.stop - part.start).sum()) for part in parts) == rows
        total += rows
    assert total == 918_251


@pytest.mark.process
def test_a_killed_import_leaves_what_was_there(shared_data: Path, tmp_path: Path) -> None:
    days = [20260105, 20260106]
    folder = write_folder(tmp_path / "history", days, [daily_row(day, "000001.SZ") for day in days])
    before = read_manifest(folder)
    command = [sys.executable, "-m", "services.cli", "data", "import", str(shared_data), "--into", str(folder)]
    for lines in (2, 4):
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline(), "it was still at work"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_manifest(folder, content=True)
        assert read_manifest(folder) == before
    assert append_daily(folder, frame(schema.DAILY_FOLDER, [daily_row(20260106, "000001.SZ", 11_000)])) == 1
    assert not (folder / READY).exists(), "what the killed ones made ready is gone"


def test_the_calendar_is_the_table(real_history: Path) -> None:
    assert read_table(real_history, schema.CALENDAR_FILE)["day"].to_list() == exchange_days()
