"""打板 (limit_up): buy a stock when it touches its up limit, sell from the next session on when it disappoints."""

from typing import NamedTuple

from common.domain.reasons import Reason
from common.rules.kernel import kernel
from common.strategies.contract import (
    AT_UP_LIMIT,
    ENTER,
    EXIT,
    MARKETABLE,
    NONE,
    NOTHING,
    Check,
    Decision,
    Position,
    Step,
)

NAME = "limit_up"
STEP = "snapshot"
CONTEXT_PRICES: tuple[str, ...] = ()
PARAM_WORDS: dict[str, dict[str, int]] = {}

_ENTRY = int(Reason.LIMIT_UP_TOUCH)
_STOP = int(Reason.STOP_LOSS)
_WEAK = int(Reason.WEAK_AT_0950)
_NOT_SEALED = int(Reason.NOT_SEALED_AT_1430)
_NO_REASON = int(Reason.NONE)
_SECOND = 1_000_000_000
_SHANGHAI_S = 28_800
_DAY_S = 86_400


class Params(NamedTuple):
    """Parameters, in basis points and seconds of the day."""

    stop_bp: int = 400
    weak_bp: int = -200
    """Exit at the weak check when last is below the open by more than this."""
    weak_at_s: int = 35_400
    """09:50:00."""
    sealed_at_s: int = 52_200
    """14:30:00."""
    cancel_at_s: int = 53_790
    """14:56:30: what is not filled by then is cancelled."""
    allow_sealed_open: bool = False
    """Enter a stock that opens at its limit (一字板) without waiting for the board to open and come back."""
    cancel_if_opened: bool = False
    """Cancel a queueing buy when the board opens; only False can be had (see `check_params`)."""


class Memory(NamedTuple):
    """What the rule carries from step to step of one stock."""

    day: int
    """Days since 1970 of the last step; another day starts anew."""
    below: bool
    """The last price of the step before was below the up limit."""
    weak_checked: bool
    sealed_checked: bool


class Context(NamedTuple):
    """What the pool row says."""

    float_value: int
    """Float market value, 0.001 yuan."""


INITIAL_MEMORY = Memory(0, False, False, False)


def check_params(params: Params) -> list[str]:
    """Return what is wrong with parameter values, one sentence each."""
    problems = []
    if not 0 < params.stop_bp < 10_000:
        problems.append("stop_bp: must be between 1 and 9999")
    if not -10_000 < params.weak_bp <= 0:
        problems.append("weak_bp: must be between -9999 and 0")
    problems += [
        f"{name}: must be a second of the day from 34200 (09:30) to 53820 (14:57)"
        for name in ("weak_at_s", "sealed_at_s", "cancel_at_s")
        if not 34_200 <= getattr(params, name) <= 53_820
    ]
    if params.cancel_if_opened:
        problems.append("cancel_if_opened: the rule contract has no cancel decision; leave it false")
    return problems


