"""Fees of an order by date, in 0.001 yuan. Each kind is rounded half up to 0.01 yuan over the ORDER, never over a deal.

A deal bears what it adds to its order, so that the fees of an order's deals always sum to the fees of the order.
"""

from typing import NamedTuple

from common.domain.values import Cash, Day, Shares
from common.rules.kernel import kernel
from common.rules.tables import COMMISSION_CAPS, FEES, HANDLING, OF_FACE_VALUE, REGULATORY, STAMP, TRANSFER

_FEN = 10
_UNIT = 10_000_000 * _FEN


class Fees(NamedTuple):
    """Fees by kind in 0.001 yuan."""

    commission: Cash
    stamp: Cash
    transfer: Cash


class Charges(NamedTuple):
    """What exchange and regulator take, in 0.001 yuan; a quoted commission usually has it inside."""

    handling: Cash
    regulatory: Cash


@kernel
def commission_cap_e7(day: Day) -> int:
    """Return the highest commission rate that is allowed in 1e-7, charges included; 0 = no row."""
    for row in COMMISSION_CAPS:
        if row.first <= day <= row.last:
            return row.cap_e7
    return 0


@kernel
def _rated(amount: Cash, rate_e7: int) -> Cash:
    """Return amount x rate, rounded half up to 0.01 yuan."""
    return (amount * rate_e7 + _UNIT // 2) // _UNIT * _FEN


@kernel
def _public_fee(kind: int, side: int, day: Day, exchange: int, turnover: Cash, shares: Shares) -> Cash:
    for row in FEES:
        if row.kind == kind and row.exchange == exchange and row.first <= day <= row.last and row.side & side:
            amount = shares * 1000 if row.base == OF_FACE_VALUE else turnover
            return max(_rated(amount, row.rate_e7), row.minimum)
    return 0


@kernel
def order_fees(
    side: int,
    day: Day,
    exchange: int,
    turnover: Cash,
    commission_e7: int,
    commission_min: Cash,
    shares: Shares = 0,
) -> Fees:
    """Return the fees of an order that traded `turnover` (and `shares`: they count in Shanghai before 2015-08-01)."""
    if turnover <= 0:
        return Fees(0, 0, 0)
    return Fees(
        max(_rated(turnover, commission_e7), commission_min),
        _public_fee(STAMP, side, day, exchange, turnover, shares),
        _public_fee(TRANSFER, side, day, exchange, turnover, shares),
    )


@kernel
def exchange_charges(side: int, day: Day, exchange: int, turnover: Cash) -> Charges:
    """Return the charges of an order that traded `turnover`: to be added to a commission that is quoted without them."""
    if turnover <= 0:
        return Charges(0, 0)
    return Charges(
        _public_fee(HANDLING, side, day, exchange, turnover, 0),
        _public_fee(REGULATORY, side, day, exchange, turnover, 0),
    )


@kernel
def deal_fees(
    side: int,
    day: Day,
    exchange: int,
    turnover: Cash,
    turnover_before: Cash,
    commission_e7: int,
    commission_min: Cash,
    shares: Shares = 0,
    shares_before: Shares = 0,
) -> Fees:
    """Return what a deal of `turnover` adds to an order that had traded `turnover_before`, by kind."""
    before = order_fees(side, day, exchange, turnover_before, commission_e7, commission_min, shares_before)
    after = order_fees(
        side, day, exchange, turnover_before + turnover, commission_e7, commission_min, shares_before + shares
    )
    return Fees(after.commission - before.commission, after.stamp - before.stamp, after.transfer - before.transfer)


@kernel
def fees(
    side: int,
    day: Day,
    exchange: int,
    turnover: Cash,
    turnover_before: Cash,
    commission_e7: int,
    commission_min: Cash,
    shares: Shares = 0,
    shares_before: Shares = 0,
) -> Cash:
    """Return all fees that a deal adds to its order, 0.001 yuan (the minimum commission is the order's)."""
    added = deal_fees(
        side, day, exchange, turnover, turnover_before, commission_e7, commission_min, shares, shares_before
    )
    return added.commission + added.stamp + added.transfer
