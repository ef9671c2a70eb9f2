"""What people may ask the signal engine: its decisions, and why."""

import pytest

from common.domain.calendar import hms
from common.domain.reasons import Reason
from common.messages.signals import ExplainRequest, SignalList, SignalsRequest
from tests.signal_rig import FeedTape, deny
from tests.unit.services.signal_engine.scenes import (
    CLOSES,
    DAY,
    NEXT,
    UP,
    A,
    B,
    first_day,
    limit_up_rig,
    next_day,
    touch,
)


@pytest.fixture
def tape() -> FeedTape:
    made = FeedTape()
    first_day(made)
    return made


def test_signals_are_listed_by_day(tape: FeedTape) -> None:
    touch(tape)
    next_day(tape, CLOSES | {A: UP}, [("09:30:00", {A: 10.0})])
    rig = limit_up_rig(tape)
    rig.play()
    assert rig.ask(SignalsRequest()) == SignalList(tuple(rig.signals))
    assert rig.ask(SignalsRequest(NEXT)) == SignalList((rig.signals[1],))


def test_explain_tells_every_check_with_what_followed(tape: FeedTape) -> None:
    touch(tape)
    tape.tick("10:00:06", {A: 10.95})
    rig = limit_up_rig(tape, verdict=deny(Reason.BELOW_ONE_LOT))
    rig.play()
    told = rig.ask(ExplainRequest(A, DAY))
    checks = told.checks["limit_up"]  # type: ignore[attr-defined]  # an Explanation
    touched = [check for check in checks if check.second_of_day == hms("10:00:03")]
    assert [check.name for check in touched][:2] == ["has_limit", "touches_limit"]
    assert all(check.passed for check in touched)
    assert touched[-1].outcome == "ENTER LIMIT_UP_TOUCH → DENIED BELOW_ONE_LOT"
    assert {check.second_of_day for check in checks} >= {hms("09:30:00"), hms("10:00:06")}
    assert rig.ask(ExplainRequest(B, DAY)).checks == {}  # type: ignore[attr-defined]  # as above


def test_explain_of_an_earlier_day_holds_its_last_step(tape: FeedTape) -> None:
    tape.tick("09:30:00", {A: 10.5})
    tape.tick("14:00:00", {A: 10.6})
    tape.tick("15:00:00", {A: 10.6})
    next_day(tape, CLOSES, [("09:30:00", {A: 10.0})])
    rig = limit_up_rig(tape)
    rig.play()
    rig.boot()
    rig.pump()
    checks = rig.ask(ExplainRequest(A, DAY)).checks["limit_up"]  # type: ignore[attr-defined]  # as above
    assert checks[-1].second_of_day == hms("14:00:00")
