"""Which rows of a push matter, as array work, and their steps. No object is made for a quote nobody watches."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.domain.calendar import NS, S0930, ts_of
from common.domain.values import Symbol
from common.messages.columns import I4, I8, U2, Instruments, QuoteTable, index_of
from common.messages.market import BarsClosed, QuoteBatch
from common.strategies.contract import Step

FIVE_MINUTES = 300
OPEN_MS = S0930 * 1000
_NS_OF_MS = 1_000_000


class Woken(NamedTuple):
    """One row that matters."""

    symbol: Symbol
    at: int
    """Row of the day's instrument table."""
    step: Step
    time_ms: int
    """Exchange time, ms since midnight; of a bar its label."""


def mask_of(instruments: Instruments, symbols: Iterable[Symbol]) -> NDArray[np.bool_]:
    """Return a mask over the day's instrument table; symbols that the day does not have are left out."""
    mask = np.zeros(len(instruments), np.bool_)
    mask[[instruments.index[symbol] for symbol in symbols if symbol in instruments.index]] = True
    return mask


def _ints(raw: bytes, dtype: np.dtype[np.int32] | np.dtype[np.int64], hits: NDArray[np.intp]) -> list[int]:
    chosen: list[int] = np.frombuffer(raw, dtype)[hits].tolist()
    return chosen


def wake_quotes(
    batches: Sequence[QuoteBatch], mask: NDArray[np.bool_], instruments: Instruments, table: QuoteTable, *, steps: bool
) -> list[Woken]:
    """Return the watched rows of a push as steps, and bring their time, volume and turnover into `table`.

    With `steps` False only the table is brought up: outside of continuous trading nothing is a step. The first step
    of a day is the first whose stock had no quote since 09:30; its volume is the day's so far.
    """

    def joined(name: str) -> bytes:
        # One pass over a whole push: copying its columns together costs less than looking at each batch alone.
        return b"".join([getattr(batch, name) for batch in batches])

    at = np.frombuffer(joined("index"), U2)
    hits = np.flatnonzero(mask[at])
    if len(hits) == 0:
        return []
    rows = at[hits]
    times = np.frombuffer(joined("time_ms"), I4)[hits]
    volumes = np.frombuffer(joined("volume"), I8)[hits]
    turnovers = np.frombuffer(joined("turnover"), I8)[hits]
    woken: list[Woken] = []
    if steps:
        fresh = table.time_ms[rows] < OPEN_MS
        volume = np.where(fresh, volumes, volumes - table.volume[rows]).tolist()
        turnover = np.where(fresh, turnovers, turnovers - table.turnover[rows]).tolist()
        columns = zip(
            rows.tolist(), times.tolist(), *(_ints(joined(name), I4, hits) for name in ("last", "open", "high", "low")),
            *_day_prices(instruments, rows), volume, turnover, fresh.tolist(), strict=True,
        )  # fmt: skip
        midnight_ns = ts_of(instruments.day, 0)
        for row, time_ms, last, day_open, day_high, day_low, close, up, down, amount, value, first in columns:
            # A quote stamped before 09:30 that comes late is one of the auction: virtual prices.
            if time_ms >= OPEN_MS:
                step = Step(
                    midnight_ns + time_ms * _NS_OF_MS, time_ms // 1000, last, last, last, day_open, day_high, day_low,
                    close, up, down, amount, value, first, False,
                )  # fmt: skip
                woken.append(Woken(instruments.symbols[row], row, step, time_ms))
    table.time_ms[rows], table.volume[rows], table.turnover[rows] = times, volumes, turnovers
    return woken


def wake_bars(bars: BarsClosed, mask: NDArray[np.bool_], instruments: Instruments) -> list[Woken]:
    """Return the watched rows of closed bars as steps."""
    at = index_of(bars)
    hits = np.flatnonzero(mask[at])
    rows = at[hits]
    prices = (bars.close, bars.high, bars.low, bars.day_open, bars.day_high, bars.day_low)
    columns = zip(
        rows.tolist(), *(_ints(raw, I4, hits) for raw in prices), *_day_prices(instruments, rows),
        _ints(bars.volume, I8, hits), _ints(bars.turnover, I8, hits), strict=True,
    )  # fmt: skip
    ts_ns = ts_of(instruments.day, 0) + bars.label_s * NS
    first = bars.label_s == S0930 + bars.period_s
    woken = []
    for row, *figures in columns:
        step = Step._make((ts_ns, bars.label_s, *figures, first, False))
        woken.append(Woken(instruments.symbols[row], row, step, bars.label_s * 1000))
    return woken


def _day_prices(instruments: Instruments, rows: NDArray[np.uint16]) -> tuple[list[int], list[int], list[int]]:
    """Return previous close, up limit and down limit of rows."""
    return (
        instruments.prev_close[rows].tolist(),
        instruments.up_limit[rows].tolist(),
        instruments.down_limit[rows].tolist(),
    )
