"""What is written is merged by key and counts as a whole; whatever cuts a writer leaves the state before or after."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.errors import HistoryError
from common.history import commit, schema
from common.history.daily import History
from common.history.store import check_manifest, polars_schema, put_manifest, read_manifest, read_table
from common.history.writer import Writer, append_daily, append_minutes, append_table, replace_table
from tests.conftest import CHECKOUT
from tests.unit.history.folder import daily_row, frame, write_folder

A, B = "000001.SZ", "600000.SH"
DAYS = [20251230, 20251231, 20260105, 20260106]


def daily(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(schema.DAILY_FOLDER, rows)


def bar(day: int, symbol: str, label_s: int, close: int = 10_000) -> dict[str, Any]:
    return {"day": day, "symbol": symbol, "label_s": label_s, "open": close, "high": close, "low": close,
            "close": close, "volume": 100, "turnover": 100 * close}  # fmt: skip


def bars(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(schema.MINUTES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path, DAYS, [daily_row(day, A) for day in DAYS[:3]])


def test_daily_rows_go_to_their_years_and_newer_ones_win(folder: Path) -> None:
    new = daily(daily_row(20260105, A, 11_000), daily_row(20251231, B), daily_row(20260106, A))
    assert append_daily(folder, new) == 3
    check_manifest(folder, content=True)
    assert read_table(folder, "daily/2025.parquet").select("day", "symbol").rows() == [
        (20251230, A), (20251231, A), (20251231, B),
    ]  # fmt: skip
    assert read_table(folder, "daily/2026.parquet").select("day", "close").rows() == [
        (20260105, 11_000), (20260106, 10_000),
    ]  # fmt: skip


def test_the_same_rows_again_change_nothing(folder: Path) -> None:
    before = read_manifest(folder)
    assert append_daily(folder, daily(daily_row(20260105, A))) == 0
    assert read_manifest(folder) == before
    assert not (folder / commit.READY).exists()


def test_minutes_go_to_their_months_between_what_is_there(folder: Path) -> None:
    labels = (34_500, 34_800)
    append_minutes(folder, 5, bars(*(bar(day, A, s) for day in (20260105, 20260130, 20260202) for s in labels)))
    added = bars(bar(20260106, B, 34_500), bar(20260106, A, 34_500), bar(20260105, A, 34_800, 9_000))
    assert append_minutes(folder, 5, added) == 3
    table = read_table(folder, "minute5/2026-01.parquet")
    keys = table.select("day", "symbol", "label_s").rows()
    assert keys == sorted(keys)
    assert [row[0] for row in keys] == [20260105, 20260105, 20260106, 20260106, 20260130, 20260130]
    assert table["close"].to_list()[1] == 9_000
    assert read_table(folder, "minute5/2026-02.parquet")["day"].to_list() == [20260202, 20260202]
    with pytest.raises(HistoryError, match="bars of 30 minutes are not kept"):
        append_minutes(folder, 30, added)


def test_many_row_groups_stay_in_order(folder: Path) -> None:
    def month(days: range, price: int) -> pl.DataFrame:
        size = 3_000
        base = pl.DataFrame({"day": list(days)}).join(pl.DataFrame({"label_s": range(size)}), how="cross")
        rest = dict.fromkeys(("open", "high", "low", "close", "volume", "turnover"), price)
        return base.with_columns(symbol=pl.lit(A), **{name: pl.lit(value) for name, value in rest.items()})

    append_minutes(folder, 1, month(range(20260301, 20260332), 1))
    assert append_minutes(folder, 1, month(range(20260310, 20260312), 2)) == 6_000
    table = read_table(folder, "minute1/2026-03.parquet")
    assert len(table) == 31 * 3_000
    assert table.select("day", "label_s").equals(table.select("day", "label_s").sort("day", "label_s"))
    assert table.filter(pl.col("close") == 2)["day"].unique().sort().to_list() == [20260310, 20260311]


def test_single_tables_are_merged_or_replaced(folder: Path) -> None:
    spell = {"symbol": A, "first_day": 20260105, "last_day": 0, "state": 1, "known_at": 202601050800, "end_known_at": 0}
    assert append_table(folder, schema.ST_FILE, frame(schema.ST_FILE, [spell])) == 1
    ended = spell | {"last_day": 20260106, "end_known_at": 202601061800}
    assert append_table(folder, schema.ST_FILE, frame(schema.ST_FILE, [ended])) == 1
    assert read_table(folder, schema.ST_FILE).rows(named=True) == [ended]
    replace_table(folder, schema.CALENDAR_FILE, pl.DataFrame({"day": DAYS[2:]}))
    assert read_table(folder, schema.CALENDAR_FILE)["day"].to_list() == DAYS[2:]
    check_manifest(folder, content=True)


def test_several_tables_change_together(folder: Path) -> None:
    with Writer(folder) as writer:
        writer.append_daily(daily(daily_row(20260106, A)))
        writer.append_daily(daily(daily_row(20260106, B)))
        instruments = writer.read(schema.INSTRUMENTS_FILE)
        more = {"symbol": B, "name": "B", "listed_day": 20260106, "delisted_day": 0}
        writer.replace_table(schema.INSTRUMENTS_FILE, pl.concat([instruments, frame(schema.INSTRUMENTS_FILE, [more])]))
        assert len(read_table(folder, "daily/2026.parquet")) == 1, "readers see nothing yet"
    assert History(folder).pre_open(20260106).symbol.tolist() == [0, 1]


def test_a_first_write_makes_the_folder(tmp_path: Path) -> None:
    append_daily(tmp_path / "new" / "history", daily(daily_row(20260105, A)))
    assert list(read_manifest(tmp_path / "new" / "history")) == ["daily/2026.parquet"]


def test_a_table_can_go(folder: Path) -> None:
    with Writer(folder) as writer:
        writer.remove_table("daily/2025.parquet")
        assert not writer.has("daily/2025.parquet")
    check_manifest(folder, content=True)
    assert not (folder / "daily" / "2025.parquet").exists()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (lambda: daily(daily_row(20260105, A)).drop("close"), "columns missing: close"),
        (lambda: daily(daily_row(20260105, A)).drop("day"), "columns missing: day"),
        (lambda: daily(daily_row(20260105, A)).with_columns(open=pl.lit(None, pl.Int32)), "empty cells in open"),
        (lambda: daily(daily_row(20260105, A), daily_row(20260105, A)), "stands twice"),
        (lambda: daily(daily_row(20260105, A)).with_columns(open=pl.lit(1 << 40)), "does not fit"),
    ],
)
def test_bad_rows_leave_everything_as_it_was(folder: Path, rows: Any, words: str) -> None:
    before = read_manifest(folder)
    good = daily(daily_row(20260106, B))

    def write() -> None:
        with Writer(folder) as writer:
            writer.append_daily(good)
            writer.append_daily(rows())

    with pytest.raises(HistoryError, match=words):
        write()
    assert read_manifest(folder) == before
    check_manifest(folder, content=True)


def test_one_writer_at_a_time(folder: Path) -> None:
    with Writer(folder), pytest.raises(HistoryError, match=f"written by process {os.getpid()}"):
        append_daily(folder, daily(daily_row(20260106, A)))
    assert append_daily(folder, daily(daily_row(20260106, A))) == 1


def test_tables_without_a_manifest_are_not_written_over(folder: Path) -> None:
    (folder / schema.MANIFEST).unlink()
    with pytest.raises(HistoryError, match="no manifest"):
        append_daily(folder, daily(daily_row(20260106, A)))


@pytest.fixture
def cut(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose writer died with everything ready and nothing declared."""
    place = tmp_path_factory.mktemp("cut") / "history"
    with Writer(folder) as writer:
        writer.append_daily(daily(daily_row(20251231, A, 12_000), daily_row(20260106, A)))
        shutil.copytree(folder, place)
    names = ["daily/2025.parquet", "daily/2026.parquet"]
    ready = place / commit.READY
    put_manifest(ready / schema.MANIFEST, read_manifest(folder))
    assert all((ready / name).is_file() for name in names)
    return place


