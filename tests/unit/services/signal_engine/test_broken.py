"""A rule that raises opens nothing more, leaves what it can, is named; the other rules do not notice."""

import types
from collections.abc import Callable
from typing import Any

import pytest

from common.domain.orders import Action
from common.domain.reasons import Reason
from common.messages.kept import BrokenRule
from common.strategies import RULES
from common.strategies.contract import Check, Decision, Position, Rule, Step
from services.signal_engine.broken import Broken
from tests.signal_rig import CrashError, FeedTape, Rig, pool
from tests.unit.services.signal_engine.scenes import DAY, NEXT, UP, A, C, first_day, next_day

LIMIT_UP = RULES["limit_up"]
FLOAT = {A: 5, C: 4}
Said = tuple[Any, Decision]


def odd_rule(fails: Callable[[str, Step, Position], bool], returns: Said | None = None) -> Rule:
    """Return limit_up under another name that fails where told to; with `returns` it returns that instead of raising."""
    names = {value: symbol for symbol, value in FLOAT.items()}

    def decide(params: Any, memory: Any, context: Any, step: Step, position: Position) -> Said:
        if fails(names[context.float_value], step, position):
            if returns is not None:
                return returns
            raise ZeroDivisionError("division by zero")
        return LIMIT_UP.decide(params, memory, context, step, position)

    made = types.SimpleNamespace(**{name: value for name, value in vars(LIMIT_UP).items() if not name.startswith("__")})
    made.NAME, made.decide = "odd", decide
    return made  # type: ignore[return-value]  # a module by its names


def touches() -> FeedTape:
    """A touches its limit at 10:00:03, C its own at 10:00:09; on the next day both fall."""
    tape = FeedTape()
    first_day(tape)
    tape.tick("09:30:00", {A: 10.5, C: 10.5})
    tape.tick("10:00:00", {A: 10.9, C: 10.8})
    tape.tick("10:00:03", {A: UP})
    tape.tick("10:00:06", {A: UP, C: 10.9})
    tape.tick("10:00:09", {C: UP})
    tape.tick("15:00:00", {A: UP, C: UP})
    falls = [("09:30:00", {A: 10.9, C: 10.9}), ("09:30:03", {A: 10.4, C: 10.4}), ("09:30:06", {A: 10.3, C: 10.3})]
    next_day(tape, {A: UP, C: UP}, falls)
    return tape


def rig(rule: Rule, rules: tuple[str, ...] = ("limit_up",)) -> Rig:
    rows = {symbol: {"float_value": value} for symbol, value in FLOAT.items()}
    pools = {(name, day): pool(name, day, rows) for name in (*rules, "odd") for day in (DAY, NEXT)}
    return Rig(touches(), pools, rules=rules, own=(rule,))


def decided(gateway: Rig, rule: str) -> list[tuple[str, Action]]:
    return [(signal.symbol, signal.action) for signal in gateway.signals if signal.rule == rule]


def at_a(symbol: str, step: Step, position: Position) -> bool:
    return symbol == A and step.last == 10_900


def test_it_opens_nothing_more_is_named_and_the_others_go_on() -> None:
    engine = rig(odd_rule(at_a))
    engine.play(7)
    assert decided(engine, "limit_up") == [(A, Action.ENTER), (C, Action.ENTER)]
    assert decided(engine, "odd") == []
    assert engine.kept("broken|") == {
        "broken|odd": BrokenRule("odd", "source 1|" + repr(LIMIT_UP.Params()), A, DAY, 36_000, "ZeroDivisionError: division by zero")
    }  # fmt: skip
    _, _, numbers, words = engine.core.status()
    assert words["broken_rules"] == f"odd failed on {A}, {DAY} 10:00:00: ZeroDivisionError: division by zero"
    assert (numbers["rules_broken"], numbers["rule_failures"], words["close_by_hand"]) == (1, 1, "")
    assert engine.logged.count("rule failed and opens nothing more") == 1


def test_the_lock_survives_a_restart_until_the_rule_is_changed() -> None:
    engine = rig(odd_rule(at_a), rules=())
    engine.play(4)
    engine.boot()
    assert engine.core.status()[2]["rules_broken"] == 1
    engine.sources["odd"] = "source 2"
    engine.boot()
    assert engine.core.status()[2]["rules_broken"] == 0
    assert engine.kept("broken|") == {}
    engine.play(3)
    assert decided(engine, "odd") == [(C, Action.ENTER)]


def test_its_exits_go_on_where_it_does_not_fail() -> None:
    """It bought both, and fails on A only: the stop loss of C is decided although the rule is locked."""
    engine = rig(odd_rule(lambda symbol, step, position: symbol == A and position.sellable > 0), rules=())
    engine.play()
    exits = [each for each in decided(engine, "odd") if each[1] is Action.EXIT]
    assert exits == [(C, Action.EXIT)]
    words = engine.core.status()[3]
    assert words["close_by_hand"] == f"{A} (odd)"
    assert words["broken_rules"].startswith(f"odd failed on {A}, {NEXT}")


