"""Facts of the market: the instrument table of a day, quote batches, bars, and the end of a push."""

import msgspec

from common.domain.values import Pace, Phase
from common.messages.bounds import (
    Column,
    Count,
    Day,
    Key,
    Label,
    Name,
    Number,
    Price,
    PushId,
    Second,
    Shares,
    SideNumber,
    Small,
    Symbol,
    Symbols,
    Time,
)

QUOTES_PER_BATCH_MAX = 200
LEVELS = 5
_I4, _I8, _LEVEL = 4, 8, 4 * LEVELS
_TABLE = {"board": 1, "flags": 2, "float_shares": _I8, "ex_cash_e6": _I8, "ex_bonus_e6": _I8} | dict.fromkeys(
    ("prev_close", "raw_prev_close", "up_limit", "down_limit"), _I4
)
_QUOTES = (
    {"index": 2, "volume": _I8, "turnover": _I8}
    | dict.fromkeys(("time_ms", "last", "prev_close", "open", "high", "low"), _I4)
    | dict.fromkeys(("bid_price", "bid_volume", "ask_price", "ask_volume"), _LEVEL)
)
_BARS = {"index": 2, "volume": _I8, "turnover": _I8} | dict.fromkeys(
    ("open", "high", "low", "close", "day_open", "day_high", "day_low"), _I4
)


def _check_columns(message: msgspec.Struct, widths: dict[str, int], count: int) -> None:
    """Raise ValueError when a column is not as long as it must be: views of it would tear a reader down later."""
    for name, width in widths.items():
        if len(getattr(message, name)) != width * count:
            raise ValueError(f"column {name} has another length than {width} x {count} bytes")


