"""limit_up step by step: every entry, every way not to enter, every exit and their order."""

import pytest

from common.domain.calendar import hms, ts_of
from common.domain.reasons import Reason
from common.strategies.contract import AT_UP_LIMIT, ENTER, EXIT, MARKETABLE, NONE, Decision, Position, Step
from common.strategies.limit_up import INITIAL_MEMORY, Context, Memory, Params, check_params, decide, explain

DAY, NEXT = 20260105, 20260106
UP, DOWN = 11_000, 9_000
FLAT = Position(0, 0, 0, 0, 0)
HELD = Position(1_000, 1_000, 10_000_000, 11_000, 1)  # cost 10.00 a share
CONTEXT = Context(5_000_000_000)


def step(
    time: str,
    last: int,
    *,
    day: int = DAY,
    day_open: int = 10_000,
    high: int = 0,
    up: int = UP,
    first: bool = False,
    gap: bool = False,
) -> Step:
    second = hms(time)
    return Step(
        ts_of(day, second), second, last, high or last, last, day_open, max(last, day_open), min(last, day_open),
        10_000, up, DOWN if up else 0, 0, 0, first, gap,
    )  # fmt: skip


def run(
    steps: list[Step], position: Position = FLAT, memory: Memory = INITIAL_MEMORY, params: Params | None = None
) -> list[Decision]:
    decisions = []
    for one in steps:
        memory, decision = decide(params or Params(), memory, CONTEXT, one, position)
        decisions.append(decision)
    return decisions


def entered(steps: list[Step], params: Params | None = None) -> list[int]:
    """Numbers of the steps that enter."""
    return [at for at, decision in enumerate(run(steps, params=params)) if decision.action == ENTER]


def reasons(steps: list[Step], position: Position = HELD) -> list[Reason]:
    return [Reason(decision.reason) for decision in run(steps, position)]


def test_a_touch_enters_at_the_limit_until_14_56_30() -> None:
    decisions = run([step("09:30:00", 10_500, first=True), step("09:30:03", UP)])
    assert decisions[1] == Decision(ENTER, 0, AT_UP_LIMIT, hms("14:56:30"), Reason.LIMIT_UP_TOUCH)


def test_the_first_step_counts_from_the_open() -> None:
    assert entered([step("09:30:00", UP, first=True)]) == [0]


def test_staying_at_the_limit_is_no_second_edge_but_coming_back_is() -> None:
    steps = [
        step("09:30:00", UP, first=True),
        step("09:30:03", UP),
        step("09:30:06", UP - 10),
        step("09:30:09", UP),
    ]
    assert entered(steps) == [0, 3]  # the host keeps the second one back after an accepted first


def test_a_sealed_open_waits_for_the_board_to_open_and_come_back() -> None:
    steps = [
        step("09:30:00", UP, day_open=UP, first=True),
        step("09:30:03", UP, day_open=UP),
        step("10:00:00", UP - 10, day_open=UP),
        step("10:00:03", UP, day_open=UP),
    ]
    assert entered(steps) == [3]
    assert entered(steps, Params(allow_sealed_open=True)) == [0, 3]


def test_an_edge_in_a_gap_is_missed_not_chased() -> None:
    steps = [
        step("09:30:00", 10_500, first=True),
        step("09:40:00", UP, gap=True),
        step("09:40:03", UP),
        step("09:40:06", UP - 10),
        step("09:40:09", UP),
    ]
    assert entered(steps) == [4]


def test_a_day_met_late_has_missed_its_edge() -> None:
    assert entered([step("10:00:00", UP), step("10:00:03", UP)]) == []
    assert entered([step("10:00:00", 10_990), step("10:00:03", UP)]) == [1]


def test_a_gap_before_the_first_step_counts_too() -> None:
    assert entered([step("09:31:00", UP, first=True, gap=True), step("09:31:03", UP)]) == []


def test_a_day_without_limit_never_triggers() -> None:
    steps = [step("09:30:00", 10_000, up=0, first=True), step("09:30:03", 99_000, up=0)]
    assert entered(steps) == []
    assert reasons([step("14:30:00", 99_000, up=0)]) == [Reason.NONE]


def test_yesterday_is_forgotten() -> None:
    steps = [
        step("14:00:00", 10_000, first=True),
        step("09:30:00", UP, day=NEXT, day_open=UP, first=True),  # below at yesterday's last step, sealed today
    ]
    assert entered(steps) == []


def test_a_stock_that_has_not_traded_keeps_its_chance() -> None:
    steps = [step("09:30:00", 0, day_open=0, first=True), step("09:31:00", 10_500, day_open=10_500, first=True)]
    decisions = run([*steps, step("09:31:03", UP)])
    assert [decision.action for decision in decisions] == [NONE, NONE, ENTER]


def test_no_entry_when_it_would_be_cancelled_at_once() -> None:
    assert entered([step("14:56:00", 10_500, first=True), step("14:56:30", UP)]) == []
    assert entered([step("14:56:00", 10_500, first=True), step("14:56:29", UP)]) == [1]


