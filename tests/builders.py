"""Small makers of days, quotes and pushes for tests. Prices in yuan here for reading, 0.001 yuan in the messages."""

from collections.abc import Mapping, Sequence

import numpy as np

from common.domain.calendar import S1500, hms, phase_at, ts_of
from common.domain.values import Board, Pace, Phase, push_id
from common.messages.columns import Quotes, batch_of
from common.messages.market import LEVELS, DayOpened, HandOrder, InstrumentTable, PushEnd, QuoteBatch
from common.rules.book import Book, Five

DAY = 20260105
PREV_DAY = 20251231
UP, DOWN = 11_000, 9_000
"""Limits of `book`."""


def milli(yuan: float) -> int:
    """Return a price in 0.001 yuan."""
    return round(yuan * 1000)


def table(
    closes: Mapping[str, float],
    *,
    day: int = DAY,
    references: Mapping[str, float] | None = None,
    flags: Mapping[str, int] | None = None,
    float_shares: int = 500_000_000,
    bonus_e6: Mapping[str, int] | None = None,
    cash_e6: Mapping[str, int] | None = None,
    profit_e6: Mapping[str, int] | None = None,
    delisted: Sequence[str] = (),
    feed_limits: Mapping[str, tuple[float, float]] | None = None,
) -> InstrumentTable:
    """Make an instrument table from previous closes (10 % limits; `references` where a stock goes ex)."""
    symbols = list(closes)
    raw = np.array([milli(closes[symbol]) for symbol in symbols], "<i4")
    refs = np.array([milli((references or {}).get(symbol, closes[symbol])) for symbol in symbols], "<i4")
    up = ((refs.astype(np.int64) * 110 + 500) // 1000 * 10).astype("<i4")
    down = ((refs.astype(np.int64) * 90 + 500) // 1000 * 10).astype("<i4")
    board = np.array([Board.CHINEXT if symbol.startswith("3") else Board.MAIN for symbol in symbols], "u1")
    return InstrumentTable(
        day=day,
        symbols=symbols,
        names=[f"N{symbol[:6]}" for symbol in symbols],
        board=board.tobytes(),
        prev_close=refs.tobytes(),
        raw_prev_close=raw.tobytes(),
        up_limit=up.tobytes(),
        down_limit=down.tobytes(),
        float_shares=np.full(len(symbols), float_shares, "<i8").tobytes(),
        flags=np.array([(flags or {}).get(symbol, 0) for symbol in symbols], "<u2").tobytes(),
        ex_cash_e6=np.array([(cash_e6 or {}).get(symbol, 0) for symbol in symbols], "<i8").tobytes(),
        ex_bonus_e6=np.array([(bonus_e6 or {}).get(symbol, 0) for symbol in symbols], "<i8").tobytes(),
        ex_profit_e6=np.array([profit_e6.get(symbol, 0) for symbol in symbols], "<i8").tobytes() if profit_e6 else b"",
        delisted=tuple(delisted),
        feed_up_limit=_told(symbols, up, feed_limits, 1),
        feed_down_limit=_told(symbols, down, feed_limits, 0),
    )


def _told(
    symbols: Sequence[str], ours: np.ndarray, told: Mapping[str, tuple[float, float]] | None, which: int
) -> bytes:
    """Return the limits that a live feed tells: ours, but for those given as (down, up) in yuan; none without any."""
    if told is None:
        return b""
    pairs = zip(symbols, ours.tolist(), strict=True)
    return np.array([milli(told[s][which]) if s in told else limit for s, limit in pairs], "<i4").tobytes()


def day_opened(instruments: InstrumentTable, prev_day: int = PREV_DAY, **changes: object) -> DayOpened:
    """Make the message that opens a day."""
    day = instruments.day
    fields: dict[str, object] = {
        "feed_epoch": f"test:{day}", "day": day, "prev_day": prev_day, "push": push_id(day, 0),
        "ts_ns": ts_of(day, hms("09:00")), "pace": Pace.LOCKSTEP, "speed_milli": 0, "interval_ms": 3000,
        "source": "test", "instruments": instruments,
    }  # fmt: skip
    fields.update(changes)
    return DayOpened(**fields)  # type: ignore[arg-type]  # a builder forwards by name


class Quote:
    """One quote in yuan; missing sides of the book are empty; the day's turnover is all at the last price by default."""

    def __init__(
        self,
        last: float,
        *,
        bid: Sequence[tuple[float, int]] = (),
        ask: Sequence[tuple[float, int]] = (),
        open_: float = 0,
        high: float = 0,
        low: float = 0,
        volume: int = 1000,
        turnover: float | None = None,
        second: int | None = None,
    ) -> None:
        self.last, self.bid, self.ask = milli(last), bid, ask
        self.open, self.high, self.low = milli(open_ or last), milli(high or last), milli(low or last)
        self.volume, self.second = volume, second
        self.turnover = volume * self.last if turnover is None else milli(turnover)


def batch(
    instruments: InstrumentTable, push: int, second: int, quotes: Mapping[str, Quote], part: int = 0
) -> QuoteBatch:
    """Make a quote batch from quotes by symbol."""
    symbols = list(quotes)
    at = {symbol: row for row, symbol in enumerate(instruments.symbols)}
    refs = np.frombuffer(instruments.prev_close, "<i4")
    n = len(symbols)
    index = np.array([at[symbol] for symbol in symbols], "<u2")

    def column(name: str) -> np.ndarray:
        return np.array([getattr(quotes[symbol], name) for symbol in symbols], "<i8")

    def levels(side: str, which: int) -> np.ndarray:
        out = np.zeros((LEVELS, n), "<i4")
        for col, symbol in enumerate(symbols):
            for level, pair in enumerate(getattr(quotes[symbol], side)):
                out[level, col] = milli(pair[0]) if which == 0 else pair[1]
        return out

    times = np.array([1000 * (quotes[s].second or second) for s in symbols], "<i4")
    packed = Quotes(
        index, times, column("last"), refs[index], column("open"), column("high"), column("low"), column("volume"),
        column("turnover"), levels("bid", 0), levels("bid", 1), levels("ask", 0), levels("ask", 1),
    )  # fmt: skip
    return batch_of(push, part, ts_of(instruments.day, second), phase_at(second), packed)


def push_end(
    day: int,
    number: int,
    second: int,
    *,
    parts: int = 0,
    prev: int,
    hand: Sequence[HandOrder] = (),
    bar_parts: int = 0,
    gap: bool = False,
) -> PushEnd:
    """Make the end of a push."""
    phase = Phase.PRE_OPEN if number == 0 else phase_at(second)
    return PushEnd(
        f"test:{day}", day, push_id(day, number), ts_of(day, second), phase, parts, bar_parts,
        last_of_day=second >= S1500, hand=tuple(hand), prev=prev, gap=gap,
    )  # fmt: skip


def five(values: Sequence[int]) -> Five:
    """Return five levels, the missing ones empty."""
    a, b, c, d, e = [*values, 0, 0, 0, 0, 0][:5]
    return a, b, c, d, e


def book(
    last: int,
    bids: Sequence[tuple[int, int]] = (),
    asks: Sequence[tuple[int, int]] = (),
    traded: int = 0,
    turnover: int = 0,
    day_volume: int = 0,
) -> Book:
    """Make a snapshot from (price, volume) pairs, 0.001 yuan and shares."""
    return Book(
        last, UP, DOWN, traded, five([p for p, _ in bids]), five([v for _, v in bids]), five([p for p, _ in asks]),
        five([v for _, v in asks]), turnover, day_volume=day_volume,
    )  # fmt: skip
