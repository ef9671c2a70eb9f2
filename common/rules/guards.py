"""Lines that programme trading must not reach unnoticed: the exchanges' high-frequency numbers and the duty to report."""

from common.domain.values import Day
from common.rules.kernel import kernel
from common.rules.tables import FOREVER, HIGH_FREQUENCY, PROGRAMME_REPORTS

ORDERS_PER_S_CEILING = 100
"""Orders and cancels a second that no configuration goes beyond: a third of what counts as high-frequency."""
ORDERS_PER_DAY_CEILING = 15_000
"""Of a day: three quarters of that line."""
ORDER_VALUE_CEILING = 100_000_000
"""Value of one order, yuan."""
DAY_VALUE_CEILING = 1_000_000_000
"""Value of the buys of a day, yuan."""
RAISABLE = {
    "orders_per_s": ORDERS_PER_S_CEILING,
    "orders_per_day": ORDERS_PER_DAY_CEILING,
    "order_value_max": ORDER_VALUE_CEILING,
    "day_value_max": DAY_VALUE_CEILING,
}
"""Limits that a person may raise until the end of the day, and how far."""


@kernel
def is_high_frequency(per_second: int, per_day: int, day: Day = FOREVER) -> bool:
    """Tell whether an account counts as high-frequency by its orders and cancels of one second or of one day."""
    for row in HIGH_FREQUENCY:
        if row.first <= day <= row.last:
            return per_second >= row.per_second or per_day >= row.per_day
    return False


@kernel
def messages_left(in_this_second: int, today: int, day: Day = FOREVER) -> int:
    """Return how many more orders and cancels keep an account below both lines; -1 = no such rule on that day."""
    for row in HIGH_FREQUENCY:
        if row.first <= day <= row.last:
            return max(0, min(row.per_second - 1 - in_this_second, row.per_day - 1 - today))
    return -1


@kernel
def must_report(day: Day = FOREVER) -> bool:
    """Tell whether a programme trader must have reported to the broker before the first trade."""
    due = False
    for row in PROGRAMME_REPORTS:
        due = due or row.first <= day <= row.last
    return due
