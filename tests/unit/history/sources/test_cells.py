"""Cells become integers exactly, or are refused by name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.history.sources.cells import BadCellError, Defect, as_rows, cell, day, each, price, scaled


@pytest.mark.parametrize(
    ("text", "milli"),
    [("10", 10_000), ("10.5", 10_500), ("8.2800000000", 8_280), ("0.01", 10), ("1.001", 1_001), ("1e1", 10_000)],
)
def test_prices_are_exact(text: str, milli: int) -> None:
    assert price(text) == milli


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("8.2801", Defect.OFF_TICK), ("", Defect.BAD_NUMBER), ("abc", Defect.BAD_NUMBER), ("nan", Defect.BAD_NUMBER),
        ("inf", Defect.BAD_NUMBER), ("1e999999", Defect.BAD_NUMBER), ("-1", Defect.OUT_OF_RANGE),
        ("9" * 20, Defect.OUT_OF_RANGE), ("9" * 21, Defect.BAD_NUMBER), ("1_000", Defect.BAD_NUMBER),
        ("１０", Defect.BAD_NUMBER), ("0x10", Defect.BAD_NUMBER),
    ],
)  # fmt: skip
def test_what_is_no_price_is_refused(text: str, defect: Defect) -> None:
    with pytest.raises(BadCellError) as caught:
        price(text)
    assert caught.value.defect is defect


@given(st.integers(0, 2**31 - 1))
def test_a_float_of_a_price_is_the_price(milli: int) -> None:
    assert price(cell({"close": milli / 1000}, "close")) == milli


@given(st.decimals(0, 10**9, places=4))
def test_amounts_are_rounded_half_up(yuan: Decimal) -> None:
    assert scaled(str(yuan), 1000) == int(yuan * 1000 + Decimal("0.5"))


def test_empty_cells() -> None:
    for value in (None, float("nan"), "", " ", "None", "NaN", "--"):
        assert cell({"x": value}, "x") == ""
    with pytest.raises(BadCellError) as caught:
        cell({"y": 1}, "x")
    assert caught.value.defect is Defect.MISSING_FIELD


@pytest.mark.parametrize("text", ["20260105", "2026-01-05"])
def test_days(text: str) -> None:
    assert day(text) == 20260105


@pytest.mark.parametrize("text", ["", "2026-13-01", "2026-02-30", "20260", "2026/01/05", "0000-00-00", "2026-01-05 "])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(BadCellError):
        day(text)


def test_of_equal_rows_one_stays_and_of_others_none() -> None:
    rows = as_rows(["k", "v"], [["a", 1], ["a", 1], ["b", 1], ["b", 2], ["c", 1]])
    found = each(rows, lambda row: {"k": str(row["k"]), "v": int(str(row["v"]))}, ["k"])
    assert [row["k"] for row in found.rows] == ["a", "c"]
    assert found.defects == {Defect.DOUBLED: 1}
    assert len(found.examples) == 1
