"""T+1: what was bought today may not be sold today."""

from common.domain.values import Shares
from common.rules.kernel import kernel


@kernel
def sellable(shares: Shares, bought_today: Shares, frozen: Shares) -> Shares:
    """Return what may be sold now: held, not bought today, not in an open sell."""
    return max(0, shares - bought_today - frozen)
