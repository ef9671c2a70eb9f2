"""A vendor's cells as our integers, exactly: text or the shortest decimal of a float, never float arithmetic. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from common.domain.calendar import to_date
from common.domain.values import Day

Row = Mapping[str, object]
"""One row of a vendor's answer: column to cell, as it came."""
Made = dict[str, int | str | bool]
"""One row of ours."""

_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})", re.ASCII)
_EMPTY = frozenset({"", "none", "nan", "nat", "null", "--"})
E6 = 1_000_000
PRICE_MAX = 2**31 - 1
COUNT_MAX = 2**62
EXAMPLES_KEPT = 3


class Defect(StrEnum):
    """What is wrong with a row; it is left out and counted, never mended by guessing."""

    MISSING_FIELD = "a column is missing"
    BAD_DAY = "no date"
    BAD_SYMBOL = "no stock code"
    BAD_NUMBER = "no number"
    OFF_TICK = "a price with more than three decimals: adjusted?"
    ADJUSTED = "adjusted prices"
    BAD_BAR = "low <= open, close <= high does not hold"
    OUT_OF_RANGE = "a number out of range"
    OTHER_DAY = "another day than asked for"
    OTHER_CODE = "another code than asked for"
    DOUBLED = "stands twice with different numbers"
    BAD_WORD = "a word we do not know"
    BAD_UNIT = "a volume that is neither in lots nor in shares"
    LOOK_AHEAD = "share capital without the day it was announced: used from its change day, maybe too early"
    ST_UNKNOWN = "stocks whose ST state the client does not tell: unknown, which counts as ST"
    NO_BARS = "stocks that left the market and of which the client has no bars"
    NO_DETAIL = "stocks in the client's lists of which it knows nothing else"
    NO_EXCHANGE = "stocks of an exchange of which the client has no bars at all"


KEPT = frozenset({Defect.LOOK_AHEAD, Defect.ST_UNKNOWN})
"""Of these the rows are kept; they are told because somebody who trusts them should know."""


class BadCellError(ValueError):
    """A cell that is not what its column should hold."""

    def __init__(self, defect: Defect, text: str) -> None:
        super().__init__(f"{defect.value}: {text}")
        self.defect = defect


class Parsed(NamedTuple):
    """Rows of ours, and what was left out."""

    rows: list[Made]
    defects: dict[Defect, int] = {}  # noqa: RUF012 - never written to
    examples: tuple[str, ...] = ()
    """A few of the rows left out, for people."""
    skipped: int = 0
    """Rows that are no fault but not ours: indices, funds, B shares."""


class Findings:
    """Counts the defects of one answer."""

    def __init__(self) -> None:
        self.defects: dict[Defect, int] = {}
        self.examples: list[str] = []
        self.skipped = 0

    def add(self, error: BadCellError, row: Row) -> None:
        """Count a row that is left out."""
        self.defects[error.defect] = self.defects.get(error.defect, 0) + 1
        if len(self.examples) < EXAMPLES_KEPT:
            self.examples.append(f"{error}; row: {str(dict(row))[:160]}")

    def parsed(self, rows: list[Made]) -> Parsed:
        """Return the rows with what was found."""
        return Parsed(rows, dict(self.defects), tuple(self.examples), self.skipped)


def cell(row: Row, name: str) -> str:
    """Return a cell as text, "" where it is empty; a float as its shortest decimal, which is what the vendor sent."""
    if name not in row:
        raise BadCellError(Defect.MISSING_FIELD, name)
    value = row[name]
    if value is None:
        return ""
    text = repr(value) if type(value) is float else str(value).strip()
    return "" if text.lower() in _EMPTY else text


def number(text: str) -> Decimal:
    """Return the exact number a text writes."""
    if not _NUMBER.fullmatch(text):
        raise BadCellError(Defect.BAD_NUMBER, text[:40])
    return Decimal(text)


def scaled(text: str, factor: int, high: int = COUNT_MAX) -> int:
    """Return a number x `factor`, half up to a whole; it must be from 0 to `high`."""
    value = (number(text) * factor).to_integral_value(ROUND_HALF_UP)
    if not 0 <= value <= high:
        raise BadCellError(Defect.OUT_OF_RANGE, text[:40])
    return int(value)


def price(text: str) -> int:
    """Return yuan as 0.001 yuan; a fourth decimal that is not 0 means that the price is not as traded."""
    milli = number(text) * 1000
    if milli != milli.to_integral_value():
        raise BadCellError(Defect.OFF_TICK, text[:40])
    if not 0 <= milli <= PRICE_MAX:
        raise BadCellError(Defect.OUT_OF_RANGE, text[:40])
    return int(milli)


def price_or_zero(text: str) -> int:
    """Return yuan as 0.001 yuan, 0 for an empty cell."""
    return price(text) if text else 0


def day(text: str) -> Day:
    """Return a date written 2026-01-05 or 20260105."""
    found = _DAY.fullmatch(text)
    if found is None:
        raise BadCellError(Defect.BAD_DAY, text[:40])
    value = int("".join(found.groups()))
    try:
        to_date(value)
    except ValueError:
        raise BadCellError(Defect.BAD_DAY, text[:40]) from None
    return value


def day_or_zero(text: str) -> Day:
    """Return a date, 0 for an empty cell."""
    return day(text) if text else 0


def dashed(value: Day) -> str:
    """Write a day as 2026-01-05."""
    return f"{value // 10_000:04d}-{value // 100 % 100:02d}-{value % 100:02d}"


def check_bar(opened: int, high: int, low: int, close: int) -> None:
    """Refuse a bar that cannot have been."""
    if not 0 < low <= min(opened, close) <= max(opened, close) <= high:
        raise BadCellError(Defect.BAD_BAR, f"open {opened} high {high} low {low} close {close}")


def as_rows(fields: Sequence[str], records: Iterable[Sequence[object]]) -> list[Row]:
    """Lay a list of columns over records; a record shorter than the columns has the rest missing."""
    return [dict(zip(fields, record, strict=False)) for record in records]


def each(rows: Iterable[Row], one: Callable[[Row], Made | None], key: Sequence[str]) -> Parsed:
    """Parse row by row: a bad one is counted, None is not ours, of equal ones one stays."""
    found, good = Findings(), list[Made]()
    for row in rows:
        try:
            made = one(row)
        except BadCellError as error:
            found.add(error, row)
            continue
        if made is None:
            found.skipped += 1
        else:
            good.append(made)
    return found.parsed(unique(good, key, found))


def added_up(rows: Sequence[Made]) -> list[Made]:
    """Add up the dividends of one stock and ex-day; known when the last of them is."""
    total: dict[tuple[object, object], Made] = {}
    for row in rows:
        at = (row["day"], row["symbol"])
        if at not in total:
            total[at] = dict(row)
            continue
        for name in ("cash_e6", "bonus_e6"):
            total[at][name] = int(total[at][name]) + int(row[name])
        total[at]["known_at"] = max(int(total[at]["known_at"]), int(row["known_at"]))
    return list(total.values())


def unique(rows: Sequence[Made], key: Sequence[str], found: Findings) -> list[Made]:
    """Keep one of equal rows; of rows that share a key but differ, none can be believed."""
    kept: dict[tuple[object, ...], Made] = {}
    bad: set[tuple[object, ...]] = set()
    for row in rows:
        at = tuple(row[name] for name in key)
        if at in kept and kept[at] != row:
            found.add(BadCellError(Defect.DOUBLED, str(at)), row)
            bad.add(at)
        kept[at] = row
    return [row for at, row in kept.items() if at not in bad]
