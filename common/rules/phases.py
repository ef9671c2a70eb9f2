"""What an exchange takes at which second of the day, by date."""

from common.domain.values import Day
from common.rules.kernel import kernel
from common.rules.tables import FOREVER, SESSIONS


@kernel
def may_enter(exchange: int, second: int, day: Day = FOREVER) -> bool:
    """Tell whether the exchange takes a new order at a second of the day."""
    for row in SESSIONS:
        if row.exchange == exchange and row.start <= second < row.end and row.first <= day <= row.last:
            return row.accept == 1
    return False


@kernel
def may_cancel(exchange: int, second: int, day: Day = FOREVER) -> bool:
    """Tell whether an unfilled order may be cancelled at a second of the day."""
    for row in SESSIONS:
        if row.exchange == exchange and row.start <= second < row.end and row.first <= day <= row.last:
            return row.cancel == 1
    return False
