"""The cross-section of a day out of files: equal to the slow screens, and blind to everything later."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from common.domain.errors import HistoryError
from common.history import schema
from common.history.cross import cross_of, last_traded, pieces, table_of, universe_of
from common.history.daily import History
from common.history.store import polars_schema, write_manifest, write_table
from common.screens.cross import Cross
from common.screens.screen import run_screen
from common.screens.st import ST_NO, ST_UNKNOWN, ST_YES
from tests.unit.history.folder import E9, daily_row, frame, weekdays, write_folder
from tests.unit.screens import slow
from tests.unit.screens.shipped import passing, shipped

DAYS = weekdays(date(2025, 7, 1), 150)
ASKING = DAYS[140]
LEAST, MOST = 1_000_000_000, 12_000_000_000
TOUCH, FRACTAL = (shipped(name, float_value_min=LEAST, float_value_max=MOST) for name in ("limit_up", "bottom_fractal"))


def random_history(rng: random.Random, stocks: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return daily rows of a random market, and listing days."""
    daily, listed = [], {}
    for number in range(stocks):
        symbol = rng.choice(["600{:03d}.SH", "300{:03d}.SZ", "688{:03d}.SH"]).format(number)
        begin = rng.choice([0, 0, 0, rng.randrange(60, 145)])
        listed[symbol] = DAYS[begin]
        price, factor, wild = rng.randrange(800, 3000), E9, rng.choice([1, 3, 8])
        rests = rng.choice([0.0, 0.02, 0.5])
        for day in DAYS[begin:]:
            reference = price
            if rng.random() < 0.01:
                reference = price * 10 // 13
                factor = factor * price // reference
                price = reference
            row = {"prev_close": reference * 10, "factor_e9": factor, "float_shares": rng.choice([4 * 10**8, 0])}
            if rng.random() < rests:
                daily.append(daily_row(day, symbol, reference * 10, suspended=True, **row))
                continue
            opened, price = price + rng.randrange(-wild, wild + 1), max(200, price + rng.randrange(-wild, wild + 1))
            high, low = max(opened, price) + rng.randrange(2 * wild), min(opened, price) - rng.randrange(6 * wild)
            daily.append(
                daily_row(
                    day,
                    symbol,
                    price * 10,
                    open=opened * 10,
                    high=high * 10,
                    low=low * 10,
                    up_limit=rng.choice([0, reference * 11, reference * 11, reference * 11]),
                    **row,
                )
            )
    return daily, listed


def slow_stock(rows: list[dict[str, Any]], listed: int, st: int, upto: int = 140) -> slow.Stock:
    by_day = {row["day"]: row for row in rows}
    sessions: list[tuple[int, int, int, int, int] | None] = []
    shares = factor = 0
    for at, day in enumerate(DAYS[:upto]):
        row = by_day.get(day)
        traded = row and row["close"]
        sessions.append(
            (row["open"], row["high"], row["low"], row["close"], row["factor_e9"]) if row and traded else None
        )
        if row:
            factor = row["factor_e9"]
            if at >= upto - 60:
                shares = row["float_shares"] or shares
    today = by_day[DAYS[upto]]
    board = {"6": 1, "3": 2}[rows[0]["symbol"][0]] if not rows[0]["symbol"].startswith("688") else 3
    count = upto - DAYS.index(listed)
    return slow.Stock(board, sessions, factor, shares, count, st, today["suspended"], today["up_limit"])


def random_market(into: Path, stocks: int = 240) -> tuple[Path, dict[str, slow.Stock]]:
    """Write a random market; returns its folder and what the slow screens see of it."""
    rng = random.Random(11)
    daily, listed = random_history(rng, stocks)
    spells, states = [], {}
    for symbol in sorted(listed):
        state = rng.choice([0, 0, 0, 0, 1, 3])
        states[symbol] = {0: ST_NO, 1: ST_YES, 3: ST_UNKNOWN}[state]
        if state:
            spells.append(
                {"symbol": symbol, "first_day": DAYS[100], "last_day": DAYS[120], "state": state,
                 "known_at": DAYS[99] * 10_000, "end_known_at": DAYS[120] * 10_000}
            )  # fmt: skip
    folder = write_folder(into, DAYS, daily, listed=listed, st=spells)
    by_symbol: dict[str, list[dict[str, Any]]] = {}
    for row in daily:
        by_symbol.setdefault(row["symbol"], []).append(row)
    listed_then = [symbol for symbol in sorted(listed) if listed[symbol] <= ASKING]
    return folder, {symbol: slow_stock(by_symbol[symbol], listed[symbol], states[symbol]) for symbol in listed_then}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, slow.Stock]]:
    return random_market(tmp_path_factory.mktemp("history"))


