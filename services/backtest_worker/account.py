"""What a desk is told and whom it tells: the account's settings, and who listens to its orders."""

from typing import NamedTuple, Protocol

from common.backtests.result import Fill
from common.domain.errors import UserError
from common.domain.reasons import Reason
from common.domain.values import Cash, Day, Price, Shares, Symbol
from common.strategies.contract import Decision, decision_fault
from services.backtest_worker.fills import FillSettings, Working


class DeskSettings(NamedTuple):
    """The account and what it pays."""

    cash: Cash = 1_000_000_000
    positions_max: int = 5
    slot_bp: int = 2_000
    commission_e7: int = 1_500
    commission_min: Cash = 5_000
    fill: FillSettings = FillSettings()


def check_decision(rule: str, decision: Decision) -> None:
    """Raise `UserError` where a rule returned what is no decision: it must not become an order."""
    fault = decision_fault(decision)
    if fault:
        raise UserError(f"the rule {rule} {fault}")


class Sent(NamedTuple):
    """An order when it was sent."""

    day: Day
    second: int
    """Label of the bar it was decided on; 0 = at the day's first price, by an exit that stood."""
    symbol: Symbol
    side: int
    shares: Shares
    price: Price
    reason: int


class Listener(Protocol):
    """Who is told what becomes of orders, beside the books."""

    def sent(self, order: Working) -> None:
        """Hear of a new order."""

    def filled(self, order: Working, fill: Fill, tax: Cash) -> None:
        """Hear of a deal; it is booked already."""

    def ended(self, order: Working, reason: Reason) -> None:
        """Hear of an order that ended with something unfilled."""

    def went_ex(self, stock: int) -> None:
        """Hear of a position whose shares or cost an ex-day changed, or that was written off."""
