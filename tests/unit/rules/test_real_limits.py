"""The rule against the market: every published limit of 2026, and every traded price of 2018 to 2024."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from common.rules.bands import Bands, bands
from common.rules.boards import board_of
from common.rules.price_limits import ListingPhase

pytestmark = [pytest.mark.real_data]

S_SHARE = "600182.SH"
"""The one stock whose share reform was never done: 5 % on each of its 120 days."""

# Stocks whose name, and so the vendor's ST mark, came or went a day (or a few) beside the published limits, and on how
# many days. The data's README counts them; with the other ST mark the rule gives the published limits on all of them.
ST_BESIDE = {
    "002731.SZ": 12,
    **dict.fromkeys(
        ("603268.SH", "603359.SH", "603378.SH", "603429.SH", "603718.SH", "603729.SH", "603922.SH",
         "603959.SH", "605336.SH"), 2,
    ),
    **dict.fromkeys(
        ("000056.SZ", "000078.SZ", "000504.SZ", "000518.SZ", "000608.SZ", "000610.SZ", "000677.SZ", "000697.SZ",
         "000838.SZ", "000908.SZ", "001270.SZ", "002047.SZ", "002058.SZ", "002082.SZ", "002109.SZ", "002193.SZ",
         "002198.SZ", "002207.SZ", "002227.SZ", "002360.SZ", "002431.SZ", "002512.SZ", "002514.SZ", "002529.SZ",
         "002538.SZ", "002542.SZ", "002634.SZ", "002647.SZ", "002667.SZ", "002719.SZ", "002742.SZ", "002868.SZ",
         "002883.SZ", "002932.SZ", "002977.SZ", "003004.SZ", "003032.SZ", "600082.SH", "600084.SH", "600119.SH",
         "600187.SH", "600228.SH", "600302.SH", "600337.SH", "600340.SH", "600358.SH", "600360.SH", "600423.SH",
         "600476.SH", "600491.SH", "600537.SH", "600543.SH", "600581.SH", "600730.SH", "600745.SH", "600759.SH",
         "600818.SH", "600889.SH", "600965.SH", "601718.SH", "603189.SH", "603007.SH", "603008.SH", "603272.SH", "603721.SH"), 1,
    ),
}  # fmt: skip

# First days of relistings between 2018 and 2024 among the stocks of the data: free of limits.
RELISTED = {("601975.SH", date(2019, 1, 8)), ("000792.SZ", date(2021, 8, 10))}


def number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def milli(column: pl.Series) -> np.ndarray:
    return (column.fill_null(0) * 1000).round().cast(pl.Int64).to_numpy()


class Market:
    """What is known of listings beside the bars: list dates, open days, delisting periods."""

    def __init__(self, folder: Path) -> None:
        known = pl.read_parquet(folder / "instruments.parquet").select("code", "list_date")
        self.listed: dict[str, date] = dict(known.filter(pl.col("list_date").is_not_null()).rows())
        calendar = pl.read_parquet(folder / "calendar.parquet").filter(pl.col("is_open"))
        self.session = {day: at for at, day in enumerate(calendar["date"].sort().to_list())}
        left = pl.read_parquet(folder / "st_history.parquet").filter(
            pl.col("kind") == "namechange", pl.col("name").str.contains("退")
        )
        self.leaves: dict[str, date] = dict(left.select("code", "first_seen").rows())

    def session_of(self, code: str, day: date) -> int:
        """Return the number of the session since listing, 0 for stocks listed before the calendar begins."""
        listed = self.listed.get(code)
        return 0 if listed not in self.session else self.session[day] - self.session[listed] + 1

    def phase_of(self, code: str, day: date) -> int:
        if code == S_SHARE:
            return ListingPhase.S_SHARE
        left = self.leaves.get(code)
        if (code, day) in RELISTED:
            return ListingPhase.RELISTING_FIRST_DAY
        if left is None or day < left:
            return ListingPhase.NORMAL
        return ListingPhase.DELISTING_FIRST_DAY if day == left else ListingPhase.DELISTING

    def rule(self, day: date, rows: pl.DataFrame, st: np.ndarray) -> Bands:
        codes = rows["code"].to_list()
        at = number(day)
        listed = [number(self.listed.get(code, date(2000, 1, 4))) for code in codes]
        return bands(
            [int(board_of(code, at)) for code in codes],
            at,
            milli(rows["pre_close"]),
            st,
            [int(self.phase_of(code, day)) for code in codes],
            [self.session_of(code, day) for code in codes],
            listed,
            [1 if code.endswith("SH") else 2 for code in codes],
        )


@pytest.fixture(scope="module")
def market(shared_data: Path) -> Market:
    return Market(shared_data)


@pytest.mark.timeout(180)  # half a minute beside other work
def test_every_published_limit(shared_data: Path, market: Market) -> None:
    columns = ["date", "code", "pre_close", "up_limit", "down_limit", "is_st"]
    daily = pl.read_parquet(shared_data / "daily.parquet", columns=[*columns, "source"])
    daily = daily.filter(pl.col("source") == "tushare").sort("date", "code")
    published = free = 0
    beside: dict[str, int] = {}
    for (day,), rows in daily.group_by("date", maintain_order=True):
        assert isinstance(day, date)
        st = rows["is_st"].to_numpy()
        found, other = market.rule(day, rows, st), market.rule(day, rows, ~st)
        up, down = milli(rows["up_limit"]), milli(rows["down_limit"])
        same = (found.up == up) & (found.down == down)
        assert ((other.up == up) & (other.down == down))[~same].all(), day
        for code in rows["code"].filter(pl.Series(~same)):
            beside[code] = beside.get(code, 0) + 1
        published += int((up > 0).sum())
        free += int((up == 0).sum())
    assert (published, free) == (658_983, 231)
    assert beside == ST_BESIDE
    assert sum(beside.values()) == 95
    assert S_SHARE not in beside


@pytest.mark.timeout(180)  # half a minute beside other work
@pytest.mark.parametrize(("series", "count", "limit_ups"), [("A", 619_618, 12_234), ("B", 247_617, 1_543)])
def test_no_traded_price_lies_outside_the_rule(
    shared_data: Path, market: Market, series: str, count: int, limit_ups: int
) -> None:
    """Highs and lows of 2018-07 to 2024-12, across the registration reforms of ChiNext (2020) and the main board (2023)."""
    columns = ["date", "code", "pre_close", "high", "low", "close", "volume", "is_st", "series"]
    daily = pl.read_parquet(shared_data / "daily.parquet", columns=columns).filter(
        pl.col("series") == series, pl.col("volume") > 0, pl.col("pre_close").is_not_null()
    )
    outside, sealed = [], 0
    for (day,), rows in daily.sort("date", "code").group_by("date", maintain_order=True):
        assert isinstance(day, date)
        found = market.rule(day, rows, rows["is_st"].to_numpy())
        high, low, limited = milli(rows["high"]), milli(rows["low"]), found.up > 0
        wrong = limited & ((high > found.up) | (low < found.down))
        outside += [(code, day) for code in rows["code"].filter(pl.Series(wrong))]
        sealed += int((limited & (milli(rows["close"]) == found.up)).sum())
    assert daily.height == count
    assert outside == []
    assert sealed == limit_ups  # the README counts 12,205 and 1,539: it leaves out listing days that closed at 144 %
