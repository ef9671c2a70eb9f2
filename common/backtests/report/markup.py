"""HTML made safely: every text of the result goes through `esc`, whatever it holds."""

import unicodedata
from collections.abc import Iterable, Sequence

from common.backtests.report.words import WORDS


def clean(text: str) -> str:
    """Replace what does not print, or turns the direction of a line: names are hostile text."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter)[0] == "C" else letter for letter in text)


def esc(text: object) -> str:
    """Return a text that stands for itself inside an element or a quoted attribute."""
    safe = clean(str(text))
    for letter, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        safe = safe.replace(letter, name)
    return safe


def both(zh: object, en: object) -> str:
    """Return a text in both languages, of which the page shows one; once where they are the same."""
    if zh == en:
        return esc(zh)
    return f'<span class="zh">{esc(zh)}</span><span class="en" lang="en">{esc(en)}</span>'


def say(key: str, **facts: object) -> str:
    """Return a text of `words.py` in both languages."""
    zh, en = WORDS[key]
    return both(zh.format(**facts), en.format(**facts))


def shade(value: float | None) -> str:
    """Return the class of a gain or a loss: red is up."""
    return "" if not value else (" up" if value > 0 else " down")


NUMBERS = frozenset(
    {"value", "held", "shares", "bought", "sold", "fees", "pnl", "gain", "trades", "wins", "losses", "win_rate"}
    | {"mean_gain", "holding", "sessions", "times", "wanted", "price", "had"}
)
"""Columns of numbers: their heads stand flush right, as the cells do."""


def heads(*keys: str) -> list[str]:
    """Return the head cells of columns by the keys of their words."""
    return [head(say("t." + key), key in NUMBERS) for key in keys]


def head(inner: str, right: bool = False) -> str:
    """Return one head cell."""
    return f'<th scope="col"{" class=n" if right else ""}>{inner}</th>'


def table(heads: Sequence[str], rows: Iterable[str], kind: str = "", label: str = "") -> str:
    """Return a table that scrolls sideways where it is too wide; heads and rows are HTML already."""
    head = "".join(heads)
    name = f' id="{label}"' if label else ""
    return (
        f'<div class="scroll"><table class="{kind}"{name}><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def row(cells: Iterable[str], attributes: str = "") -> str:
    """Return a table row of cells made by `cell` and `number`."""
    return f"<tr{attributes}>{''.join(cells)}</tr>"


def cell(inner: str) -> str:
    """Return a cell of HTML."""
    return f"<td>{inner}</td>"


def number(text: str, value: float | None = None, colour: bool = False) -> str:
    """Return a cell with a number, in the colour of its sign where asked."""
    return f'<td class="n{shade(value) if colour else ""}">{text}</td>'


def section(key: str, *parts: str, note: str = "") -> str:
    """Return a section with its title."""
    told = f'<p class="note">{note}</p>' if note else ""
    return f'<section id="{key}"><h2>{say("title." + key)}</h2>{told}{"".join(parts)}</section>'
