"""Both screens on real bars equal a slow reference, code for code, and know nothing that came later."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from common.domain.calendar import months_before
from common.history import schema
from common.history.batch import screen_days
from common.history.cross import cross_of
from common.history.daily import History
from common.history.pools import Pools
from common.history.store import write_manifest, write_table
from common.rules.boards import board_of
from common.runtime.screens import shipped_screens
from common.screens.screen import Screen, Screened
from common.screens.st import ST_NO, ST_UNKNOWN
from tests.real_store import raw_bars
from tests.unit.history.folder import frame
from tests.unit.screens import slow
from tests.unit.screens.shipped import passing, shipped

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.timeout(400),  # a reference in plain Python over thirty days of a market
]
WINDOW, FIRST_ASKED = 60, 61
BOARDS = {1, 2}


class Sizes(NamedTuple):
    """Parameters that both screens are tried with, yuan and basis points."""

    least: int
    most: int
    bp_max: int


DESIGN = Sizes(2_500_000_000, 15_000_000_000, 1_500)
WIDE = Sizes(500_000_000, 200_000_000_000, 4_000)


def screens(sizes: Sizes, st_unknown: str = "deny") -> list[Screen]:
    given = {"float_value_min": sizes.least, "float_value_max": sizes.most, "st_unknown": st_unknown}
    return [shipped("limit_up", amplitude_bp_max=sizes.bp_max, **given), shipped("bottom_fractal", **given)]


class Facts:
    """The rows of a folder by stock, and the raw ST flags, for a reference that shares no code with the screener."""

    def __init__(self, shared: Path, folder: Path, series: str) -> None:
        daily = pl.concat([pl.read_parquet(path) for path in sorted((folder / "daily").glob("*.parquet"))])
        self.days: list[int] = sorted(set(daily["day"].to_list()))
        place = {day: at for at, day in enumerate(self.days)}
        self.rows: dict[str, list[dict[str, Any] | None]] = {}
        for row in daily.iter_rows(named=True):
            self.rows.setdefault(row["symbol"], [None] * len(self.days))[place[row["day"]]] = row
        self.bars = {
            symbol: [
                (row["open"], row["high"], row["low"], row["close"], row["factor_e9"]) if row and row["close"] else None
                for row in rows
            ]
            for symbol, rows in self.rows.items()
        }
        raw = raw_bars(shared, series).filter(pl.col("series").is_not_null())
        flags = raw.select("code", pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int32).alias("day"), "is_st")
        self.flags: dict[str, tuple[list[int], list[bool | None]]] = {}
        for code, day, flag in flags.sort("code", "day").iter_rows():
            seen = self.flags.setdefault(code, ([], []))
            seen[0].append(day)
            seen[1].append(flag)
        begins = pl.read_parquet(folder / "instruments.parquet")
        self.listed = dict(begins.select("symbol", "listed_day").iter_rows())

    def asked(self, count: int) -> list[int]:
        """Return days spread over the series."""
        return [self.days[at] for at in np.linspace(FIRST_ASKED, len(self.days) - 1, count).astype(int).tolist()]

    def stocks(self, day: int, unknown_allowed: bool) -> Iterator[tuple[str, slow.Stock]]:
        """Yield what the slow screens look at on a day."""
        at, since = self.days.index(day), months_before(day, 6)
        for symbol, rows in self.rows.items():
            today = rows[at]
            if today is None:
                continue
            bars = self.bars[symbol][:at]
            before = rows[at - 1]
            factor = before["factor_e9"] if before else next((bar[4] for bar in reversed(bars) if bar), 1)
            shares = [row["float_shares"] for row in rows[max(0, at - WINDOW) : at] if row and row["float_shares"]]
            seen, every = self.flags[symbol]
            flags = set(every[bisect_right(seen, since) : bisect_right(seen, day)])
            st = 1 if True in flags else 2 if None in flags and not unknown_allowed else 0
            listed = self.listed[symbol]
            number = at - bisect_left(self.days, listed) + (10_000 if listed < self.days[0] else 0)
            yield symbol, slow.Stock(
                int(board_of(symbol, day)), bars, factor, shares[-1] if shares else 0, number, st,
                today["suspended"], today["up_limit"],
            )  # fmt: skip


@pytest.fixture(scope="module")
def facts_a(shared_data: Path, real_a: Path) -> Facts:
    return Facts(shared_data, real_a, "A")


@pytest.fixture(scope="module")
def facts_c(shared_data: Path, real_c: Path) -> Facts:
    return Facts(shared_data, real_c, "C")


def compare(facts: Facts, folder: Path, st_unknown: str) -> dict[Sizes, tuple[int, int]]:
    """Hold thirty days against the reference; returns how many names each screen gave by its sizes."""
    asked = facts.asked(30)
    assert len(set(asked)) == 30
    found: dict[Sizes, tuple[int, int]] = {}
    history = History(folder)
    expected: dict[tuple[int, Sizes], tuple[list[str], dict[str, Any]]] = {}
    for day in asked:
        stocks = dict(facts.stocks(day, st_unknown == "allow"))
        for sizes in (DESIGN, WIDE):
            least, most, bp_max = sizes
            touch = [s for s, stock in stocks.items() if slow.limit_up(stock, least, most, BOARDS, WINDOW, bp_max)]
            fractals = {s: slow.bottom_fractal(stock, least, most, BOARDS, WINDOW) for s, stock in stocks.items()}
            expected[day, sizes] = sorted(touch), {s: pair for s, pair in fractals.items() if pair}
    for sizes in (DESIGN, WIDE):
        chosen = screens(sizes, st_unknown)
        for compiled in (False, True):
            counts = [0, 0]
            for touch, fractal in screen_days(history, chosen, asked, compiled=compiled):
                names, pairs = expected[touch.day, sizes]
                assert (touch.lacks, passing(touch)) == ("", names), (touch.day, sizes, compiled)
                assert pairs_of(fractal) == pairs, (fractal.day, sizes, compiled)
                counts[0] += len(names)
                counts[1] += len(pairs)
            found[sizes] = (counts[0], counts[1])
    return found


def pairs_of(fractal: Screened) -> dict[str, tuple[int, ...]]:
    columns = [fractal.numbers[name] for name in ("k1_high", "k1_low", "k2_high", "k2_low")]
    return {fractal.symbols[at]: tuple(int(c[at]) for c in columns) for at in np.flatnonzero(fractal.passed)}


def test_thirty_days_of_a_third_of_the_market(facts_a: Facts, real_a: Path) -> None:
    found = compare(facts_a, real_a, "deny")
    assert found[DESIGN][0] > 100
    assert found[DESIGN][1] > 50
    assert min(found[WIDE]) > 300


def test_thirty_days_of_the_whole_market(facts_c: Facts, real_c: Path) -> None:
    found = compare(facts_c, real_c, "allow")
    assert min(found[DESIGN]) > 100
    assert min(found[WIDE]) > 1_000


def test_unknown_st_counts_as_st_until_six_months_are_known(real_c: Path) -> None:
    deny, allow = screens(WIDE)[0], screens(WIDE, "allow")[0]
    history = History(real_c)
    for day, known in ((20251201, False), (20260720, False), (20260721, True)):
        ((denied, allowed),) = screen_days(history, [deny, allow], [day])
        assert int(allowed.passed.sum()) > 100
        if known:
            assert passing(denied) == passing(allowed)
            assert denied.unknown_st == allowed.unknown_st_in == 0
        else:
            assert int(denied.passed.sum()) < 20
            assert denied.unknown_st + int(denied.passed.sum()) == int(allowed.passed.sum())
            assert allowed.unknown_st_in == denied.unknown_st


def test_stocks_that_went_later_are_in_past_universes(facts_c: Facts, real_c: Path, real_a: Path) -> None:
    gone = [s for s, rows in facts_c.rows.items() if rows[-1] is None and rows[-120] is not None]
    then = facts_c.days[-120]
    assert len(gone) >= 5
    assert set(gone) <= set(cross_of(History(real_c), then).symbols)
    assert not set(gone) & set(cross_of(History(real_c), facts_c.days[-1]).symbols)
    # ST for the first time a year after the day that asks: nothing of it shows, and the stock can be in a pool
    spells = pl.read_parquet(real_a / schema.ST_FILE).group_by("symbol").agg(pl.col("first_day").min())
    later = set(spells.filter(pl.col("first_day") > 20200101)["symbol"])
    cross = cross_of(History(real_a), 20181214)
    states = dict(zip(cross.symbols, cross.windows.recent_st(6).tolist(), strict=True))
    assert len(later) >= 5
    assert {states[symbol] for symbol in later if symbol in states} == {ST_NO}
    ((touch,),) = screen_days(History(real_a), [screens(WIDE._replace(bp_max=10_000))[0]], [20181214])
    assert later & set(passing(touch))
    assert ST_UNKNOWN not in states.values()


def truncated(folder: Path, into: Path, day: int) -> Path:
    """Copy a folder without anything after `day`, and without the prices of `day`."""
    for path in sorted(folder.rglob("*.parquet")):
        name, table = str(path.relative_to(folder)), pl.read_parquet(path)
        if path.parent.name == schema.DAILY_FOLDER:
            today = pl.col("day") == day
            table = table.filter(pl.col("day") <= day).with_columns(
                pl.when(today).then(0).otherwise(pl.col(column)).alias(column) for column in schema.TRADED_COLUMNS
            )
            if table.is_empty():
                continue
        write_table(into, name, table)
    write_manifest(into)
    return into


def altered(folder: Path, into: Path, day: int) -> Path:
    """Copy a folder to which the future happened: ex-days, ST, new shares, other prices, all known after 09:15."""
    for path in sorted(folder.rglob("*.parquet")):
        name, table = str(path.relative_to(folder)), pl.read_parquet(path)
        if path.parent.name == schema.DAILY_FOLDER:
            late, now = pl.col("day") > day, pl.col("day") >= day
            table = table.with_columns(
                pl.when(late).then(pl.col("factor_e9") * 3 // 2).otherwise(pl.col("factor_e9")).alias("factor_e9"),
                pl.when(now).then(pl.col("float_shares") * 3).otherwise(pl.col("float_shares")).alias("float_shares"),
                *(
                    pl.when(now).then(pl.col(column) // 2).otherwise(pl.col(column)).alias(column)
                    for column in schema.TRADED_COLUMNS
                ),
            )
        if name == schema.ST_FILE:
            symbols = pl.read_parquet(folder / schema.INSTRUMENTS_FILE)["symbol"].to_list()
            told = {"first_day": day - 3, "last_day": 0, "state": 1, "known_at": day * 10_000 + 930, "end_known_at": 0}
            coming = [{"symbol": symbol, **told} for symbol in symbols]
            held = set(table.select("symbol", "first_day").iter_rows())
            coming = [row for row in coming if (row["symbol"], row["first_day"]) not in held]
            table = pl.concat([table, frame(schema.ST_FILE, coming)])
        if name == schema.EX_EVENTS_FILE:
            event = {"day": day, "symbol": "600004.SH", "prev_close": 10_000, "reference": 5_000, "cash_e6": 5_000_000,
                     "bonus_e6": 0, "known_at": day * 10_000 + 1_600}  # fmt: skip
            table = pl.concat([table, frame(schema.EX_EVENTS_FILE, [event])])
        write_table(into, name, table)
    write_manifest(into)
    return into


def test_twenty_days_without_and_with_another_future(facts_a: Facts, real_a: Path, tmp_path: Path) -> None:
    names = 0
    for day in facts_a.asked(20):
        ways = {
            "as it was": real_a,
            "truncated": truncated(real_a, tmp_path / f"{day}a", day),
            "altered": altered(real_a, tmp_path / f"{day}b", day),
        }
        for rule, wide in zip(("limit_up", "bottom_fractal"), screens(WIDE), strict=True):
            for screen in (shipped_screens()[rule], wide):
                pools = {way: Pools(folder, {rule: screen}).pool(rule, day) for way, folder in ways.items()}
                assert pools["truncated"] == pools["as it was"], day
                assert pools["altered"] == pools["as it was"], day
                names += len(pools["as it was"].rows)
    assert names > 1_000
