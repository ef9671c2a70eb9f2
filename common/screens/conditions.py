"""One function a condition: a verdict for every stock, with the numbers it rests on. All comparisons are exact."""

from typing import NamedTuple

import numpy as np

from common.screens.cross import I64, ST_NO, ST_UNKNOWN, Bools, Cross, adjusted
from common.screens.fractals import MergedPair

MILLI = 1000
_FAR = np.iinfo(np.int64).max


class Verdicts(NamedTuple):
    """A condition over all stocks."""

    name: str
    passed: Bools
    numbers: dict[str, I64]


def _constant(like: I64, value: int) -> I64:
    return np.full(like.shape, value, np.int64)


def on_board(cross: Cross, mask: int) -> Verdicts:
    """The board is among the allowed ones (bits as `boards.board_mask` makes them)."""
    return Verdicts("board", (mask >> cross.board & 1).astype(bool), {"board": cross.board})


def float_value(cross: Cross) -> I64:
    """Return close x listed float shares, 0.001 yuan; 0 = unknown."""
    return cross.last_close * cross.float_shares


def float_value_between(cross: Cross, least_yuan: int, most_yuan: int) -> Verdicts:
    """The float market value lies in a range, both ends included; unknown does not."""
    value = float_value(cross)
    passed = (value >= max(least_yuan * MILLI, 1)) & (value <= most_yuan * MILLI)
    return Verdicts(
        "float_value",
        passed,
        {"float_value": value, "close": cross.last_close, "float_shares": cross.float_shares},
    )


def no_recent_st(cross: Cross, unknown_allowed: bool) -> Verdicts:
    """Never ST, *ST or in a delisting period within the months that count; unknown counts as ST."""
    passed = cross.recent_st == ST_NO
    if unknown_allowed:
        passed = passed | (cross.recent_st == ST_UNKNOWN)
    return Verdicts("no_recent_st", passed, {"recent_st": cross.recent_st})


def amplitude_within(cross: Cross, bp_max: int) -> Verdicts:
    """(H - L) x 10000 <= bp_max x L over the adjusted highs and lows of the sessions."""
    bars = cross.sessions
    high = adjusted(bars.high, bars.factor, cross.factor_now).max(axis=0, initial=0)
    lows = adjusted(bars.low, bars.factor, cross.factor_now)
    low = np.where(lows > 0, lows, _FAR).min(axis=0, initial=_FAR)
    known = low < _FAR
    low = np.where(known, low, 0)
    span = (high - low) * 10_000
    shown = span // np.where(known & (low > 0), low, 1)
    return Verdicts("amplitude", known & (span <= bp_max * low), {"amplitude_bp": shown, "high": high, "low": low})


def traded_sessions(cross: Cross, least: int) -> Verdicts:
    """At least so many of the sessions were traded."""
    count = (cross.sessions.close > 0).sum(axis=0).astype(np.int64)
    return Verdicts("traded_sessions", count >= least, {"traded": count, "traded_min": _constant(count, least)})


def listed_long(cross: Cross, least: int) -> Verdicts:
    """Listed for at least so many sessions."""
    listed = cross.listed_sessions
    return Verdicts("listed_sessions", listed >= least, {"listed": listed, "listed_min": _constant(listed, least)})


def not_suspended(cross: Cross) -> Verdicts:
    """Not suspended on D."""
    return Verdicts("not_suspended", ~cross.suspended, {"suspended": cross.suspended.astype(np.int64)})


def has_limit(cross: Cross) -> Verdicts:
    """D has a price limit."""
    return Verdicts("has_limit", cross.up_limit > 0, {"up_limit": cross.up_limit})


def long_lower_shadow(cross: Cross) -> Verdicts:
    """The raw bar of D-1 stands on a shadow of twice its body and half its range at least."""
    bars = cross.traded
    opened, high, low, close = bars.open[-1], bars.high[-1], bars.low[-1], bars.close[-1]
    shadow = np.minimum(opened, close) - low
    body = np.abs(close - opened)
    passed = cross.traded_yesterday & (2 * body <= shadow) & (2 * shadow >= high - low) & (high - low > 0)
    return Verdicts("long_lower_shadow", passed, {"open": opened, "high": high, "low": low, "close": close})


def bottom_below(cross: Cross, pair: MergedPair) -> Verdicts:
    """The merged bar of D-1 lies below the merged bar before it, in high and in low."""
    passed = cross.traded_yesterday & pair.known & (pair.k2_high < pair.k1_high) & (pair.k2_low < pair.k1_low)
    numbers = {"k1_high": pair.k1_high, "k1_low": pair.k1_low, "k2_high": pair.k2_high, "k2_low": pair.k2_low}
    return Verdicts("bottom_below", passed, numbers)
