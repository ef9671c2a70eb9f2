"""What the gateway is told at its start."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from common.domain.values import Cash, Phase
from common.messages.header import Role
from common.rules.guards import RAISABLE

GATEWAY = "order_gateway"
RISK = "risk_manager"
MARKET = "market_data"
HAND_ROLES = frozenset({Role.OPERATOR, Role.WEB})
"""Who may order by hand."""
BUY_SHARE_BP = 7500
"""Buys may use this much of the daily number of orders; the rest is kept for exits."""
STALE_MIN_NS = 6_000_000_000
"""Shortest life of an order in data time before it must reach the broker."""
BEFORE_CONTINUOUS = frozenset({Phase.PRE_CONTINUOUS, Phase.CONTINUOUS, Phase.LUNCH})
"""Phases whose next push can be one of continuous trading."""


SETTLE_FLOOR_S = 10
"""A counter is never given less to settle, whatever the configuration says: too short gives orders twice."""


class Settings(NamedTuple):
    """Account, fees and limits."""

    account: str = "paper"
    cash: Cash = 1_000_000_000
    """Of a new account, 0.001 yuan."""
    commission_e7: int = 1500
    """Rate x 10,000,000."""
    commission_min: Cash = 5_000
    """Of one order, 0.001 yuan."""
    orders_per_s: int = 10
    """In data time."""
    orders_per_day: int = 2000
    park: bool = False
    """An order of which nobody knows whether the broker has it waits for a person, instead of being sent again."""
    fill_verdict: str = "expected"
    """What the paper exchange believes of a queue at the limit; only told here."""
    silent_ns: int = 2_000_000_000
    """Wall time after which a risk manager without an answer or a sign of life is silent."""
    order_value_max: int = 5_000_000
    """Of one buy, yuan."""
    day_value_max: int = 20_000_000
    """Of the buy orders of a day, yuan."""
    cancel_ratio_bp: int = 8_000
    """Cancels per order of a day beyond which an alarm is given."""
    kill_blocks: str = "orders"
    """What the kill switch stops: buys, orders (buys and sells), all (cancels too)."""
    live: bool = False
    """Opens only while the account is armed."""
    stale_s: int = 6
    """Seconds without a push after which the feed is dead."""
    ceilings: Mapping[str, int] = MappingProxyType(RAISABLE)
    """Never changed by a configuration; sells and cancels may go up to here. Benches raise them and say so."""
    counter: bool = False
    """The broker has books of its own and answers when it likes; otherwise it is the paper exchange."""
    settle_ns: int = 10_000_000_000
    """The longest time until what a counter was given takes effect and shows in its answers. Monotonic, as all below."""
    query_ns: int = 1_000_000_000
    """Between two questions about what is not known yet."""
    compare_ns: int = 30_000_000_000
    """Between two comparisons of the books while nothing is open."""
    cash_tolerance: Cash = 0
    """By which the counter's cash may differ: its fees may be rounded otherwise."""
