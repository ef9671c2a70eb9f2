"""Views of binary columns as arrays, and arrays as columns. Views copy nothing and are read-only."""

from collections.abc import Sequence, Sized
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.values import Phase, PushId
from common.messages.market import LEVELS, BarsClosed, InstrumentTable, QuoteBatch

I4 = np.dtype("<i4")
I8 = np.dtype("<i8")
U2 = np.dtype("<u2")
U1 = np.dtype("u1")

SCALAR_FIELDS: tuple[tuple[str, np.dtype[np.int32] | np.dtype[np.int64]], ...] = (
    ("time_ms", I4),
    ("last", I4),
    ("prev_close", I4),
    ("open", I4),
    ("high", I4),
    ("low", I4),
    ("volume", I8),
    ("turnover", I8),
)
LEVEL_FIELDS = ("bid_price", "bid_volume", "ask_price", "ask_volume")


class Quotes(NamedTuple):
    """A QuoteBatch as arrays of length `count`; level fields have shape (5, count)."""

    index: NDArray[np.uint16]  # type: ignore[assignment]  # the column's name wins over tuple.index
    time_ms: NDArray[np.int32]
    last: NDArray[np.int32]
    prev_close: NDArray[np.int32]
    open: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    volume: NDArray[np.int64]
    turnover: NDArray[np.int64]
    bid_price: NDArray[np.int32]
    bid_volume: NDArray[np.int32]
    ask_price: NDArray[np.int32]
    ask_volume: NDArray[np.int32]

    def cut(self, start: int, stop: int) -> "Quotes":
        """Return the quotes from `start` up to `stop`."""
        return Quotes(*(column[..., start:stop] for column in self))  # type: ignore[arg-type]  # same dtypes


def quotes_from(columns: Sequence[NDArray[Any]]) -> Quotes:
    """Name arrays of any integer type as columns, in the order of `Quotes`; `batch_of` packs them to the wire's types."""
    return Quotes(*columns)


def quotes_of(batch: QuoteBatch) -> Quotes:
    """View a batch as arrays. Raises ValueError when a column's length does not fit `count`."""
    n = batch.count
    f = np.frombuffer
    columns = Quotes(
        f(batch.index, U2),
        f(batch.time_ms, I4),
        f(batch.last, I4),
        f(batch.prev_close, I4),
        f(batch.open, I4),
        f(batch.high, I4),
        f(batch.low, I4),
        f(batch.volume, I8),
        f(batch.turnover, I8),
        f(batch.bid_price, I4).reshape(LEVELS, n),
        f(batch.bid_volume, I4).reshape(LEVELS, n),
        f(batch.ask_price, I4).reshape(LEVELS, n),
        f(batch.ask_volume, I4).reshape(LEVELS, n),
    )
    if any(column.shape[-1] != n for column in columns):
        raise ValueError(f"quote batch {batch.push}/{batch.part}: column lengths differ from count {n}")
    return columns


def index_of(batch: QuoteBatch | BarsClosed) -> NDArray[np.uint16]:
    """View only the index column (what a scan looks at first)."""
    return np.frombuffer(batch.index, U2)


def batch_of(push: PushId, part: int, ts_ns: int, phase: Phase, quotes: Quotes) -> QuoteBatch:
    """Pack arrays into a batch; converts to the wire's types where they differ."""

    def pack(name: str, dtype: np.dtype[np.int32] | np.dtype[np.int64]) -> bytes:
        return np.ascontiguousarray(getattr(quotes, name), dtype).tobytes()

    fields = {name: pack(name, dtype) for name, dtype in SCALAR_FIELDS}
    fields.update({name: pack(name, I4) for name in LEVEL_FIELDS})
    return QuoteBatch(
        push=push,
        part=part,
        ts_ns=ts_ns,
        phase=phase,
        count=len(quotes.index),
        index=np.ascontiguousarray(quotes.index, U2).tobytes(),
        **fields,
    )