@kernel
def _day_of(step: Step) -> int:
    return (step.ts_ns // _SECOND + _SHANGHAI_S) // _DAY_S


@kernel
def _today(params: Params, memory: Memory, step: Step) -> Memory:
    """Return the memory as it stands before this step: anew on another day, where day_open is the step before."""
    if memory.day == _day_of(step):
        return memory
    opened_below = step.day_open < step.up_limit or params.allow_sealed_open
    # A day that is met late has lost the steps before this one: an edge among them is missed, not chased.
    return Memory(_day_of(step), opened_below and step.first_of_day, False, False)


@kernel
def _touches(memory: Memory, step: Step) -> bool:
    return step.up_limit > 0 and step.high >= step.up_limit and memory.below and not step.after_gap


@kernel
def _stopped(params: Params, step: Step, position: Position) -> bool:
    return step.last * position.shares * 10_000 <= position.cost * (10_000 - params.stop_bp)


@kernel
def _weak(params: Params, step: Step) -> bool:
    return step.last * 10_000 < step.day_open * (10_000 + params.weak_bp)


@kernel
def _exit_reason(params: Params, memory: Memory, step: Step, position: Position) -> int:
    """Return why to sell at this step, in the order of the rule; `memory` of before the step."""
    if _stopped(params, step, position):
        return _STOP
    if step.second_of_day >= params.weak_at_s and not memory.weak_checked and _weak(params, step):
        return _WEAK
    if step.second_of_day >= params.sealed_at_s and not memory.sealed_checked and step.last < step.up_limit:
        return _NOT_SEALED
    return _NO_REASON


@kernel
def decide(  # every rule gets its context; this one decides without
    params: Params,
    memory: Memory,
    context: Context,  # noqa: ARG001 - every rule is called alike
    step: Step,
    position: Position,
) -> tuple[Memory, Decision]:
    """Decide on one step of continuous trading; a stock that has not traded today is left alone."""
    if step.day_open <= 0 or step.last <= 0:
        return memory, NOTHING
    before = _today(params, memory, step)
    after = Memory(
        before.day,
        step.last < step.up_limit,
        before.weak_checked or step.second_of_day >= params.weak_at_s,
        before.sealed_checked or step.second_of_day >= params.sealed_at_s,
    )
    if position.shares > 0:
        reason = _NO_REASON
        if position.sessions_held >= 1:
            reason = _exit_reason(params, before, step, position)
        if reason != _NO_REASON:
            return after, Decision(EXIT, 10_000, MARKETABLE, 0, reason)
        return after, Decision(NONE, 0, MARKETABLE, 0, _NO_REASON)
    if _touches(before, step) and step.second_of_day < params.cancel_at_s:
        return after, Decision(ENTER, 0, AT_UP_LIMIT, params.cancel_at_s, _ENTRY)
    return after, Decision(NONE, 0, MARKETABLE, 0, _NO_REASON)


def _explain_entry(params: Params, memory: Memory, step: Step) -> tuple[Check, ...]:
    numbers = {"high": step.high, "last": step.last, "day_open": step.day_open, "up_limit": step.up_limit}
    return (
        Check("has_limit", step.up_limit > 0, {"up_limit": step.up_limit}),
        Check("touches_limit", 0 < step.up_limit <= step.high, numbers),
        Check("was_below_limit", memory.below, {"below_before": int(memory.below), "day_open": step.day_open}),
        Check("no_gap", not step.after_gap, {"after_gap": int(step.after_gap)}),
        Check("before_cancel_time", step.second_of_day < params.cancel_at_s, {"cancel_at_s": params.cancel_at_s}),
    )


def explain(
    params: Params,
    memory: Memory,
    context: Context,  # noqa: ARG001 - every rule is called alike
    step: Step,
    position: Position,
) -> tuple[Check, ...]:
    """Return what `decide` looks at for the same arguments; an exit check passes when it says sell."""
    if step.day_open <= 0 or step.last <= 0:
        return (Check("traded_today", False, {"day_open": step.day_open, "last": step.last}),)
    before = _today(params, memory, step)
    if position.shares <= 0:
        return _explain_entry(params, before, step)
    at = step.second_of_day
    weak_due = at >= params.weak_at_s and not before.weak_checked
    sealed_due = at >= params.sealed_at_s and not before.sealed_checked
    return (
        Check("held_overnight", position.sessions_held >= 1, {"sessions_held": position.sessions_held}),
        Check(
            "stop_loss",
            _stopped(params, step, position),
            {"market_value": step.last * position.shares, "cost": position.cost, "stop_bp": params.stop_bp},
        ),
        Check(
            "weak_at_0950",
            weak_due and _weak(params, step),
            {"due": int(weak_due), "last": step.last, "day_open": step.day_open, "weak_bp": params.weak_bp},
        ),
        Check(
            "not_sealed_at_1430",
            sealed_due and step.last < step.up_limit,
            {"due": int(sealed_due), "last": step.last, "up_limit": step.up_limit},
        ),
    )
