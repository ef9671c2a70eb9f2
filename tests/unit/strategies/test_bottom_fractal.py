"""bottom_fractal bar by bar: confirmation, half, trail, stop, and what is not decided."""

import pytest

from common.domain.calendar import hms, ts_of
from common.domain.reasons import Reason
from common.strategies.bottom_fractal import (
    CLOSE,
    INITIAL_MEMORY,
    Context,
    Memory,
    Params,
    check_params,
    decide,
    explain,
)
from common.strategies.contract import ENTER, EXIT, MARKETABLE, NONE, REDUCE, Decision, Position, Step

DAY = 20260105
CONTEXT = Context(5_000_000_000, k1_high=10_400, k1_low=10_100, k2_high=10_200, k2_low=9_900)
FLAT = Position(0, 0, 0, 0, 0)
HELD = Position(1_000, 1_000, 10_000_000, 10_300, 1)  # cost 10.00 a share


def bar(time: str, last: int, *, low: int = 9_950, high: int = 10_000, day_open: int = 10_000) -> Step:
    second = hms(time)
    return Step(
        ts_of(DAY, second), second, last, last, last, day_open, high, low, 10_000, 11_000, 9_000, 0, 0, False, False
    )


def one(
    step: Step, position: Position = FLAT, memory: Memory = INITIAL_MEMORY, params: Params | None = None
) -> tuple[Memory, Decision]:
    return decide(params or Params(), memory, CONTEXT, step, position)


def reason(step: Step, position: Position = HELD, memory: Memory = INITIAL_MEMORY) -> Reason:
    return Reason(one(step, position, memory)[1].reason)


def test_confirmed_enters_marketable_until_14_57() -> None:
    _, decision = one(bar("10:05", 10_210, high=10_210))
    assert decision == Decision(ENTER, 0, MARKETABLE, hms("14:57:00"), Reason.BOTTOM_FRACTAL_CONFIRMED)


@pytest.mark.parametrize(
    ("low", "high", "enters"),
    [(9_910, 10_210, True), (9_900, 10_210, False), (9_910, 10_200, False), (9_890, 10_300, False)],
)
def test_both_extremes_must_lie_beyond_k2(low: int, high: int, enters: bool) -> None:
    assert (one(bar("10:05", 10_100, low=low, high=high))[1].action == ENTER) == enters


@pytest.mark.parametrize(("time", "enters"), [("09:35", True), ("14:55", True), ("15:00", False)])
def test_intraday_decides_on_every_bar_up_to_14_55(time: str, enters: bool) -> None:
    assert (one(bar(time, 10_210, high=10_210))[1].action == ENTER) == enters


@pytest.mark.parametrize(("time", "enters"), [("14:50", False), ("14:55", True), ("15:00", False)])
def test_close_decides_once(time: str, enters: bool) -> None:
    decision = one(bar(time, 10_210, high=10_210), params=Params(confirm_at=CLOSE))[1]
    assert (decision.action == ENTER) == enters


def test_no_trade_yet_and_an_empty_context_never_confirm() -> None:
    assert one(bar("10:05", 0, day_open=0, low=0, high=0))[1].action == NONE
    empty = Context(0, 0, 0, 0, 0)
    assert decide(Params(), INITIAL_MEMORY, empty, bar("10:05", 10_000), FLAT)[1].action == NONE


@pytest.mark.parametrize(("last", "expected"), [(9_600, Reason.STOP_LOSS), (9_610, Reason.NONE)])
def test_stop_loss_at_exactly_four_percent(last: int, expected: Reason) -> None:
    assert reason(bar("10:05", last)) is expected


def test_half_is_sold_once_at_exactly_five_percent() -> None:
    assert one(bar("10:05", 10_490), HELD) == (Memory(False), Decision(NONE, 0, MARKETABLE, 0, Reason.NONE))
    memory, decision = one(bar("10:10", 10_500), HELD)
    assert decision == Decision(REDUCE, 5_000, MARKETABLE, 0, Reason.TAKE_PROFIT_HALF)
    half = Position(500, 500, 5_000_000, 10_500, 1)
    assert one(bar("10:15", 10_900), half, memory) == (memory, Decision(NONE, 0, MARKETABLE, 0, Reason.NONE))


@pytest.mark.parametrize(("last", "expected"), [(10_670, Reason.TRAILING_STOP), (10_680, Reason.NONE)])
def test_the_rest_goes_at_exactly_three_percent_under_the_high(last: int, expected: Reason) -> None:
    half = Position(500, 500, 5_000_000, 11_000, 1)
    assert reason(bar("10:15", last), half, Memory(True)) is expected
    assert reason(bar("10:15", last), half, Memory(False)) is not Reason.TRAILING_STOP


def test_stop_loss_goes_before_the_trail_and_sells_all() -> None:
    half = Position(500, 500, 5_000_000, 11_000, 1)
    _, decision = one(bar("10:15", 9_500), half, Memory(True))
    assert decision == Decision(EXIT, 10_000, MARKETABLE, 0, Reason.STOP_LOSS)


def test_the_day_of_entry_has_no_exit() -> None:
    bought_today = HELD._replace(sessions_held=0, sellable=0)
    assert [reason(bar("10:05", last), bought_today) for last in (9_000, 11_000)] == [Reason.NONE] * 2


def test_nothing_is_decided_on_the_closing_bar() -> None:
    assert reason(bar("14:55", 9_000)) is Reason.STOP_LOSS
    assert reason(bar("15:00", 9_000)) is Reason.NONE


def test_half_sold_lives_as_long_as_the_position() -> None:
    assert one(bar("15:00", 10_000), HELD, Memory(True))[0] == Memory(True)
    assert one(bar("10:05", 10_000), FLAT, Memory(True))[0] == Memory(False)


def test_an_ex_day_with_rescaled_numbers_decides_nothing() -> None:
    # 10 get 3: cost stays, shares grow, the high since entry is rescaled with the price
    ex_day = Position(1_300, 1_300, 10_000_000, 7_920, 1)
    assert reason(bar("09:35", 7_690, day_open=7_700), ex_day, Memory(True)) is Reason.NONE


@pytest.mark.parametrize("position", [FLAT, HELD, HELD._replace(sessions_held=0)])
@pytest.mark.parametrize("memory", [Memory(False), Memory(True)])
@pytest.mark.parametrize("time", ["10:05", "15:00"])
@pytest.mark.parametrize("last", [9_600, 9_950, 10_210, 10_500])
def test_explain_agrees_with_the_decision(position: Position, memory: Memory, time: str, last: int) -> None:
    step = bar(time, last, high=max(last, 10_000))
    decision = one(step, position, memory)[1]
    checks = {check.name: check.passed for check in explain(Params(), memory, CONTEXT, step, position)}
    if position.shares:
        acts = checks.pop("held_overnight") and checks.pop("bar_decided_on") and any(checks.values())
        assert acts == (decision.action in {EXIT, REDUCE})
    else:
        assert all(checks.values()) == (decision.action == ENTER)


def test_bad_parameters_are_named() -> None:
    assert check_params(Params()) == []
    bad = Params(stop_bp=0, take_fraction_bp=10_001, last_bar_s=53_900)
    assert [problem.split(":")[0] for problem in check_params(bad)] == [
        "stop_bp", "take_fraction_bp", "last_bar_s, cancel_at_s",
    ]  # fmt: skip
