"""Numbers, tables and reasons as people read them. Amounts come in as integers in 0.001 yuan."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import click
import msgspec

from common.domain.calendar import clock, second_of_day
from common.domain.reasons import WORDS, Reason
from common.domain.values import MILLI, Board, Day, Phase, Price, format_price
from services.cli.texts import TEXTS, say

_YI, _BILLION = 100_000_000 * MILLI, 1_000_000_000 * MILLI
_PRICES = frozenset(
    {
        *("last", "high", "low", "open", "close", "price", "bid", "ask", "tick", "reference", "cage_low", "cage_high"),
        *("prev_close", "raw_prev_close", "day_open", "day_high", "day_low", "up_limit", "down_limit"),
        *("k1_high", "k1_low", "k2_high", "k2_low", "high_since_entry"),
    }
)
"""Names of numbers that are prices in 0.001 yuan."""
_MONEY = frozenset(
    {"cash", "free_cash", "need", "cost", "value", "slot_cash", "fees", "turnover", "equity", "start_equity"}
)
"""Names of numbers that are amounts in 0.001 yuan."""
_TIMES = frozenset({"second_of_day", "cancel_at_s", "label_s", "bar_ends_s", "last_bar_s", "armed_until_s", "second"})
"""Names of numbers that are seconds of the day."""


def yuan(amount: int) -> str:
    """Write an amount with separators: 1,234,567.89; the third decimal only where it is not zero."""
    text = format_price(abs(amount))
    whole, _, decimals = text.partition(".")
    return f"{'-' if amount < 0 else ''}{int(whole):,}.{decimals}"


def signed(amount: int) -> str:
    """Write a gain or loss with its sign."""
    return f"+{yuan(amount)}" if amount > 0 else yuan(amount)


def day_text(day: Day) -> str:
    """Write a day as 2026-01-05."""
    text = f"{day:08d}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def price_text(price: Price) -> str:
    """Write a price in yuan."""
    return format_price(price)


def time_text(ts_ns: int) -> str:
    """Write the Shanghai time of day of a Unix time in nanoseconds."""
    return clock(second_of_day(ts_ns))


def number_text(name: str, value: int) -> str:
    """Write one named number of a reason or a condition: prices and amounts in yuan, basis points in percent."""
    name = bound_of(name)[0]
    if name in _PRICES or name.endswith(("_price", "_limit")):
        return price_text(value)
    if name in _MONEY or name.endswith(("_cash", "_value", "_cost", "_fees")):
        return yuan(value)
    if name.endswith("_bp"):
        return f"{value / 100:.2f}%"
    if (name == "day" or name.endswith("_day")) and value > 10_000_000:
        return day_text(value)
    if name in _TIMES:
        return clock(value)
    if name.endswith("_ns"):
        return time_text(value)
    return str(value)


def numbers_text(lang: str, numbers: Mapping[str, int]) -> str:
    """Write named numbers on one line."""
    return " ".join(f"{name_text(lang, name)}={value_text(lang, name, value)}" for name, value in numbers.items())


def value_text(lang: str, name: str, value: int) -> str:
    """Return one number, numbers that stand for a word as this word."""
    name = bound_of(name)[0]
    if name == "float_value":
        return f"{value / _YI:.2f}亿" if lang == "zh" else f"{value / _BILLION:.2f}bn"
    if name == "phase" and value in set(Phase):
        return say(lang, f"phase.{Phase(value).name}")
    if name == "board" and value in set(Board):
        return say(lang, f"board.{Board(value).name}")
    return number_text(name, value)


def name_text(lang: str, name: str) -> str:
    """Return the word of a number, a state or a side where there is one, else its name in the code."""
    if f"name.{name}" in TEXTS:
        return say(lang, f"name.{name}")
    base, bound = bound_of(name)
    return say(lang, f"name.{bound}", name=name_text(lang, base)) if bound else name


def bound_of(name: str) -> tuple[str, str]:
    """Split the name of a limit into the number it bounds and which end it is ("" = no limit)."""
    base, _, end = name.rpartition("_")
    return (base, end) if base and end in ("min", "max") else (name, "")


def reason_text(lang: str, reason: Reason) -> str:
    """Return a reason's words."""
    words = WORDS[reason]
    return words.zh if lang == "zh" else words.en


def reason_line(lang: str, reason: Reason, detail: Mapping[str, int]) -> str:
    """Return a reason's name, words and numbers: what a denial prints."""
    numbers = numbers_text(lang, detail)
    return f"{reason.name} {reason_text(lang, reason)}" + (f" [{numbers}]" if numbers else "")


def width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], right: Iterable[int] = ()) -> str:
    """Return an aligned table; columns of `right` are set flush right."""
    cells = [list(heads), *([str(value) for value in row] for row in rows)]
    widths = [max(width(row[at]) for row in cells) for at in range(len(heads))]
    flush = set(right)
    lines = []
    for row in cells:
        parts = []
        for at, cell in enumerate(row):
            pad = " " * (widths[at] - width(cell))
            parts.append(pad + cell if at in flush else cell + pad)
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """Return a message as JSON data: field names as in the code, enums by name, amounts as integers in 0.001 yuan."""
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def echo_json(value: Any) -> None:
    """Print JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode())
