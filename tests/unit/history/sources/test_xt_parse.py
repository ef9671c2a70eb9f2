"""Bars and reference data of a QMT client as our rows: units, noise, labels, what cannot be; pure parts of the source."""

import contextlib
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.domain.errors import SourceError
from common.history import schema
from common.history.sources import tables
from common.history.sources.cells import BadCellError, Defect, Findings, Parsed
from common.history.sources.complete import Listing
from common.history.sources.xt_calls import DAILY, MINUTE
from common.history.sources.xt_parse import (
    DayBar,
    DaySum,
    MinuteBars,
    State,
    check_label,
    lacking,
    milli,
    parse_days,
    parse_minutes,
    shares_of,
)
from common.history.sources.xt_reference import (
    ExDay,
    Stock,
    day_of_ms,
    dividends_of,
    float_shares_at,
    instruments_of,
    open_days,
    parse_capital,
    parse_details,
    parse_ex_days,
    parse_st,
    reference_of,
    st_at,
)

CODE = "600000.SH"
FIELDS = ["code", "label", *DAILY]
JULY_1_MS = 1_719_763_200_000
"""2024-07-01 00:00 in Shanghai, 2024-06-30 in UTC."""


def day_row(*cells: object) -> Sequence[Sequence[object]]:
    return [[CODE, "20260105", *cells]]


def one(*cells: object) -> DayBar:
    return parse_days(FIELDS, day_row(*cells), frozenset({CODE}), 20260101, 20260131).bars[CODE][20260105]


# ---------------------------------------------------------------------- numbers


@given(st.integers(1, 3_000_000), st.integers(-4, 4))
def test_noise_on_a_price_is_rounded_away(thousandths: int, steps: int) -> None:
    value = thousandths / 1000
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.inf if steps > 0 else 0)
    assert milli(value) == thousandths


@pytest.mark.parametrize("value", [9.98765, 11.3704, 0.00049])
def test_a_price_between_two_thousandths_is_adjusted(value: float) -> None:
    with pytest.raises(BadCellError, match="adjusted"):
        milli(value)


@given(st.integers(100, 10**9), st.integers(100, 500_000), st.booleans())
def test_a_volume_is_in_lots_or_in_shares(shares: int, price: int, lots: bool) -> None:
    amount = shares * price / 1000
    told = shares // 100 if lots else shares
    assert shares_of(told, amount, price, price) == (shares // 100 * 100 if lots else shares)


@pytest.mark.parametrize("factor", [0.001, 0.0001, 1000.0])
def test_amounts_in_another_unit_fit_neither(factor: float) -> None:
    with pytest.raises(BadCellError, match="neither in lots nor in shares"):
        shares_of(5_000, 500_000 * 10.0 * factor, 10_000, 10_000)


# ---------------------------------------------------------------------- daily bars


@pytest.mark.parametrize(
    ("cells", "state"),
    [
        ((10.0, 10.1, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, 0), State.TRADED),
        ((10.0, 10.1, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, -1), State.TRADED),  # resumed today
        ((10.0, 10.0, 10.0, 10.0, 0.0, 0.0, 10.0, 1), State.SUSPENDED),
        ((None, None, None, None, None, None, 10.0, 1), State.SUSPENDED),
        ((10.0, 10.1, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, 1), State.TRADED),  # suspended for a part of the day
        ((math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, 0), State.EMPTY),
        ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0), State.HOLLOW),
        ((10.0, 10.0, 10.0, 10.0, 0.0, 0.0, 10.0, 0), State.HOLLOW),
        ((10.0, 9.0, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, 0), State.BROKEN),
        (("x", 9.0, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, 0), State.BROKEN),
        ((10.0, 10.1, 9.9, 10.0, -5.0, 1_000_000.0, 10.0, 0), State.BROKEN),
        ((10.0, 10.1, 9.9, 10.0, 1000.0, math.nan, 10.0, 0), State.BROKEN),
        ((1e300, 1e300, 1e300, 1e300, 1000.0, 1.0, 10.0, 0), State.BROKEN),
    ],
)
def test_what_a_row_says(cells: tuple[object, ...], state: State) -> None:
    assert one(*cells).state is state


def test_another_code_and_a_row_twice() -> None:
    good = [CODE, "20260105", 10.0, 10.1, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, 0]
    other = ["000001.SZ", *good[1:]]
    twice = [CODE, "20260105", 10.0, 10.1, 9.9, 10.1, 1000.0, 1_000_000.0, 10.0, 0]
    found = parse_days(FIELDS, [good, other, twice], frozenset({CODE}), 20260101, 20260131)
    assert found.found.defects == {Defect.OTHER_CODE: 1, Defect.DOUBLED: 1}
    assert found.bars[CODE][20260105].state is State.BROKEN
    nowhere = [CODE, "yesterday", *good[2:]]
    assert parse_days(FIELDS, [nowhere], frozenset({CODE}), 0, 0).found.defects == {Defect.BAD_DAY: 1}


