"""The made market beside the real one: the numbers are measured right, and they lie close."""

import json
from pathlib import Path

import polars as pl
import pytest

from common.domain.calendar import hms
from common.domain.values import Phase, push_id
from common.history import schema
from common.history.store import polars_schema, write_table
from common.history.synthetic.actors import CAST
from common.history.synthetic.calibration import REAL, Meter, describe, meter_of, statistics
from common.history.synthetic.market import MarketPaths
from tests.builders import DAY, Quote, batch, table
from tests.unit.history.folder import daily_row, frame

CAST_SYMBOL = CAST[0].symbol


def test_the_made_market_is_like_the_real_one(wide: MarketPaths) -> None:
    made = json.loads((wide.folder / "market.json").read_text("utf-8"))["statistics"]
    assert made["touches"] > 500
    for name, tolerance in (
        ("touches_a_day_per_1000", 0.2), ("touches_sealed_at_close", 0.1), ("amplitude_10", 0.2),
        ("amplitude_50", 0.2), ("amplitude_90", 0.2), ("amplitude_within_15", 0.5),
    ):  # fmt: skip
        assert made[name] == pytest.approx(REAL[name], rel=tolerance), name


def test_tapes_say_what_the_maker_counted(wide: MarketPaths) -> None:
    made = json.loads((wide.folder / "market.json").read_text("utf-8"))["statistics"]
    assert statistics(wide.history, meter_of(wide.tapes)) == made


def test_both_columns_side_by_side(wide: MarketPaths, tmp_path: Path) -> None:
    lines = describe(wide.folder).splitlines()
    assert lines[0].split() == ["made", "real"]
    told = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert {name: float(values[1]) for name, values in told.items() if name in REAL} == pytest.approx(
        dict(REAL), rel=1e-3
    )
    assert len(told["touches"]) == 1, "the size of a sample has no counterpart"


def write_daily(folder: Path, rows: list[dict[str, object]], spells: list[dict[str, object]]) -> None:
    write_table(folder, f"{schema.DAILY_FOLDER}/2026.parquet", frame("daily", rows))
    write_table(folder, schema.ST_FILE, pl.DataFrame(spells, schema=polars_schema(schema.ST)))


def test_touches_are_counted_like_the_real_ones(tmp_path: Path) -> None:
    day = 20260105
    rows = [
        daily_row(day, "600001.SH", high=11_000),  # touches
        daily_row(day, "300001.SZ", high=11_000) | {"close": 11_000},  # touches and closes there
        daily_row(day, "600002.SH"),
        daily_row(day, "600003.SH"),
        daily_row(day, "600004.SH", high=11_000),  # ST
        daily_row(day, "688001.SH", high=11_000),  # another board
        daily_row(day, CAST_SYMBOL, high=11_000),  # written
        daily_row(day, "600005.SH", suspended=True),
        daily_row(day, "600006.SH", up_limit=0, down_limit=0),  # no limit
    ]
    spell = {
        "symbol": "600004.SH", "first_day": 20260101, "last_day": 0, "state": schema.ST_STATE, "known_at": 0,
        "end_known_at": 0,
    }  # fmt: skip
    write_daily(tmp_path, rows, [spell])
    made = statistics(tmp_path, Meter())
    assert (made["daily_rows"], made["touches"], made["touches_sealed_at_close"]) == (4, 2, 0.5)
    assert made["touches_a_day_per_1000"] == 500.0


def test_amplitude_is_of_adjusted_prices(tmp_path: Path) -> None:
    days = [20260101 + at for at in range(30)] + [20260201 + at for at in range(30)]
    rows = []
    for at, day in enumerate(days):
        factor = 1_000_000_000 if at < 30 else 2_000_000_000
        price = 10_000 if at < 30 else 5_000
        rows.append(daily_row(day, "600001.SH", price, high=price * 11 // 10, low=price, factor_e9=factor))
    write_daily(tmp_path, rows, [])
    made = statistics(tmp_path, Meter())
    assert (made["amplitude_10"], made["amplitude_90"], made["amplitude_within_15"]) == (0.1, 0.1, 1.0)


SEALED, OPENED, OTHER = "600001.SH", "600002.SH", "600003.SH"


def test_a_board_that_opened_again() -> None:
    instruments = table({SEALED: 10.0, OPENED: 10.0, OTHER: 10.0})
    meter = Meter()
    meter.open_day(instruments)
    limit = Quote(11.0, volume=100, bid=[(11.0, 500)])
    away = Quote(10.9, volume=100, bid=[(10.9, 500)], ask=[(10.91, 500)])
    pushes = (
        {SEALED: limit, OPENED: limit, OTHER: away}, {OPENED: away}, {SEALED: limit, OPENED: limit}, {OTHER: away}
    )  # fmt: skip
    for number, quotes in enumerate(pushes, 1):
        second = hms("10:00") + 3 * number
        meter.push(second, Phase.CONTINUOUS, [batch(instruments, push_id(DAY, number), second, quotes)])
    meter.close_day()
    made = meter.statistics()
    assert (made["played_sealed"], made["sealed_that_had_reopened"]) == (2, 0.5)
    # Gaps: 6 s (sealed), 3 and 3 s (opened), 9 s (the other).
    assert (made["snapshot_gap_median_s"], made["snapshot_gap_90_s"]) == (3, 9)
    assert made["changed_a_push"] == pytest.approx(7 / 12, abs=1e-4)


def test_the_lunch_break_is_no_gap() -> None:
    instruments = table({OTHER: 10.0})
    meter = Meter()
    meter.open_day(instruments)
    for number, second in enumerate((hms("11:29:54"), hms("11:29:57"), hms("13:00"), hms("13:00:06")), 1):
        quote = Quote(10.0, volume=100 * number)
        meter.push(second, Phase.CONTINUOUS, [batch(instruments, push_id(DAY, number), second, {OTHER: quote})])
    assert meter.statistics()["snapshot_gap_90_s"] == 6
