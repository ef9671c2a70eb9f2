"""The contract of a rule (design decision: docs/adr). Everything is a plain scalar; prices are in 0.001 yuan."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

from common.domain.orders import Action, PriceKind
from common.domain.reasons import Reason

NONE = int(Action.NONE)
ENTER = int(Action.ENTER)
REDUCE = int(Action.REDUCE)
EXIT = int(Action.EXIT)
MARKETABLE = int(PriceKind.MARKETABLE)
AT_UP_LIMIT = int(PriceKind.AT_UP_LIMIT)


class Step(NamedTuple):
    """One stock since the step before; made from a snapshot or a closed bar, so hosts differ only in step size.

    A snapshot step has high = low = last; a bar step its bar's. Limits are 0 where the day has none.
    """

    ts_ns: int
    second_of_day: int
    last: int
    high: int
    low: int
    day_open: int
    day_high: int
    day_low: int
    prev_close: int
    up_limit: int
    down_limit: int
    volume: int
    turnover: int
    first_of_day: bool
    after_gap: bool


class Position(NamedTuple):
    """What the rule holds of the stock; shares 0 = nothing."""

    shares: int
    sellable: int
    cost: int
    """Total paid for the held shares, without fees, 0.001 yuan."""
    high_since_entry: int
    """Highest bar high (or last) after the entry fill, 0.001 yuan, rescaled on ex-days."""
    sessions_held: int
    """0 on the day of entry."""


class Decision(NamedTuple):
    """What to do. The rule never sizes, prices or schedules."""

    action: int
    fraction_bp: int
    """Of the shares held (REDUCE), in basis points."""
    price: int
    cancel_at_s: int
    """Second of the day at which an unfilled rest is cancelled, 0 = none; on bars before the first bar ending after it."""
    reason: int


NOTHING = Decision(NONE, 0, MARKETABLE, 0, int(Reason.NONE))


class Check(NamedTuple):
    """One entry or exit check with its numbers, for `pankou explain`."""

    name: str
    passed: bool
    numbers: dict[str, int]


_ACTIONS, _PRICES, _REASONS = (frozenset(map(int, kind)) for kind in (Action, PriceKind, Reason))
BASIS = 10_000
DAY_S = 86_400


def decision_fault(decision: Decision) -> str:
    """Return why what a rule returned is no decision, "" where it is one: nonsense must not become an order."""
    whole = all(isinstance(value, int) for value in decision)
    known = decision.action in _ACTIONS and decision.price in _PRICES and decision.reason in _REASONS
    least = 1 if decision.action == Action.REDUCE else 0
    if whole and known and least <= decision.fraction_bp <= BASIS and 0 <= decision.cancel_at_s < DAY_S:
        return ""
    return f"returned {decision}, which is no decision; see docs/how-to/add-a-rule.md"


class Rule(Protocol):
    """A rule module: `common/strategies/<name>.py`."""

    NAME: str
    STEP: str
    """"snapshot" or "bar5": which steps it decides on."""
    Params: type[Any]
    Memory: type[Any]
    Context: type[Any]
    """NamedTuple of the pool row's named integers; always has `float_value`."""
    CONTEXT_PRICES: tuple[str, ...]
    """Fields of Context that are prices, rescaled on ex-days."""
    PARAM_WORDS: dict[str, dict[str, int]]
    """Parameters that a configuration gives as words, e.g. {"confirm_at": {"intraday": 0, "close": 1}}."""
    INITIAL_MEMORY: Any
    check_params: Callable[[Any], list[str]]
    """What is wrong with parameter values, one sentence each; empty = nothing."""
    decide: Callable[[Any, Any, Any, Step, Position], tuple[Any, Decision]]
    explain: Callable[[Any, Any, Any, Step, Position], tuple[Check, ...]]
    """What `decide` looks at for this step, entry checks for an empty position, exit checks otherwise."""


Wake = Callable[[Any, Any, Step, Position], bool]


def wake_of(rule: Rule) -> Wake | None:
    """Return the `wake(params, context, step, position)` of a rule that has one.

    Such a rule's `decide` is plain Python and is called only on the steps where `wake`, a kernel, says so: its memory
    stands still on the others, in every host.
    """
    return cast("Wake | None", getattr(rule, "wake", None))
