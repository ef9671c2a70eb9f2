"""What the host keeps for a rule: the pool, the chance of the day, what was asked already, highs and ex-days."""

from typing import Any, ClassVar, NamedTuple

import pytest

from common.domain.calendar import hms, ts_of
from common.domain.reasons import Reason
from common.strategies import RULES
from common.strategies.contract import (
    AT_UP_LIMIT,
    ENTER,
    EXIT,
    MARKETABLE,
    NOTHING,
    REDUCE,
    Check,
    Decision,
    Position,
    Step,
)
from common.strategies.host import RETRY_S, ExRatio, RuleHost, check_name

DAY, NEXT = 20260105, 20260106
A, B = "600001.SH", "600002.SH"
FLAT = Position(0, 0, 0, 0, 0)
HELD = Position(1000, 1000, 10_000_000, 0, 1)
TOUCH = int(Reason.LIMIT_UP_TOUCH)
STOP = int(Reason.STOP_LOSS)
HALF = int(Reason.TAKE_PROFIT_HALF)


class Memory(NamedTuple):
    steps: int
    seen_gap: bool


class Context(NamedTuple):
    float_value: int
    level: int


class Obedient:
    """A rule that decides what the last price says: 1 enter, 2 reduce, 3 exit; it remembers how often it was asked."""

    NAME = "obedient"
    STEP = "bar5"
    Params = tuple
    Memory = Memory
    Context = Context
    CONTEXT_PRICES = ("level",)
    PARAM_WORDS: ClassVar[dict[str, dict[str, int]]] = {}
    INITIAL_MEMORY = Memory(0, False)

    def __init__(self) -> None:
        self.given: list[tuple[Context, Step, Position]] = []

    def check_params(self, params: Any) -> list[str]:
        return []

    def decide(
        self, params: Any, memory: Memory, context: Context, step: Step, position: Position
    ) -> tuple[Memory, Decision]:
        self.given.append((context, step, position))
        after = Memory(memory.steps + 1, memory.seen_gap or step.after_gap)
        answers = {
            1: Decision(ENTER, 0, AT_UP_LIMIT, 0, TOUCH),
            2: Decision(REDUCE, 5_000, MARKETABLE, 0, HALF),
            3: Decision(EXIT, 10_000, MARKETABLE, 0, STOP),
        }
        return after, answers.get(step.last, NOTHING)

    def explain(
        self, params: Any, memory: Memory, context: Context, step: Step, position: Position
    ) -> tuple[Check, ...]:
        return (Check("told", step.last in (1, 2, 3), {"last": step.last, "steps": memory.steps}),)


def step(last: int, at: str = "10:00", high: int = 0, day: int = DAY) -> Step:
    second = hms(at)
    return Step(ts_of(day, second), second, last, high or last, last, 1, 1, 1, 1, 0, 0, 0, 0, False, False)


@pytest.fixture
def rule() -> Obedient:
    return Obedient()


@pytest.fixture
def host(rule: Obedient) -> RuleHost:
    made = RuleHost(rule, ())  # type: ignore[arg-type]  # an instance instead of a module
    made.start_day(DAY, {A: {"float_value": 5, "level": 10_000}}, {})
    return made


def enter(host: RuleHost, *, accepted: bool, at: str = "10:00") -> Decision | None:
    decision = host.on_step(A, step(1, at), FLAT)
    if decision is not None:
        host.on_verdict(A, DAY, decision.action, decision.reason, hms(at), accepted=accepted)
    return decision


def test_an_accepted_entry_uses_up_the_day_a_denied_one_does_not(host: RuleHost) -> None:
    assert enter(host, accepted=False) is not None
    assert host.attempt(A) == 0
    assert enter(host, accepted=True) is not None
    assert host.attempt(A) == 1
    assert enter(host, accepted=True) is None
    assert host.last[A].blocked == "entered_today"
    host.start_day(NEXT, {A: {}}, {})
    assert host.on_step(A, step(1, day=NEXT), FLAT) is not None
    assert host.attempt(A) == 0


def test_nothing_is_decided_while_a_verdict_is_awaited(host: RuleHost) -> None:
    assert host.on_step(A, step(1), FLAT) is not None
    assert host.on_step(A, step(1), FLAT) is None
    assert host.last[A].blocked == "verdict_pending"


@pytest.mark.parametrize(("taken", "position"), [(True, FLAT), (False, HELD)], ids=["by somebody else", "by the rule"])
def test_what_is_held_is_not_entered(host: RuleHost, taken: bool, position: Position) -> None:
    assert host.on_step(A, step(1), position, taken=taken) is None
    assert host.last[A].blocked == "held"


def test_outside_of_the_pool_nothing_is_entered(host: RuleHost, rule: Obedient) -> None:
    assert host.on_step(B, step(1), FLAT) is None
    assert rule.given == []
    host.sync([B])
    host.sync([])
    assert host.on_step(B, step(1), FLAT) is None
    assert host.last[B].blocked == "not_in_pool"


def test_an_exit_that_stands_is_not_asked_again_until_flat(host: RuleHost) -> None:
    host.sync([A])
    assert host.on_step(A, step(3), HELD) is not None
    host.on_verdict(A, DAY, EXIT, STOP, hms("10:00"), accepted=True)
    assert host.on_step(A, step(3), HELD) is None
    assert host.last[A].blocked == "exit_stands"
    host.sync([])
    host.sync([A])
    assert host.on_step(A, step(3), HELD) is not None


def test_a_reduction_is_made_once_and_an_exit_may_follow(host: RuleHost) -> None:
    host.sync([A])
    assert host.on_step(A, step(2), HELD) is not None
    host.on_verdict(A, DAY, REDUCE, HALF, hms("10:00"), accepted=True)
    assert host.on_step(A, step(2), HELD) is None
    assert host.last[A].blocked == "decided_before"
    assert host.on_step(A, step(3), HELD) is not None
    assert host.attempt(A) == 1


