"""A made-up whole market for benches: 5,400 stocks, one push of all of them."""

import numpy as np

from common.domain.calendar import ts_of
from common.domain.values import Pace, Phase, PushId, push_id
from common.messages.columns import Quotes, batch_of
from common.messages.market import QUOTES_PER_BATCH_MAX, DayOpened, InstrumentTable, QuoteBatch

DAY = 20260105
WATCHED = np.arange(0, 5400, 54)
"""A hundred stocks that a signal engine watches."""


def make_day(stocks: int) -> tuple[DayOpened, InstrumentTable]:
    """Return an opened day with this many stocks."""
    rng = np.random.default_rng(1)
    prev = (rng.integers(300, 20_000, stocks) * 10).astype("<i4")
    up = ((prev.astype(np.int64) * 110 + 500) // 1000 * 10).astype("<i4")
    down = ((prev.astype(np.int64) * 90 + 500) // 1000 * 10).astype("<i4")
    symbols = [f"{600_000 + n:06d}.SH" if n < 2700 else f"{n - 2700:06d}.SZ" for n in range(stocks)]
    zeros8 = np.zeros(stocks, "<i8").tobytes()
    table = InstrumentTable(
        DAY, symbols, symbols, np.ones(stocks, "u1").tobytes(), prev.tobytes(), prev.tobytes(), up.tobytes(),
        down.tobytes(), np.full(stocks, 500_000_000, "<i8").tobytes(), np.zeros(stocks, "<u2").tobytes(), zeros8, zeros8,
    )  # fmt: skip
    opened = DayOpened(
        "bench", DAY, 20251231, push_id(DAY, 0), ts_of(DAY, 32_400), Pace.LOCKSTEP, 0, 3000, "bench", table
    )
    return opened, table


def make_push(table: InstrumentTable, push: PushId, second: int) -> list[QuoteBatch]:
    """Return one push in which every stock changed."""
    prev = np.frombuffer(table.prev_close, "<i4")
    n = len(prev)
    rng = np.random.default_rng(push % 1000)
    last = prev + rng.integers(-20, 21, n) * 10
    levels = np.arange(1, 6)[:, None] * 10
    volumes = rng.integers(100, 90_000, (5, n))
    quotes = Quotes(
        np.arange(n), np.full(n, second * 1000), last, prev, prev, np.maximum(prev, last), np.minimum(prev, last),
        rng.integers(1000, 9_000_000, n), rng.integers(10_000_000, 9_000_000_000, n), last - levels, volumes,
        last + levels, volumes,
    )  # fmt: skip
    return [
        batch_of(push, part, ts_of(table.day, second), Phase.CONTINUOUS, quotes.cut(at, at + QUOTES_PER_BATCH_MAX))
        for part, at in enumerate(range(0, n, QUOTES_PER_BATCH_MAX))
    ]
