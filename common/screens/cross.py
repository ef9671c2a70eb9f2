"""What a screen of a day looks at: one column a stock, prices in 0.001 yuan, nothing that is not known before the open."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

ST_NO, ST_YES, ST_UNKNOWN = 0, 1, 2


class Bars(NamedTuple):
    """Raw daily bars, sessions x stocks, oldest session first; 0 in all four where a stock did not trade."""

    open: I64
    high: I64
    low: I64
    close: I64
    factor: I64
    """Adjustment factor of each bar, any scale: adjusted price = price x factor / `Cross.factor_now`."""


class Cross(NamedTuple):
    """All stocks of the day that asks, D. `at D-1` means the close of the session before."""

    day: int
    """D, yyyymmdd."""
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    board: I64
    sessions: Bars
    """The last exchange sessions up to D-1."""
    traded: Bars
    """The last bars each stock traded up to D-1, the newest in the last row, padded with 0 in front."""
    traded_yesterday: Bools
    """The last row of `traded` is the bar of D-1."""
    factor_now: I64
    """Factor at D-1."""
    last_close: I64
    """Raw close of the last bar up to D-1."""
    float_shares: I64
    """Listed float shares at D-1; 0 = unknown."""
    listed_sessions: I64
    """Number of the session D-1 in the stock's listing; the first one is 1."""
    recent_st: I64
    """Within the months that count up to D: 0 never, 1 ST, *ST or delisting period, 2 unknown."""
    suspended: Bools
    """On D."""
    up_limit: I64
    """On D; 0 = no limit."""


def adjusted(price: I64, factor: I64, factor_now: I64) -> I64:
    """Return prices as of D-1: x factor / factor at D-1, half up to 0.001 yuan; no trade stays 0."""
    same = factor == factor_now
    if bool(same.all()):
        return price
    now = np.where(factor_now > 0, factor_now, 1)
    moved = (2 * price * factor + now) // (2 * now)
    return np.where(same | (price == 0), price, moved)