def seen(cross: Cross) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Return everything that a screen can see of a cross-section."""
    found = {name: np.asarray(value) for name, value in cross._asdict().items() if name not in ("windows", "bar")}
    found |= {f"bar.{name}": value for name, value in cross.bar._asdict().items()}
    for window in (1, 5, 60):
        found |= {f"span {window}.{name}": value for name, value in cross.windows.span(window)._asdict().items()}
    for bars in (2, 60):
        found |= {f"merged {bars}.{name}": value for name, value in cross.windows.merged(bars)._asdict().items()}
    return found | {f"st {months}": cross.windows.recent_st(months) for months in (0, 1, 6)}


def test_both_screens_equal_the_slow_ones(market: tuple[Path, dict[str, slow.Stock]]) -> None:
    folder, stocks = market
    cross = cross_of(History(folder), ASKING)
    assert list(cross.symbols) == sorted(stocks)
    touch = [symbol for symbol, stock in stocks.items() if slow.limit_up(stock, LEAST, MOST, {1, 2}, 60)]
    assert passing(run_screen(TOUCH, cross)) == sorted(touch)
    assert len(touch) > 15
    fractals = {
        symbol: found
        for symbol, stock in stocks.items()
        if (found := slow.bottom_fractal(stock, LEAST, MOST, {1, 2}, 60))
    }
    result = run_screen(FRACTAL, cross)
    assert passing(result) == sorted(fractals)
    assert len(fractals) >= 5
    for at in np.flatnonzero(result.passed):
        context = result.context()
        assert fractals[cross.symbols[at]] == tuple(
            int(context[name][at]) for name in ("k1_high", "k1_low", "k2_high", "k2_low")
        )


def test_what_comes_later_changes_nothing(market: tuple[Path, dict[str, slow.Stock]], tmp_path: Path) -> None:
    folder, _ = market
    for path in folder.rglob("*.parquet"):
        table = pl.read_parquet(path)
        if path.parent.name == "daily":
            late = pl.col("day") > ASKING
            today = pl.col("day") == ASKING
            table = table.filter(~late).with_columns(
                pl.when(today).then(7).otherwise(pl.col(name)).cast(kind).alias(name)
                for name, kind in polars_schema(schema.DAILY).items()
                if name in schema.TRADED_COLUMNS
            )
        write_table(tmp_path, str(path.relative_to(folder)), table)
    extra = {"symbol": "600000.SH", "first_day": DAYS[130], "last_day": 0, "state": 1,
             "known_at": ASKING * 10_000 + 1000, "end_known_at": 0}  # fmt: skip
    spells = pl.concat([pl.read_parquet(tmp_path / schema.ST_FILE), frame(schema.ST_FILE, [extra])])
    write_table(tmp_path, schema.ST_FILE, spells)
    write_manifest(tmp_path)
    one, other = seen(cross_of(History(folder), ASKING)), seen(cross_of(History(tmp_path), ASKING))
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def test_last_traded_bars_reach_back_as_far_as_needed(tmp_path: Path) -> None:
    days = weekdays(date(2023, 1, 2), 600)
    early = [daily_row(day, "600000.SH", 10_000 + at) for at, day in enumerate(days[:80])]
    rest = [daily_row(day, "600000.SH", suspended=True) for day in days[80:]]
    other = [daily_row(day, "600001.SH") for day in days]
    history = History(write_folder(tmp_path, days, [*early, *rest, *other]))
    cross = cross_of(history, days[-1])
    window = history.calendar().window(days[-2], 60)
    universe = universe_of(history, days[-1], np.arange(2))
    bars = table_of(universe, pieces(history, window), window)
    traded = last_traded(history, universe, bars, window)
    assert traded.close[:, 0].tolist() == [10_020 + at for at in range(60)]
    assert cross.last_close[0] == 10_079
    assert (cross.bar.close > 0).tolist() == [False, True]
    assert cross.suspended.tolist() == [True, False]


def test_sessions_since_listing_count_from_one(tmp_path: Path) -> None:
    listed = {"600000.SH": DAYS[138], "600001.SH": DAYS[139], "600002.SH": 20250601}
    daily = [daily_row(day, symbol) for day in DAYS for symbol, first in listed.items() if day >= first]
    cross = cross_of(History(write_folder(tmp_path, DAYS, daily, listed=listed)), ASKING)
    assert cross.listed_sessions.tolist() == [2, 1, 140 + 30 * 2 // 3]


@pytest.mark.parametrize(
    ("lost", "asking", "words"),
    [
        (DAYS[139], ASKING, f"daily bars of {DAYS[139]} are missing"),
        (DAYS[100], ASKING, f"daily bars of {DAYS[100]} are missing"),
        (ASKING, ASKING, f"pre-open facts of {ASKING}"),
        (0, DAYS[59], "history begins later"),
    ],
)
def test_a_hole_is_named(tmp_path: Path, lost: int, asking: int, words: str) -> None:
    daily = [daily_row(day, "600000.SH") for day in DAYS if day != lost]
    history = History(write_folder(tmp_path, DAYS, daily))
    with pytest.raises(HistoryError, match=words):
        cross_of(history, asking)


def test_codes_out_of_scope_are_left_out(tmp_path: Path) -> None:
    daily = [daily_row(day, symbol) for day in DAYS for symbol in ("000001.SH", "600000.SH")]
    assert cross_of(History(write_folder(tmp_path, DAYS, daily)), ASKING).symbols == ("600000.SH",)
