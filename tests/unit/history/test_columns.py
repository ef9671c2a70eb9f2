"""Mapped columns hold what the Parquet files hold, follow them when they change, and copy nothing."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from common.domain.errors import HistoryError
from common.history import schema
from common.history.columns import CACHE, FIELDS, MinuteColumns
from common.history.store import polars_schema
from common.history.writer import append_minutes
from tests.unit.history.folder import daily_row, write_folder

SYMBOLS = ("000001.SZ", "300750.SZ", "600000.SH", "688001.SH", "920002.BJ")
DAYS = (20260130, 20260202, 20260203, 20260227, 20260302)
LABELS = (34_500, 34_800, 35_100)


def bars(seed: int, volume: int = 1_000_000) -> pl.DataFrame:
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for day in DAYS:
        for symbol in SYMBOLS:
            if rng.random() < 0.3:
                continue
            for label in LABELS:
                values = {name: rng.randrange(1, volume) for name in FIELDS[1:]}
                rows.append({"day": day, "symbol": symbol, "label_s": label} | values)
    return pl.DataFrame(rows, schema=polars_schema(schema.MINUTES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path, DAYS, [daily_row(DAYS[0], SYMBOLS[0])])


def seen(minutes: MinuteColumns, symbols: list[str], first: int, last: int) -> list[tuple[Any, ...]]:
    rows = []
    for part in minutes.between(symbols, first, last):
        for at in range(len(part.start)):
            piece = part.bars(at)
            rows += [
                (int(part.day[at]), symbols[part.symbol[at]], *(int(piece[name][row]) for name in FIELDS))
                for row in range(len(piece["open"]))
            ]
    return sorted(rows)


@pytest.mark.parametrize("seed", range(5))
def test_columns_hold_what_the_files_hold(folder: Path, seed: int) -> None:
    table = bars(seed)
    append_minutes(folder, 5, table)
    minutes = MinuteColumns(folder, 5)
    rng = random.Random(seed)
    for _ in range(10):
        symbols = rng.sample([*SYMBOLS, "600999.SH"], rng.randrange(1, 6))
        first, last = sorted(rng.choices([*DAYS, 20260101, 20260210, 20261231], k=2))
        expected = table.filter(pl.col("symbol").is_in(symbols) & pl.col("day").is_between(first, last))
        assert seen(minutes, symbols, first, last) == sorted(expected.select("day", "symbol", *FIELDS).rows())
    assert minutes.prepare() == 3


def test_views_of_the_map_and_nothing_copied(folder: Path) -> None:
    append_minutes(folder, 5, bars(1))
    part = MinuteColumns(folder, 5).between(SYMBOLS, DAYS[1], DAYS[3])[0]
    piece = part.bars(0)["close"]
    assert np.shares_memory(piece, part.columns["close"])
    assert not piece.flags.writeable
    assert piece.dtype == np.dtype("<i4")


def test_volumes_above_int32_widen_their_file_only(folder: Path) -> None:
    append_minutes(folder, 5, bars(1).with_columns(turnover=pl.col("turnover") * 1_000_000))
    part = MinuteColumns(folder, 5).between(SYMBOLS, DAYS[0], DAYS[-1])[0]
    assert {name: column.dtype.itemsize for name, column in part.columns.items()} == {
        name: 8 if name == "turnover" else 4 for name in FIELDS
    }
    assert int(part.columns["turnover"].max()) > 2**31


def test_a_month_that_changed_is_made_anew_and_the_old_one_goes(folder: Path) -> None:
    append_minutes(folder, 5, bars(1))
    old = MinuteColumns(folder, 5)
    before = seen(old, list(SYMBOLS), DAYS[0], DAYS[-1])
    made = {path.relative_to(folder) for path in (folder / CACHE / "minute5").glob("*/*")}
    changed = bars(1).filter(pl.col("day") == DAYS[1]).with_columns(close=pl.lit(7))
    append_minutes(folder, 5, changed)
    assert seen(old, list(SYMBOLS), DAYS[0], DAYS[-1]) == before, "who has it open keeps it"
    after = seen(MinuteColumns(folder, 5), list(SYMBOLS), DAYS[0], DAYS[-1])
    assert {row[6] for row in after if row[0] == DAYS[1]} == {7}
    now = {path.relative_to(folder) for path in (folder / CACHE / "minute5").glob("*/*")}
    assert len(now) == len(made) == 3
    assert len(now - made) == 1, "only the month that changed"


def test_what_is_not_kept_is_refused(folder: Path) -> None:
    with pytest.raises(HistoryError, match="bars of 30 minutes"):
        MinuteColumns(folder, 30)
    assert MinuteColumns(folder, 15).between(SYMBOLS, DAYS[0], DAYS[-1]) == []
