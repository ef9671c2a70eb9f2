"""History of a made market: readable as of any day, and the tapes' instrument tables say the same."""

import polars as pl
import pytest

from common.domain.values import Board
from common.history import schema
from common.history.daily import History
from common.history.store import check_manifest, read_table
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import PLAYED_DAYS, MarketParams
from common.history.synthetic.tables import listed_day
from common.history.synthetic.universe import LONG_AGO, Stock
from common.history.tape import TapeReader
from common.messages.columns import Instruments
from common.rules.corporate import ex_right_reference


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    return make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))


def daily(market: MarketPaths) -> pl.DataFrame:
    return pl.concat([read_table(market.history, f"daily/{year}.parquet") for year in (2025, 2026)])


def test_the_manifest_fits_and_sessions_are_whole(market: MarketPaths) -> None:
    check_manifest(market.history, content=True)
    rows = daily(market)
    assert rows["day"].n_unique() == 133
    per_day = rows.group_by("day").len()["len"]
    assert 55 <= int(per_day.min() or 0) <= int(per_day.max() or 0) <= 60  # type: ignore[arg-type]  # lengths are numbers
    assert rows.filter(pl.col("suspended"))["volume"].sum() == 0
    traded = rows.filter(~pl.col("suspended"))
    assert traded.filter((pl.col("up_limit") > 0) & (pl.col("high") > pl.col("up_limit"))).is_empty()
    assert traded.filter(pl.col("low") < pl.col("down_limit")).is_empty()


def test_ex_days_follow_the_rule_and_the_factor(market: MarketPaths) -> None:
    events = read_table(market.history, schema.EX_EVENTS_FILE)
    assert events.height >= 8
    assert set(events["day"].to_list()) >= set(PLAYED_DAYS)
    factors = {(row["symbol"], row["day"]): row["factor_e9"] for row in daily(market).iter_rows(named=True)}
    days = sorted({day for _, day in factors})
    for row in events.iter_rows(named=True):
        assert row["reference"] == ex_right_reference(row["prev_close"], row["cash_e6"], row["bonus_e6"])
        assert row["known_at"] < schema.known_at_of(row["day"])
        before = factors[row["symbol"], days[days.index(row["day"]) - 1]]
        assert factors[row["symbol"], row["day"]] == before * row["prev_close"] // row["reference"]


def test_a_new_listing_appears_with_its_day_and_has_no_limits(market: MarketPaths) -> None:
    tables = []
    for path in market.tapes:
        opened = next(iter(TapeReader(path).pushes())).day
        assert opened is not None
        tables.append(Instruments(opened.instruments))
    (new,) = set(tables[1].symbols) - set(tables[0].symbols)
    assert set(tables[0].symbols) < set(tables[1].symbols)
    assert new in tables[2].index
    for table in tables[1:]:
        assert table.up_limit[table.index[new]] == 0
    row = read_table(market.history, schema.INSTRUMENTS_FILE).filter(pl.col("symbol") == new)
    assert row["listed_day"].item() == PLAYED_DAYS[1]


def test_names_and_spells_agree(market: MarketPaths) -> None:
    history = History(market.history)
    spells = read_table(market.history, schema.ST_FILE)
    assert spells.height >= 2
    for row in spells.iter_rows(named=True):
        assert history.names(row["first_day"])[history.index[row["symbol"]]].startswith("*ST")
        if row["last_day"]:
            after = history.calendar().next(row["last_day"])
            assert not history.names(after)[history.index[row["symbol"]]].startswith("*ST")


def test_listing_days() -> None:
    days = [20260105, 20260106]
    old = Stock("600001.SH", "n", Board.MAIN, 1, 1, 1, 1, 1)
    assert listed_day(old, days) == LONG_AGO
    old.listed_at = 1
    assert listed_day(old, days) == 20260106
