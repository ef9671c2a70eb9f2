"""The integer rows of `tables.py` say the same as `ashare.toml`, row by row."""

import tomllib
from datetime import date
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from common.domain.values import Phase
from common.rules import tables as t
from common.rules.kernel import KERNELS
from common.rules.price_limits import price_band

TOML: dict[str, Any] = tomllib.loads(resources.files("common.rules").joinpath("ashare.toml").read_text("utf-8"))
BOARDS = {"main": 1, "chinext": 2, "star": 3, "bse": 4}
EXCHANGES = {"SSE": 1, "SZSE": 2, "BSE": 3, "SSE+SZSE": 0}
FEE_KINDS = {"stamp_duty": t.STAMP, "transfer": t.TRANSFER, "handling": t.HANDLING, "regulatory": t.REGULATORY}
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
    "ROUNDINGS": {(BOARDS[r["board"]], {"half_up": 0, "inward": 1}[r["how"]], *span(r)) for r in TOML["rounding"]},
    "LOTS": {(BOARDS[r["board"]], r["minimum"], r["step"], *span(r)) for r in TOML["lot"]},
    "ORDER_CAPS": {(BOARDS[r["board"]], r["shares"], r["market"], *span(r)) for r in TOML["order_cap"]},
    "ST_DAILY_CAPS": {(BOARDS[r["board"]], r["shares"], *span(r)) for r in TOML["st_daily_cap"]},
    "CAGES": {
        (BOARDS[r["board"]], rate(r["pct"]), r["ticks"], int(r["outside"] == "held"), *span(r)) for r in TOML["cage"]
    },
    "FEES": {
        (
            FEE_KINDS[r["name"]],
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
        (
            EXCHANGES[x],
            seconds(r["start"]),
            seconds(r["end"]),
            Phase[r["phase"].upper()],
            int(r["accept"]),
            int(r["cancel"]),
            *span(r),
        )
        for r in TOML["session"]
        for x in r["exchanges"]
    },
    "AFTER_HOURS": {
        (
            BOARDS[r["board"]],
            EXCHANGES[r["exchange"]],
            *(seconds(r[name]) for name in ("morning", "match", "end")),
            *span(r),
        )
        for r in TOML["after_hours"]
    },
    "SETTLEMENTS": {(r["sessions"], *span(r)) for r in TOML["settlement"]},
    "HIGH_FREQUENCY": {(r["per_second"], r["per_day"], *span(r)) for r in TOML["high_frequency"]},
    "PROGRAMME_REPORTS": {span(r) for r in TOML["programme_report"]},
    "COMMISSION_CAPS": {(scaled(r["cap"], 10_000_000), *span(r)) for r in TOML["commission"]},
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


COMPARED = {
    "code": "CODES", "out_of_scope": "OUT_OF_SCOPE", "price_limit": "PRICE_LIMITS", "rounding": "ROUNDINGS",
    "free_sessions": "FREE_SESSIONS", "issue_band": "ISSUE_BANDS", "lot": "LOTS", "order_cap": "ORDER_CAPS",
    "st_daily_cap": "ST_DAILY_CAPS", "cage": "CAGES", "fee": "FEES", "commission": "COMMISSION_CAPS",
    "dividend_tax": "DIVIDEND_TAXES", "session": "SESSIONS", "after_hours": "AFTER_HOURS",
    "settlement": "SETTLEMENTS", "high_frequency": "HIGH_FREQUENCY", "programme_report": "PROGRAMME_REPORTS",
}  # fmt: skip
ROWS = [row for name, rows in TOML.items() if name != "source" for row in rows]


def test_every_section_of_the_file_is_compared() -> None:
    assert set(TOML) == {*COMPARED, "delisting_first_day", "source", "told"}
    assert set(COMPARED.values()) == set(EXPECTED)
    assert [number(row["from"]) for row in TOML["delisting_first_day"]] == [t.DELISTING_FREE_FIRST]


def test_every_row_names_itself_its_source_and_how_sure_it_is() -> None:
    assert len(ROWS) > 140
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["confidence"] in {"high", "medium", "low"}, row["id"]
        assert row["source"], row["id"]
        assert set(row["source"]) <= set(TOML["source"]), row["id"]
        assert set(row.get("note", {})) in ({"zh", "en"}, set()), row["id"]
        assert number(row["from"]) >= t.TABLES_BEGIN, row["id"]
        assert span(row)[0] <= span(row)[1], row["id"]


def test_those_that_keep_older_rules_stand_in_both() -> None:
    assert [tuple(row["but_not"]) for row in ROWS if "but_not" in row] == [t.OLD_DELISTINGS]


def test_every_source_is_dated_and_used() -> None:
    used = {key for row in ROWS for key in row["source"]}
    assert used == set(TOML["source"])
    for key, source in TOML["source"].items():
        assert source["kind"] in {"compiled", "data", "document"}, key
        assert ("url" in source) == (source["kind"] == "document"), key
        assert source["zh"], key
        assert source["en"], key
    assert max(number(source["dated"]) for source in TOML["source"].values()) == t.SOURCES_END


# How many fields at the start of a row tell what it is about: the rest may differ by date only.
SUBJECT = {
    "PRICE_LIMITS": 3, "ROUNDINGS": 1, "FREE_SESSIONS": 1, "ISSUE_BANDS": 2, "LOTS": 1, "ORDER_CAPS": 1,
    "ST_DAILY_CAPS": 1, "CAGES": 1, "FEES": 2, "COMMISSION_CAPS": 0, "DIVIDEND_TAXES": 0, "SESSIONS": 2,
    "AFTER_HOURS": 2, "SETTLEMENTS": 0, "HIGH_FREQUENCY": 0, "PROGRAMME_REPORTS": 0,
}  # fmt: skip


@pytest.mark.parametrize("table", sorted(SUBJECT))
def test_no_two_rows_hold_on_one_day(table: str) -> None:
    rows = [tuple(row) for row in getattr(t, table)]
    for at, one in enumerate(rows):
        for other in rows[at + 1 :]:
            if one[: SUBJECT[table]] == other[: SUBJECT[table]]:
                assert one[-1] < other[-2] or other[-1] < one[-2], (one, other)


def test_kernels_register_under_their_module() -> None:
    assert KERNELS["common.rules.price_limits.price_band"] is price_band
    assert all(not name.startswith("tests") for name in KERNELS)
