"""Tables are written whole or not at all, and what cannot be read says how to mend it."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from common.domain.errors import HistoryError
from common.history import schema
from common.history.store import check_manifest, daily_years, read_table, write_manifest, write_table
from tests.unit.history.folder import daily_row, frame, weekdays, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    days = [20251231, 20260105]
    return write_folder(tmp_path, days, [daily_row(day, "600000.SH") for day in days])


def test_what_is_written_is_read(folder: Path) -> None:
    check_manifest(folder, content=True)
    assert daily_years(folder) == [2025, 2026]
    read = read_table(folder, "daily/2026.parquet")
    assert read.row(0, named=True) == daily_row(20260105, "600000.SH")


def test_rows_come_sorted_and_once(folder: Path) -> None:
    days = weekdays(date(2026, 1, 5), 2)
    rows = [daily_row(day, symbol) for day in reversed(days) for symbol in ("600001.SH", "000001.SZ")]
    write_table(folder, "daily/2026.parquet", frame(schema.DAILY_FOLDER, rows))
    keys = read_table(folder, "daily/2026.parquet").select("day", "symbol").rows()
    assert keys == sorted(keys)
    with pytest.raises(HistoryError, match="stands twice"):
        write_table(folder, "daily/2026.parquet", frame(schema.DAILY_FOLDER, [rows[0], rows[0]]))
    assert len(read_table(folder, "daily/2026.parquet")) == 4, "a refused write leaves what was there"


def test_columns_and_empty_cells_are_refused(folder: Path) -> None:
    good = frame(schema.CALENDAR_FILE, [{"day": 20260105}])
    with pytest.raises(HistoryError, match="columns missing: day"):
        write_table(folder, schema.CALENDAR_FILE, good.rename({"day": "date"}))
    with pytest.raises(HistoryError, match="empty cells in day"):
        write_table(folder, schema.CALENDAR_FILE, pl.DataFrame({"day": [20260105, None]}))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text('{"schema": 99, "files": {}}'), "schema 99"),
        (lambda folder: (folder / "calendar.parquet").unlink(), "calendar.parquet missing"),
        (lambda folder: (folder / "calendar.parquet").write_bytes(b"PAR1"), "changed since the import"),
    ],
)
def test_a_damaged_folder_names_the_damage(folder: Path, harm: object, words: str) -> None:
    harm(folder)  # type: ignore[operator]
    with pytest.raises(HistoryError, match=words):
        check_manifest(folder, content=True)


def test_a_cut_file_and_a_foreign_file_are_refused(folder: Path) -> None:
    path = folder / "daily" / "2026.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(HistoryError, match="cannot be read"):
        read_table(folder, "daily/2026.parquet")
    pl.DataFrame({"day": [1]}).write_parquet(folder / "calendar.parquet")
    with pytest.raises(HistoryError, match="other columns"):
        read_table(folder, schema.CALENDAR_FILE)
    with pytest.raises(HistoryError, match=r"has no names\.parquet"):
        read_table(folder, schema.NAMES_FILE)


def test_the_manifest_follows_the_files(folder: Path) -> None:
    write_table(folder, "daily/2026.parquet", frame(schema.DAILY_FOLDER, [daily_row(20260105, "600001.SH")]))
    with pytest.raises(HistoryError, match="changed"):
        check_manifest(folder, content=True)
    write_manifest(folder)
    check_manifest(folder, content=True)
