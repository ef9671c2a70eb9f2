"""`pankou tape verify`: everything a tape promises, counted; what it breaks, by push."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.domain.values import Day, Phase, push_number
from common.history.tape import RecordedPush, TapeReader
from common.messages.columns import Instruments, Quotes, QuoteTable, quotes_of
from common.messages.market import QUOTES_PER_BATCH_MAX

PROBLEMS_MAX = 20


class TapeSummary(NamedTuple):
    """What a tape holds and what is wrong with it."""

    path: Path
    day: Day
    source: str
    interval_ms: int
    stocks: int
    pushes: int
    quotes: int
    hand_orders: int
    first_ns: int
    last_ns: int
    problems: tuple[str, ...]
    """The first twenty, in words."""
    problem_count: int


class _Checker:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self.count = 0
        self.instruments: Instruments | None = None
        self.table: QuoteTable | None = None

    def add(self, push: RecordedPush, text: str, rows: np.ndarray | None = None) -> None:
        names = ""
        if rows is not None and self.instruments is not None:
            names = " " + ",".join(self.instruments.symbols[row] for row in rows[:3])
            self.count += len(rows) - 1
        self.count += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(f"push {push_number(push.end.push)}: {text}{names}")

    def push(self, push: RecordedPush) -> int:
        if push.day is not None:
            self.instruments = Instruments(push.day.instruments)
            self.table = QuoteTable(len(self.instruments))
        quotes_seen = 0
        for number, batch in enumerate(push.batches):
            if batch.part != number or batch.push != push.end.push:
                self.add(push, f"batch {number} is numbered {batch.push}/{batch.part}")
            if batch.count > QUOTES_PER_BATCH_MAX:
                self.add(push, f"batch of {batch.count} quotes, {QUOTES_PER_BATCH_MAX} at most")
            quotes = quotes_of(batch)
            quotes_seen += batch.count
            if self.instruments is None or self.table is None or len(quotes.index) == 0:
                continue
            if int(quotes.index.max()) >= len(self.instruments):
                self.add(push, "index outside of the instrument table")
                continue
            self._values(push, quotes)
            self.table.apply(batch)
        return quotes_seen

    def _values(self, push: RecordedPush, quotes: Quotes) -> None:
        assert self.instruments is not None
        assert self.table is not None
        at = quotes.index
        up, down = self.instruments.up_limit[at], self.instruments.down_limit[at]
        traded = quotes.last > 0
        for wrong, text in (
            (quotes.volume < self.table.volume[at], "cumulative volume shrinks"),
            (quotes.turnover < self.table.turnover[at], "cumulative turnover shrinks"),
            (quotes.prev_close != self.instruments.prev_close[at], "prev_close differs from the instrument table"),
            (traded & (up > 0) & (quotes.last > up), "last above the up limit"),
            (traded & (down > 0) & (quotes.last < down), "last below the down limit"),
            ((quotes.bid_price < 0).any(0) | (quotes.ask_price < 0).any(0), "negative price in the book"),
        ):
            if wrong.any():
                self.add(push, text, at[wrong])
        if push.end.phase is Phase.CONTINUOUS:
            bid, ask = quotes.bid_price[0], quotes.ask_price[0]
            crossed = (bid > 0) & (ask > 0) & (bid >= ask)
            if crossed.any():
                self.add(push, "crossed book", at[crossed])


def verify(path: Path) -> TapeSummary:
    """Read a whole tape and check what it promises; raises TapeError when it cannot be read."""
    reader = TapeReader(path)
    checker = _Checker()
    pushes = quotes = hand = first_ns = last_ns = 0
    for push in reader.pushes():
        quotes += checker.push(push)
        pushes += 1
        hand += len(push.end.hand)
        first_ns, last_ns = first_ns or push.end.ts_ns, push.end.ts_ns
    header = reader.header
    stocks = len(checker.instruments) if checker.instruments is not None else 0
    return TapeSummary(
        path, header.day, header.source, header.interval_ms, stocks, pushes - 1, quotes, hand, first_ns, last_ns,
        tuple(checker.problems), checker.count,
    )  # fmt: skip