def test_a_denied_exit_is_decided_again_a_minute_later(host: RuleHost) -> None:
    host.sync([A])
    assert host.on_step(A, step(3, "10:00"), HELD) is not None
    host.on_verdict(A, DAY, EXIT, STOP, hms("10:00"), accepted=False)
    assert host.on_step(A, step(3, "10:00:57"), HELD) is None
    assert host.last[A].blocked == "denied_just_now"
    assert RETRY_S == 60
    assert host.on_step(A, step(3, "10:01"), HELD) is not None
    assert host.attempt(A) == 1


def test_an_exit_without_a_position_is_ignored(host: RuleHost) -> None:
    assert host.on_step(A, step(3), FLAT) is None
    assert host.last[A].blocked == "not_held"


def test_the_high_counts_steps_after_the_fill_and_ends_with_the_position(host: RuleHost, rule: Obedient) -> None:
    host.on_step(A, step(50, high=90), HELD)  # filled in this very step: the bar ended before
    assert rule.given[-1][2].high_since_entry == 0
    host.sync([A])
    host.on_step(A, step(50, high=70), HELD)
    host.on_step(A, step(50, high=60), HELD)
    assert rule.given[-1][2].high_since_entry == 70
    host.on_step(A, step(50, high=80), HELD)
    assert host.high_since_entry(A) == 80
    host.on_step(A, step(50), FLAT)
    assert host.high_since_entry(A) == 0
    assert host.held() == []


def test_ex_days_rescale_the_high_the_held_context_and_the_pool_row(host: RuleHost, rule: Obedient) -> None:
    host.sync([A])
    host.on_step(A, step(50, high=12_345), HELD)
    pool = {A: {"float_value": 7, "level": 30_000}, B: {"float_value": 8, "level": 1_001}}
    ratios = {A: ExRatio(5_000, 10_000), B: ExRatio(9_990, 10_000)}
    host.start_day(NEXT, pool, ratios)
    host.on_step(A, step(1, day=NEXT), HELD)
    context, _, position = rule.given[-1]
    assert context == Context(5, 5_000)  # of the day of entry, halved
    assert position.high_since_entry == 6_173  # 6172.5, half up
    host.on_step(B, step(9, day=NEXT), FLAT)
    assert rule.given[-1][0] == Context(8, 1_000)  # 999.999
    host.sync([])
    host.on_step(A, step(9, day=NEXT), FLAT)
    assert rule.given[-1][0] == Context(7, 15_000)  # flat again: today's row


def test_a_gap_is_told_to_each_stock_once(host: RuleHost, rule: Obedient) -> None:
    host.start_day(NEXT, {A: {}, B: {}}, {})
    host.on_step(A, step(9, day=NEXT), FLAT)
    host.on_gap(NEXT * 100_000 + 7)
    for symbol in (A, A, B):
        host.on_step(symbol, step(9, day=NEXT), FLAT)
    assert [given[1].after_gap for given in rule.given] == [False, True, False, True]
    host.start_day(20260107, {A: {}}, {})
    host.on_step(A, step(9, day=20260107), FLAT)
    assert rule.given[-1][1].after_gap is False


def test_stocks_out_of_pool_and_position_are_forgotten(host: RuleHost) -> None:
    host.sync([B])
    assert sorted(host.watched()) == [A, B]
    assert host.start_day(NEXT, {}, {}) == [A]
    assert host.watched() == [B]
    assert host.pooled() == []
    assert not host.knows(A)


def test_everything_kept_survives_as_integers(host: RuleHost) -> None:
    host.sync([A])
    host.on_gap(DAY * 100_000 + 3)
    host.on_step(A, step(2, high=77), HELD)
    host.on_verdict(A, DAY, REDUCE, HALF, hms("10:00"), accepted=True)
    host.on_step(A, step(3), HELD)
    assert host.take_changed() == [A]
    assert host.take_changed() == []
    saved = host.save(A)
    assert all(type(value) is int for part in saved for value in part.values())
    again = RuleHost(Obedient(), ())  # type: ignore[arg-type]  # as above
    again.restore_day(DAY, host.gap)
    again.restore(A, saved)
    assert again.save(A) == saved
    assert again.watched() == [A]
    assert again.on_step(A, step(3), HELD) is None
    assert again.last[A].blocked == "verdict_pending"
    assert again.last[A].memory == Memory(2, True)


def test_a_step_that_changes_nothing_is_not_to_be_saved() -> None:
    host = RuleHost(RULES["limit_up"], RULES["limit_up"].Params())
    host.start_day(DAY, {A: {}}, {})
    one = Step(
        ts_of(DAY, 36_000), 36_000, 9_000, 9_000, 9_000, 9_000, 9_000, 9_000, 9_000, 9_900, 8_100, 0, 0, True, False
    )
    host.on_step(A, one, FLAT)
    assert host.take_changed() == [A]
    host.on_step(A, one._replace(first_of_day=False), FLAT)
    assert host.take_changed() == []


def test_names_and_explanations() -> None:
    assert check_name(Decision(ENTER, 0, 0, 0, TOUCH)) == "LIMIT_UP_TOUCH"
    host = RuleHost(Obedient(), ())  # type: ignore[arg-type]  # as above
    host.start_day(DAY, {A: {}}, {})
    assert host.explain(A) == ()
    host.on_step(A, step(1), FLAT)
    assert host.explain(A) == (Check("told", True, {"last": 1, "steps": 0}),)
    assert host.high_since_entry(B) == 0