def test_a_position_is_looked_after_again_when_the_rule_works_on_it() -> None:
    rule = odd_rule(lambda symbol, step, position: symbol == A and position.sellable > 0 and step.last > 10_350)
    engine = rig(rule, rules=())
    engine.play(9)
    assert engine.core.status()[3]["close_by_hand"] == f"{A} (odd)"
    engine.play()
    assert engine.core.status()[3]["close_by_hand"] == ""
    assert (A, Action.EXIT) in decided(engine, "odd")


@pytest.mark.parametrize(
    "returns",
    [
        (LIMIT_UP.INITIAL_MEMORY, Decision(9, 0, 0, 0, int(Reason.RULE_ENTRY))),
        (LIMIT_UP.INITIAL_MEMORY, Decision(int(Action.ENTER), 0, 0, 90_000, int(Reason.RULE_ENTRY))),
        (LIMIT_UP.INITIAL_MEMORY._replace(**{LIMIT_UP.INITIAL_MEMORY._fields[0]: "x"}), Decision(0, 0, 0, 0, 0)),
        (LIMIT_UP.INITIAL_MEMORY, None),
        (LIMIT_UP.INITIAL_MEMORY, Decision(int(Action.EXIT), 20_000, 0, 0, int(Reason.RULE_EXIT))),
        (LIMIT_UP.INITIAL_MEMORY, Decision(int(Action.ENTER), 0.5, 0, 0, int(Reason.RULE_ENTRY))),  # type: ignore[arg-type]  # meant
        (LIMIT_UP.INITIAL_MEMORY._replace(day=2**63), Decision(0, 0, 0, 0, 0)),
        (LIMIT_UP.INITIAL_MEMORY._replace(day=0.5), Decision(0, 0, 0, 0, 0)),
    ],
    ids=["action", "time", "memory", "nothing", "fraction", "decimal", "too large", "decimal memory"],
)
def test_nonsense_is_a_failure_and_never_a_signal(returns: Said) -> None:
    engine = rig(odd_rule(at_a, returns))
    engine.play(7)
    assert decided(engine, "odd") == []
    assert decided(engine, "limit_up") == [(A, Action.ENTER), (C, Action.ENTER)]
    assert engine.core.status()[2]["rules_broken"] == 1


@pytest.mark.parametrize(
    "explain",
    [
        lambda *_: 1 // 0,
        lambda *_: (Check("x" * 100, True, {}),),
        lambda *_: (Check("x", True, {"n": 2**70}),),
        lambda *_: (Check("\udcff", True, {}),),
        lambda *_: (1,),
    ],
)
def test_a_rule_that_cannot_explain_itself_still_decides(explain: Any) -> None:
    rule = odd_rule(lambda symbol, step, position: False)
    rule.explain = explain
    engine = rig(rule, rules=())
    engine.play(7)
    engine.boot()  # what was kept of it is readable
    assert decided(engine, "odd") == [(A, Action.ENTER), (C, Action.ENTER)]
    assert engine.core.status()[2]["rules_broken"] == 0


class UnspeakableError(Exception):
    """Cannot be told."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("one\ntwo \udcff" + "x" * 5_000), "ValueError: one two ?" + "x" * 279),
        (UnspeakableError(), "UnspeakableError"),
    ],
)
def test_whatever_an_error_says_is_kept_readable(error: Exception, told: str) -> None:
    rule = odd_rule(at_a)

    def decide(*arguments: Any) -> Said:
        raise error

    rule.decide = decide
    engine = rig(rule, rules=())
    engine.play(3)
    engine.boot()
    (record,) = engine.kept("broken|").values()
    assert isinstance(record, BrokenRule)
    assert record.error == told


def test_crashes_change_nothing() -> None:
    def play(crash: Callable[[str], bool]) -> tuple[list[Any], dict[str, Any]]:
        engine = rig(odd_rule(lambda symbol, step, position: symbol == A and position.shares > 0))
        engine.crash = crash
        while engine.at < len(engine.tape.pushes) - 1:
            try:
                engine.play(1)
            except CrashError:
                engine.boot()
        return engine.signals, engine.kept("broken|")

    quiet = play(lambda where: False)
    assert len(quiet[0]) >= 6
    for victim in range(1, 12):
        seen = 0

        def crash(where: str, victim: int = victim) -> bool:
            nonlocal seen
            seen += where == "after"
            return where == "after" and seen == victim

        assert play(crash) == quiet, f"crash after commit {victim}"


def test_a_failure_of_a_rule_that_is_not_run_any_more_is_forgotten() -> None:
    broken = Broken([], {})
    broken.restore(BrokenRule("gone", "x|y", A, DAY, 36_000, "ValueError: x"))
    assert len(broken) == 0
    assert [type(output).__name__ for output in broken.on_start()] == ["Drop", "Log"]
