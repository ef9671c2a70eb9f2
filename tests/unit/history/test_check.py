"""Every kind of fault is found where it was planted, named, and nowhere else; and the real ones in the real data."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from common.domain.calendar import Calendar
from common.history import check_rules, schema
from common.history.check import KINDS, SESSIONS_LEFT_MIN, WARNING, Finding, calendar_left, check_history
from common.history.store import polars_schema, read_table, write_manifest, write_table
from common.history.writer import Writer, append_minutes
from tests.unit.history.folder import E9, daily_row, weekdays, write_folder

A, B = "000001.SZ", "600000.SH"
DAYS = weekdays(date(2026, 1, 5), 60)
LABELS = [34_200 + 300 * (at + 1) for at in range(24)] + [46_800 + 300 * (at + 1) for at in range(24)]
Rows = list[dict[str, Any]]
Plant = Callable[[dict[tuple[str, int], dict[str, Any]]], None]


def untold(_what: str, _done: int, _of: int) -> None:
    """Tell nobody."""


def sound_rows() -> dict[tuple[str, int], dict[str, Any]]:
    """Return twenty sessions of two stocks without a fault, an ex-day of A and a suspended day of B among them."""
    rows = {}
    for at, day in enumerate(DAYS[:20]):
        close = 10_000 + 10 * at if at < 12 else 5_000 + 10 * at
        before = {0: 10_000, 12: 5_110}.get(at, close - 10)
        rows[A, at] = daily_row(
            day, A, close, prev_close=before, factor_e9=E9 if at < 12 else round(E9 * 10_110 / 5_110),
            up_limit=before * 11 // 10, down_limit=before * 9 // 10, volume=1_000_000 + at, turnover=close * (1_000_000 + at),
        )  # fmt: skip
        traded = {"volume": 500_000 + at, "turnover": 20_000 * (500_000 + at)}
        rows[B, at] = daily_row(day, B, 20_000, **({"suspended": True} if at == 7 else traded))
    return rows


def checked(folder: Path, rows: Rows, today: int = DAYS[0]) -> list[Finding]:
    write_folder(folder, DAYS, rows)
    return check_history(folder, today, untold)


def test_a_sound_history_has_no_fault(tmp_path: Path) -> None:
    assert checked(tmp_path, list(sound_rows().values())) == []


def change(symbol: str, at: int, **values: Any) -> Plant:
    def plant(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
        rows[symbol, at] |= values

    return plant


def drop(symbol: str, *sessions: int) -> Plant:
    def plant(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
        for at in sessions:
            del rows[symbol, at]

    return plant


def repeat(symbol: str, at: int, times: int) -> Plant:
    def plant(rows: dict[tuple[str, int], dict[str, Any]]) -> None:
        names = (*schema.TRADED_COLUMNS, "prev_close", "up_limit", "down_limit")
        for more in range(1, times):
            rows[symbol, at + more] |= {name: rows[symbol, at][name] for name in names}

    return plant


@pytest.mark.parametrize(
    ("kind", "plant", "expected"),
    [
        ("gap", drop(A, 3, 4), (A, 3, 4, 2)),
        ("gap", drop(B, 18, 19), (B, 18, 19, 2)),
        ("bar_order", change(A, 5, high=10_040), (A, 5, 5, 1)),
        ("bar_order", change(A, 5, low=10_055), (A, 5, 5, 1)),
        ("outside_limits", change(A, 5, high=12_000), (A, 5, 5, 1)),
        ("outside_limits", change(B, 5, down_limit=19_950), (B, 5, 5, 1)),
        ("zero_filled", change(B, 5, open=0), (B, 5, 5, 1)),
        ("zero_filled", change(B, 5, open=0, high=0, low=0, close=0, volume=0, turnover=0), (B, 5, 5, 1)),
        ("flat_padded", change(B, 5, volume=0, turnover=0), (B, 5, 5, 1)),
        ("flat_padded", repeat(B, 8, 4), (B, 9, 11, 3)),
        ("lots_for_shares", change(B, 5, volume=5_000), (B, 5, 5, 1)),
        ("turnover_unit", change(B, 5, turnover=10_000_000), (B, 5, 5, 1)),
        ("average_outside", change(B, 5, turnover=11_000_000_000), (B, 5, 5, 1)),
        ("no_turnover", change(B, 5, turnover=0), (B, 5, 5, 1)),
        ("unadjusted_ex_day", change(A, 12, prev_close=10_110, up_limit=11_120, down_limit=4_000), (A, 12, 12, 1)),
        ("unadjusted_ex_day", change(B, 10, prev_close=15_000, down_limit=10_000), (B, 10, 10, 1)),
    ],
)  # fmt: skip
def test_a_planted_fault_is_named(tmp_path: Path, kind: str, plant: Plant, expected: tuple[str, int, int, int]) -> None:
    rows = sound_rows()
    plant(rows)
    symbol, first, last, count = expected
    found = checked(tmp_path, list(rows.values()))
    assert [(each.kind, each.symbol, each.day, each.last_day, each.rows) for each in found] == [
        (kind, symbol, DAYS[first], DAYS[last], count)
    ]


def test_an_ex_day_that_the_source_forgot_lies_below_its_band(tmp_path: Path) -> None:
    rows = sound_rows()
    for at in range(12, 20):
        rows[A, at]["factor_e9"] = E9
    rows[A, 12] |= {"prev_close": 10_110, "up_limit": 11_120, "down_limit": 9_100}
    kinds = {(each.kind, each.day) for each in checked(tmp_path, list(rows.values()))}
    assert kinds == {("unadjusted_ex_day", DAYS[12]), ("outside_limits", DAYS[12])}


def test_faults_in_a_row_are_one_finding(tmp_path: Path) -> None:
    rows = sound_rows()
    for at in (3, 4, 5, 9):
        rows[B, at]["turnover"] = 0
    found = checked(tmp_path, list(rows.values()))
    assert [(each.day, each.last_day, each.rows) for each in found] == [(DAYS[3], DAYS[5], 3), (DAYS[9], DAYS[9], 1)]
    assert found[0].detail == "volume=500003 turnover=0"


def harmed(folder: Path, name: str, change_: Callable[[pl.DataFrame], pl.DataFrame], manifest: bool = True) -> None:
    path = folder / name
    change_(pl.read_parquet(path, memory_map=False)).write_parquet(path)
    if manifest:
        write_manifest(folder)


def test_doubled_keys_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path, DAYS, list(sound_rows().values()))
    harmed(tmp_path, "daily/2026.parquet", lambda table: pl.concat([table, table[3:4]]).sort("day", "symbol"))
    found = [each for each in check_history(tmp_path, DAYS[0], untold) if each.kind == "duplicate_key"]
    assert [(each.table, each.symbol, each.day) for each in found] == [("daily/2026.parquet", B, DAYS[1])]


def test_files_that_changed_or_cannot_be_read_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path, DAYS, list(sound_rows().values()))
    harmed(tmp_path, "daily/2026.parquet", lambda table: table.head(-1), manifest=False)
    (tmp_path / "st.parquet").write_bytes(b"PAR1")
    found = check_history(tmp_path, DAYS[0], untold)
    tables = {(each.table, each.detail.split(":")[0]) for each in found if each.kind == "changed_file"}
    assert tables == {("daily/2026.parquet", "content"), ("st.parquet", "content"), ("st.parquet", "unreadable")}


def test_codes_that_nobody_knows_are_named(tmp_path: Path) -> None:
    rows = list(sound_rows().values())
    write_folder(tmp_path, DAYS, [*rows, *(daily_row(day, "399300.SZ") for day in DAYS[:20])])
    write_table(
        tmp_path, schema.INSTRUMENTS_FILE, read_table(tmp_path, schema.INSTRUMENTS_FILE).filter(pl.col("symbol") != A)
    )
    write_manifest(tmp_path)
    found = [each for each in check_history(tmp_path, DAYS[0], untold) if each.kind == "unknown_code"]
    assert [(each.symbol, each.table, each.rows, each.detail) for each in found] == [
        (A, "daily/2026.parquet", 20, "no instrument"),
        ("399300.SZ", "instruments.parquet", 1, "no A share"),
        ("399300.SZ", "daily/2026.parquet", 20, "no A share"),
    ]


def test_days_that_are_no_sessions_are_named(tmp_path: Path) -> None:
    rows = [*sound_rows().values(), daily_row(20260110, A)]
    found = checked(tmp_path, rows)
    assert [(each.kind, each.symbol, each.day) for each in found] == [("no_session", A, 20260110)]


def minute_rows(day: int, symbol: str) -> Rows:
    return [
        {"day": day, "symbol": symbol, "label_s": label, "open": 10_000 + 10 * at, "high": 10_020 + 10 * at,
         "low": 9_980 + 10 * at, "close": 10_010 + 10 * at, "volume": 1_000 + at, "turnover": 10_000 * (1_000 + at)}
        for at, label in enumerate(LABELS)
    ]  # fmt: skip


def still(rows: Rows) -> Rows:
    for row in rows[10:23]:
        row.update(dict.fromkeys(("open", "high", "low", "close"), 10_100) | {"volume": 0, "turnover": 0})
    return rows


@pytest.mark.parametrize(
    ("kind", "plant", "count"),
    [
        ("zero_filled", lambda rows: [*rows[:5], rows[5] | {"open": 0, "low": 0}, *rows[6:]], 1),
        ("bar_order", lambda rows: [*rows[:5], rows[5] | {"high": 10_000}, *rows[6:]], 1),
        ("incomplete_minutes", lambda rows: rows[:-1], 1),
        ("flat_padded", still, 12),
        ("flat_padded", lambda rows: [row | ({n: rows[20][n] for n in schema.TRADED_COLUMNS} if 20 < at < 27 else {})
                                      for at, row in enumerate(rows)], 6),
        ("lots_for_shares", lambda rows: [row | {"volume": row["volume"] // 100} for row in rows], 48),
    ],
)  # fmt: skip
def test_faults_of_minute_bars_are_named(tmp_path: Path, kind: str, plant: Callable[[Rows], Rows], count: int) -> None:
    write_folder(tmp_path, DAYS, list(sound_rows().values()))
    bars = [*minute_rows(DAYS[2], A), *plant(minute_rows(DAYS[3], A))]
    append_minutes(tmp_path, 5, pl.DataFrame(bars, schema=polars_schema(schema.MINUTES)))
    found = check_history(tmp_path, DAYS[0], untold)
    assert [(each.kind, each.symbol, each.day, each.rows) for each in found] == [(kind, A, DAYS[3], count)]
    assert found[0].table == "minute5/2026-01.parquet"


def test_a_stock_that_stays_at_its_limit_is_not_padded(tmp_path: Path) -> None:
    write_folder(tmp_path, DAYS, list(sound_rows().values()))
    bars = minute_rows(DAYS[3], A)
    for row in bars[10:]:
        row.update(dict.fromkeys(("open", "high", "low", "close"), 11_000) | {"volume": 0, "turnover": 0})
    append_minutes(tmp_path, 5, pl.DataFrame(bars, schema=polars_schema(schema.MINUTES)))
    assert check_history(tmp_path, DAYS[0], untold) == []


def test_a_calendar_that_ends_soon_is_a_warning() -> None:
    calendar = Calendar(DAYS)
    enough = DAYS[-SESSIONS_LEFT_MIN]
    assert calendar_left(calendar, enough) == []
    short = calendar_left(calendar, DAYS[-SESSIONS_LEFT_MIN + 1])
    assert [(each.severity, each.detail) for each in short] == [(WARNING, f"left={SESSIONS_LEFT_MIN - 1}")]


def test_every_kind_has_its_place() -> None:
    ruled = {*check_rules.DAILY, *check_rules.BARS}
    others = {
        "changed_file",
        "duplicate_key",
        "unknown_code",
        "gap",
        "unadjusted_ex_day",
        "incomplete_minutes",
        "calendar_short",
    }
    assert ruled | others == set(KINDS)


@pytest.mark.real_data
@pytest.mark.timeout(180)  # imports and checks 2.9 million rows
def test_the_faults_of_the_real_data(real_history: Path) -> None:
    found = check_history(real_history, 20260724, untold)
    by_kind: dict[str, list[Finding]] = {}
    for each in found:
        by_kind.setdefault(each.kind, []).append(each)

    def named(kind: str) -> set[tuple[str, int]]:
        return {(each.symbol, each.day) for each in by_kind.get(kind, ()) if each.table.startswith("daily")}

    assert named("bar_order") == {("001696.SZ", 20190327)}, "the one of the build report's nine that this file holds"
    assert named("outside_limits") == {("000792.SZ", 20210810), ("601975.SH", 20190108)}, "a relisting, a vendor's slip"
    assert named("average_outside") == {("300896.SZ", 20201209), ("300999.SZ", 20201109), ("300999.SZ", 20201209)}
    assert ("000766.SZ", 20190328) in named("unadjusted_ex_day"), "the close before is the defect of 2019-03-27 again"
    assert len(named("unadjusted_ex_day")) < 12
    beijing = {each.symbol for each in by_kind["gap"] if each.day == each.last_day == 20260408}
    assert len(beijing) > 300
    assert all(symbol.endswith(".BJ") for symbol in beijing)
    holes = [(each.day, each.last_day) for each in by_kind["gap"] if not each.symbol.endswith(".BJ")]
    between = holes.count((20200825, 20241231))
    assert between > 1_000, "the years that series A and C leave out"
    assert len(holes) - between < 10, "stocks whose listing was halted in 2019"
    zero = {(each.symbol, each.day) for each in by_kind["zero_filled"]}
    assert ("600114.SH", 20250225) in zero
    assert sum(each.rows for each in by_kind["no_turnover"]) > 570_000
    clean = {"changed_file", "duplicate_key", "unknown_code", "no_session", "lots_for_shares", "turnover_unit"}
    assert not clean & set(by_kind)


@pytest.mark.real_data
@pytest.mark.timeout(180)  # as above
def test_planted_faults_are_found_among_the_real_rows(real_history: Path, tmp_path: Path) -> None:
    day, code = 20260720, "600519.SH"
    table = read_table(real_history, "daily/2026.parquet").filter(pl.col("day") >= 20260713)
    target = (pl.col("day") == day) & (pl.col("symbol") == code)
    plants = {
        "bar_order": table.with_columns(high=pl.when(target).then(pl.col("close") - 10).otherwise("high")),
        "lots_for_shares": table.with_columns(volume=pl.when(target).then(pl.col("volume") // 100).otherwise("volume")),
        "outside_limits": table.with_columns(high=pl.when(target).then(pl.col("up_limit") + 10).otherwise("high")),
        "gap": table.filter(~target),
        "zero_filled": table.with_columns(low=pl.when(target).then(0).otherwise("low")),
        "no_turnover": table.with_columns(turnover=pl.when(target).then(0).otherwise("turnover")),
    }  # fmt: skip
    for kind, rows in plants.items():
        folder = tmp_path / kind
        with Writer(folder) as writer:
            for name in (schema.CALENDAR_FILE, schema.INSTRUMENTS_FILE):
                writer.replace_table(name, read_table(real_history, name))
            writer.append_daily(rows)
        found = {(each.kind, each.symbol, each.day) for each in check_history(folder, 20260724, untold)}
        assert (kind, code, day) in found, kind
        assert {each for each in found if each[0] not in ("calendar_short", "gap")} <= {(kind, code, day)}, kind