def test_a_bar_step_triggers_on_its_high() -> None:
    assert entered([step("09:31:00", 10_500, first=True), step("09:32:00", 10_900, high=UP)]) == [1]


def test_a_held_stock_is_not_entered_again() -> None:
    bought_today = HELD._replace(sessions_held=0)
    decisions = run([step("09:30:00", 10_500, first=True), step("09:30:03", UP)], bought_today)
    assert {decision.action for decision in decisions} == {NONE}


@pytest.mark.parametrize(("last", "reason"), [(9_600, Reason.STOP_LOSS), (9_610, Reason.NONE)])
def test_stop_loss_at_exactly_four_percent(last: int, reason: Reason) -> None:
    assert reasons([step("09:30:03", last, day_open=9_700)]) == [reason]


def test_an_exit_sells_all_at_a_marketable_price() -> None:
    assert run([step("09:30:03", 9_600)], HELD) == [Decision(EXIT, 10_000, MARKETABLE, 0, Reason.STOP_LOSS)]


@pytest.mark.parametrize(("last", "reason"), [(9_790, Reason.WEAK_AT_0950), (9_800, Reason.NONE)])
def test_weak_is_below_two_percent_under_the_open(last: int, reason: Reason) -> None:
    assert reasons([step("09:49:59", last, first=True), step("09:50:00", last)]) == [Reason.NONE, reason]


def test_weak_is_looked_at_once() -> None:
    steps = [step("09:49:57", 10_000, first=True), step("09:50:00", 9_900), step("09:50:03", 9_700)]
    assert reasons(steps) == [Reason.NONE] * 3


def test_a_missed_check_is_made_at_the_first_step_after_it() -> None:
    steps = [step("09:40:00", 10_000, first=True), step("13:00:00", 9_700, gap=True), step("13:00:03", 9_700)]
    assert reasons(steps) == [Reason.NONE, Reason.WEAK_AT_0950, Reason.NONE]


def test_a_check_missed_until_the_close_lapses() -> None:
    steps = [step("09:40:00", 10_000, first=True), step("09:30:00", 9_700, day=NEXT, first=True)]
    assert reasons(steps) == [Reason.NONE, Reason.NONE]


def test_not_sealed_at_1430() -> None:
    assert reasons([step("14:29:57", 10_900), step("14:30:00", 10_990)]) == [Reason.NONE, Reason.NOT_SEALED_AT_1430]
    sealed = [step("14:29:57", UP), step("14:30:00", UP), step("14:30:03", 10_900)]
    assert reasons(sealed) == [Reason.NONE] * 3


def test_exits_come_in_the_order_of_the_rule() -> None:
    both = HELD._replace(cost=10_500_000)
    assert reasons([step("14:30:00", 9_700)], both) == [Reason.STOP_LOSS]
    assert reasons([step("14:30:00", 9_700)]) == [Reason.WEAK_AT_0950]  # first step of the day: both checks are due
    assert reasons([step("14:30:00", 9_900)]) == [Reason.NOT_SEALED_AT_1430]


def test_the_day_of_entry_has_no_exit() -> None:
    bought_today = HELD._replace(sessions_held=0, sellable=0)
    steps = [step("09:50:00", 9_000, first=True), step("14:30:00", 9_000)]
    assert reasons(steps, bought_today) == [Reason.NONE, Reason.NONE]


def test_an_ex_day_with_rescaled_cost_is_no_loss() -> None:
    # 10 get 3: the price falls from 11.00 to 8.46, and cost (unchanged) now buys 1300 shares
    ex_day = Position(1_300, 1_300, 10_000_000, 8_460, 1)
    assert reasons([step("09:30:00", 8_460, day_open=8_460, up=9_310, first=True)], ex_day) == [Reason.NONE]


@pytest.mark.parametrize("position", [FLAT, HELD, HELD._replace(sessions_held=0)])
@pytest.mark.parametrize("time", ["09:30:00", "09:50:00", "14:30:00", "14:56:40"])
@pytest.mark.parametrize("last", [9_600, 9_750, 10_500, UP])
def test_explain_agrees_with_the_decision(position: Position, time: str, last: int) -> None:
    one = step(time, last, first=True)
    _, decision = decide(Params(), INITIAL_MEMORY, CONTEXT, one, position)
    checks = {check.name: check.passed for check in explain(Params(), INITIAL_MEMORY, CONTEXT, one, position)}
    if position.shares:
        sells = checks.pop("held_overnight") and any(checks.values())
        assert sells == (decision.action == EXIT)
    else:
        assert all(checks.values()) == (decision.action == ENTER)


def test_explain_says_when_there_was_no_trade() -> None:
    (check,) = explain(Params(), INITIAL_MEMORY, CONTEXT, step("09:30:00", 0, day_open=0), FLAT)
    assert (check.name, check.passed) == ("traded_today", False)


def test_bad_parameters_are_named() -> None:
    assert check_params(Params()) == []
    bad = Params(stop_bp=0, weak_bp=5, weak_at_s=1, cancel_if_opened=True)
    assert [problem.split(":")[0] for problem in check_params(bad)] == [
        "stop_bp", "weak_bp", "weak_at_s", "cancel_if_opened",
    ]  # fmt: skip
