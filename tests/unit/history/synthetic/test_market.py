"""A made market: the same for a seed, whole or not there, and everything in it that the standard run needs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from common.domain.calendar import hms, second_of_day
from common.domain.errors import UserError
from common.domain.values import Board, Phase
from common.history import schema
from common.history.cross import cross_of
from common.history.daily import History
from common.history.synthetic.actors import CAST, HAND_ORDERS
from common.history.synthetic.draws import Draws
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import PLAYED_DAYS, MarketParams
from common.history.synthetic.universe import NEVER, make_stocks
from common.history.tape import RecordedPush, TapeReader
from common.history.tape_check import verify
from common.messages.columns import Instruments, Quotes, QuoteTable, quotes_of
from common.messages.market import InstrumentFlag
from common.runtime.screens import shipped_screens
from common.screens.screen import run_screen

TINY = MarketParams(seed=3, stocks=40, sessions=90, interval_s=60)
SYMBOLS = {actor.role: actor.symbol for actor in CAST}


class Played(NamedTuple):
    """A tape in memory."""

    table: Instruments
    pushes: list[RecordedPush]


def played(path: Path) -> Played:
    pushes = list(TapeReader(path).pushes())
    assert pushes[0].day is not None
    return Played(Instruments(pushes[0].day.instruments), pushes)


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    """Few stocks, but pushes of 3 seconds."""
    return make_market(tmp_path_factory.mktemp("fine"), MarketParams(stocks=40, sessions=90, interval_s=3))


@pytest.fixture(scope="module")
def days(market: MarketPaths) -> list[Played]:
    return [played(path) for path in market.tapes]


@pytest.fixture(scope="module")
def daily(wide: MarketPaths) -> pl.DataFrame:
    return pl.read_parquet(sorted((wide.history / schema.DAILY_FOLDER).glob("*.parquet")))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------------- making


def test_a_seed_is_a_market(tmp_path: Path) -> None:
    one, again = (make_market(tmp_path / name, TINY) for name in ("one", "again"))
    other = make_market(tmp_path / "other", TINY._replace(seed=4))
    assert contents(one.folder) == contents(again.folder)
    assert one.folder.name == again.folder.name != other.folder.name
    for path, another in zip(one.tapes, other.tapes, strict=True):
        assert path.read_bytes() != another.read_bytes()
    assert {path.name for path in one.history.iterdir()} == {path.name for path in other.history.iterdir()}


def test_a_kept_market_is_returned_at_once(market: MarketPaths) -> None:
    def refuse(what: str, _done: int, _of: int) -> None:
        raise AssertionError(f"made again: {what}")

    before = {path: path.stat().st_mtime_ns for path in market.folder.parent.rglob("*")}
    assert make_market(market.folder.parent, MarketParams(stocks=60, interval_s=15), refuse) == market
    assert {path: path.stat().st_mtime_ns for path in market.folder.parent.rglob("*")} == before


def test_interrupted_making_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    def interrupt(what: str, _done: int, _of: int) -> None:
        if what == str(PLAYED_DAYS[1]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_market(tmp_path, TINY, interrupt)
    assert not any(tmp_path.iterdir())
    made = make_market(tmp_path, TINY)
    assert [path.name for path in tmp_path.iterdir()] == [TINY.key()]
    assert all(path.is_file() for path in (*made.tapes, made.hand_script, made.folder / "market.json"))


def test_numbers_out_of_range_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="stocks = 3; use a number from"):
        make_market(tmp_path, TINY._replace(stocks=3))
    assert not any(tmp_path.iterdir())


def test_events_of_a_stock_do_not_contradict_each_other() -> None:
    """Of thousands of stocks, one is due for everything at once."""
    stocks = make_stocks(MarketParams(stocks=6_000), Draws(7))
    assert len({stock.symbol for stock in stocks}) == 6_000
    new = [stock for stock in stocks if stock.listed_at >= 0]
    assert len(new) > 100
    assert not any(stock.st_from < NEVER or stock.suspended or stock.delisted_at < NEVER for stock in new)


# ---------------------------------------------------------------------- tapes


def test_the_tapes_keep_every_promise(market: MarketPaths) -> None:
    for path, day in zip(market.tapes, PLAYED_DAYS, strict=True):
        summary = verify(path)
        assert summary.problems == ()
        assert (summary.day, summary.interval_ms) == (day, 15_000)
        assert summary.stocks >= 55


def newest(day: Played) -> QuoteTable:
    table = QuoteTable(len(day.table))
    for push in day.pushes:
        for batch in push.batches:
            table.apply(batch)
    return table


def test_daily_rows_are_what_the_tapes_end_with(market: MarketPaths, days: list[Played]) -> None:
    rows = pl.read_parquet(market.history / schema.DAILY_FOLDER / "2026.parquet")
    for number, day in enumerate(PLAYED_DAYS):
        facts, last = days[number].table, newest(days[number])
        of_day = {row["symbol"]: row for row in rows.filter(pl.col("day") == day).iter_rows(named=True)}
        assert set(of_day) == set(facts.symbols)
        for at, symbol in enumerate(facts.symbols):
            row = of_day[symbol]
            assert (facts.prev_close[at], facts.up_limit[at], facts.down_limit[at], facts.float_shares[at]) == (
                row["prev_close"], row["up_limit"], row["down_limit"], row["float_shares"]
            )  # fmt: skip
            ended = [
                int(column[at]) for column in (last.open, last.high, last.low, last.last, last.volume, last.turnover)
            ]
            assert ended == [row[name] for name in ("open", "high", "low", "close", "volume", "turnover")], symbol
            assert (ended[4] == 0) == row["suspended"] == bool(facts.flags[at] & InstrumentFlag.SUSPENDED)


def batches_of(day: Played) -> Iterator[tuple[RecordedPush, Quotes]]:
    for push in day.pushes:
        for batch in push.batches:
            yield push, quotes_of(batch)


def test_no_price_and_no_level_is_beyond_a_limit(days: list[Played]) -> None:
    looked = 0
    for day in days:
        for push, quotes in batches_of(day):
            up, down = day.table.up_limit[quotes.index], day.table.down_limit[quotes.index]
            limited = up > 0
            for prices in (quotes.bid_price, quotes.ask_price, quotes.last[None, :]):
                stands = (prices > 0) & limited
                assert not (stands & ((prices > up) | (prices < down))).any(), push.end.push
            for prices, volumes in ((quotes.bid_price, quotes.bid_volume), (quotes.ask_price, quotes.ask_volume)):
                assert ((prices > 0) == (volumes > 0)).all(), push.end.push
            looked += int(limited.sum())
    assert looked > 50_000


def test_a_sealed_board_has_no_seller(days: list[Played]) -> None:
    sealed = 0
    for push, quotes in batches_of(days[1]):
        at_limit = quotes.last == days[1].table.up_limit[quotes.index]
        if push.end.phase is Phase.CONTINUOUS:
            alone = at_limit & (quotes.ask_volume == 0).all(axis=0)
            assert (quotes.bid_price[0][alone] == quotes.last[alone]).all()
            sealed += int(alone.sum())
    assert sealed > 100


def test_a_push_holds_what_changed(fine: MarketPaths) -> None:
    day = played(fine.tapes[0])
    pushes = [push for push in day.pushes if push.end.phase is Phase.CONTINUOUS]
    held = [sum(batch.count for batch in push.batches) for push in pushes]
    assert 0.5 < np.mean(held) / len(day.table) < 0.75
    seen: dict[int, tuple[object, ...]] = {}
    same = total = 0
    for _, quotes in batches_of(day):
        for column, at in enumerate(quotes.index.tolist()):
            now = tuple(field[..., column].tolist() for field in quotes[2:])
            total += 1
            same += seen.get(at) == now
            seen[at] = now
    assert same < total / 100


# ---------------------------------------------------------------------- the cast


def screened(history: History, day: int) -> tuple[set[str], set[str]]:
    cross = cross_of(history, day)
    screens = shipped_screens()
    pools = [run_screen(screens[rule], cross) for rule in ("limit_up", "bottom_fractal")]
    first, second = ({pool.symbols[at] for at in np.flatnonzero(pool.passed)} for pool in pools)
    return first, second


ENTRIES = (
    ({"STOPPED", "WEAK", "FADES", "LATE"}, {"FRAC-A", "FRAC-B"}),
    ({"DEAR", "QUEUE", "BONUS", "LATE"}, {"FRAC-C"}),
    ({"EARLY", "SECOND"}, {"FRAC-D"}),
)


@pytest.mark.parametrize("size", ["market", "wide"])
def test_the_cast_is_in_the_pools(size: str, request: pytest.FixtureRequest) -> None:
    made: MarketPaths = request.getfixturevalue(size)
    history = History(made.history)
    cast = set(SYMBOLS.values())
    for day, (limit_ups, fractals) in zip(PLAYED_DAYS, ENTRIES, strict=True):
        boards, bottoms = screened(history, day)
        assert boards >= {SYMBOLS[role] for role in limit_ups}, day
        assert bottoms >= {SYMBOLS[role] for role in fractals}, day
        assert bottoms <= cast, "the drawn part of the market takes no slot of bottom_fractal"
        rows = pl.read_parquet(made.history / schema.DAILY_FOLDER / "2026.parquet").filter(pl.col("day") == day)
        touched = set(rows.filter((pl.col("up_limit") > 0) & (pl.col("high") >= pl.col("up_limit")))["symbol"])
        assert touched & boards <= cast, "nor does it touch a limit in the pool of limit_up"


def test_a_bonus_issue_halves_the_raw_price(market: MarketPaths, days: list[Played]) -> None:
    table = days[2].table
    at = table.symbols.index(SYMBOLS["BONUS"])
    assert table.raw_prev_close[at] == 13_700
    assert table.prev_close[at] == 6_850
    assert table.ex_bonus_e6[at] == 1_000_000
    assert table.flags[at] & InstrumentFlag.EX_DAY
    assert table.float_shares[at] == 2 * days[1].table.float_shares[at]
    rows = pl.read_parquet(market.history / schema.DAILY_FOLDER / "2026.parquet")
    closes = rows.filter(pl.col("symbol") == SYMBOLS["BONUS"]).sort("day")
    assert closes["factor_e9"].to_list()[2] == 2 * closes["factor_e9"].to_list()[1]
    assert abs(closes["close"].to_list()[2] * 2 / closes["close"].to_list()[1] - 1) < 0.1


@pytest.mark.parametrize("size", ["market", "fine"])
def test_hand_orders_enter_at_the_first_push_of_their_time(size: str, request: pytest.FixtureRequest) -> None:
    made: MarketPaths = request.getfixturevalue(size)
    ends = {push.end.push: push.end for path in made.tapes for push in TapeReader(path).pushes()}
    script = json.loads(made.hand_script.read_text("utf-8"))
    assert [row["key"] for row in script] == [order.key for order in HAND_ORDERS]
    for row, order in zip(script, HAND_ORDERS, strict=True):
        end = ends[row["push"]]
        assert end.day == PLAYED_DAYS[order.day]
        assert second_of_day(ends[row["push"] - 1].ts_ns) < hms(order.at) <= second_of_day(end.ts_ns)
        assert (row["symbol"], row["side"], row["shares"]) == (SYMBOLS[order.role], order.side, order.shares)


# ---------------------------------------------------------------------- history


def test_history_has_everything_that_screens_look_at(wide: MarketPaths, daily: pl.DataFrame) -> None:
    first = int(daily["day"].min())  # type: ignore[arg-type]
    instruments = pl.read_parquet(wide.history / schema.INSTRUMENTS_FILE)
    assert instruments.height == 400
    assert instruments.filter(pl.col("listed_day") > first).height >= 3
    prefixes = set(instruments["symbol"].str.slice(0, 2))
    assert prefixes >= {"60", "00", "30", "68"}
    spells = pl.read_parquet(wide.history / schema.ST_FILE)
    assert spells.filter(pl.col("last_day") > 0).height >= 2
    assert spells.filter(pl.col("last_day") == 0).height >= 2
    assert daily.filter("suspended").height > 20
    assert daily.filter("suspended").select("open", "high", "low", "close", "volume").sum().row(0) == (0,) * 5
    events = pl.read_parquet(wide.history / schema.EX_EVENTS_FILE)
    assert events.filter((pl.col("cash_e6") > 0) & (pl.col("bonus_e6") == 0)).height >= 10
    assert events.filter(pl.col("bonus_e6") > 0).height >= 3
    moved = events.join(daily.sort("symbol", "day"), on=["symbol", "day"])
    assert moved.height == events.height
    assert (moved["prev_close_right"] == moved["reference"]).all()


def test_daily_bars_stand_within_their_limits(daily: pl.DataFrame) -> None:
    traded = daily.filter(~pl.col("suspended"))
    limited = traded.filter(pl.col("up_limit") > 0)
    assert limited.filter((pl.col("high") > pl.col("up_limit")) | (pl.col("low") < pl.col("down_limit"))).is_empty()
    inner = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    assert traded.filter((pl.col("high") < inner[0]) | (pl.col("low") > inner[1]) | (pl.col("low") <= 0)).is_empty()
    assert traded.filter(pl.any_horizontal(pl.col("open", "high", "low", "close") % 10 != 0)).is_empty()
    assert traded.filter((pl.col("volume") <= 0) | (pl.col("turnover") <= 0)).is_empty()


def test_limits_follow_board_and_st(wide: MarketPaths, daily: pl.DataFrame) -> None:
    table = Instruments(next(iter(TapeReader(wide.tapes[0]).pushes())).day.instruments)  # type: ignore[union-attr]
    widths: dict[tuple[int, bool], set[int]] = {}
    for at in np.flatnonzero(table.up_limit > 0).tolist():
        st = bool(table.flags[at] & InstrumentFlag.ST)
        percent = round(100 * (int(table.up_limit[at]) / int(table.prev_close[at]) - 1))
        widths.setdefault((int(table.board[at]), st), set()).add(percent)
    assert widths[int(Board.MAIN), False] == {10}
    assert widths[int(Board.MAIN), True] == {5}
    assert widths[int(Board.CHINEXT), False] == {20}
    assert widths[int(Board.STAR), False] == {20}
