"""A rule tried out before it trades: its constants against the contract, its functions on a handful of steps. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

from common.domain.calendar import ts_of
from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason
from common.strategies.contract import NONE, REDUCE, Check, Decision, Position, Rule, Step, wake_of
from common.strategies.rule_faults import Fault

LineOf = Callable[[BaseException], int]
SOMEWHERE = 0
"""Line of a fault that is placed where the name `at` stands."""
_REASONS = frozenset(int(reason) for reason in Reason)
_DAY = 20_260_105
_LIMITS = (11_000, 9_000)
_POSITIONS = (
    Position(0, 0, 0, 0, 0),
    Position(1_000, 0, 10_000_000, 0, 0),
    Position(1_000, 1_000, 10_000_000, 10_900, 1),
    Position(100, 100, 1_300_000, 13_100, 3),
)


def trial(rule: Rule, line_of: LineOf) -> list[Fault]:
    """Return what is wrong with a rule's values, then what goes wrong when its functions are called."""
    faults = list(_values(rule))
    if not faults:
        faults = list(_default_params(rule, line_of))
    return faults or list(_steps(rule, line_of))


def _at(stands: str, code: str, /, **facts: object) -> Fault:
    return Fault(SOMEWHERE, code, {"at": stands, **facts})


def _values(rule: Rule) -> Iterator[Fault]:
    if not isinstance(rule.INITIAL_MEMORY, rule.Memory):
        yield _at("INITIAL_MEMORY", "not_memory")
    else:
        yield from _mistyped("INITIAL_MEMORY", rule.Memory, rule.INITIAL_MEMORY)
    yield from _mistyped("Params", rule.Params, rule.Params())
    for name in rule.CONTEXT_PRICES:
        if name not in rule.Context._fields:
            yield _at("CONTEXT_PRICES", "context_prices", name=name)
    for name, words in rule.PARAM_WORDS.items():
        good = name in rule.Params._fields and all(type(number) is int for number in words.values())
        if not good or getattr(rule.Params(), name) not in words.values():
            yield _at("PARAM_WORDS", "param_words", name=name)


def _mistyped(stands: str, kind: type[Any], values: Any) -> Iterator[Fault]:
    """Yield the fields whose value is of another type than the class says: a compiler takes them for two classes."""
    for name, wanted in kind.__annotations__.items():
        # A string where the file begins with `from __future__ import annotations`.
        word = (
            wanted if isinstance(wanted, str) else getattr(wanted, "__forward_arg__", getattr(wanted, "__name__", ""))
        )
        if type(getattr(values, name)).__name__ != word:
            yield _at(stands, "default_type", name=f"{stands}.{name}", wanted=word)


def _default_params(rule: Rule, line_of: LineOf) -> Iterator[Fault]:
    try:
        problems = rule.check_params(rule.Params())
    except Exception as error:  # whatever the person's own code raises is told with its line
        yield Fault(line_of(error), "trial", {"name": "check_params", "text": _text(error)})
        return
    for problem in problems:
        yield _at("Params", "default_params", text=problem)


def _steps(rule: Rule, line_of: LineOf) -> Iterator[Fault]:
    """Walk one stock through a rise to its limit and a fall, with nothing held and with several positions."""
    context = rule.Context(*(10_000 for _ in rule.Context._fields))
    wake = wake_of(rule)
    for position in _POSITIONS:
        memory = rule.INITIAL_MEMORY
        for step in steps():
            arguments = (rule.Params(), memory, context, step, position)
            name, wrong = "wake", ""
            try:
                awake: object = wake(rule.Params(), context, step, position) if wake is not None else True
                if type(awake) is not bool:
                    yield _at("wake", "wake_bool", text=repr(awake))
                    return
                if not awake:
                    continue
                name = "decide"
                given = rule.decide(*arguments)
                wrong = _wrong(rule, given)
                if not wrong:
                    name = "explain"
                    wrong = _wrong_checks(rule.explain(*arguments))
            except Exception as error:  # as above
                yield Fault(line_of(error), "trial", {"name": name, "text": _text(error)})
                return
            if wrong:
                yield _at(name, "trial", name=name, text=wrong)
                return
            memory = given[0]


def steps() -> list[Step]:
    """Return the steps of a trial: before any trade, a rise to the limit, a fall to the other, prices in 0.001 yuan."""
    lasts = (0, 10_000, 10_300, 10_700, 11_000, 10_900, 10_400, 9_900, 9_300, 9_000)
    made = []
    for at, last in enumerate(lasts):
        second = 34_200 + at * 2_100
        first = 10_000 if last else 0
        high, low = max(lasts[: at + 1]), min((each for each in lasts[: at + 1] if each), default=0)
        made.append(
            Step(
                ts_of(_DAY, second), second, last, last, last, first, high, low, 10_000, *_LIMITS,
                1_000 * at, 10_000_000 * at, at == 0, False,
            )
        )  # fmt: skip
    return made


def _wrong(rule: Rule, given: Any) -> str:
    """Return what is wrong with what `decide` gave, "" = nothing."""
    if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], rule.Memory)):
        return "it must return (Memory, Decision)"
    memory, decision = given
    if not isinstance(decision, Decision):
        return "it must return (Memory, Decision)"
    if [type(value) for value in memory] != [type(value) for value in rule.INITIAL_MEMORY]:
        return f"{memory} must keep the types of {rule.INITIAL_MEMORY}"
    if not all(type(value) is int for value in decision):
        return f"only int may be in {decision}"
    if decision.action not in set(Action) or decision.price not in set(PriceKind) - {PriceKind.AT_PRICE}:
        return f"no action or no price kind: {decision}"
    if decision.action != NONE and (decision.reason not in _REASONS or decision.reason == Reason.NONE):
        return f"reason {decision.reason} is none of common/domain/reasons.py"
    if decision.action == REDUCE and not 0 < decision.fraction_bp <= 10_000:
        return f"fraction_bp of a reduction must be from 1 to 10000, not {decision.fraction_bp}"
    return ""


def _wrong_checks(told: Any) -> str:
    good = isinstance(told, tuple) and all(isinstance(each, Check) for each in told)
    return "" if good else "it must return a tuple of Check"


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
