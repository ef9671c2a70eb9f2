"""What a screen of a day looks at: one column a stock, prices in 0.001 yuan, nothing that is not known before the open."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Bars(NamedTuple):
    """Raw daily bars, sessions x stocks, oldest session first; 0 in all where a stock did not trade."""

    high: I64
    low: I64
    close: I64
    factor: I64
    """Adjustment factor of each bar, any scale: adjusted price = price x factor / factor at D-1."""
    turnover: I64
    """0.001 yuan; 0 = unknown."""


class Bar(NamedTuple):
    """The raw bar of one session, one number a stock; 0 in all where it did not trade."""

    open: I64
    high: I64
    low: I64
    close: I64
    volume: I64
    """Shares."""


class Span(NamedTuple):
    """The last sessions of each stock in four numbers."""

    high: I64
    """Highest high as of D-1, 0.001 yuan; 0 = no trade."""
    low: I64
    """Lowest low as of D-1; 0 = no trade."""
    traded: I64
    """Sessions with a trade."""
    turnover: I64
    """Turnover of all sessions, 0.001 yuan."""


class MergedPair(NamedTuple):
    """The last two merged bars of each stock."""

    known: Bools
    """There are two: somewhere a pair of bars did not include."""
    k1_high: I64
    k1_low: I64
    k2_high: I64
    k2_low: I64


class Windows(Protocol):
    """What conditions ask about more than one day. The plain one and the compiled one answer the same."""

    def span(self, sessions: int) -> Span:
        """Return the last exchange sessions up to D-1."""

    def merged(self, bars: int) -> MergedPair:
        """Return the last two merged bars out of the last traded bars up to D-1."""

    def recent_st(self, months: int) -> I64:
        """Return `ST_NO`, `ST_YES` or `ST_UNKNOWN` for the months up to D."""


class Cross(NamedTuple):
    """All stocks of the day that asks, D. `at D-1` means the close of the session before."""

    day: int
    """D, yyyymmdd."""
    symbols: tuple[str, ...]
    names: tuple[str, ...]
    """As of D, for people; empty where nobody asked."""
    listed: Bools
    """The stock is looked at on D."""
    board: I64
    bar: Bar
    """Of D-1."""
    last_close: I64
    """Raw close of the last bar each stock traded up to D-1; 0 = never traded."""
    float_shares: I64
    """Listed float shares at D-1; 0 = unknown."""
    listed_sessions: I64
    """Number of the session D-1 in the stock's listing; the first one is 1."""
    suspended: Bools
    """On D."""
    up_limit: I64
    """On D; 0 = no limit."""
    lacking: dict[int, str]
    """Boards whose data is not complete, and what they lack."""
    sessions: int
    """How many sessions up to D-1 the windows reach back at most."""
    hole: str
    """Why they reach no further."""
    windows: Windows


def half_up(product: I64, factor_now: I64) -> I64:
    """Return price x factor / factor at D-1, rounded half up to 0.001 yuan; 0 stays 0."""
    now = np.where(factor_now > 0, factor_now, 1)
    rounded: I64 = (2 * product + now) // (2 * now)
    return rounded


def adjusted(price: I64, factor: I64, factor_now: I64) -> I64:
    """Return prices as of D-1: x factor / factor at D-1, half up to 0.001 yuan; no trade stays 0."""
    same = factor == factor_now
    if bool(same.all()):
        return price
    return np.where(same | (price == 0), price, half_up(price * factor, factor_now))
