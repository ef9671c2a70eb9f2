"""Baostock's answers, shape from docs (package source 0.9.4 and its users' notes), not recorded; and damaged ones."""

import random

import pytest

from common.history.sources import tables
from common.history.sources.baostock_parse import (
    DAILY_FIELDS,
    MINUTE_FIELDS,
    code_of,
    float_shares,
    parse_bars,
    parse_calendar,
    parse_dividends,
    parse_instruments,
    parse_minutes,
    symbol_of,
)
from common.history.sources.cells import BadCellError, Defect
from tests.unit.history.sources.vendor import BASIC, DIVIDEND

FIELDS = DAILY_FIELDS.split(",")
GOOD = ["2026-01-05", "sh.600000", "10.0100", "10.2000", "9.9900", "10.1800", "10.0000", "22066700", "223456789.1234", "3", "0.075200", "1", "0"]  # fmt: skip
DAY = 20260105


def changed(**cells: str) -> list[str]:
    return [cells.get(name, value) for name, value in zip(FIELDS, GOOD, strict=True)]


def one(*rows: list[str]) -> dict[str, object]:
    parsed = parse_bars(FIELDS, rows, DAY, DAY)
    assert parsed.defects == {}
    (row,) = parsed.rows
    return dict(row)


def defects(*rows: list[str]) -> dict[Defect, int]:
    parsed = parse_bars(FIELDS, rows, DAY, DAY, "600000.SH")
    assert parsed.rows == []
    return parsed.defects


def test_a_bar() -> None:
    assert one(GOOD) == {
        "day": DAY, "symbol": "600000.SH", "prev_close": 10_000, "up_limit": tables.NOT_TOLD,
        "down_limit": tables.NOT_TOLD, "suspended": False, "st": 0, "float_shares": 29_344_015_957, "open": 10_010,
        "high": 10_200, "low": 9_990, "close": 10_180, "volume": 22_066_700, "turnover": 223_456_789_123,
    }  # fmt: skip


@pytest.mark.parametrize(("volume", "amount"), [("", ""), ("0", ""), ("22066700", "0.0000")])
def test_a_suspended_day_trades_nothing_whatever_stale_cells_say(volume: str, amount: str) -> None:
    row = one(changed(tradestatus="0", volume=volume, amount=amount, turn="", open="10.0000", high="10.0000", low="10.0000", close="10.0000"))  # fmt: skip
    assert row["suspended"]
    assert [row[name] for name in ("open", "high", "low", "close", "volume", "turnover", "float_shares")] == [0] * 7
    assert row["prev_close"] == 10_000


def test_st_and_untold_st() -> None:
    assert one(changed(isST="1"))["st"] == 1
    assert one(changed(isST=""))["st"] == tables.NOT_TOLD


def test_a_price_as_adjusted_is_refused() -> None:
    assert defects(changed(adjustflag="2")) == {Defect.ADJUSTED: 1}
    assert defects(changed(close="10.1812345678")) == {Defect.OFF_TICK: 1}


@pytest.mark.parametrize(
    ("cells", "defect"),
    [
        ({"date": "2026-01-06"}, Defect.OTHER_DAY), ({"date": ""}, Defect.BAD_DAY),
        ({"code": "sz.000001"}, Defect.OTHER_CODE), ({"code": "600000"}, Defect.BAD_SYMBOL),
        ({"open": "10.3000"}, Defect.BAD_BAR), ({"low": "0.0000"}, Defect.BAD_BAR), ({"open": ""}, Defect.BAD_NUMBER),
        ({"tradestatus": "2"}, Defect.BAD_WORD), ({"isST": "*"}, Defect.BAD_WORD), ({"volume": "-1"}, Defect.OUT_OF_RANGE),
    ],
)  # fmt: skip
def test_defects_have_names(cells: dict[str, str], defect: Defect) -> None:
    assert defects(changed(**cells)) == {defect: 1}


def test_a_short_row_and_a_lost_column() -> None:
    assert defects(GOOD[:-1]) == {Defect.MISSING_FIELD: 1}
    parsed = parse_bars(FIELDS[:-1], [GOOD[:-1]], DAY, DAY)
    assert parsed.defects == {Defect.MISSING_FIELD: 1}


def test_indices_and_funds_are_skipped() -> None:
    parsed = parse_bars(FIELDS, [changed(code="sh.000001"), changed(code="sh.510050"), GOOD], DAY, DAY)
    assert (len(parsed.rows), parsed.skipped, parsed.defects) == (1, 2, {})


def test_codes() -> None:
    for symbol in ("600000.SH", "000001.SZ", "300750.SZ", "688981.SH", "920002.BJ"):
        assert symbol_of(code_of(symbol)) == symbol
    with pytest.raises(BadCellError):
        symbol_of("hk.00700")


