"""稳步上涨（示例，普通 Python）：当日涨幅达到 3 % 且占当日振幅的七成以上时买入；次日起止损，或 14:50 卖出。

Steady rise (an example in plain Python): buy a stock that is up 3 % when its gain is most of the way between the day's
low and high; from the next session on stop, or sell at 14:50.

`decide` 用了浮点、math 和字典，不能编译成机器码；`wake` 说明哪些步值得叫醒它。
`decide` uses floats, math and a dict, which are not compiled; `wake` tells on which steps it is worth calling.
"""

import math
from typing import NamedTuple

from common.domain.reasons import Reason
from common.rules.kernel import kernel
from common.strategies.contract import ENTER, EXIT, MARKETABLE, NOTHING, Decision, Position, Step

NAME = "steady_rise"
STEP = "bar5"

_ENTRY = int(Reason.RULE_ENTRY)
_STOP = int(Reason.STOP_LOSS)
_TIME = int(Reason.RULE_EXIT)


class Params(NamedTuple):
    """参数：基点，与一天中的秒 / Parameters: basis points, and seconds of the day."""

    rise_bp: int = 300
    share_bp: int = 7_000
    stop_bp: int = 400
    until_s: int = 52_200
    """14:30:00"""
    sell_at_s: int = 53_400
    """14:50:00"""


class Memory(NamedTuple):
    """逐步带下去的 / What is carried from step to step."""

    looks: int
    """被叫醒几次 / How often it was woken."""


class Context(NamedTuple):
    """选股结果里要用的 / What the pool row says."""

    float_value: int


INITIAL_MEMORY = Memory(0)


@kernel
def wake(params: Params, context: Context, step: Step, position: Position) -> bool:
    """持有时每步都看；没有持有时，涨够了才看 / Every step while holding; else only where it has risen enough."""
    if position.shares > 0:
        return True
    risen = step.last * 10_000 >= step.prev_close * (10_000 + params.rise_bp)
    return risen and step.day_low > 0 and step.prev_close > 0 and step.second_of_day <= params.until_s


def decide(params: Params, memory: Memory, context: Context, step: Step, position: Position) -> tuple[Memory, Decision]:
    """买：涨幅占振幅的大部分；卖：止损或到时 / Enter when the gain is most of the range; exit on the stop or in time."""
    after = Memory(memory.looks + 1)
    if position.shares > 0:
        reasons = {
            _STOP: step.last * position.shares * 10_000 <= position.cost * (10_000 - params.stop_bp),
            _TIME: step.second_of_day >= params.sell_at_s,
        }
        due = [reason for reason, is_so in reasons.items() if is_so and position.sessions_held >= 1]
        return after, Decision(EXIT, 10_000, MARKETABLE, 0, due[0]) if due else NOTHING
    span = math.log(step.day_high / min(step.day_low, step.prev_close))
    share = math.log(step.last / step.prev_close) / span if span > 0 else 0.0
    if share * 10_000 >= params.share_bp:
        return after, Decision(ENTER, 0, MARKETABLE, 0, _ENTRY)
    return after, NOTHING
