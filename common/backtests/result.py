"""The result of one backtest: plain rows of integers that every engine fills in. Amounts are in 0.001 yuan."""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Literal

import msgspec

from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Side, Symbol

RESULT_VERSION = 1
"""Grows when a stored result of before cannot be read as one of now."""

Grain = Literal["snapshots", "minute1", "minute5", "daily"]
"""The finest prices that an engine had for a session."""
Verdict = Literal["pessimistic", "expected", "optimistic"]
"""How fills at a limit are judged."""
VERDICTS: tuple[Verdict, ...] = ("pessimistic", "expected", "optimistic")


class EventKind(IntEnum):
    """What changed shares or cash without a deal."""

    EX_DAY = 1
    """Dividend, split or rights: shares and cash change before the first step of the day."""
    DIVIDEND_TAX = 2
    """Charged by the days held when the shares are sold; may come after the position is flat."""
    DELISTED = 3
    """The stock left the exchange: what was held is gone, for the cash of the row."""


class Outcome(IntEnum):
    """What became of a wish that made no deal, or not the whole of it."""

    REFUSED = 1
    """Denied before it became an order."""
    MISSED = 2
    """An order that ended with something unfilled."""


class Fill(msgspec.Struct, frozen=True):
    """One deal."""

    day: Day
    second: int
    """Second of the day."""
    symbol: Symbol
    side: Side
    shares: Shares
    price: Price
    commission: Cash
    stamp: Cash
    transfer: Cash
    reason: Reason
    rule: str

    @property
    def amount(self) -> Cash:
        """Return shares x price."""
        return self.shares * self.price

    @property
    def fees(self) -> Cash:
        """Return the fees of all kinds."""
        return self.commission + self.stamp + self.transfer

    @property
    def flow(self) -> Cash:
        """Return what it added to the cash."""
        return (self.amount if self.side is Side.SELL else -self.amount) - self.fees


class BookEvent(msgspec.Struct, frozen=True):
    """A change of shares or cash without a deal."""

    day: Day
    second: int
    """Second of the day; 0 before its first step."""
    symbol: Symbol
    kind: EventKind
    shares_before: Shares
    shares_after: Shares
    cash: Cash
    """Negative where it was paid."""

    @property
    def flow(self) -> Cash:
        """Return what it added to the cash."""
        return self.cash


class EquityRow(msgspec.Struct, frozen=True):
    """The account at the close of one session."""

    day: Day
    equity: Cash
    """Cash and market value."""
    cash: Cash
    """All cash, what open buys hold included."""
    market_value: Cash
    positions: int


class Unfilled(msgspec.Struct, frozen=True):
    """A wish that was refused, or an order that missed its fill or a part of it."""

    day: Day
    second: int
    symbol: Symbol
    side: Side
    outcome: Outcome
    shares: Shares
    """Shares wanted; 0 where it was refused before it was sized."""
    filled: Shares
    price: Price
    """0 where it was refused before it was priced."""
    reason: Reason
    """Why nothing, or no more, came of it."""
    cause: Reason
    """Why it was wanted."""
    rule: str
    detail: dict[str, int] = {}
    """Numbers behind the reason."""


class Refused(msgspec.Struct, frozen=True):
    """Buys that one day refused for one reason before they were sized: a whole market leaves them by the thousand."""

    day: Day
    reason: Reason
    rule: str
    symbols: tuple[Symbol, ...]
    """By time, then by symbol; each once."""
    seconds: tuple[int, ...]
    """Second of the day of each."""

    def rows(self) -> Iterator[Unfilled]:
        """Yield them one by one."""
        for symbol, second in zip(self.symbols, self.seconds, strict=True):
            yield Unfilled(
                self.day, second, symbol, Side.BUY, Outcome.REFUSED, 0, 0, 0, self.reason, Reason.NONE, self.rule
            )


def is_bare(row: Unfilled) -> bool:
    """Tell whether a row says no more than `Refused` does, and is kept there."""
    told = (row.shares, row.filled, row.price, row.cause, len(row.detail))
    return row.outcome is Outcome.REFUSED and row.side is Side.BUY and not any(told)


def refused_of(rows: Iterable[Unfilled]) -> tuple[Refused, ...]:
    """Return bare refusals together, by day and reason."""
    groups: dict[tuple[Day, Reason, str], list[tuple[int, Symbol]]] = {}
    for row in rows:
        groups.setdefault((row.day, row.reason, row.rule), []).append((row.second, row.symbol))
    found = []
    for (day, reason, rule), places in sorted(groups.items()):
        places.sort()
        found.append(
            Refused(day, reason, rule, tuple(symbol for _, symbol in places), tuple(second for second, _ in places))
        )
    return tuple(found)


class OpenPosition(msgspec.Struct, frozen=True):
    """What is still held at the end, at the price it is valued with."""

    symbol: Symbol
    shares: Shares
    price: Price


class Coverage(msgspec.Struct, frozen=True):
    """A run of sessions that had the same data for the same reason. Together they cover every session of the result."""

    first: Day
    last: Day
    grain: Grain
    stock_days: int
    """Stocks that were asked for (pool and holdings), summed over the sessions."""
    stock_days_had: int
    """Those of them for which the grain was there."""
    zh: str
    """Why these sessions had this data and no better, in Chinese."""
    en: str
    """The same in English."""


class Benchmark(msgspec.Struct, frozen=True):
    """A series to compare with."""

    name: str
    base: int
    """Close of the session before the first, in 0.001 points."""
    closes: tuple[int, ...]
    """One for each session of the result, in 0.001 points."""


class Remark(msgspec.Struct, frozen=True):
    """Something every reader of the result must know (unknown ST allowed, entries that repainted ...)."""

    zh: str
    en: str


class Inputs(msgspec.Struct, frozen=True):
    """What the result was made from; with the hashes it can be made again."""

    rule: str
    params: dict[str, int]
    """Of the rule."""
    settings: dict[str, int]
    """Of account and matching: slots, commission, participation, assumed queue ... whatever the numbers depend on."""
    first: Day
    last: Day
    engine: str
    verdict: Verdict
    start_cash: Cash
    universe: str
    data_hash: str
    code_hash: str
    rulebook_hash: str


class BacktestResult(msgspec.Struct, frozen=True):
    """Everything one backtest leaves behind."""

    inputs: Inputs
    coverage: tuple[Coverage, ...]
    equity: tuple[EquityRow, ...] = ()
    """One row a session, ascending; also sessions without a deal."""
    fills: tuple[Fill, ...] = ()
    """In the order they happened."""
    events: tuple[BookEvent, ...] = ()
    """In the order they happened."""
    unfilled: tuple[Unfilled, ...] = ()
    """Refusals with numbers of their own, and orders that missed something."""
    refused: tuple[Refused, ...] = ()
    """All other refusals; by day, then by reason."""
    open_positions: tuple[OpenPosition, ...] = ()
    names: dict[Symbol, str] = {}
    """Names of the stocks of the rows above, as of their last day here."""
    benchmark: Benchmark | None = None
    remarks: tuple[Remark, ...] = ()

    def unfilled_rows(self) -> list[Unfilled]:
        """Return every refusal and every order that missed something, one by one, as they happened."""
        rows = [*self.unfilled, *(row for refused in self.refused for row in refused.rows())]
        return sorted(rows, key=lambda row: (row.day, row.second, row.symbol, row.outcome, row.reason))


class Candle(msgspec.Struct, frozen=True):
    """A raw bar of a traded stock for the report: a day, or a minute bar labelled by its end."""

    symbol: Symbol
    day: Day
    second: int
    """0 = the whole day."""
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Shares
