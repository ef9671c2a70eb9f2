"""早盘强势（示例）：10:30 前涨 3 % 且高于开盘价时买入；次日起亏 3 % 止损，14:50 卖出其余。

Early strength (an example): buy a stock that is up 3 % before 10:30 and above its open; from the next session on stop
at a loss of 3 %, and sell what is left at 14:50.
"""

from typing import NamedTuple

from common.domain.reasons import Reason
from common.rules.kernel import kernel
from common.strategies.contract import ENTER, EXIT, MARKETABLE, NOTHING, Decision, Position, Step

NAME = "early_strength"
STEP = "snapshot"

_ENTRY = int(Reason.RULE_ENTRY)
_STOP = int(Reason.STOP_LOSS)
_TIME = int(Reason.RULE_EXIT)
_FIVE_MINUTES = 300


class Params(NamedTuple):
    """参数：基点，与一天中的秒 / Parameters: basis points, and seconds of the day."""

    rise_bp: int = 300
    until_s: int = 37_800
    """10:30:00"""
    stop_bp: int = 300
    sell_at_s: int = 53_400
    """14:50:00"""


class Memory(NamedTuple):
    """逐步带下去的 / What is carried from step to step."""

    above: bool
    """上一步已高于门槛 / The step before was above the threshold."""


class Context(NamedTuple):
    """选股结果里要用的 / What the pool row says."""

    float_value: int


INITIAL_MEMORY = Memory(False)


@kernel
def _strong(params: Params, step: Step) -> bool:
    risen = step.last * 10_000 >= step.prev_close * (10_000 + params.rise_bp)
    return risen and step.last > step.day_open


@kernel
def _exit_reason(params: Params, step: Step, position: Position) -> int:
    if step.last * position.shares * 10_000 <= position.cost * (10_000 - params.stop_bp):
        return _STOP
    if step.second_of_day >= params.sell_at_s:
        return _TIME
    return 0


@kernel
def decide(params: Params, memory: Memory, context: Context, step: Step, position: Position) -> tuple[Memory, Decision]:
    """买：刚刚越过门槛；卖：止损或到时 / Enter when the threshold is crossed just now; exit on the stop or in time."""
    if step.last <= 0 or step.day_open <= 0:
        return memory, NOTHING
    strong = _strong(params, step)
    after = Memory(strong)
    if position.shares > 0:
        reason = _exit_reason(params, step, position)
        if reason > 0 and position.sessions_held >= 1:
            return after, Decision(EXIT, 10_000, MARKETABLE, 0, reason)
        return after, NOTHING
    crossed = strong and not memory.above and not step.first_of_day and not step.after_gap
    if crossed and step.second_of_day < params.until_s:
        return after, Decision(ENTER, 0, MARKETABLE, params.until_s + _FIVE_MINUTES, _ENTRY)
    return after, NOTHING
