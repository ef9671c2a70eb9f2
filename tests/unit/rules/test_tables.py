"""The integer rows of `tables.py` say the same as `ashare.toml`, row by row."""

import tomllib
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from common.rules import tables as t
from common.rules.kernel import KERNELS
from common.rules.price_limits import price_band

TOML: dict[str, Any] = tomllib.loads(resources.files("common.rules").joinpath("ashare.toml").read_text("utf-8"))
BOARDS = {"main": 1, "chinext": 2, "star": 3, "bse": 4}
EXCHANGES = {"SSE": 1, "SZSE": 2, "BSE": 3, "both": 0}
PHASES = {"normal": 0, "s_share": 1, "delisting": 2, "delisting_old": 4}


def number(value: date | None) -> int:
    return t.FOREVER if value is None else value.year * 10_000 + value.month * 100 + value.day


def span(row: dict[str, Any]) -> tuple[int, int]:
    return number(row["from"]), number(row.get("to"))


def scaled(text: str, unit: int) -> int:
    value = Decimal(text) * unit
    assert value == int(value), f"{text} is finer than 1/{unit}"
    return int(value)


def rate(text: str) -> int:
    return 0 if text == "none" else scaled(text, 10_000)


def seconds(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:]) * 60


EXPECTED: dict[str, set[tuple[Any, ...]]] = {
    "PRICE_LIMITS": {
        (BOARDS[r["board"]], PHASES[r["phase"]], {"non_st": 0, "st": 1, "any": 2}[r["st"]], rate(r["pct"]), *span(r))
        for r in TOML["price_limit"]
    },
    "FREE_SESSIONS": {(BOARDS[r["board"]], r["sessions"], *span(r)) for r in TOML["free_sessions"]},
    "ISSUE_BANDS": {
        (BOARDS[r["board"]], EXCHANGES[r["exchange"]], rate(r["up"]), rate(r["down"]), *span(r))
        for r in TOML["issue_band"]
    },
    "LOTS": {(BOARDS[r["board"]], r["minimum"], r["step"], *span(r)) for r in TOML["lot"]},
    "ORDER_CAPS": {(BOARDS[r["board"]], r["shares"], *span(r)) for r in TOML["order_cap"]},
    "CAGES": {
        (BOARDS[r["board"]], rate(r["pct"]), r["ticks"], int(r["outside"] == "held"), *span(r)) for r in TOML["cage"]
    },
    "FEES": {
        (
            {"stamp_duty": t.STAMP, "transfer": t.TRANSFER}[r["name"]],
            EXCHANGES[r["exchange"]],
            {"sell": 2, "both": 3}[r["side"]],
            scaled(r["rate"], 10_000_000),
            {"turnover": 0, "face_value": 1}[r["base"]],
            scaled(r["minimum"], 1000),
            *span(r),
        )
        for r in TOML["fee"]
    },
    "DIVIDEND_TAXES": {
        (rate(r["up_to_1_month"]), rate(r["up_to_1_year"]), rate(r["over_1_year"]), *span(r))
        for r in TOML["dividend_tax"]
    },
    "SESSIONS": {
        (EXCHANGES[x], seconds(r["start"]), seconds(r["end"]), int(r["accept"]), int(r["cancel"]), *span(r))
        for r in TOML["session"]
        for x in r["exchanges"]
    },
    "CODES": {
        (EXCHANGES[r["exchange"]], prefix, BOARDS[r["board"]], *span(r))
        for r in TOML["code"]
        for prefix in r["prefixes"]
    },
    "OUT_OF_SCOPE": {
        (EXCHANGES[r["exchange"]], prefix, r["what"]) for r in TOML["out_of_scope"] for prefix in r["prefixes"]
    },
}


@pytest.mark.parametrize("table", sorted(EXPECTED))
def test_every_row_stands_in_both(table: str) -> None:
    rows = getattr(t, table)
    assert {tuple(row) for row in rows} == EXPECTED[table]
    assert len(rows) == len(EXPECTED[table]), "a row stands twice"


def test_every_section_of_the_file_is_compared() -> None:
    sections = {
        "price_limit",
        "free_sessions",
        "issue_band",
        "lot",
        "order_cap",
        "cage",
        "fee",
        "session",
        "code",
        "dividend_tax",
    }
    assert set(TOML) == sections | {"out_of_scope", "delisting_first_day"}
    assert number(TOML["delisting_first_day"]["from"]) == t.DELISTING_FREE_FIRST


@pytest.mark.parametrize(
    "table", ["PRICE_LIMITS", "FREE_SESSIONS", "ISSUE_BANDS", "LOTS", "ORDER_CAPS", "CAGES", "FEES", "DIVIDEND_TAXES"]
)
def test_no_two_rows_hold_on_one_day(table: str) -> None:
    keys = {
        "PRICE_LIMITS": 3, "FREE_SESSIONS": 1, "ISSUE_BANDS": 2, "LOTS": 1, "ORDER_CAPS": 1, "CAGES": 1, "FEES": 2,
        "DIVIDEND_TAXES": 0,
    }  # fmt: skip
    rows = [tuple(row) for row in getattr(t, table)]
    for at, one in enumerate(rows):
        for other in rows[at + 1 :]:
            if one[: keys[table]] == other[: keys[table]]:
                assert one[-1] < other[-2] or other[-1] < one[-2], (one, other)


def test_kernels_register_under_their_module() -> None:
    assert KERNELS["common.rules.price_limits.price_band"] is price_band
    assert all(not name.startswith("tests") for name in KERNELS)
