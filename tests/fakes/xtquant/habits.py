"""What the trading client under the real xtquant layer is made of: its habits, and what a counter keeps.

Each habit names the section of the vendor reference it comes from with its mark: [P] proven, [D] documented, [U] reported
by users, [?] unknown. What is [U] or [?] can be set either way, and the adapter has to be right in both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from common.domain.values import Cash, Shares, Side, Symbol

BUY, SELL = 23, 24
REPORTED, CANCELLING, PART_CANCELLED, CANCELLED, PART_FILLED, FILLED, JUNK = 50, 51, 53, 54, 55, 56, 57
ALIVE = frozenset({48, 49, REPORTED, CANCELLING, 52, PART_FILLED})


@dataclass
class Habits:
    """How this client behaves. The defaults are what the reference calls normal."""

    connect_code: int = 0  # §1.1 [D]: 0 = connected, -1 in all reports of failure
    subscribe_code: int = 0  # §1.1 [D]
    account_status: int = 0  # §1.2: 0 = OK
    lists_accounts: bool = True  # §1.2 [?]: an account may be missing in the list
    silent: set[str] = field(default_factory=set)  # §0.3 [P]: the answer to a call is lost; names of native methods
    answer_first: bool = False  # §0.6 [P]: the answer is handled before order_stock_async has returned its seq
    errors: str = ""  # §1.3 [P]: order errors come "before" or "after" the answer of the same request
    junk: str = (
        "after"  # §1.3 [U]: what a refusal by the counter looks like: "after" (id, error, 57), "minus", "silent_57"
    )
    minus_one_lives: bool = False  # §1.5 [U]: answered with -1, and yet at the counter
    minus_one_error: bool = False  # §1.3 [P]: with an order error whose id is -1 as well
    remark: Callable[[str], str] = lambda remark: remark[:24]  # §1.4 [D] 24, [U] cut or rewritten
    twice: bool = False  # §1.5 [U]: pushes are doubled
    pushes: bool = True  # §4 [?]: whether anything is pushed at all
    none_is_empty: bool = True  # §1.2 [D]: None for an empty list; False: an empty list
    empty_positions: bool = False  # §1.5, issue list: positions are empty while the broker side is away
    no_asset: bool = False  # §1.2 [D]: None = failed
    none_lists: bool = False  # §1.2 [D]: lists are None because they failed
    replays: str = (
        ""  # §1.5 [U]: on connect, "day" = today's orders and deals again, "old" = a deal of days ago, 24 times
    )
    time_form: str = "seconds"  # §1.4 [U]: "seconds", "ms", "hhmmss", "datetime", "none"
    price_type_back: int = 50  # §1.2 [U]: the counter's own code comes back (limit 50, market 88)
    price_back: float | None = None  # §1.2 [U]: another price comes back
    zero_rows: bool = True  # §1.4 [?]: a position that was sold stays listed with 0 shares
    cancel_result: int = 0  # §1.2 [D]
    cancels_pend: bool = False  # §1.4: 51 is shown first; the end comes with `finish_cancels`
    stop_hangs: bool = False  # §1.1 [U]: stop() does not come back
    connect_hangs: bool = False  # §0.3 [P]: a call without an answer blocks for ever


@dataclass
class Entry:
    """An order in the counter's books."""

    order_id: int
    coid: str
    remark: str
    symbol: Symbol
    side: Side
    shares: Shares
    price: float
    at_ns: int
    status: int = REPORTED
    traded: Shares = 0
    turnover: Cash = 0
    session: int = 0

    @property
    def alive(self) -> bool:
        """Tell whether it may still trade."""
        return self.status in ALIVE


@dataclass
class Deal:
    """A deal in the counter's books."""

    deal_id: str
    entry: Entry
    shares: Shares
    price: Cash
    at_ns: int
