"""Many days in one go say exactly what the live screener says of each of them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from common.history import batch, schema
from common.history.batch import screen_days
from common.history.daily import History
from common.history.store import write_manifest, write_table
from common.screens.screen import Screen, Screened, parse_screen
from tests.unit.history.folder import daily_row, frame, write_folder
from tests.unit.history.test_cross import DAYS, random_market
from tests.unit.screens.shipped import passing, shipped

WIDE = {"float_value_min": 1_000_000_000, "float_value_max": 12_000_000_000, "st_unknown": "allow"}
MIXED = parse_screen(
    "mixed",
    {
        "context": ["turnover", "wide_amplitude_bp"],
        "condition": [
            {"use": "amplitude", "sessions": 20, "amplitude_bp_max": 2_000},
            {"use": "amplitude", "as": "wide", "sessions": 100, "amplitude_bp_max": 6_000},
            {"use": "turnover", "sessions": 5, "turnover_min": 1.5},
            {"use": "bottom_below", "sessions": 30},
            {"use": "no_recent_st", "st_months": 1, "st_unknown": "allow"},
        ],
    },
)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_market(tmp_path_factory.mktemp("batch"), stocks=200)[0]


def seen(result: Screened) -> dict[str, object]:
    """Return what a screen says of the stocks that are looked at."""
    chosen = {result.symbols[at]: at for at in np.flatnonzero(result.passed)}
    return {
        "day": result.day,
        "lacks": result.lacks,
        "passing": {
            symbol: {name: int(column[at]) for name, column in result.numbers.items()} for symbol, at in chosen.items()
        },
        "counts": (result.universe, result.unknown_st, result.unknown_st_in),
    }


def both(folder: Path, screens: Sequence[Screen], days: Sequence[int]) -> list[list[Screened]]:
    """Screen days both ways, hold them equal, and return the results."""
    plain = list(screen_days(History(folder), screens, days, compiled=False))
    fast = list(screen_days(History(folder), screens, days, compiled=True))
    assert [[seen(each) for each in row] for row in fast] == [[seen(each) for each in row] for row in plain]
    return fast


def test_every_day_of_a_random_market(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK_DAYS", 17)  # many seams between chunks
    screens = [shipped("limit_up", **WIDE), shipped("bottom_fractal", **WIDE), MIXED]
    results = both(market, screens, DAYS[1:])
    counts = np.array([[int(each.passed.sum()) for each in row] for row in results])
    assert (counts.sum(axis=0) > [300, 100, 100]).all(), counts.sum(axis=0)
    lacks = [row[0].lacks for row in results]
    assert all("history begins later" in text for text in lacks[:59])
    assert not any(lacks[59:])
    assert all("history begins later" in row[2].lacks for row in results[:99])


def test_a_stock_that_rested_for_years_and_a_late_listing(tmp_path: Path) -> None:
    days = DAYS
    old = [daily_row(day, "600000.SH", 10_000 + 10 * at) for at, day in enumerate(days[:20])]
    old += [daily_row(day, "600000.SH", suspended=True) for day in days[20:140]]
    old += [daily_row(day, "600000.SH", 9_000 - 10 * at) for at, day in enumerate(days[140:])]
    late = [daily_row(day, "600001.SH", 8_000 - 10 * at) for at, day in enumerate(days[120:])]
    other = [daily_row(day, f"60000{number}.SH", 10_000 + at) for at, day in enumerate(days) for number in (2, 3)]
    folder = write_folder(tmp_path, days, [*old, *late, *other], listed={"600001.SH": days[120]})
    fall = parse_screen("fall", {"context": ["k1_low"], "condition": [{"use": "bottom_below", "sessions": 10}]})
    results = both(folder, [fall], days[15:])
    assert {symbol for row in results for symbol in passing(row[0])} == {"600000.SH", "600001.SH"}


def test_holes_are_said_of_their_days_and_the_rest_is_screened(tmp_path: Path) -> None:
    lost = DAYS[80]
    stocks = [f"{600_000 + at}.SH" for at in range(30)]
    daily = [daily_row(day, symbol) for day in DAYS[:100] for symbol in stocks if day != lost]
    few = [daily_row(DAYS[100], symbol) for symbol in stocks[:5]]
    folder = write_folder(tmp_path, DAYS[:103], [*daily, *few])
    week = parse_screen("week", {"condition": [{"use": "traded_sessions", "sessions": 5, "traded_min": 5}]})
    lacks = {row[0].day: row[0].lacks for row in both(folder, [week], DAYS[70:103])}
    assert f"facts of {lost}" in lacks[lost]
    for day in DAYS[81:86]:
        assert f"daily bars of {lost} are missing" in lacks[day]
    assert lacks[DAYS[86]] == ""
    assert "25 of 30 main stocks are missing, e.g. 600005.SH" in lacks[DAYS[100]]
    assert f"facts of {DAYS[102]}" in lacks[DAYS[102]]
    assert [day for day, text in lacks.items() if text] == [lost, *DAYS[81:86], *DAYS[100:103]]


def test_nothing_is_looked_at_across_a_break(market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(market, tmp_path / "broken")
    symbols = pl.read_parquet(folder / schema.INSTRUMENTS_FILE)["symbol"].to_list()
    breaks = [
        {"symbol": symbol, "day": DAYS[at]} for at, each in ((70, 2), (73, 3), (100, 2)) for symbol in symbols[::each]
    ]
    write_table(folder, schema.BREAKS_FILE, frame(schema.BREAKS_FILE, breaks))
    write_manifest(folder)
    monkeypatch.setattr(batch, "CHUNK_DAYS", 40)
    screens = [shipped("limit_up", traded_min=10, listed_min=1, **WIDE), shipped("bottom_fractal", **WIDE)]
    results = both(folder, screens, DAYS[61:])
    whole = both(market, screens, DAYS[61:])
    pools = [[[passing(each) for each in row] for row in found] for found in (results, whole)]
    assert pools[0][:9] == pools[1][:9]  # up to the day of the break
    assert pools[0] != pools[1]
    unbroken = {s for s in symbols if s not in {row["symbol"] for row in breaks}}
    kept = [[[s for s in names if s in unbroken] for names in row] for found in pools for row in found]
    assert kept[: len(results)] == kept[len(results) :]


def test_a_break_of_every_stock_is_where_history_begins(tmp_path: Path) -> None:
    stocks = ("600000.SH", "600001.SH")
    folder = write_folder(tmp_path, DAYS, [daily_row(day, symbol) for day in DAYS for symbol in stocks])
    write_table(folder, schema.BREAKS_FILE, frame(schema.BREAKS_FILE, [{"symbol": s, "day": DAYS[80]} for s in stocks]))
    write_manifest(folder)
    week = parse_screen("week", {"condition": [{"use": "traded_sessions", "sessions": 5, "traded_min": 5}]})
    lacks = {row[0].day: row[0].lacks for row in both(folder, [week], DAYS[70:95])}
    assert [day for day, text in lacks.items() if text] == DAYS[81:85]
    assert f"{DAYS[79]} are missing, or do not go on to {DAYS[82]}" in lacks[DAYS[82]]


@pytest.mark.real_data
@pytest.mark.timeout(300)  # both ways over the places where one source of the real bars ends and another begins
def test_imported_history_across_its_sources(real_history: Path) -> None:
    history = History(real_history)
    for first, last, least in ((20200803, 20200904, 300), (20241220, 20250415, 300), (20260401, 20260520, 1_000)):
        days = history.calendar().between(first, last)
        screens = [shipped("limit_up", amplitude_bp_max=4_000, **WIDE), shipped("bottom_fractal", **WIDE)]
        assert sum(int(each.passed.sum()) for row in both(real_history, screens, days) for each in row) > least
