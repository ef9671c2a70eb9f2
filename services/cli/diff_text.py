"""What `tape diff` found, as text and as JSON data."""

from collections.abc import Mapping
from typing import Any

from common.domain.reasons import Reason
from common.domain.values import Side, push_number
from services.cli.day_books import DayBooks
from services.cli.differences import Difference
from services.cli.render import heads, rule_text, side_text
from services.cli.report_text import moment
from services.cli.show import day_text, name_text, plain, reason_text, table, value_text, yuan
from services.cli.tape_diff import DayDiff
from services.cli.texts import TEXTS, say


def diff_text(lang: str, found: DayDiff) -> str:
    """Return the comparison as people read it."""
    compared = found.compared
    lines = [say(lang, "diff.head", run=found.run, day=day_text(compared.day))]
    for kind, (ours, theirs) in compared.counts.items():
        lines.append(f"  {say(lang, f'diff_kind.{kind}')}: {ours} | {theirs}")
    if found.finished:
        lines.append(f"  {_close_text(lang, found.run_books)} | {_close_text(lang, found.pipeline_books)}")
    else:
        lines.append("  " + say(lang, "diff.unfinished", push=push_number(compared.through)))
    lines += ["  " + say(lang, "diff.warning", text=warning) for warning in found.warnings]
    if compared.equal:
        return "\n".join([*lines, say(lang, "diff.equal")])
    lines += [say(lang, "diff.count", count=len(compared.differences)), ""]
    cells = [_cells(lang, each, compared.times) for each in compared.differences]
    titles = heads(lang, "time", "what", "rule", "symbol", "run_side", "pipeline_side", "cause")
    return "\n".join([*lines, table(titles, cells)])


def _close_text(lang: str, books: DayBooks) -> str:
    if books.close is None:
        return say(lang, "diff.absent")
    return say(lang, "diff.close", equity=yuan(books.close.equity), cash=yuan(books.close.cash))


def _cells(lang: str, found: Difference, times: Mapping[int, int]) -> tuple[object, ...]:
    return (
        moment(times, found.push),
        say(lang, f"diff_kind.{found.kind}"),
        rule_text(lang, found.rule),
        found.symbol,
        _side(lang, found.run, times),
        _side(lang, found.pipeline, times),
        cause_text(lang, found),
    )


def _side(lang: str, values: Mapping[str, Any] | None, times: Mapping[int, int]) -> str:
    if values is None:
        return say(lang, "diff.absent")
    return " ".join(f"{_label(lang, name)}={_value(lang, name, value, times)}" for name, value in values.items())


def _label(lang: str, name: str) -> str:
    return say(lang, f"head.{name}") if f"head.{name}" in TEXTS else name_text(lang, name)


def _value(lang: str, name: str, value: Any, times: Mapping[int, int]) -> str:
    if name == "push":
        return moment(times, value)
    if name == "side":
        return side_text(lang, Side(value))
    if isinstance(value, int):
        return value_text(lang, name, value)
    return " ".join(_word(lang, word) for word in str(value).split()) or "-"


def _word(lang: str, word: str) -> str:
    """Return the words of a reason or of an order's state; other names of the code as they are."""
    if word in Reason.__members__:
        return f"{reason_text(lang, Reason[word])} ({word})"
    return say(lang, f"order_state.{word}") if f"order_state.{word}" in TEXTS else word


def cause_text(lang: str, found: Difference) -> str:
    """Return why something differs."""
    text = say(lang, f"diff_cause.{found.cause}")
    if found.pushes:
        text += say(lang, "diff.late_by", pushes=found.pushes)
    return text + (say(lang, "diff.follows", key=found.follows) if found.follows else "")


def as_json(found: DayDiff) -> dict[str, Any]:
    """Return the comparison as JSON data; amounts and prices are integers in 0.001 yuan."""
    compared = found.compared
    sides = {"run": found.run_books.close, "pipeline": found.pipeline_books.close}
    return {
        "run": found.run,
        "day": compared.day,
        "equal": compared.equal,
        "through": compared.through,
        "finished": found.finished,
        "counts": {kind: {"run": ours, "pipeline": theirs} for kind, (ours, theirs) in compared.counts.items()},
        "close": {side: plain(close) for side, close in sides.items()},
        "warnings": list(found.warnings),
        "differences": [plain(each) for each in compared.differences],
    }