def test_float_shares_are_within_the_rounding_of_the_rate() -> None:
    for true in (100_000_000, 29_352_178_302, 1_940_559_180):
        for volume in (1_000_000, 3_333_300):
            rate = f"{volume * 100 / true:.6f}"
            assert float_shares(volume, rate) == pytest.approx(true, rel=0.0000005 * 2 * true / volume)
    assert float_shares(100, "") == float_shares(100, "0.000000") == 0


def test_minutes() -> None:
    rows = [["2026-01-05", f"20260105{time}00000", "sh.600000", "10.00", "10.10", "9.90", "10.00", "1200", "12000.00", "3"] for time in ("0935", "1500")]  # fmt: skip
    parsed = parse_minutes(MINUTE_FIELDS.split(","), rows, DAY, DAY, "600000.SH")
    assert [row["label_s"] for row in parsed.rows] == [34_500, 54_000]
    assert parsed.rows[0]["turnover"] == 12_000_000
    rows[0][1] = "20260106093500000"
    assert parse_minutes(MINUTE_FIELDS.split(","), rows, DAY, DAY, "600000.SH").defects == {Defect.BAD_DAY: 1}


def test_calendar_and_instruments() -> None:
    parsed = parse_calendar(["calendar_date", "is_trading_day"], [["2026-01-01", "0"], ["2026-01-05", "1"], ["x", "1"]])
    assert parsed.rows == [{"day": 20260101, "open": False}, {"day": 20260105, "open": True}]
    assert parsed.defects == {Defect.BAD_DAY: 1}
    rows = [
        ["sh.600001", "邯郸钢铁", "1998-01-22", "2009-12-29", "1", "0"],
        ["sh.000001", "上证综合指数", "1991-07-15", "", "2", "1"],
        ["sz.123001", "蓝标转债", "2016-01-08", "", "4", "1"],
    ]
    parsed = parse_instruments(BASIC, rows)
    assert parsed.rows == [
        {"symbol": "600001.SH", "name": "邯郸钢铁", "listed_day": 19980122, "delisted_day": 20091229}
    ]
    assert parsed.skipped == 2


def test_dividends_are_added_up() -> None:
    def row(cash: str, bonus: str, transfer: str, told: str = "2026-01-03") -> list[str]:
        cells = {"code": "sh.600000", "dividPlanDate": told, "dividOperateDate": "2026-01-06", "dividCashPsBeforeTax": cash, "dividStocksPs": bonus, "dividReserveToStockPs": transfer}  # fmt: skip
        return [cells.get(name, "") for name in DIVIDEND]

    parsed = parse_dividends(
        DIVIDEND, [row("0.3；0.2", "", "0.4"), row("0.1", "0.1", "", "2026-01-04"), row("0.3；0.2", "", "0.4")]
    )
    assert parsed.rows == [
        {"day": 20260106, "symbol": "600000.SH", "cash_e6": 600_000, "bonus_e6": 500_000, "known_at": 202601041800}
    ]
    unannounced = parse_dividends(DIVIDEND, [row("0.3", "", "", "")])
    assert unannounced.rows[0]["known_at"] == 202601060900
    plan = row("0.3", "", "")
    plan[DIVIDEND.index("dividOperateDate")] = ""
    assert parse_dividends(DIVIDEND, [plan]).rows == []


def damaged(rows: list[list[str]], chance: random.Random) -> list[list[object]]:
    """Return rows as a broken line or a changed vendor would give them."""
    made: list[list[object]] = [list(row) for row in rows]
    junk: list[object] = ["", None, "x", "-1", "1e99", "9" * 25, "NaN", "\x00", "中", 3.14, float("nan"), float("inf"), 10**30, True, [], "2026-99-99"]  # fmt: skip
    for _ in range(chance.randint(1, 6)):
        row = chance.choice(made)
        at = chance.randrange(len(row)) if row else 0
        match chance.randrange(4):
            case 0 if row:
                row[at] = chance.choice(junk)
            case 1 if row and isinstance(row[at], str):
                text = str(row[at])
                cut = chance.randrange(len(text) + 1)
                row[at] = text[:cut] + chance.choice(["", "9", ".", "\u0660"]) + text[cut + 1 :]
            case 2:
                del row[at:]
            case _:
                row.insert(at, chance.choice(junk))
    return made


@pytest.mark.parametrize("seed", range(60))
def test_damaged_answers_are_defects_never_a_crash(seed: int) -> None:
    chance = random.Random(seed)
    rows = [GOOD, changed(code="sz.000001", tradestatus="0"), changed(code="sz.300750", isST="1")]
    for _ in range(20):
        broken = damaged(rows, chance)
        parsed = parse_bars(FIELDS, broken, DAY, DAY)
        assert len(parsed.rows) + sum(parsed.defects.values()) + parsed.skipped >= len(broken) - 1
        tables.framed(parsed.rows, tables.BARS)
        for fields, parse in (
            (DIVIDEND, parse_dividends), (BASIC, parse_instruments), (["calendar_date", "is_trading_day"], parse_calendar),
        ):  # fmt: skip
            parse(fields, broken)
        parse_minutes(MINUTE_FIELDS.split(","), broken, DAY, DAY, "600000.SH")
