"""The parameters of a synthetic market, and the key it is cached under."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from common.domain.calendar import from_date, to_date
from common.domain.values import Day

PLAYED_DAYS: tuple[Day, ...] = (20260105, 20260106, 20260107)
CALENDAR_LAST: Day = 20260331
HOLIDAYS = frozenset({20260101, 20260102, *range(20251001, 20251009), *range(20260216, 20260224)})
"""A calendar like the real one: weekdays but for these."""


class MarketParams(NamedTuple):
    """Size and seed of a market."""

    seed: int = 7
    stocks: int = 400
    sessions: int = 130
    """Sessions of daily history before the played ones."""
    interval_s: int = 3
    """Seconds between pushes."""

    def key(self) -> str:
        """Return the name of its folder: parameters and a hash of the code that makes it."""
        code = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("*.py")):
            code.update(path.read_bytes())
        return f"seed{self.seed}-{self.stocks}x{self.interval_s}s-{self.sessions}d-{code.hexdigest()[:10]}"


def weekdays(first: Day, last: Day) -> list[Day]:
    """Return the trading days of the synthetic calendar."""
    day, end, found = to_date(first), to_date(last), []
    while day <= end:
        if day.weekday() < 5 and from_date(day) not in HOLIDAYS:
            found.append(from_date(day))
        day += timedelta(days=1)
    return found