class InstrumentTable(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """All stocks of a day, one column a field; quotes name a stock by its index here. Binary columns are little-endian."""

    day: Day
    symbols: list[Symbol]
    names: list[Label]
    board: Column
    """u1, `Board`."""
    prev_close: Column
    """i4, 0.001 yuan: the day's reference price (after ex-rights)."""
    raw_prev_close: Column
    """i4, 0.001 yuan: the close of the session before, as traded."""
    up_limit: Column
    """i4, 0.001 yuan; 0 = no limit today."""
    down_limit: Column
    """i4, 0.001 yuan; 0 = no limit today."""
    float_shares: Column
    """i8, listed float shares; 0 = unknown."""
    flags: Column
    """u2, bits of `InstrumentFlag`."""
    ex_cash_e6: Column
    """i8, cash dividend a share going ex today, in 0.000001 yuan."""
    ex_bonus_e6: Column
    """i8, new shares for one old share going ex today, x 1,000,000."""
    ex_profit_e6: Column = b""
    """i8, the part of `ex_bonus_e6` that comes out of profit and is taxed; empty = none of it."""
    delisted: Symbols = ()
    """Stocks whose last trading day lies before this day and that are in no later table."""
    feed_up_limit: Column = b""
    """i4, 0.001 yuan: the limit as the live feed tells it, 0 = none or not told; empty = nobody was asked."""
    feed_down_limit: Column = b""
    """i4, as `feed_up_limit`. Nothing is bought where one differs from ours."""

    def __post_init__(self) -> None:
        """Hold every column to the number of stocks."""
        _check_columns(self, _TABLE, len(self.symbols))
        if len(self.names) != len(self.symbols) or len(set(self.symbols)) != len(self.symbols):
            raise ValueError("names and symbols differ in number, or a symbol stands twice")
        if self.ex_profit_e6 and len(self.ex_profit_e6) != _I8 * len(self.symbols):
            raise ValueError("column ex_profit_e6 has another length")
        if (self.feed_up_limit or self.feed_down_limit) and any(
            len(column) != _I4 * len(self.symbols) for column in (self.feed_up_limit, self.feed_down_limit)
        ):
            raise ValueError("columns feed_up_limit and feed_down_limit have another length")


class InstrumentFlag:
    """Bits of `InstrumentTable.flags`."""

    ST = 1
    SUSPENDED = 2
    DELISTING = 4
    ST_UNKNOWN = 8
    EX_DAY = 16


class DayOpened(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Opens a trading day; push number 0 carries it."""

    feed_epoch: Label
    """Tape and session in replay (survives restarts); the run id live."""
    day: Day
    prev_day: Day
    push: PushId
    ts_ns: Time
    pace: Pace
    speed_milli: Count
    """Play speed x 1000; 1000 = real time; 0 = flat out."""
    interval_ms: Count
    """Declared time between pushes."""
    source: Label
    """Where the data came from, for people."""
    instruments: InstrumentTable
    pool_injected: dict[Name, list[Symbol]] = {}
    """Rule name to symbols that replace the screen of the day; empty = screen as usual."""


class QuoteBatch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Up to 200 quotes of one push, one little-endian binary column a field. Only stocks that changed.

    Level columns hold level 1 of all quotes, then level 2 of all, and so on (shape 5 x count).
    """

    push: PushId
    part: Count
    """Number of the batch within its push, from 0."""
    ts_ns: Time
    """Time of the push."""
    phase: Phase
    count: Count
    index: Column
    """u2, row of the day's instrument table."""
    time_ms: Column
    """i4, exchange time in milliseconds since midnight."""
    last: Column
    """i4, 0.001 yuan."""
    prev_close: Column
    open: Column
    high: Column
    low: Column
    volume: Column
    """i8, cumulative shares of the day."""
    turnover: Column
    """i8, cumulative turnover of the day, 0.001 yuan."""
    bid_price: Column
    """i4 x 5 x count; 0 = empty level."""
    bid_volume: Column
    """i4 x 5 x count, shares."""
    ask_price: Column
    ask_volume: Column

    def __post_init__(self) -> None:
        """Hold every column to the number of quotes."""
        _check_columns(self, _QUOTES, self.count)


class BarsClosed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Bars that closed at the start of this push, for every stock of the day (traded or not). Decided before its quotes."""

    push: PushId
    part: Count
    period_s: Second
    """60 or 300."""
    label_s: Second
    """Second of the day at which the bars end (their label)."""
    count: Count
    index: Column
    """u2."""
    open: Column
    """i4, 0.001 yuan."""
    high: Column
    low: Column
    close: Column
    volume: Column
    """i8, shares within the bar."""
    turnover: Column
    """i8, 0.001 yuan within the bar."""
    day_open: Column
    """i4, as of the bar's end; 0 = not traded yet today."""
    day_high: Column
    day_low: Column

    def __post_init__(self) -> None:
        """Hold every column to the number of bars."""
        _check_columns(self, _BARS, self.count)


class HandOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A person's order at the push it entered; the tape keeps it so that a replay meets it again."""

    key: Key
    """Made and stored by the asker before the first send."""
    side: SideNumber
    """`Side`."""
    symbol: Symbol
    shares: Shares
    """0 = all that is sellable (close only)."""
    price: Price
    """0.001 yuan; 0 = marketable."""
    wide_price: bool = False
    sender: Name = "cli"


class PushEnd(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Closes a push: everything of push `push` has been said."""

    feed_epoch: Label
    day: Day
    push: PushId
    ts_ns: Time
    phase: Phase
    parts: Count
    """Number of QuoteBatch messages of this push."""
    bar_parts: Count
    """Number of BarsClosed messages of this push."""
    last_of_day: bool = False
    hand: tuple[HandOrder, ...] = ()
    prev: PushId = 0
    """The push played before this one (0 = none): a reader that has not done it has missed something."""
    gap: bool = False
    """The tape itself has a gap before this push; an edge inside it is missed, not chased."""
    silent: tuple[Name, ...] = ()
    """Exchanges (SH, SZ, BJ) of which a live feed has heard nothing for too long while others go on."""


class TapeHeader(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """First record of a tape file."""

    version: Small
    day: Day
    prev_day: Day
    interval_ms: Count
    """Declared time between pushes."""
    source: Label
    """Where the data came from, for people."""
    pushes: Number
    """Number of pushes after number 0, or -1 where not known when writing began."""
    pool_injected: dict[Name, list[Symbol]] = {}
    """Rule name to symbols that replace the screen (tapes of a few stocks only); empty = screen as usual."""
