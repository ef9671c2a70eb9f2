"""A rule as machine code: which bars of which stocks matter, found without calling Python once for a bar.

`compile_rule` takes a rule's own functions, as they are, and compiles them together with everything they call. The
scans step a rule through whole days of bars exactly as a host would and give back only the bars on which it decides
something. What is decided is carried out by the same plain Python desk that every engine uses.
"""

from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from common.rules.kernel import KERNELS
from common.strategies.contract import ENTER, Position, Step

I64 = NDArray[np.int64]
_OPTIONS = {"nogil": True, "error_model": "python"}


class Compiled(NamedTuple):
    """A rule's scans."""

    pool: Callable[..., Any]
    """Steps every given stock through a day holding nothing; finds the bars on which it wants to enter."""
    one: Callable[..., Any]
    """Steps one stock on from a bar with a position; stops at the first bar that decides anything."""


def jit_all(function: FunctionType, made: dict[FunctionType, Any]) -> Any:
    """Return `function` compiled, and with it, once each, every kernel it calls, however deep."""
    if function in made:
        return made[function]
    kernels = set(KERNELS.values())
    scope = dict(function.__globals__)
    for name in _names_of(function):
        value = scope.get(name)
        if isinstance(value, FunctionType) and value in kernels:
            scope[name] = jit_all(value, made)
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made[function] = numba.njit(**_OPTIONS)(copy)
    return made[function]


def _names_of(function: FunctionType) -> tuple[str, ...]:
    return function.__code__.co_names


_POOL = '''
def scan_pool(params, memory_table, context_table, chosen, first_row, bars, label_s, midnight_ns, facts, held, hits):
    found = 0
    for at in range(len(chosen)):
        stock = chosen[at]
        row = first_row[stock]
        if row < 0 or held[stock]:
            continue
        memory = Memory({memory})
        context = Context({context})
        day_open, day_high, day_low = 0, 0, 0
        for bar in range(len(label_s)):
            volume = np.int64(bars.volume[row + bar])
            high, low, last = np.int64(bars.high[row + bar]), np.int64(bars.low[row + bar]), np.int64(bars.close[row + bar])
            if volume > 0:
                if day_open == 0:
                    day_open, day_high, day_low = np.int64(bars.open[row + bar]), high, low
                day_high, day_low = max(day_high, high), min(day_low, low)
            step = Step(
                midnight_ns + label_s[bar] * 1_000_000_000, label_s[bar], last, high, low, day_open, day_high, day_low,
                facts.prev_close[stock], facts.up_limit[stock], facts.down_limit[stock], volume, 0,
                bar == 0, False,
            )
            memory, decision = decide(params, memory, context, step, NOTHING_HELD)
            if decision.action == ENTER:
                hits[found, 0], hits[found, 1] = bar, stock
                found += 1
{keep}
    return found
'''


class Bars(NamedTuple):
    """Columns of bars, one row a bar, the bars of a stock and day side by side."""

    open: NDArray[np.int32]
    high: NDArray[np.int32]
    low: NDArray[np.int32]
    close: NDArray[np.int32]
    volume: NDArray[np.int32]


class Facts(NamedTuple):
    """A day's facts, one value a stock."""

    prev_close: I64
    up_limit: I64
    down_limit: I64


def compile_pool(rule: ModuleType) -> Any:
    memory = [
        f"memory_table[stock, {at}] != 0" if isinstance(value, bool) else f"memory_table[stock, {at}]"
        for at, value in enumerate(rule.INITIAL_MEMORY)
    ]
    keep = [f"        memory_table[stock, {at}] = memory[{at}]" for at in range(len(rule.INITIAL_MEMORY))]
    context = [f"context_table[stock, {at}]" for at in range(len(rule.Context._fields))]
    source = _POOL.format(memory=", ".join(memory), context=", ".join(context), keep="\n".join(keep))
    made: dict[FunctionType, Any] = {}
    scope = {
        "np": np, "Memory": rule.Memory, "Context": rule.Context, "Step": Step, "ENTER": ENTER,
        "NOTHING_HELD": Position(0, 0, 0, 0, 0), "decide": jit_all(rule.decide, made),
    }
    exec(source, scope)
    return numba.njit(**_OPTIONS)(scope["scan_pool"])
