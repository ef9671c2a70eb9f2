"""Tapes from Parquet data: real days where they are, small made files elsewhere."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from common.domain.calendar import hms, second_of_day
from common.domain.errors import HistoryError
from common.domain.values import Phase, push_number
from common.history.importing import import_tapes
from common.history.tape import RecordedPush, TapeReader
from common.history.tape_check import verify
from common.messages.columns import Instruments, quotes_of

real = pytest.mark.real_data


def pushes_of(path: Path) -> tuple[Instruments, list[RecordedPush]]:
    pushes = list(TapeReader(path).pushes())
    assert pushes[0].day is not None
    return Instruments(pushes[0].day.instruments), pushes


def milli(value: float) -> int:
    return round(value * 1000)


@pytest.fixture(scope="module")
def morning(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (made,) = import_tapes(shared_data / "ticks" / "2021-12-01.parquet", tmp_path_factory.mktemp("ticks"))
    assert made.left_out == {"not traded yet": 798}
    assert made.source.endswith("ends at 10:30")
    return made.path


@real
def test_a_real_morning_keeps_every_promise(morning: Path) -> None:
    summary = verify(morning)
    assert summary.problems == ()
    assert (summary.day, summary.stocks, summary.interval_ms) == (20211201, 20, 3000)
    assert summary.quotes > 20_000


@real
def test_the_one_touch_of_the_morning(morning: Path) -> None:
    table, pushes = pushes_of(morning)
    touched: dict[str, list[int]] = {}
    for push in pushes:
        for batch in push.batches:
            quotes = quotes_of(batch)
            at = quotes.index
            for row in at[(quotes.last >= table.up_limit[at]) & (quotes.volume > 0)].tolist():
                touched.setdefault(table.symbols[row], []).append(second_of_day(push.end.ts_ns))
    assert set(touched) == {"600103.SH"}
    assert hms("09:41") <= touched["600103.SH"][0] < hms("09:42")
    assert table.up_limit[table.symbols.index("600103.SH")] == 2990


@real
def test_limits_by_the_rulebook_where_the_file_has_none(morning: Path) -> None:
    table, pushes = pushes_of(morning)
    for row, prev in enumerate(table.prev_close.tolist()):
        percent, fen = (20 if table.symbols[row].startswith("688") else 10), prev // 10
        up, down = ((fen * (100 + sign * percent) + 50) // 100 * 10 for sign in (1, -1))
        assert (table.up_limit[row], table.down_limit[row]) == (up, down), table.symbols[row]
    assert pushes[-1].end.last_of_day
    assert pushes[-1].end.phase is Phase.CLOSED
    assert pushes[-1].batches == ()


@real
def test_limits_of_the_file_are_taken(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "ticks" / "2022-06-01.parquet"
    (made,) = import_tapes(file, tmp_path)
    table, pushes = pushes_of(made.path)
    published = pl.read_parquet(file, columns=["code", "up_limit", "down_limit"]).unique()
    assert published.height == len(table) == 3
    for code, up, down in published.iter_rows():
        at = table.symbols.index(code)
        assert (table.up_limit[at], table.down_limit[at]) == (milli(up), milli(down))
    assert verify(made.path).problem_count == 0
    assert pushes[-1].batches, "the closing auction is in the last push"


@real
@pytest.mark.timeout(120)
def test_minute_bars_of_two_days_agree_with_the_daily_bars(shared_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.mkdir()
    for name in ("minute1.parquet", "daily.parquet", "instruments.parquet"):
        (source / name).symlink_to(shared_data / name)
    made = import_tapes(source, tmp_path / "tapes")
    assert [one.day for one in made] == [20260723, 20260724]
    for one, day in zip(made, (date(2026, 7, 23), date(2026, 7, 24)), strict=True):
        assert verify(one.path).problem_count == 0
        table, pushes = pushes_of(one.path)
        daily = pl.scan_parquet(source / "daily.parquet").filter(pl.col("date") == day).collect()
        rows = {row["code"]: row for row in daily.iter_rows(named=True)}
        high = np.zeros(len(table), np.int64)
        for push in pushes:
            for batch in push.batches:
                quotes = quotes_of(batch)
                high[quotes.index] = quotes.high
                assert not quotes.bid_price.any()
        assert len(table) > 50
        for at, symbol in enumerate(table.symbols):
            row = rows[symbol]
            assert table.prev_close[at] == milli(row["pre_close"]), symbol
            assert (table.up_limit[at], table.down_limit[at]) == (
                milli(row["up_limit"] or 0), milli(row["down_limit"] or 0)
            ), symbol  # fmt: skip
            assert high[at] == milli(row["high"]), symbol


# ---------------------------------------------------------------------- no real data


def snapshot(second: int, code: str = "600001.SH", last: float = 10.0, **changes: Any) -> dict[str, Any]:
    hour, rest = divmod(second, 3600)
    row: dict[str, Any] = {
        "time": datetime(2024, 3, 4, hour, rest // 60, rest % 60), "code": code, "last": last, "open": 10.0,
        "high": 10.2, "low": 9.9, "pre_close": 10.0, "volume": second, "amount": second * 10.0,
    }  # fmt: skip
    for level in range(1, 6):
        row |= {f"bid{level}": 9.99 - level / 100, f"ask{level}": 10.0 + level / 100}
        row |= {f"bid_vol{level}": 100 * level, f"ask_vol{level}": 200 * level}
    return row | changes


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "2024-03-04.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


def test_snapshots_become_pushes(tmp_path: Path) -> None:
    rows = [
        snapshot(hms("09:30")), snapshot(hms("09:30"), "300001.SZ", 20.0, pre_close=20.0),
        snapshot(hms("09:30") + 3, last=10.1), snapshot(hms("09:30") + 3, last=10.2, volume=hms("09:30") + 4),
        snapshot(hms("15:00")), snapshot(hms("15:01"), last=10.05),
    ]  # fmt: skip
    (made,) = import_tapes(written(tmp_path, rows), tmp_path)
    table, pushes = pushes_of(made.path)
    assert (made.day, made.pushes, made.left_out) == (20240304, 3, {})
    assert table.symbols == ["300001.SZ", "600001.SH"]
    assert table.up_limit.tolist() == [24_000, 11_000]
    assert [push_number(push.end.push) for push in pushes] == [0, 1, 2, 3]
    quotes = [quotes_of(push.batches[0]) for push in pushes[1:]]
    assert [one.last.tolist() for one in quotes] == [[20_000, 10_000], [10_200], [10_050]], "the newest of a push stays"
    assert quotes[0].bid_price[:, 1].tolist() == [9_980, 9_970, 9_960, 9_950, 9_940]
    assert quotes[0].ask_volume[:, 1].tolist() == [200, 400, 600, 800, 1_000]
    assert [push.end.last_of_day for push in pushes] == [False, False, False, True]
    assert second_of_day(pushes[3].end.ts_ns) == hms("15:00")


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    rows = [
        snapshot(hms("09:10")), snapshot(hms("09:20"), last=0.0), snapshot(hms("09:30"), last=10.003),
        snapshot(hms("09:31")), snapshot(hms("15:05")),
    ]  # fmt: skip
    (made,) = import_tapes(written(tmp_path, rows), tmp_path)
    assert made.left_out == {"outside 09:15-15:05": 2, "not traded yet": 1, "off the tick": 1}
    assert verify(made.path).quotes == 1
    assert made.source.endswith("ends at 09:31")


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, [snapshot(hms("09:30"))])
    pl.read_parquet(path).drop("bid3", "pre_close").write_parquet(path)
    with pytest.raises(HistoryError, match=r"2024-03-04\.parquet.*pre_close, bid3 are missing"):
        import_tapes(path, tmp_path / "tapes")
    assert not (tmp_path / "tapes").exists()


def test_no_data_at_all(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no market data"):
        import_tapes(tmp_path, tmp_path)
    text = tmp_path / "text.parquet"
    text.write_text("hello")
    with pytest.raises(HistoryError, match="not readable"):
        import_tapes(text, tmp_path)
    empty = written(tmp_path, [snapshot(hms("09:30"))])
    pl.read_parquet(empty).clear().write_parquet(empty)
    with pytest.raises(HistoryError, match="holds no snapshot"):
        import_tapes(empty, tmp_path)
    with pytest.raises(HistoryError):
        import_tapes(tmp_path / "none", tmp_path)


def test_nothing_sound_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"no sound snapshot \(not traded yet 1\)"):
        import_tapes(written(tmp_path, [snapshot(hms("09:30"), last=0.0)]), tmp_path)
