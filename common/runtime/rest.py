"""The nightly restart: a service ends by itself at a set time, and its supervisor starts it again.

Memory that grew, vendor sessions that went stale and code that was updated are gone with the process. Start is
recovery, so nothing is lost by it; it only has to happen while nothing trades.
"""

from common.domain.calendar import NS, hms, second_of_day

DAY_NS = 86_400 * NS
YOUNG_NS = 600 * NS
"""A process this young stays: a clock that is set back a little does not end it twice."""


def rest_second(text: str) -> int | None:
    """Return the second of the day of `system.restart_at`; None = never."""
    return hms(text) if text else None


def rest_due(started_ns: int, now_ns: int, at_s: int | None) -> bool:
    """Tell whether the time of day `at_s` (second of the Shanghai day, None = never) came since the start."""
    if at_s is None or now_ns - started_ns < YOUNG_NS:
        return False
    since_s = (second_of_day(now_ns) - at_s) % 86_400
    return now_ns - since_s * NS > started_ns
