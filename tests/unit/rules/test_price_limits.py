"""Daily limits: the facts of the shared cases as a table here, and the shared file itself where it is present."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from common.domain.values import Board
from common.rules.boards import board_of, exchange_of
from common.rules.price_limits import NO_BAND, Band, ListingPhase, free_sessions, limit_bp, price_band

PHASES = {
    "normal": ListingPhase.NORMAL,
    "ipo": ListingPhase.NORMAL,
    "ipo_band": ListingPhase.NORMAL,
    "s_share": ListingPhase.S_SHARE,
    "delisting": ListingPhase.DELISTING,
    "delisting_first_day": ListingPhase.DELISTING_FIRST_DAY,
    "delisting_first_day_old": ListingPhase.DELISTING_OLD,
    "relisting_first_day": ListingPhase.RELISTING_FIRST_DAY,
}

# day, symbol, st, phase, session since listing (0 = long ago), reference price, up limit, down limit (0.001 yuan)
Case = tuple[int, str, int, str, int, int, int, int]
CASES: list[Case] = [
    (20260722, "000761.SZ", 0, "normal", 0, 2250, 2480, 2030),  # ties go up on both sides
    (20260703, "000010.SZ", 1, "normal", 0, 1880, 1970, 1790),  # last session of 5 % for ST
    (20260706, "000010.SZ", 1, "normal", 0, 1870, 2060, 1680),  # first session of 10 %
    (20260317, "000736.SZ", 1, "normal", 0, 5300, 5570, 5040),
    (20260707, "600182.SH", 0, "s_share", 0, 14970, 15720, 14220),  # stays at 5 %
    (20260806, "603468.SH", 0, "ipo", 1, 17460, 0, 0),
    (20260812, "603468.SH", 0, "ipo", 5, 28090, 0, 0),
    (20260813, "603468.SH", 0, "normal", 6, 28040, 30840, 25240),
    (20260717, "301583.SZ", 0, "normal", 6, 140000, 168000, 112000),
    (20260803, "688825.SH", 0, "normal", 6, 53970, 64760, 43180),
    (20260708, "920189.BJ", 0, "ipo", 1, 8140, 0, 0),
    (20260709, "920189.BJ", 0, "normal", 2, 40750, 52970, 28530),  # Beijing rounds towards the reference
    (20260713, "920081.BJ", 0, "normal", 2, 47020, 61120, 32920),
    (20260601, "600696.SH", 0, "delisting_first_day", 0, 1310, 0, 0),
    (20260602, "600696.SH", 0, "delisting", 0, 550, 610, 500),
    (20260708, "300029.SZ", 0, "delisting", 0, 130, 160, 100),
    (20260520, "688287.SH", 0, "delisting", 0, 450, 540, 360),
    (20260710, "920305.BJ", 0, "delisting", 0, 690, 890, 490),
    (20260727, "688496.SH", 1, "normal", 0, 740, 890, 590),  # ST on STAR: 20 %
    (20260703, "300010.SZ", 1, "normal", 0, 2150, 2580, 1720),
    (20100212, "000004.SZ", 1, "normal", 0, 9500, 9980, 9030),
    (20170525, "600000.SH", 0, "normal", 0, 11750, 12930, 10580),  # reference rounded first, then the limit
    (20180611, "300750.SZ", 0, "ipo_band", 1, 25140, 36200, 16090),
    (20180612, "300750.SZ", 0, "normal", 2, 36200, 39820, 32580),
    (20140128, "601225.SH", 0, "ipo_band", 1, 4000, 5760, 2560),
    (20140128, "002001.SZ", 0, "ipo", 1, 4000, 0, 0),  # Shenzhen had no fixed cap in that half-year
    (20111216, "601336.SH", 0, "ipo", 1, 23250, 0, 0),
    (20200821, "300059.SZ", 0, "normal", 0, 25050, 27560, 22550),  # last session of 10 % on ChiNext
    (20200824, "300059.SZ", 0, "normal", 0, 25050, 30060, 20040),
    (20190726, "688001.SH", 0, "ipo", 5, 50000, 0, 0),
    (20190729, "688001.SH", 0, "normal", 6, 50030, 60040, 40020),
    (20230414, "601061.SH", 0, "ipo", 5, 10000, 0, 0),
    (20230417, "601061.SH", 0, "normal", 6, 9150, 10070, 8240),
    (20250506, "430047.BJ", 0, "normal", 0, 9990, 12980, 7000),
    (20260105, "600999.SH", 0, "normal", 0, 40, 50, 30),  # at least one tick on both sides
    (20260105, "600999.SH", 1, "normal", 0, 90, 100, 80),
    (20260105, "600999.SH", 0, "normal", 0, 10, 20, 10),  # never below 0.01 yuan
    (20260105, "300999.SZ", 0, "normal", 0, 20, 30, 10),
    (20260105, "600999.SH", 0, "normal", 0, 1234550, 1358010, 1111100),
    (20201231, "600999.SH", 0, "delisting", 0, 350, 390, 320),
    (20210810, "000792.SZ", 0, "relisting_first_day", 0, 8840, 0, 0),
    (20200605, "300104.SZ", 0, "delisting_first_day_old", 0, 1690, 1860, 1520),
    (20200824, "300216.SZ", 0, "delisting_first_day_old", 0, 250, 280, 230),  # was in it already: stays at 10 %
    (20200605, "300104.SZ", 0, "delisting_first_day", 0, 1690, 1860, 1520),  # no free first day before 2021
]


def band(case: Case) -> Band:
    day, symbol, st, phase, session, reference, _, _ = case
    board, exchange = board_of(symbol, day), exchange_of(symbol)
    return price_band(board, day, reference, bool(st), PHASES[phase], session, 0, exchange)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]}-{case[0]}-{case[3]}")
def test_band(case: Case) -> None:
    assert band(case) == Band(case[6], case[7])


def milli(text: str) -> int:
    return int(Decimal(text) * 1000) if text not in {"", "none"} else 0


def test_every_shared_case(shared_data: Path) -> None:
    cases = shared_data.parent / "ashare_rules" / "limit_price_cases.csv"
    with cases.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 107
    for row in rows:
        day = int(row["date"].replace("-", ""))
        session = int(row["listing_day"] or 0)
        reference = milli(row["prev_close"]) or 1000  # blank where the day has no limit whatever the price
        case = (
            day, row["code"], int(row["st_flag"]), row["phase"], session, reference,
            milli(row["up_limit"]), milli(row["down_limit"]),
        )  # fmt: skip
        assert band(case) == Band(case[6], case[7]), row


def test_first_sessions_follow_the_day_of_listing() -> None:
    # listed 2023-04-07 under the old rules: its second session lies in the new ones and is limited all the same
    assert price_band(Board.MAIN, 20230410, 20_000, False, 0, 2, 20230407) == Band(22_000, 18_000)
    assert price_band(Board.MAIN, 20230411, 20_000, False, 0, 2, 20230410) == NO_BAND


def test_unknown_is_no_limit_and_never_a_guess() -> None:
    assert price_band(Board.STAR, 20190719, 10_000, False) == NO_BAND  # the board did not exist
    assert price_band(Board.MAIN, 20260105, 0, False) == NO_BAND
    assert limit_bp(9, 20260105, False) == 0
    assert free_sessions(9, 20260105) == 0


@pytest.mark.parametrize("day", [date(2026, 7, 3), date(2026, 7, 6)])
def test_published_limits_of_a_whole_day(shared_data: Path, day: date) -> None:
    """The last session of 5 % for ST and the first of 10 %: every published limit, the S share apart."""
    daily = pl.scan_parquet(shared_data / "daily.parquet").filter(
        pl.col("date") == day, pl.col("up_limit").is_not_null()
    )
    rows = daily.select("code", "pre_close", "up_limit", "down_limit", "is_st").collect().rows()
    number = int(day.strftime("%Y%m%d"))
    differ = []
    for code, reference, up, down, is_st in rows:
        found = price_band(board_of(code, number), number, round(reference * 1000), is_st)
        if found != Band(round(up * 1000), round(down * 1000)):
            differ.append(code)
    assert len(rows) > 5_400
    assert differ == ["600182.SH"]
    s_share = next(row for row in rows if row[0] == "600182.SH")
    assert price_band(Board.MAIN, number, round(s_share[1] * 1000), False, ListingPhase.S_SHARE) == Band(
        round(s_share[2] * 1000), round(s_share[3] * 1000)
    )
