"""What an exchange takes at which second of the day, by date."""

from common.domain.values import Day, Phase
from common.rules.kernel import kernel
from common.rules.tables import AFTER_HOURS, FOREVER, SESSIONS

_PRE_OPEN, _LUNCH, _CLOSED = int(Phase.PRE_OPEN), int(Phase.LUNCH), int(Phase.CLOSED)
_NOON, _AFTERNOON = 41_400, 46_800
_FIRST, _LAST = 33_300, 54_000


@kernel
def phase_at(exchange: int, second: int, day: Day = FOREVER) -> int:
    """Return the `Phase` of an exchange at a second of the day; Shanghai traded on to 15:00 before 2018-08-20."""
    for row in SESSIONS:
        if row.exchange == exchange and row.start <= second < row.end and row.first <= day <= row.last:
            return row.phase
    if second < _FIRST:
        return _PRE_OPEN
    return _LUNCH if second < _LAST else _CLOSED


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


@kernel
def takes_after_hours(board: int, exchange: int, second: int, day: Day = FOREVER) -> bool:
    """Tell whether orders for the trading at the closing price after the close are taken at a second of the day."""
    for row in AFTER_HOURS:
        if row.board == board and row.exchange == exchange and row.first <= day <= row.last:
            return row.morning <= second < _NOON or _AFTERNOON <= second < row.end
    return False
