"""The nightly restart: once, at its time, never by day and never for a process that has just begun."""

import pytest

from common.domain.calendar import NS, hms, ts_of
from common.domain.errors import ConfigError
from common.runtime.config import parse_config
from common.runtime.rest import rest_due, rest_second

AT = hms("06:30")


def at(day: int, text: str) -> int:
    return ts_of(day, hms(text))


@pytest.mark.parametrize(
    ("started", "now", "due"),
    [
        ((20261124, "09:00"), (20261124, "15:00"), False),
        ((20261124, "09:00"), (20261125, "06:29:59"), False),
        ((20261124, "09:00"), (20261125, "06:30:00"), True),
        ((20261124, "09:00"), (20261125, "09:00:00"), True),  # the machine slept through it
        ((20261125, "06:30:01"), (20261125, "23:00"), False),
        ((20261125, "06:25"), (20261125, "06:31"), False),  # young: it has just begun
        ((20261125, "06:25"), (20261125, "06:36"), True),
        ((20261125, "09:00"), (20261120, "09:00"), False),  # the clock was set back
    ],
)
def test_when_a_service_rests(started: tuple[int, str], now: tuple[int, str], due: bool) -> None:
    assert rest_due(at(*started), at(*now), AT) is due
    assert not rest_due(at(*started), at(*now), None)


def test_it_rests_once_a_day() -> None:
    started, now, rests = at(20261123, "09:00"), at(20261123, "09:00"), []
    for _ in range(4 * 24 * 12):
        now += 300 * NS
        if rest_due(started, now, AT):
            rests.append(now)
            started = now
    assert rests == [at(day, "06:30") for day in (20261124, 20261125, 20261126, 20261127)]


def test_it_is_set_outside_of_trading() -> None:
    assert rest_second(parse_config({"system": {"restart_at": "06:30"}}, "x").system.restart_at) == AT
    assert rest_second(parse_config({}, "x").system.restart_at) is None
    for text in ("09:30", "15:30", "6:30", "0630"):
        with pytest.raises(ConfigError, match=r"system\.restart_at"):
            parse_config({"system": {"restart_at": text}}, "x")
