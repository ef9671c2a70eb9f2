"""Whether a stock was ST of late, out of dated spells: only what was known before the open of the day that asks."""

from typing import NamedTuple

import numpy as np

from common.domain.calendar import S0915, months_before
from common.domain.values import Day
from common.screens.cross import I64

ST_NO, ST_YES, ST_UNKNOWN = 0, 1, 2


class Spells(NamedTuple):
    """Spells of ST, of a delisting period or of nobody knowing; one row a spell."""

    column: I64
    """Column of the stock; below 0 = not looked at."""
    first_day: I64
    last_day: I64
    """Included; 0 = open-ended."""
    unknown: I64
    """1 = nobody knows whether the stock was ST."""
    known_at: I64
    """yyyymmddHHMM of the beginning."""
    end_known_at: I64
    """yyyymmddHHMM of the end; 0 = no end known."""


def recent_st(spells: Spells, stocks: int, day: Day, months: int) -> I64:
    """Return each stock's state after `day` - `months` up to `day`; an end that is not known yet is no end."""
    return _states(spells, stocks, day, months_before(day, months) + 1)


def st_on(spells: Spells, stocks: int, day: Day) -> I64:
    """Return each stock's state on `day` itself."""
    return _states(spells, stocks, day, day)


def _states(spells: Spells, stocks: int, day: Day, since: Day) -> I64:
    now = day * 10_000 + S0915 // 3600 * 100 + S0915 // 60 % 60
    ended = (spells.end_known_at > 0) & (spells.end_known_at <= now) & (spells.last_day > 0)
    touches = (spells.known_at <= now) & (spells.first_day <= day) & (spells.column >= 0)
    touches &= ~ended | (spells.last_day >= since)
    states = np.full(stocks, ST_NO, np.int64)
    sure = spells.unknown == 0
    states[spells.column[touches & ~sure]] = ST_UNKNOWN
    states[spells.column[touches & sure]] = ST_YES
    return states
