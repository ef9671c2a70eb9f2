"""T+1: what was bought today may not be sold today. The money of a sale may buy at once and leave the account next day."""

from common.domain.values import Day, Shares
from common.rules.kernel import kernel
from common.rules.tables import FOREVER, SETTLEMENTS


@kernel
def sessions_locked(day: Day = FOREVER) -> int:
    """Return after how many sessions what was bought on a day may be sold."""
    for row in SETTLEMENTS:
        if row.first <= day <= row.last:
            return row.sessions
    return 1


@kernel
def sellable(shares: Shares, bought_today: Shares, frozen: Shares, day: Day = FOREVER) -> Shares:
    """Return what may be sold now: held, not bought today, not in an open sell."""
    locked = bought_today if sessions_locked(day) > 0 else 0
    return max(0, shares - locked - frozen)
