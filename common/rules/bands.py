"""The limits of many stocks at once: what `price_band` says of one, over arrays.

Arrays live here and not in `screens`, because history, screens and market data all ask, and because it must never say
anything else than the kernel beside it: a test holds both against each other, and against every published limit.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from common.domain.values import Board, Day
from common.rules.dates import days_before
from common.rules.price_limits import ListingPhase, limit_bp, rounds_inward
from common.rules.tables import DELISTING_FREE_FIRST, FREE_SESSIONS, ISSUE_BANDS

Ints = npt.NDArray[np.int64]
IntsLike = npt.ArrayLike
_TICK = 10
_UNIT = 10_000 * _TICK
_FREE_MOST = max(row.sessions for row in FREE_SESSIONS)
_BOARDS = 1 + max(Board)
_PHASES = 1 + max(ListingPhase)
_NORMAL, _DELISTING = int(ListingPhase.NORMAL), int(ListingPhase.DELISTING)
_DELISTING_FIRST, _RELISTING_FIRST = int(ListingPhase.DELISTING_FIRST_DAY), int(ListingPhase.RELISTING_FIRST_DAY)


class Bands(NamedTuple):
    """Limits in 0.001 yuan, one a stock; both 0 = no limit that day."""

    up: Ints
    down: Ints


def _widths(day: Day) -> npt.NDArray[np.int64]:
    """Return the width in basis points of every board, phase and ST mark on a day: a small table to look up in."""
    widths = np.zeros((_BOARDS, _PHASES, 2), np.int64)
    for board in Board:
        for phase in ListingPhase:
            of = _DELISTING if phase == _DELISTING_FIRST else int(phase)
            for st in (False, True):
                widths[board, phase, int(st)] = limit_bp(int(board), day, st, of)
    return widths


def _free(board: Ints, day: Day, phase: Ints, session: Ints, listed_day: Ints) -> npt.NDArray[np.bool_]:
    free: npt.NDArray[np.bool_] = phase == _RELISTING_FIRST
    if day >= DELISTING_FREE_FIRST:
        free |= phase == _DELISTING_FIRST
    young = np.flatnonzero((session > 0) & (session <= _FREE_MOST) & (phase == _NORMAL))
    if young.size:
        latest = np.array([days_before(day, n) for n in range(_FREE_MOST)])[session[young] - 1]
        since = np.where(listed_day[young] > 0, listed_day[young], latest)
        sessions = np.zeros(young.size, np.int64)
        for row in FREE_SESSIONS:
            sessions[(board[young] == row.board) & (row.first <= since) & (since <= row.last)] = row.sessions
        free[young[session[young] <= sessions]] = True
    return free


def _issue_rates(day: Day, board: Ints, exchange: Ints, first: npt.NDArray[np.intp]) -> list[tuple[Ints, int, int]]:
    """Return, for the stocks on their listing day, which of them have which rates of the issue price (0 = no limit)."""
    left = first
    found = []
    for row in ISSUE_BANDS:
        if left.size and row.first <= day <= row.last:
            taken = (board[left] == row.board) & ((row.exchange == 0) | (exchange[left] == row.exchange))
            found.append((left[taken], row.up_bp, row.down_bp))
            left = left[~taken]
    return found


def bands(
    board: IntsLike,
    day: Day,
    prev_close: IntsLike,
    st: IntsLike,
    phase: IntsLike = 0,
    listing_session: IntsLike = 0,
    listed_day: IntsLike = 0,
    exchange: IntsLike = 0,
) -> Bands:
    """Return the limits of a day for many stocks; the arguments are those of `price_band`, as arrays or one for all."""
    prices = np.asarray(prev_close, np.int64)
    shape = prices.shape

    def spread(values: IntsLike) -> Ints:
        return np.broadcast_to(np.asarray(values, np.int64), shape)

    boards, phases, sessions = spread(board), spread(phase), spread(listing_session)
    width = _widths(day)[boards, phases, spread(st)]
    gone = (prices <= 0) | (width == 0) | _free(boards, day, phases, sessions, spread(listed_day))
    up_bp, down_bp = 10_000 + width, 10_000 - width
    inward = np.array([rounds_inward(n, day) for n in range(_BOARDS)])[boards]
    first = np.flatnonzero((sessions == 1) & (phases == _NORMAL) & ~gone)
    for at, high, low in _issue_rates(day, boards, spread(exchange), first) if first.size else ():
        up_bp[at], down_bp[at], inward[at] = high, low, False
        gone[at] = high == 0
    up_raw, down_raw = prices * up_bp, prices * down_bp
    up = (up_raw + np.where(inward, 0, _UNIT // 2)) // _UNIT * _TICK
    down = (down_raw + np.where(inward, _UNIT - 1, _UNIT // 2)) // _UNIT * _TICK
    base = prices // _TICK * _TICK
    up = np.maximum(up, base + _TICK)
    down = np.maximum(np.minimum(down, base - _TICK), _TICK)
    up[gone] = 0
    down[gone] = 0
    return Bands(up, down)
