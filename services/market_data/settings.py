"""How the player plays."""

from typing import NamedTuple

from common.domain.values import Pace
from common.messages.kept import PlacedHandOrder


class Settings(NamedTuple):
    """How to play."""

    pace: Pace = Pace.LOCKSTEP
    speed_milli: int = 1000
    consumers: tuple[str, ...] = ()
    ring_s: int = 60
    start_second: int = 0
    end_second: int = 86_400
    record: bool = True
    script: tuple[PlacedHandOrder, ...] = ()
    """Hand orders that belong to the run, by push."""
    live: bool = False
    """Pushes come from the market: they are said as they come, each is on disk before it is said."""