# ---------------------------------------------------------------------- minutes


@pytest.mark.parametrize(
    ("second", "minutes", "good"),
    [
        (34_200, 1, True), (34_260, 1, True), (41_400, 1, True), (46_860, 1, True), (54_000, 1, True),
        (34_500, 5, True), (41_400, 5, True), (47_100, 5, True), (54_000, 5, True),
        (34_560, 5, False), (54_060, 1, False), (41_460, 1, False), (33_900, 5, False),
    ],
)  # fmt: skip
def test_labels_are_the_end_of_a_bar(second: int, minutes: int, good: bool) -> None:
    if good:
        check_label(second, minutes, "l")
    else:
        with pytest.raises(BadCellError):
            check_label(second, minutes, "l")


@pytest.mark.parametrize(("second", "minutes"), [(34_200, 5), (46_800, 5), (46_800, 1)])
def test_labels_at_a_beginning_refuse_everything(second: int, minutes: int) -> None:
    with pytest.raises(SourceError, match=r"开头.*beginning"):
        check_label(second, minutes, "20260105093000")


def test_minutes_with_gaps_and_odd_lots() -> None:
    rows = [
        [CODE, "20260105093000", 10.0, 10.0, 10.0, 10.0, 50.0, 50_000.0],
        [CODE, "20260105093100", 10.0, 10.0, 10.0, 10.0, 0.0, 500.0],  # 50 shares: less than a lot
        [CODE, "20260105093200", math.nan, math.nan, math.nan, math.nan, math.nan, math.nan],
        [CODE, "20260105093300", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [CODE, "20260106093100", 10.0, 10.0, 10.0, 10.0, 1.0, 1_000.0],  # another day than asked for
        ["000001.SZ", "20260105093100", 10.0, 10.0, 10.0, 10.0, 1.0, 1_000.0],
    ]
    found = parse_minutes(["code", "label", *MINUTE], rows, CODE, 1, 20260105, 20260105)
    assert [(row["label_s"], row["volume"], row["turnover"]) for row in found.parsed.rows] == [
        (34_200, 5_000, 50_000_000),
        (34_260, 0, 500_000),
    ]
    assert found.days == {20260105: DaySum(4, 5_000, 50_500_000)}
    cut = [[CODE, "2026010509", *rows[0][2:]]] * 3
    with pytest.raises(SourceError, match="3 of 4 rows cannot be used"):
        parse_minutes(["code", "label", *MINUTE], [rows[0], *cut], CODE, 1, 20260105, 20260105)


@pytest.mark.parametrize(
    ("code", "volume", "turnover", "bars", "told"),
    [
        (CODE, 1_000_000, 10_000_000_000, 48, ""),
        (CODE, 996_000, 10_000_000_000, 48, ""),  # every bar cut to lots
        (CODE, 980_000, 10_000_000_000, 48, "volume 980000/1000000"),
        (CODE, 996_000, 9_960_000_000, 48, "turnover 9960000/10000000"),  # a small minute is missing
        (CODE, 1_010_000, 10_100_000_000, 48, "volume 1010000/1000000"),
        (CODE, 0, 0, 0, "volume 0/1000000"),
        ("300750.SZ", 975_000, 9_750_000_000, 48, ""),  # traded after the close at a fixed price
        ("688001.SH", 960_000, 9_600_000_000, 48, "volume 960000/1000000"),
    ],
)
def test_minutes_add_up_to_the_day(code: str, volume: int, turnover: int, bars: int, told: str) -> None:
    day_bar = DayBar(State.TRADED, 10_000, 10_000, 10_000, 10_000, 10_000, 1_000_000, 10_000_000_000)
    found = MinuteBars(Parsed([]), {20260105: DaySum(bars, volume, turnover)})
    assert lacking(found, code, 20260105, day_bar) == told


# ---------------------------------------------------------------------- stocks


def details(*cells: object) -> list[list[object]]:
    return [[CODE, *cells]]


NAMES = ["code", "InstrumentName", "OpenDate", "ExpireDate", "InstrumentStatus", "FloatVolume"]


@pytest.mark.parametrize(
    ("cells", "listing"),
    [
        (("浦发银行", "19991110", "99999999", 0, 1.0), Listing(19991110, 0)),
        (("浦发银行", "19991110", "0", -1, None), Listing(19991110, 0)),
        (("浦发银行", 19991110, None, None, None), Listing(19991110, 0)),
        (("退市股", "19991110", "20240105", 0, 1.0), Listing(19991110, 20240105)),
    ],
)
def test_listings(cells: tuple[object, ...], listing: Listing) -> None:
    found = parse_details(NAMES, details(*cells)).by_symbol[CODE]
    assert found.listing == listing
    assert found.days_suspended == 0


@pytest.mark.parametrize("opened", range(19700101, 19700107))
def test_placeholders_are_skipped(opened: int) -> None:
    found = parse_details(NAMES, details("新股", str(opened), "0", 0, 1.0))
    assert (found.by_symbol, found.found.skipped) == ({}, 1)


def test_what_is_no_stock_or_has_no_detail() -> None:
    assert parse_details(NAMES, [["510050.SH", "50ETF", "20050223", "0", 0, 1.0]]).found.skipped == 1
    assert parse_details(NAMES, details(None, None, None, None, None)).found.defects == {Defect.NO_DETAIL: 1}
    assert parse_details(NAMES, details("某股", "0", "0", 0, 1.0)).found.defects == {Defect.BAD_DAY: 1}


# ---------------------------------------------------------------------- share capital, ex-days, days


def test_days_of_milliseconds_are_those_of_shanghai() -> None:
    assert day_of_ms(JULY_1_MS) == 20240701
    assert day_of_ms(JULY_1_MS - 1) == 20240630
    with pytest.raises(BadCellError):
        day_of_ms(-1)


CAPITAL = ["code", "m_timetag", "m_anntime", "total_capital", "circulating_capital"]
DAY_MS = 86_400_000


def test_an_old_change_that_is_announced_late_changes_nothing() -> None:
    rows = [
        [CODE, JULY_1_MS, JULY_1_MS, 2.0, 100.0],
        [CODE, JULY_1_MS + DAY_MS, JULY_1_MS + 9 * DAY_MS, 2.0, 150.0],
        [CODE, JULY_1_MS + 2 * DAY_MS, JULY_1_MS + 3 * DAY_MS, 2.0, 200.0],
    ]
    capital, found = parse_capital(CAPITAL, rows, {})
    assert [float_shares_at(capital, CODE, day) for day in (20240630, 20240701, 20240703, 20240704, 20240710)] == [
        0, 100, 100, 200, 200,
    ]  # fmt: skip
    assert found.defects == {}
    assert float_shares_at(capital, "000001.SZ", 20240701) == 0


def test_share_capital_that_makes_no_sense_is_left_out() -> None:
    rows = [[CODE, JULY_1_MS, JULY_1_MS, 2.0, value] for value in (None, 0.0, -5.0, "many")]
    capital, found = parse_capital(CAPITAL, rows, {})
    assert capital == {}
    assert found.defects == {Defect.BAD_NUMBER: 4}


EX_DAYS = ["code", "at", "interest", "stockBonus", "stockGift", "allotNum", "allotPrice", "gugai", "dr"]


@pytest.mark.parametrize("at", ["20240701", str(JULY_1_MS), f"{float(JULY_1_MS):.1f}", "20240701.0"])
def test_ex_days_by_any_index(at: str) -> None:
    days, found = parse_ex_days(EX_DAYS, [[CODE, at, 0.5, 0.1, 0.2, 0.3, 8.0, 0.0, 1.2]])
    assert days == {CODE: {20240701: ExDay(500_000, 300_000, 300_000, 8_000, False)}}
    assert found.defects == {}
    rows = dividends_of(days, CODE, 20240701, 20240701, Findings()).rows
    assert rows == [
        {"day": 20240701, "symbol": CODE, "cash_e6": 500_000, "bonus_e6": 300_000, "known_at": 202407010900}
    ]
    assert dividends_of(days, CODE, 20240702, 20240731, Findings()).rows == []


def test_reference_prices() -> None:
    # (10 - 0.5 + 0.3 * 8) / (1 + 0.3 + 0.3) = 7.4375
    assert reference_of(10_000, ExDay(500_000, 300_000, 300_000, 8_000, False)) == 7_440
    assert reference_of(10_000, ExDay(0, 0, 0, 0, True)) == 0
    assert parse_ex_days(EX_DAYS, [[CODE, "soon", *[0.0] * 7]])[1].defects == {Defect.BAD_DAY: 1}


OURS = Stock("某股", Listing(20200101, 0), 0, 0)


@pytest.mark.parametrize(
    ("lines", "name", "known", "unknown"),
    [
        (None, "某股", False, set()),
        ([], "某股", False, set()),
        ([["code", "date", "flag"]], "某股", False, set()),  # a head and nothing below
        ([["000001.SZ", "20240101", "1"]], "某股", True, set()),
        ([["000001.SZ", "20240101", "1"]], "ST某股", False, set()),  # it knows no stock that is ST today
        ([[CODE, "20240101", "2"]], "*ST某股", True, set()),
        ([[CODE, "20240101", "1"], [CODE, "20240201", "0"]], "ST某股", False, set()),  # it ends before today
        ([[CODE, "20240101", "0"]], "某股退", False, set()),
    ],
)
def test_which_st_files_are_believed(lines: list[list[str]] | None, name: str, known: bool, unknown: set[str]) -> None:
    found = parse_st(lines, {CODE: OURS._replace(name=name)})
    assert (found.changes is not None, set(found.unknown)) == (known, unknown)
    assert bool(found.why) is not known
    if not known:
        assert st_at(found, CODE, 20260101) == schema.UNKNOWN_STATE


def test_of_two_stocks_named_st_the_file_may_lack_one() -> None:
    stocks = {CODE: OURS._replace(name="ST甲"), "000001.SZ": OURS._replace(name="ST乙")}
    found = parse_st([["000001.SZ", "20240101", "1"]], stocks)
    assert found.unknown == {CODE}
    assert [st_at(found, symbol, 20260101) for symbol in stocks] == [schema.UNKNOWN_STATE, schema.ST_STATE]
    assert st_at(found, "600001.SH", 20260101) == 0


def test_open_days() -> None:
    rows = open_days([JULY_1_MS], [20240702, 20241001], 20240630, 20240706).rows
    assert [(row["day"], row["open"]) for row in rows] == [
        (20240630, False), (20240701, True), (20240702, False), (20240703, True), (20240704, True), (20240705, True),
        (20240706, False),
    ]  # fmt: skip
    assert open_days([JULY_1_MS], [], 20240601, 20240601).rows == [{"day": 20240601, "open": False}]


# ---------------------------------------------------------------------- damage


JUNK = [
    "", None, "x", "-1", "1e99", "9" * 25, "NaN", "中", 3.14, math.nan, math.inf, -math.inf, 1e300, 10**30, True, -7, [], b"a",
]  # fmt: skip
GOOD_DAY = [CODE, "20260105", 10.0, 10.1, 9.9, 10.0, 1000.0, 1_000_000.0, 10.0, 0]
GOOD_MINUTE = [CODE, "20260105093500", 10.0, 10.1, 9.9, 10.0, 1000.0, 1_000_000.0]


@pytest.mark.parametrize("seed", range(40))
def test_damaged_answers_are_defects_or_one_refusal_never_a_crash(seed: int) -> None:
    chance = random.Random(seed)

    def damaged(row: Sequence[object]) -> list[list[object]]:
        rows = [list(row) for _ in range(60)]
        for _ in range(chance.randint(1, 5)):
            bad = chance.choice(rows)
            if bad:
                bad[chance.randrange(len(bad))] = chance.choice(JUNK)
            if chance.random() < 0.2:
                del bad[chance.randrange(len(bad) + 1) :]
        return rows

    for _ in range(10):
        with contextlib.suppress(SourceError):
            parse_days(FIELDS, damaged(GOOD_DAY), frozenset({CODE}), 20260101, 20260131)
        with contextlib.suppress(SourceError):
            found = parse_minutes(["code", "label", *MINUTE], damaged(GOOD_MINUTE), CODE, 5, 20260105, 20260105)
            tables.framed(found.parsed.rows, schema.MINUTES)
        stocks = parse_details(NAMES, damaged([CODE, "浦发银行", "19991110", "0", 0, 1.0]))
        tables.framed(instruments_of(stocks).rows, schema.INSTRUMENTS)
        with contextlib.suppress(SourceError):
            parse_capital(CAPITAL, damaged([CODE, JULY_1_MS, JULY_1_MS, 2.0, 100.0]), stocks.by_symbol)
        days, found_days = parse_ex_days(EX_DAYS, damaged([CODE, "20240701", 0.5, 0.1, 0.2, 0.3, 8.0, 0.0, 1.2]))
        tables.framed(dividends_of(days, CODE, 20240101, 20241231, found_days).rows, tables.DIVIDENDS)
        parse_st([[str(cell) for cell in row] for row in damaged([CODE, "20240701", "1"])], stocks.by_symbol)
