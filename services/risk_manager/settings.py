"""What the risk manager is told at its start."""

from typing import NamedTuple

from common.domain.values import Board, Cash
from common.rules.boards import board_mask

RISK = "risk_manager"
GATEWAY = "order_gateway"
MARKET = "market_data"
SIGNAL = "signal_engine"
BASIS = 10_000
HAND_WAIT_NS = 500_000_000
"""Wall time that a push with hand orders waits for the decisions of the rules (never ends in lockstep)."""
EVENTS_WAIT_NS = 3_000_000_000
"""Wall time after which a push without the gateway's match is a cause to stop opening."""
KEEP_DAYS = 20
"""Trading days whose verdicts are kept."""


class Settings(NamedTuple):
    """Slots, boards, times and fees."""

    positions_max: int = 5
    slot_bp: int = 2_000
    """Size of a slot in basis points of total equity."""
    rule_slots: tuple[tuple[str, int], ...] = ()
    """Slots by rule; empty = every rule may take all."""
    boards_mask: int = board_mask((Board.MAIN, Board.CHINEXT))
    reprice_s: int = 5
    stale_s: int = 6
    commission_e7: int = 1_500
    commission_min: Cash = 5_000
    resume_at_start: bool = False
    """First start of a paper run: ACTIVE without a person."""
    name_share_bp: int = 4_000
    """What buys by hand may make of one stock, of total equity; a configured slot always fits."""
    day_loss_bp: int = 600
    """Of the equity at the close before."""
    drawdown_bp: int = 2_000
    """Of the highest close."""
    stop_losses: int = 10
    """So many within `stop_sessions` lock opens for `lock_sessions`, the session of the last one included."""
    stop_sessions: int = 3
    lock_sessions: int = 2

    def slots_of(self, rule: str) -> int:
        """Return how many slots a rule may take."""
        return dict(self.rule_slots).get(rule, 0) if self.rule_slots else self.positions_max
