"""The limits of a run: `[limits]` of the configuration, each under a ceiling that no configuration moves."""

from typing import Any

import msgspec

from common.rules.guards import (
    DAY_VALUE_CEILING,
    ORDER_VALUE_CEILING,
    ORDERS_PER_DAY_CEILING,
    ORDERS_PER_S_CEILING,
)

KILL_BLOCKS = ("buys", "orders", "all")
"""What the kill switch stops: buys; buys and sells; cancels too."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Last limits of the gateway, then the portfolio rules of risk; money in yuan, shares of equity in basis points."""

    orders_per_s: int = 10
    orders_per_day: int = 2_000
    order_value_max: int = 5_000_000
    day_value_max: int = 20_000_000
    cancel_ratio_bp: int = 8_000
    kill_blocks: str = "orders"
    name_share_bp: int = 4_000
    day_loss_bp: int = 600
    drawdown_bp: int = 2_000
    stop_losses: int = 10
    stop_sessions: int = 3
    lock_sessions: int = 2


CEILINGS: dict[str, int] = {
    "orders_per_s": ORDERS_PER_S_CEILING,
    "orders_per_day": ORDERS_PER_DAY_CEILING,
    "order_value_max": ORDER_VALUE_CEILING,
    "day_value_max": DAY_VALUE_CEILING,
    "cancel_ratio_bp": 10_000,
    "name_share_bp": 10_000,
    "day_loss_bp": 2_000,
    "drawdown_bp": 5_000,
    "stop_losses": 100,
    "stop_sessions": 60,
    "lock_sessions": 60,
}
"""Nothing is set above these; a change of them is a change of the code."""


def limit_faults(limits: Any) -> list[str]:
    """Return what is wrong with `[limits]`: each line names the key, the value and the line it crosses."""
    faults: list[str] = []
    for key, ceiling in CEILINGS.items():
        value = getattr(limits, key)
        if value > ceiling:
            faults.append(f"limits.{key} = {value}: above the hard ceiling {ceiling}")
        elif value < 1:
            faults.append(f"limits.{key} = {value}: must be from 1 to {ceiling}")
    return faults
