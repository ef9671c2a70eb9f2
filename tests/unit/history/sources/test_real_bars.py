"""Real bars through the whole path: written as the vendor writes them, parsed, completed, and held against its own facts."""

from pathlib import Path

import polars as pl
import pytest

from common.domain.calendar import Calendar, from_date
from common.history.sources.baostock_parse import DAILY_FIELDS, code_of, parse_bars
from common.history.sources.complete import Facts, Listing, complete
from common.history.sources.spells import spells_of
from common.history.sources.tables import BARS, framed

STOCKS = 60
FIRST, LAST = 20180702, 20200824
pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> pl.DataFrame:
    """Series A: Baostock's own bars, with its suspended rows, ST flags and adjustment factors."""
    rows = pl.scan_parquet(shared_data / "daily.parquet").filter(pl.col("series") == "A").collect()
    chosen = rows["code"].unique().sort().gather_every(20)[:STOCKS]
    return rows.filter(pl.col("code").is_in(chosen.implode())).sort("code", "date")


def texts(raw: pl.DataFrame) -> list[list[str]]:
    """Write rows as the vendor does."""
    made = []
    for row in raw.iter_rows(named=True):
        prices = [f"{row[name]:.4f}" for name in ("open", "high", "low", "close", "pre_close")]
        suspended = bool(row["suspended"])
        rate = row["turnover_rate"]
        made.append([
            f"{row['date']:%Y-%m-%d}", code_of(row["code"]), *prices, "" if suspended else str(row["volume"]),
            "" if suspended else f"{row['amount']:.4f}", "3", "" if suspended or rate is None else f"{rate:.6f}",
            "0" if suspended else "1", "1" if row["is_st"] else "0",
        ])  # fmt: skip
    return made


def test_real_bars_come_out_as_the_vendor_knows_them(raw: pl.DataFrame) -> None:
    parsed = parse_bars(DAILY_FIELDS.split(","), texts(raw), FIRST, LAST)
    assert sum(parsed.defects.values()) <= 2, parsed.examples  # the vendor's bad bars of 2019-03-27
    days = sorted({from_date(day) for day in raw["date"].unique()})
    calendar = Calendar(days)
    # Listed long ago unless the first row lies inside the series: then that day is taken for the listing.
    first = dict(raw.group_by("code").agg(pl.col("date").min()).iter_rows())
    listings = {code: Listing(from_date(day) if from_date(day) > FIRST else 20100101, 0) for code, day in first.items()}
    found = complete(framed(parsed.rows, BARS), days, Facts(calendar, listings, {}, {}))
    both = found.daily.join(
        raw.with_columns(day=pl.col("date").dt.strftime("%Y%m%d").cast(pl.Int32)), left_on=["day", "symbol"],
        right_on=["day", "code"],
    )  # fmt: skip
    assert both.height >= raw.height - 2
    # Factors: the same steps as the vendor's own, whatever the anchors; it rounds reference prices to 0.01 yuan.
    stepped = both.sort("symbol", "day").with_columns(
        ours=pl.col("factor_e9") / pl.col("factor_e9").shift().over("symbol"),
        theirs=pl.col("adj_factor") / pl.col("adj_factor").shift().over("symbol"),
        price=pl.col("prev_close") / 1000,
    )
    off = stepped.filter((pl.col("ours") / pl.col("theirs") - 1).abs() > 0.02 / pl.col("price") + 1e-6)
    assert off.height <= stepped.filter(pl.col("theirs") != 1).height * 0.02, off.select(
        "day", "symbol", "ours", "theirs"
    )
    assert found.events.height > 50
    # No close outside the limits that the rulebook gives, but for what the data's makers found themselves.
    beyond = both.filter(
        (pl.col("up_limit") > 0)
        & (pl.col("volume") > 0)
        & ((pl.col("close") > pl.col("up_limit")) | (pl.col("close") < pl.col("down_limit")))
    )
    assert beyond.height <= 3, beyond.select("day", "symbol", "close", "up_limit", "down_limit", "prev_close")
    for symbol, states in found.states.items():
        st = raw.filter(pl.col("code") == symbol, pl.col("is_st"))
        assert bool(spells_of(states, calendar)) == (st.height > 0)


def test_float_shares_hold_still_between_real_changes(raw: pl.DataFrame) -> None:
    parsed = parse_bars(DAILY_FIELDS.split(","), texts(raw), FIRST, LAST)
    days = sorted({from_date(day) for day in raw["date"].unique()})
    listings = {code: Listing(20100101, 0) for code in raw["code"].unique()}
    found = complete(framed(parsed.rows, BARS), days, Facts(Calendar(days), listings, {}, {})).daily
    changed = found.sort("symbol", "day").filter(
        pl.col("float_shares") != pl.col("float_shares").shift().over("symbol"), pl.col("float_shares") > 0
    )
    assert 0 < changed.height < found.height * 0.05
