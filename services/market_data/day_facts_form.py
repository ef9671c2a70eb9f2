"""The form of a day's facts between the process that reads history and the one that runs the feed."""

import msgspec

from common.domain.values import Day, Price, Symbol


class Ex(msgspec.Struct, frozen=True, array_like=True):
    """An ex-right that was announced for the day."""

    prev_close: Price
    reference: Price
    cash_e6: int
    bonus_e6: int


class DayFacts(msgspec.Struct, frozen=True):
    """What is known of the day before it begins; `fault` says in one line why nothing is."""

    day: Day
    prev_day: Day = 0
    closes: dict[Symbol, Price] = {}
    """Raw close of the last session a stock traded in."""
    ex: dict[Symbol, Ex] = {}
    st: list[Symbol] = []
    delisting: list[Symbol] = []
    listed: dict[Symbol, Day] = {}
    delisted: list[Symbol] = []
    fault: str = ""