def test_a_cut_before_the_commit_leaves_the_old_state(cut: Path) -> None:
    check_manifest(cut, content=True)
    assert len(read_table(cut, "daily/2026.parquet")) == 1
    append_daily(cut, daily(daily_row(20260106, B)))
    assert not (cut / commit.READY).exists()
    assert read_table(cut, "daily/2026.parquet")["symbol"].to_list() == [A, B]


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_a_cut_within_the_commit_is_carried_on_by_the_next_reader(cut: Path, moved: int) -> None:
    names = ["daily/2025.parquet", "daily/2026.parquet"]
    commit.declare(cut, names, [])
    for name in [*names, schema.MANIFEST][:moved]:
        (cut / commit.READY / name).replace(cut / name)
    check_manifest(cut, content=True)
    assert len(read_table(cut, "daily/2026.parquet")) == 2
    assert read_table(cut, "daily/2025.parquet")["close"].to_list()[-1] == 12_000


KILLED = """
import sys
from pathlib import Path
from common.history import schema
from common.history.writer import append_daily
from tests.unit.history.folder import daily_row, frame
folder = Path(sys.argv[1])
for price in range(10_000, 11_000):
    rows = [daily_row(day, "000001.SZ", price) for day in (20251231, 20260105)]
    append_daily(folder, frame(schema.DAILY_FOLDER, rows))
    print(price, flush=True)
"""


@pytest.mark.process
def test_a_killed_writer_leaves_a_whole_state(folder: Path) -> None:
    for commits in (1, 2, 3, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(commits):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_manifest(folder, content=True)
        prices = {read_table(folder, f"daily/{year}.parquet")["close"].to_list()[-1] for year in (2025, 2026)}
        assert len(prices) == 1, "both years of one append, or none"
        assert prices.pop() >= 10_000 + commits - 1