class Instruments:
    """The day's instrument table with arrays and a look-up by symbol."""

    def __init__(self, table: InstrumentTable) -> None:
        f = np.frombuffer
        self.day = table.day
        self.symbols = table.symbols
        self.names = table.names
        self.board = f(table.board, U1)
        self.prev_close = f(table.prev_close, I4)
        self.raw_prev_close = f(table.raw_prev_close, I4)
        self.up_limit = f(table.up_limit, I4)
        self.down_limit = f(table.down_limit, I4)
        self.float_shares = f(table.float_shares, I8)
        self.flags = f(table.flags, U2)
        self.ex_cash_e6 = f(table.ex_cash_e6, I8)
        self.ex_bonus_e6 = f(table.ex_bonus_e6, I8)
        self.ex_profit_e6 = f(table.ex_profit_e6, I8) if table.ex_profit_e6 else np.zeros(len(self.symbols), I8)
        told = bool(table.feed_up_limit)
        self.feed_up_limit = f(table.feed_up_limit, I4) if told else self.up_limit
        """What the live feed tells; our own limits where nobody was asked."""
        self.feed_down_limit = f(table.feed_down_limit, I4) if told else self.down_limit
        self.delisted = frozenset(table.delisted)
        self.index = {symbol: at for at, symbol in enumerate(table.symbols)}
        if len(self.index) != len(table.symbols):
            raise ValueError(f"instrument table of {table.day}: a symbol stands twice")
        if any(len(column) != len(table.symbols) for column in self._columns()):
            raise ValueError(f"instrument table of {table.day}: column lengths differ")

    def _columns(self) -> tuple[Sized, ...]:
        return (self.names, self.board, self.prev_close, self.raw_prev_close, self.up_limit, self.down_limit,
                self.float_shares, self.flags, self.ex_cash_e6, self.ex_bonus_e6, self.ex_profit_e6)  # fmt: skip

    def __len__(self) -> int:
        return len(self.symbols)


class QuoteTable:
    """The last values of every stock of a day, as arrays of the table's length (levels: 5 x length).

    `time_ms` 0 = not quoted yet today.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.push: PushId = 0
        for name, dtype in SCALAR_FIELDS:
            setattr(self, name, np.zeros(size, dtype))
        for name in LEVEL_FIELDS:
            setattr(self, name, np.zeros((LEVELS, size), I4))

    time_ms: NDArray[np.int32]
    last: NDArray[np.int32]
    prev_close: NDArray[np.int32]
    open: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    volume: NDArray[np.int64]
    turnover: NDArray[np.int64]
    bid_price: NDArray[np.int32]
    bid_volume: NDArray[np.int32]
    ask_price: NDArray[np.int32]
    ask_volume: NDArray[np.int32]

    def apply(self, batch: QuoteBatch) -> NDArray[np.uint16]:
        """Take over a batch; returns its index column."""
        quotes = quotes_of(batch)
        at = quotes.index
        for name, _ in SCALAR_FIELDS:
            getattr(self, name)[at] = getattr(quotes, name)
        for name in LEVEL_FIELDS:
            getattr(self, name)[:, at] = getattr(quotes, name)
        self.push = batch.push
        return at

    def copy_from(self, other: "QuoteTable") -> None:
        """Take over all values of a table of the same size."""
        for name, _ in SCALAR_FIELDS:
            getattr(self, name)[:] = getattr(other, name)
        for name in LEVEL_FIELDS:
            getattr(self, name)[:] = getattr(other, name)
        self.push = other.push

    def to_batch(self, ts_ns: int, phase: Phase) -> QuoteBatch:
        """Pack every stock quoted today into one batch (for FeedState; may exceed the size of a wire batch)."""
        at = np.flatnonzero(self.time_ms).astype(U2)
        quotes = Quotes(at, *(getattr(self, name)[..., at] for name in Quotes._fields[1:]))
        return batch_of(self.push, 0, ts_ns, phase, quotes)
