"""When a feed is dead: only against the clock, only in continuous trading, later where the tape is slow."""

import pytest

from common.domain.reasons import Reason
from common.domain.values import Pace, Phase
from services.order_gateway.guard import Guard
from tests.builders import PREV_DAY, day_opened, table

CLOSES = {"600001.SH": 10.0}


@pytest.mark.parametrize(
    ("pace", "phase", "interval_ms", "speed_milli", "silent_ms"),
    [
        (Pace.REAL_TIME, Phase.CONTINUOUS, 3_000, 1_000, 10_000),
        (Pace.REAL_TIME, Phase.CONTINUOUS, 3_000, 20_000, 10_000),
        (Pace.LOCKSTEP, Phase.CONTINUOUS, 3_000, 1_000, 0),
        (Pace.REAL_TIME, Phase.LUNCH, 3_000, 1_000, 0),
        (Pace.REAL_TIME, Phase.CONTINUOUS, 5_000, 1_000, 0),
        (Pace.REAL_TIME, Phase.CONTINUOUS, 3_000, 500, 0),
    ],
)
def test_a_dead_feed(pace: Pace, phase: Phase, interval_ms: int, speed_milli: int, silent_ms: int) -> None:
    guard = Guard()
    guard.heard_ns, guard.now_ns = 5, 10_000_000_005
    day = day_opened(table(CLOSES), PREV_DAY, pace=pace, speed_milli=speed_milli, interval_ms=interval_ms)
    assert guard.silent_ms(day, phase, 6) == silent_ms
    assert guard.silent_ms(None, phase, 6) == 0


def test_reasons_come_and_go_one_by_one() -> None:
    guard = Guard()
    guard.forbid_buys(Reason.NOT_RECONCILED, rows=1)
    guard.forbid_buys(Reason.MIXED_VERSIONS)
    guard.allow_buys(Reason.NOT_RECONCILED)
    guard.allow_buys(Reason.FEED_DEAD)
    assert guard.forbidden == {Reason.MIXED_VERSIONS: {}}
    assert not guard.kill_file()


def test_one_peer_of_another_version_is_enough() -> None:
    guard = Guard()
    guard.note_version("risk_manager", same=False)
    guard.note_version("market_data", same=False)
    guard.note_version("risk_manager", same=True)
    assert guard.forbidden == {Reason.MIXED_VERSIONS: {"peers": 1}}
    guard.note_version("market_data", same=True)
    assert guard.forbidden == {}
