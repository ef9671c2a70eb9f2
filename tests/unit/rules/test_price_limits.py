"""Daily limits: cases worked by hand, and the shared file of cases where it is present."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from common.domain.values import Board
from common.rules.boards import board_of, exchange_of
from common.rules.price_limits import NO_BAND, Band, ListingPhase, free_sessions, limit_bp, price_band
from common.rules.tables import FREE_SESSIONS

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

# Worked by hand. day, symbol, st, phase, session since listing (0 = long ago), reference, up limit, down limit (0.001 yuan)
Case = tuple[int, str, int, str, int, int, int, int]
CASES: list[Case] = [
    (
        20260706,
        "600000.SH",
        0,
        "normal",
        0,
        10050,
        11060,
        9050,
    ),  # 11.055 -> 11.06, 9.045 -> 9.05: ties go up on both sides
    (20260703, "600000.SH", 1, "normal", 0, 10050, 10550, 9550),  # last session of 5 % for ST: 10.5525, 9.5475
    (20260706, "600000.SH", 1, "normal", 0, 10050, 11060, 9050),  # first session of 10 %
    (20260706, "600182.SH", 0, "s_share", 0, 10050, 10550, 9550),  # stays at 5 %
    (20260703, "300059.SZ", 1, "normal", 0, 3170, 3800, 2540),  # ST on ChiNext is 20 %: 3.804, 2.536
    (20260706, "688001.SH", 1, "normal", 0, 3170, 3800, 2540),
    (20200821, "300059.SZ", 0, "normal", 0, 3170, 3490, 2850),  # last session of 10 % on ChiNext: 3.487, 2.853
    (20200824, "300059.SZ", 0, "normal", 0, 3170, 3800, 2540),
    (20260706, "920002.BJ", 0, "normal", 0, 3170, 4120, 2220),  # Beijing rounds inwards: 4.121 down, 2.219 up
    (20211116, "430047.BJ", 0, "normal", 0, 3170, 4120, 2220),
    (20230410, "601061.SH", 0, "ipo", 1, 8000, 0, 0),
    (20230414, "601061.SH", 0, "ipo", 5, 8000, 0, 0),
    (20230417, "601061.SH", 0, "normal", 6, 8000, 8800, 7200),
    (20230407, "601061.SH", 0, "ipo_band", 1, 8000, 11520, 5120),  # 144 % and 64 % of the issue price
    (20230407, "601061.SH", 0, "normal", 2, 8000, 8800, 7200),
    (20140612, "600000.SH", 0, "ipo_band", 1, 8030, 11560, 5140),  # 11.5632, 5.1392
    (20140612, "002001.SZ", 0, "ipo_band", 1, 8030, 0, 0),  # Shenzhen had no fixed cap in that half-year
    (20131212, "600000.SH", 0, "ipo", 1, 8030, 0, 0),
    (20190726, "688001.SH", 0, "ipo", 5, 8000, 0, 0),
    (20190729, "688001.SH", 0, "normal", 6, 8000, 9600, 6400),
    (20211115, "837092.BJ", 0, "ipo", 1, 8000, 0, 0),
    (20260105, "600999.SH", 0, "normal", 0, 20, 30, 10),  # at least one tick on both sides
    (20260105, "600999.SH", 0, "normal", 0, 10, 20, 10),  # never below 0.01 yuan
    (20260105, "600999.SH", 1, "normal", 0, 70, 80, 60),
    (20210104, "600999.SH", 0, "delisting_first_day", 0, 350, 0, 0),
    (20201231, "600999.SH", 0, "delisting_first_day", 0, 350, 390, 320),  # no free first day before 2021
    (20210105, "600999.SH", 1, "delisting", 0, 350, 390, 320),  # 10 %, ST or not: 0.385, 0.315
    (20200824, "300216.SZ", 0, "delisting_first_day_old", 0, 250, 280, 230),  # was in it already: stays at 10 %
    (20200824, "300059.SZ", 0, "delisting", 0, 250, 300, 200),
    (20200105, "600999.SH", 0, "relisting_first_day", 0, 8000, 0, 0),
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


@pytest.mark.real_data
def test_every_shared_case(shared_data: Path) -> None:
    cases = shared_data.parent / "ashare_rules" / "limit_price_cases.csv"
    with cases.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 107
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
    # the number of the session says as much: the second one on the first day of the new rules began under the old ones
    assert price_band(Board.MAIN, 20230410, 20_000, False, 0, 2) == Band(22_000, 18_000)
    assert price_band(Board.MAIN, 20230411, 20_000, False, 0, 2) == NO_BAND
    assert price_band(Board.MAIN, 20230412, 20_000, False, 0, 4) == Band(22_000, 18_000)


def test_rules_of_first_sessions_change_on_mondays_or_touch_one_session_only() -> None:
    for row in FREE_SESSIONS:
        first = date(row.first // 10_000, row.first // 100 % 100, row.first % 100)
        assert row.sessions == 1 or first.weekday() == 0, row


def test_unknown_is_no_limit_and_never_a_guess() -> None:
    assert price_band(Board.STAR, 20190719, 10_000, False) == NO_BAND  # the board did not exist
    assert price_band(Board.MAIN, 20260105, 0, False) == NO_BAND
    assert limit_bp(9, 20260105, False) == 0
    assert free_sessions(9, 20260105) == 0
