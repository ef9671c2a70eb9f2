"""The rulebook as people read it: the rows of `ashare.toml` that hold for a stock on a day, in words, with their sources."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from common.domain.values import Board, Day
from common.rules.boards import BOARD_NAMES
from common.rules.tables import FOREVER, Exchange
from services.cli.texts import TEXTS, say

Row = Mapping[str, Any]
_PERCENT = frozenset({"pct", "rate", "cap", "up_to_1_month", "up_to_1_year", "over_1_year"})


class Ruled(NamedTuple):
    """A row and the section it stands in."""

    section: str
    row: Row


@cache
def book() -> dict[str, Any]:
    """Return the file, read once."""
    loaded: dict[str, Any] = tomllib.loads(
        resources.files("common.rules").joinpath("ashare.toml").read_text(encoding="utf-8")
    )
    return loaded


def sources() -> Mapping[str, Row]:
    """Return the sources by key."""
    found: Mapping[str, Row] = book()["source"]
    return found


def sections() -> list[str]:
    """Return the names of the sections with rows, in the order of the file."""
    return [name for name in book() if name != "source"]


def rows_of(section: str) -> list[Row]:
    """Return the rows of a section."""
    found: list[Row] = book()[section]
    return found


def number_of(day: date | None) -> Day:
    """Return a date as yyyymmdd; none is forever."""
    return FOREVER if day is None else day.year * 10_000 + day.month * 100 + day.day


def youngest_source() -> date:
    """Return the day of the youngest source."""
    found: date = max(source["dated"] for source in sources().values())
    return found


def applying(symbol: str, exchange: Exchange, board: Board, day: Day) -> Iterator[Ruled]:
    """Yield what holds for a stock on a day."""
    for section in sections():
        if section == "out_of_scope":
            continue
        for row in rows_of(section):
            if number_of(row["from"]) <= day <= number_of(row.get("to")) and _concerns(row, symbol, exchange, board):
                yield Ruled(section, row)


def _concerns(row: Row, symbol: str, exchange: Exchange, board: Board) -> bool:
    if "prefixes" in row and not symbol.startswith(tuple(row["prefixes"])):
        return False
    boards = row.get("boards", [row["board"]] if "board" in row else [])
    exchanges = row.get("exchanges", row["exchange"].split("+") if "exchange" in row else [])
    return (not boards or BOARD_NAMES[board] in boards) and (not exchanges or exchange.name in exchanges)


def rule_words(lang: str, section: str, row: Row) -> str:
    """Return what a row says."""
    if section == "told":
        return str(row[lang])
    facts = {name: _fact(lang, name, value) for name, value in row.items()}
    key = "fee_least" if section == "fee" and Decimal(row["minimum"]) else section
    return say(lang, f"ruled.{key}", **facts)


def note_words(lang: str, row: Row) -> str:
    """Return what is to be known about a row beside what it says."""
    return str(row["note"][lang]) if "note" in row else ""


def row_lines(lang: str, ruled: Ruled) -> Iterator[str]:
    """Yield a row as lines: what it says, since when, how sure, from where; then its note."""
    row = ruled.row
    since, until = row["from"].isoformat(), row["to"].isoformat() if "to" in row else ""
    title, sure = say(lang, f"ruled_title.{ruled.section}"), say(lang, f"sure.{row['confidence']}")
    yield f"{title}  {rule_words(lang, *ruled)}"
    yield say(
        lang,
        "rules.row",
        days=say(lang, "rules.from_to" if until else "rules.from", since=since, until=until),
        sure=sure,
        source=", ".join(row["source"]),
        id=row["id"],
    )
    if "note" in row:
        yield f"    {note_words(lang, row)}"


def source_lines(lang: str, found: Sequence[Ruled]) -> Iterator[str]:
    """Yield the sources of rows, one a line."""
    for key, source in sources().items():
        if any(key in ruled.row["source"] for ruled in found):
            yield f"{key}: {source[lang]} {source.get('url', '')}".rstrip()


def percent(text: str) -> str:
    """Write a fraction as a percentage without needless zeros."""
    return f"{(Decimal(text) * 100).normalize():f}%"


def _fact(lang: str, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return say(lang, "word.yes" if value else "word.no")
    if isinstance(value, list):
        return ("、" if lang == "zh" else ", ").join(_fact(lang, name, item) for item in value)
    if name in _PERCENT:
        return percent(str(value))
    if isinstance(value, int):
        return f"{value:,}"
    key = f"ruled_word.{str(value).replace(' ', '_')}"
    return say(lang, key) if key in TEXTS else str(value)


def row_json(ruled: Ruled) -> dict[str, object]:
    """Return a row as JSON data, its words in both languages and its sources in full."""
    row = ruled.row
    facts = {name: _plain(value) for name, value in row.items() if name not in {"source", "zh", "en"}}
    return {
        **facts,
        "section": ruled.section,
        "to": _plain(row.get("to")),
        "zh": rule_words("zh", *ruled),
        "en": rule_words("en", *ruled),
        "source": [
            {"key": key, **{name: _plain(value) for name, value in sources()[key].items()}} for key in row["source"]
        ],
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
