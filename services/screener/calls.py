"""What the screener's core asks its adapter, and what it gets."""

import msgspec

from common.domain.values import Day
from common.messages.signals import Explanation, Pool


class ScreenDay(msgspec.Struct, frozen=True):
    """Screen a day for a rule. Answered by DayScreened or ScreenFailed."""

    rule: str
    day: Day
    symbols: tuple[str, ...]
    """Not empty: only these, each kept whether it passes or not."""


class DayScreened(msgspec.Struct, frozen=True):
    """The pool of a day."""

    call: ScreenDay
    pool: Pool


class ExplainStock(msgspec.Struct, frozen=True):
    """Look at one stock on one day. Answered by StockExplained or ScreenFailed."""

    symbol: str
    day: Day


class StockExplained(msgspec.Struct, frozen=True):
    """Every screen's conditions of one stock."""

    call: ExplainStock
    explanation: Explanation


class ScreenFailed(msgspec.Struct, frozen=True):
    """History cannot serve a call; the text names the thing and the fix."""

    call: ScreenDay | ExplainStock
    text: str
    unknown_symbol: bool = False
    """The code is no A share in scope, or was not listed."""
