"""缠论底分型 (bottom_fractal): buy the day that lifts off a bottom bar, take half, trail the rest."""

from typing import NamedTuple

from common.domain.reasons import Reason
from common.rules.kernel import kernel
from common.strategies.contract import ENTER, EXIT, MARKETABLE, NONE, REDUCE, Check, Decision, Position, Step

NAME = "bottom_fractal"
STEP = "bar5"
CONTEXT_PRICES: tuple[str, ...] = ("k1_high", "k1_low", "k2_high", "k2_low")

INTRADAY, CLOSE = 0, 1
PARAM_WORDS: dict[str, dict[str, int]] = {"confirm_at": {"intraday": INTRADAY, "close": CLOSE}}

_ENTRY = int(Reason.BOTTOM_FRACTAL_CONFIRMED)
_STOP = int(Reason.STOP_LOSS)
_HALF = int(Reason.TAKE_PROFIT_HALF)
_TRAIL = int(Reason.TRAILING_STOP)
_NO_REASON = int(Reason.NONE)


class Params(NamedTuple):
    """Parameters, in basis points and seconds of the day."""

    stop_bp: int = 400
    take_bp: int = 500
    """Profit at which a part is sold."""
    take_fraction_bp: int = 5_000
    trail_bp: int = 300
    """After that: fall from the high since entry that sells the rest."""
    confirm_at: int = INTRADAY
    """0 intraday: at any closed bar, which can repaint; 1 close: once, at the last bar decided on."""
    last_bar_s: int = 53_700
    """14:55:00: nothing is decided on a bar that ends later."""
    cancel_at_s: int = 53_820
    """14:57:00: an entry that is not executed by then dies."""


class Memory(NamedTuple):
    """What the rule carries from step to step of one stock."""

    half_sold: bool


class Context(NamedTuple):
    """What the pool row says: the two merged bars up to the day before, prices rescaled on ex-days."""

    float_value: int
    """Float market value, 0.001 yuan."""
    k1_high: int
    k1_low: int
    k2_high: int
    k2_low: int


INITIAL_MEMORY = Memory(False)


def check_params(params: Params) -> list[str]:
    """Return what is wrong with parameter values, one sentence each."""
    problems = [
        f"{name}: must be between 1 and {most}"
        for name, most in (("stop_bp", 9_999), ("take_bp", 100_000), ("take_fraction_bp", 10_000), ("trail_bp", 9_999))
        if not 0 < getattr(params, name) <= most
    ]
    if not 34_200 < params.last_bar_s <= params.cancel_at_s <= 53_820:
        problems.append("last_bar_s, cancel_at_s: must lie in this order between 34200 (09:30) and 53820 (14:57)")
    return problems


@kernel
def _confirmed(context: Context, step: Step) -> bool:
    return context.k2_high > 0 and step.day_low > context.k2_low and step.day_high > context.k2_high


@kernel
def _decided_on(params: Params, step: Step) -> bool:
    if params.confirm_at == CLOSE:
        return step.second_of_day == params.last_bar_s
    return step.second_of_day <= params.last_bar_s


@kernel
def _stopped(params: Params, step: Step, position: Position) -> bool:
    return step.last * position.shares * 10_000 <= position.cost * (10_000 - params.stop_bp)


@kernel
def _takes(params: Params, step: Step, position: Position) -> bool:
    return step.last * position.shares * 10_000 >= position.cost * (10_000 + params.take_bp)


@kernel
def _trails(params: Params, step: Step, position: Position) -> bool:
    return step.last * 10_000 <= position.high_since_entry * (10_000 - params.trail_bp)


@kernel
def decide(params: Params, memory: Memory, context: Context, step: Step, position: Position) -> tuple[Memory, Decision]:
    """Decide on one closed 5-minute bar; a stock that has not traded today is left alone."""
    nothing = Decision(NONE, 0, MARKETABLE, 0, _NO_REASON)
    kept = Memory(memory.half_sold and position.shares > 0)
    if step.second_of_day > params.last_bar_s or step.day_open <= 0 or step.last <= 0:
        return kept, nothing
    if position.shares <= 0:
        if _decided_on(params, step) and _confirmed(context, step):
            return kept, Decision(ENTER, 0, MARKETABLE, params.cancel_at_s, _ENTRY)
        return kept, nothing
    if position.sessions_held < 1:
        return kept, nothing
    if _stopped(params, step, position):
        return kept, Decision(EXIT, 10_000, MARKETABLE, 0, _STOP)
    if not kept.half_sold:
        if _takes(params, step, position):
            return Memory(True), Decision(REDUCE, params.take_fraction_bp, MARKETABLE, 0, _HALF)
        return kept, nothing
    if _trails(params, step, position):
        return kept, Decision(EXIT, 10_000, MARKETABLE, 0, _TRAIL)
    return kept, nothing


def _explain_entry(params: Params, context: Context, step: Step) -> tuple[Check, ...]:
    return (
        Check(
            "bar_decided_on",
            _decided_on(params, step),
            {"label_s": step.second_of_day, "last_bar_s": params.last_bar_s, "confirm_at": params.confirm_at},
        ),
        Check("low_above_k2", step.day_low > context.k2_low, {"day_low": step.day_low, "k2_low": context.k2_low}),
        Check(
            "high_above_k2",
            0 < context.k2_high < step.day_high,
            {"day_high": step.day_high, "k2_high": context.k2_high},
        ),
    )


def explain(params: Params, memory: Memory, context: Context, step: Step, position: Position) -> tuple[Check, ...]:
    """Return what `decide` looks at for the same arguments; an exit check passes when it says sell."""
    if step.day_open <= 0 or step.last <= 0:
        return (Check("traded_today", False, {"day_open": step.day_open, "last": step.last}),)
    if position.shares <= 0:
        return _explain_entry(params, context, step)
    value = step.last * position.shares
    half_sold = memory.half_sold
    return (
        Check("held_overnight", position.sessions_held >= 1, {"sessions_held": position.sessions_held}),
        Check(
            "bar_decided_on",
            step.second_of_day <= params.last_bar_s,
            {"label_s": step.second_of_day, "last_bar_s": params.last_bar_s},
        ),
        Check(
            "stop_loss",
            _stopped(params, step, position),
            {"market_value": value, "cost": position.cost, "stop_bp": params.stop_bp},
        ),
        Check(
            "take_profit_half",
            not half_sold and _takes(params, step, position),
            {"market_value": value, "cost": position.cost, "take_bp": params.take_bp, "half_sold": int(half_sold)},
        ),
        Check(
            "trailing_stop",
            half_sold and _trails(params, step, position),
            {
                "last": step.last,
                "high_since_entry": position.high_since_entry,
                "trail_bp": params.trail_bp,
                "half_sold": int(half_sold),
            },
        ),
    )
