"""The parameters of a synthetic market, and the key it is cached under."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from common.domain.calendar import from_date, to_date
from common.domain.errors import UserError
from common.domain.values import Day

PLAYED_DAYS: tuple[Day, ...] = (20260105, 20260106, 20260107)
CALENDAR_FIRST: Day = 20250303
CALENDAR_LAST: Day = 20260331
HOLIDAYS = frozenset({
    20250101, 20250128, 20250129, 20250130, 20250131, 20250203, 20250204, 20250404, 20250501, 20250502, 20250505, 20250602, *range(20251001, 20251009), 20260101, 20260102,
    *range(20260216, 20260224),
})  # fmt: skip
"""Weekdays without trading, as the exchanges announced them."""
STOCKS_MIN, STOCKS_MAX = 40, 6_000
SESSIONS_MIN, SESSIONS_MAX = 90, 200
INTERVAL_MAX_S = 60


class MarketParams(NamedTuple):
    """Size and seed of a market."""

    seed: int = 7
    stocks: int = 400
    sessions: int = 130
    """Sessions of daily history before the played ones."""
    interval_s: int = 3
    """Seconds between pushes."""

    def check(self) -> None:
        """Raise UserError naming the number that is out of range."""
        for name, low, high in (
            ("seed", 0, 2**63 - 1),
            ("stocks", STOCKS_MIN, STOCKS_MAX),
            ("sessions", SESSIONS_MIN, SESSIONS_MAX),
            ("interval_s", 1, INTERVAL_MAX_S),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"synthetic market: {name} = {value}; use a number from {low} to {high}")

    def key(self) -> str:
        """Return the name of its folder: parameters and a hash of the code that makes it."""
        return f"seed{self.seed}-{self.stocks}x{self.interval_s}s-{self.sessions}d-{_code_hash()}"


def _code_hash() -> str:
    """Hash everything whose change makes another market: this package, and how tapes and tables are written."""
    here = Path(__file__).resolve().parent
    code = hashlib.sha256()
    for path in [*sorted(here.glob("*.py")), here.parent / "tape.py", here.parent / "schema.py"]:
        # Line ends differ between checkouts on different systems; the market does not.
        code.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return code.hexdigest()[:10]


def weekdays(first: Day, last: Day) -> list[Day]:
    """Return the trading days of the synthetic calendar."""
    day, end, found = to_date(first), to_date(last), []
    while day <= end:
        if day.weekday() < 5 and from_date(day) not in HOLIDAYS:
            found.append(from_date(day))
        day += timedelta(days=1)
    return found
