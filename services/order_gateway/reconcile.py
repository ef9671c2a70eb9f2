"""Our books beside the counter's: what differs, in numbers. Pure."""

from collections.abc import Mapping

from common.domain.positions import Ledger
from common.domain.values import Cash
from services.order_gateway.calls import ENDED_AT_COUNTER, CounterOrder, CounterState, CounterStatus

CASH = "cash"


def differences(
    ledger: Ledger, state: CounterState, orders: Mapping[str, CounterOrder], tolerance: Cash
) -> dict[str, int]:
    """Return by name what the counter has more than our books (0.001 yuan, shares); `orders` are its own, by our ids."""
    found: dict[str, int] = {}
    theirs = {position.symbol: position.shares for position in state.positions if position.shares}
    for symbol in sorted(theirs.keys() | ledger.positions.keys()):
        holding = ledger.positions.get(symbol)
        more = theirs.get(symbol, 0) - (holding.shares if holding is not None else 0)
        if more:
            found[symbol] = more
    if abs(state.cash - ledger.cash) > tolerance:
        found[CASH] = state.cash - ledger.cash
    for coid, order in orders.items():
        alive = order.status not in ENDED_AT_COUNTER and order.status is not CounterStatus.FILLED
        if alive and not ledger.orders[coid].open:
            found[coid] = order.shares - order.traded
    return found
