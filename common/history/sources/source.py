"""The one interface of all vendors: what can be asked, what comes back, what a vendor covers."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

import polars as pl

from common.domain.values import Day, Symbol
from common.history import schema
from common.history.schema import Table
from common.history.sources import tables
from common.history.sources.cells import Defect, Parsed

T = TypeVar("T")


class Kind(StrEnum):
    """What can be asked of a source."""

    CALENDAR = "calendar"
    INSTRUMENTS = "instruments"
    NAMES = "names"
    BARS = "bars"
    MINUTES = "minutes"
    DIVIDENDS = "dividends"
    PRE_OPEN = "pre_open"
    """Facts of a day that are known before its open: limits, suspensions, ST."""


class Ask(NamedTuple):
    """One idempotent read. The same ask may be repeated at any time."""

    kind: Kind
    first: Day = 0
    last: Day = 0
    symbol: Symbol = ""
    """"" = all stocks."""
    minutes: int = 0

    @property
    def key(self) -> str:
        """Return the name under which the answer is kept."""
        parts = [self.kind.value, str(self.first), str(self.last), self.symbol or "all"]
        return "-".join([*parts, f"{self.minutes}m"] if self.minutes else parts)


class Answer(NamedTuple):
    """Rows of ours, and what was left out of the vendor's."""

    frame: pl.DataFrame
    defects: dict[Defect, int] = {}  # noqa: RUF012 - never written to
    examples: tuple[str, ...] = ()
    skipped: int = 0


TABLE_OF: dict[Kind, Table] = {
    Kind.CALENDAR: tables.OPEN_DAYS,
    Kind.INSTRUMENTS: schema.INSTRUMENTS,
    Kind.NAMES: schema.NAMES,
    Kind.BARS: tables.BARS,
    Kind.MINUTES: schema.MINUTES,
    Kind.DIVIDENDS: tables.DIVIDENDS,
    Kind.PRE_OPEN: tables.BARS,
}
KEY_OF: dict[Kind, tuple[str, ...]] = {
    Kind.CALENDAR: tables.OPEN_DAYS_KEY,
    Kind.INSTRUMENTS: schema.KEYS[schema.INSTRUMENTS_FILE],
    Kind.NAMES: schema.KEYS[schema.NAMES_FILE],
    Kind.BARS: tables.BARS_KEY,
    Kind.MINUTES: schema.KEYS["minute5"],
    Kind.DIVIDENDS: tables.DIVIDENDS_KEY,
    Kind.PRE_OPEN: tables.BARS_KEY,
}


def answer_of(kind: Kind, parsed: Parsed) -> Answer:
    """Return parsed rows as an answer."""
    frame = tables.framed(parsed.rows, TABLE_OF[kind])
    return Answer(frame, parsed.defects, parsed.examples, parsed.skipped)


class Rate(NamedTuple):
    """How often a vendor may be asked."""

    per_minute: int
    per_day: int = 0
    """0 = no limit known."""


class Coverage(NamedTuple):
    """What a source has, for the table of `pankou data sources`; sentences are in the command line's texts."""

    name: str
    kinds: tuple[Kind, ...]
    first_year: int
    """First year with daily bars; 0 = whatever the files hold."""
    st_history: bool
    float_shares: bool
    minutes: tuple[int, ...]
    """Lengths of minute bars, in minutes."""
    minutes_first_year: int
    pre_open: bool
    """Tells suspensions, limits and ex-days of a day before its open."""
    account: bool
    """Needs an account."""
    package: str
    """What must be installed; "" = nothing."""
    by_stock: bool
    """Is asked by the stock too; otherwise a few stocks cost as much as the market."""
    rate: Rate


Heard = Callable[[str, Sequence[str], Sequence[Sequence[object]]], None]
"""Told the vendor's call, the columns and the rows of its answer, before anything is parsed."""


class Pacer(Protocol):
    """Keeps a vendor's limits and repeats reads that a busy vendor did not answer (`pace.py`)."""

    repeated: int

    def call(self, read: Callable[[], T]) -> T:
        """Do a read."""


class Source(Protocol):
    """A vendor of history. Its constructor imports what it needs and raises one clear `SourceError` without it."""

    coverage: Coverage
    pacer: "Pacer"
    """Every question to the vendor goes through it."""
    heard: "Heard | None"
    """Is told every raw answer, where somebody wants to know (`probe.py`)."""

    def asks(self, kind: Kind, first: Day, last: Day, symbols: tuple[Symbol, ...], minutes: int = 0) -> list[Ask]:
        """Return the reads that bring `kind` for a range, oldest first; `symbols` empty = all stocks.

        `first`..`last` are calendar days; a source that is asked by the day gets one ask a trading day from its caller.
        """

    def prepare(self, asks: Sequence[Ask], told: Callable[[str, int, int], None]) -> None:
        """Make ready for reads that are about to be made, where a vendor's data must first be brought here."""

    def fetch(self, ask: Ask) -> Answer:
        """Do one read; raises `SourceBusyError` where a repetition may help, else `SourceError`."""

    def close(self) -> None:
        """Let go of the line."""
