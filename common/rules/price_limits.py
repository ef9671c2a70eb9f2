"""Daily price limits by board, date, ST and stage of the listing, in integers of 0.001 yuan; limits are multiples of 10."""

from typing import NamedTuple

from common.domain.values import Day, Price
from common.rules.dates import days_before
from common.rules.kernel import kernel
from common.rules.tables import (
    ANY,
    DELISTING_FREE_FIRST,
    FREE_SESSIONS,
    ISSUE_BANDS,
    PRICE_LIMITS,
    ROUNDINGS,
    ListingPhase,
)

__all__ = ["NO_BAND", "Band", "ListingPhase", "free_sessions", "is_free_day", "limit_bp", "price_band", "rounds_inward"]

_TICK = 10
_NORMAL = int(ListingPhase.NORMAL)
_DELISTING = int(ListingPhase.DELISTING)
_DELISTING_FIRST = int(ListingPhase.DELISTING_FIRST_DAY)
_RELISTING_FIRST = int(ListingPhase.RELISTING_FIRST_DAY)


_FREE_MOST = max(row.sessions for row in FREE_SESSIONS)


class Band(NamedTuple):
    """The day's limits in 0.001 yuan; both 0 = no limit that day."""

    up: Price
    down: Price


NO_BAND = Band(0, 0)


@kernel
def limit_bp(board: int, day: Day, st: bool, phase: int = 0) -> int:
    """Return the width of the band in basis points; 0 = no row, that is no limit known."""
    wanted = 1 if st else 0
    for row in PRICE_LIMITS:
        in_force = row.board == board and row.phase == phase and row.first <= day <= row.last
        if in_force and row.st in (ANY, wanted):
            return row.bp
    return 0


@kernel
def free_sessions(board: int, listed_day: Day) -> int:
    """Return how many first sessions have no limit for a stock listed on `listed_day`."""
    for row in FREE_SESSIONS:
        if row.board == board and row.first <= listed_day <= row.last:
            return row.sessions
    return 0


@kernel
def is_free_day(board: int, day: Day, phase: int = 0, listing_session: int = 0, listed_day: Day = 0) -> bool:
    """Tell whether a rule frees the day of any limit: first sessions, first day of delisting or relisting.

    Without `listed_day`, session n says that the stock was listed at least n - 1 days ago. That is enough: the rules of
    first sessions changed on Mondays, so a first week never spans a change unseen.
    """
    if phase == _DELISTING_FIRST:
        return day >= DELISTING_FREE_FIRST
    if phase == _RELISTING_FIRST:
        return True
    if phase != _NORMAL or listing_session <= 0:
        return False
    return listing_session <= _FREE_MOST and listing_session <= free_sessions(
        board, listed_day if listed_day > 0 else days_before(day, listing_session - 1)
    )


@kernel
def rounds_inward(board: int, day: Day) -> bool:
    """Tell whether limits are rounded towards the reference price (Beijing) and not half up."""
    for row in ROUNDINGS:
        if row.board == board and row.first <= day <= row.last:
            return row.inward == 1
    return False


@kernel
def _around(prev_close: Price, up_bp: int, down_bp: int, inward: bool) -> Band:
    """Round `prev_close` x rates to ticks: half up on both sides, or towards `prev_close` (BSE); at least one tick."""
    unit = 10_000 * _TICK
    if inward:
        up = prev_close * up_bp // unit * _TICK
        down = -(-prev_close * down_bp // unit) * _TICK
    else:
        up = (prev_close * up_bp + unit // 2) // unit * _TICK
        down = (prev_close * down_bp + unit // 2) // unit * _TICK
    base = prev_close // _TICK * _TICK
    return Band(max(up, base + _TICK), max(min(down, base - _TICK), _TICK))


@kernel
def _first_day_band(board: int, day: Day, issue_price: Price, exchange: int) -> Band:
    for row in ISSUE_BANDS:
        if row.board == board and row.first <= day <= row.last and row.exchange in (0, exchange):
            if row.up_bp == 0:
                return Band(0, 0)
            return _around(issue_price, row.up_bp, row.down_bp, False)
    return Band(-1, -1)


@kernel
def price_band(
    board: int,
    day: Day,
    prev_close: Price,
    st: bool,
    phase: int = 0,
    listing_session: int = 0,
    listed_day: Day = 0,
    exchange: int = 0,
) -> Band:
    """Return the limits of a day.

    `prev_close` is the day's reference price (after ex-rights, rounded to 0.01; the issue price on the listing day);
    `listing_session` the number of the session since listing (1 = listing day, 0 = long ago); `listed_day` need not be
    known; `exchange` matters only for listings of 2013-12-13..2014-06-12.
    A width that no row gives, and a reference price of 0, mean no limit.
    """
    if prev_close <= 0 or is_free_day(board, day, phase, listing_session, listed_day):
        return Band(0, 0)
    if phase == _NORMAL and listing_session == 1:
        first_day = _first_day_band(board, day, prev_close, exchange)
        if first_day.up >= 0:
            return first_day
    bp = limit_bp(board, day, st, _DELISTING if phase == _DELISTING_FIRST else phase)
    if bp == 0:
        return Band(0, 0)
    return _around(prev_close, 10_000 + bp, 10_000 - bp, rounds_inward(board, day))
