"""Facts of the market: the instrument table of a day, quote batches, bars, and the end of a push."""

import msgspec

from common.domain.values import Day, Pace, Phase, PushId

QUOTES_PER_BATCH_MAX = 200
LEVELS = 5


class InstrumentTable(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """All stocks of a day, one column a field; quotes name a stock by its index here. Binary columns are little-endian."""

    day: Day
    symbols: list[str]
    names: list[str]
    board: bytes
    """u1, `Board`."""
    prev_close: bytes
    """i4, 0.001 yuan: the day's reference price (after ex-rights)."""
    raw_prev_close: bytes
    """i4, 0.001 yuan: the close of the session before, as traded."""
    up_limit: bytes
    """i4, 0.001 yuan; 0 = no limit today."""
    down_limit: bytes
    """i4, 0.001 yuan; 0 = no limit today."""
    float_shares: bytes
    """i8, listed float shares; 0 = unknown."""
    flags: bytes
    """u2, bits of `InstrumentFlag`."""
    ex_cash_e6: bytes
    """i8, cash dividend a share going ex today, in 0.000001 yuan."""
    ex_bonus_e6: bytes
    """i8, new shares for one old share going ex today, x 1,000,000."""
    ex_profit_e6: bytes = b""
    """i8, the part of `ex_bonus_e6` that comes out of profit and is taxed; empty = none of it."""
    delisted: tuple[str, ...] = ()
    """Stocks whose last trading day lies before this day and that are in no later table."""


class InstrumentFlag:
    """Bits of `InstrumentTable.flags`."""

    ST = 1
    SUSPENDED = 2
    DELISTING = 4
    ST_UNKNOWN = 8
    EX_DAY = 16


class DayOpened(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Opens a trading day; push number 0 carries it."""

    feed_epoch: str
    """Tape and session in replay (survives restarts); the run id live."""
    day: Day
    prev_day: Day
    push: PushId
    ts_ns: int
    pace: Pace
    speed_milli: int
    """Play speed x 1000; 1000 = real time; 0 = flat out."""
    interval_ms: int
    """Declared time between pushes."""
    source: str
    """Where the data came from, for people."""
    instruments: InstrumentTable
    pool_injected: dict[str, list[str]] = {}
    """Rule name to symbols that replace the screen of the day; empty = screen as usual."""


class QuoteBatch(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Up to 200 quotes of one push, one little-endian binary column a field. Only stocks that changed.

    Level columns hold level 1 of all quotes, then level 2 of all, and so on (shape 5 x count).
    """

    push: PushId
    part: int
    """Number of the batch within its push, from 0."""
    ts_ns: int
    """Time of the push."""
    phase: Phase
    count: int
    index: bytes
    """u2, row of the day's instrument table."""
    time_ms: bytes
    """i4, exchange time in milliseconds since midnight."""
    last: bytes
    """i4, 0.001 yuan."""
    prev_close: bytes
    open: bytes
    high: bytes
    low: bytes
    volume: bytes
    """i8, cumulative shares of the day."""
    turnover: bytes
    """i8, cumulative turnover of the day, 0.001 yuan."""
    bid_price: bytes
    """i4 x 5 x count; 0 = empty level."""
    bid_volume: bytes
    """i4 x 5 x count, shares."""
    ask_price: bytes
    ask_volume: bytes


class BarsClosed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Bars that closed at the start of this push, for every stock of the day (traded or not). Decided before its quotes."""

    push: PushId
    part: int
    period_s: int
    """60 or 300."""
    label_s: int
    """Second of the day at which the bars end (their label)."""
    count: int
    index: bytes
    """u2."""
    open: bytes
    """i4, 0.001 yuan."""
    high: bytes
    low: bytes
    close: bytes
    volume: bytes
    """i8, shares within the bar."""
    turnover: bytes
    """i8, 0.001 yuan within the bar."""
    day_open: bytes
    """i4, as of the bar's end; 0 = not traded yet today."""
    day_high: bytes
    day_low: bytes


class HandOrder(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A person's order at the push it entered; the tape keeps it so that a replay meets it again."""

    key: str
    """Made and stored by the asker before the first send."""
    side: int
    """`Side`."""
    symbol: str
    shares: int
    """0 = all that is sellable (close only)."""
    price: int
    """0.001 yuan; 0 = marketable."""
    wide_price: bool = False
    sender: str = "cli"


class PushEnd(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """Closes a push: everything of push `push` has been said."""

    feed_epoch: str
    day: Day
    push: PushId
    ts_ns: int
    phase: Phase
    parts: int
    """Number of QuoteBatch messages of this push."""
    bar_parts: int
    """Number of BarsClosed messages of this push."""
    last_of_day: bool = False
    hand: tuple[HandOrder, ...] = ()
    prev: PushId = 0
    """The push played before this one (0 = none): a reader that has not done it has missed something."""
    gap: bool = False
    """The tape itself has a gap before this push; an edge inside it is missed, not chased."""


class TapeHeader(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """First record of a tape file."""

    version: int
    day: Day
    prev_day: Day
    interval_ms: int
    """Declared time between pushes."""
    source: str
    """Where the data came from, for people."""
    pushes: int
    """Number of pushes after number 0, or -1 where not known when writing began."""
    pool_injected: dict[str, list[str]] = {}
    """Rule name to symbols that replace the screen (tapes of a few stocks only); empty = screen as usual."""
