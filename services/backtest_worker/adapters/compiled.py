"""A rule as machine code: which bars of which stocks matter, found without calling Python once for a bar.

`compile_rule` takes a rule's own functions, as they are, and compiles them together with every kernel they call. The
scans step the rule through a day exactly as a host would and tell only on which bars it decides something; what is
decided is carried out by the same plain desk that every engine uses. Machine code is kept on disk under the hash of
every source and constant it was made of: editing any of them, in whatever file, makes another name.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError

from common.domain.errors import UserError
from common.rules.kernel import is_kernel
from common.runtime.rules import rule_source_hash
from common.strategies.contract import ENTER, EXIT, REDUCE, Position, Rule, Step, wake_of
from services.backtest_worker.pool_scan import Scans

KEPT_MAX = 40
"""Sources whose machine code is kept: a rule has one for each text it had."""
_POOL = """
@njit(cache=True, nogil=True, error_model="python")
def scan_pool(params_of, memory_of, context_of, chosen, first_row, columns, labels, midnight_ns, limits, skip, masks, counts):
    params = Params({params})
    opens, highs, lows, closes, volumes, turnovers = columns
    prev_close, up_limit, down_limit, auction = limits
    for at in range(len(chosen)):
        stock = chosen[at]
        row = first_row[stock]
        if row < 0 or skip[stock]:
            continue
{begin}
        context = Context({context})
        day_open = auction[stock]
        day_high, day_low = day_open, day_open
        for bar in range(len(labels)):
            here = row + bar
            volume, last = np.int64(volumes[here]), np.int64(closes[here])
            high, low = np.int64(highs[here]), np.int64(lows[here])
            if volume > 0:
                if day_open == 0:
                    day_open, day_high, day_low = np.int64(opens[here]), high, low
                day_high, day_low = max(day_high, high), min(day_low, low)
            step = Step(
                midnight_ns + labels[bar] * 1_000_000_000, labels[bar], last, high, low, day_open, day_high, day_low,
                prev_close[stock], up_limit[stock], down_limit[stock], volume, np.int64(turnovers[here]), bar == 0, False,
            )
{each}
                masks[stock, bar >> 6] |= np.uint64(1) << np.uint64(bar & 63)
                counts[bar] += 1
{keep}
"""
_DECIDES = """\
            memory, decision = decide(params, memory, context, step, NOTHING_HELD)
            if decision.action == ENTER:"""
_WAKES = """\
            if wake(params, context, step, NOTHING_HELD):"""
_ONE = """
@njit(cache=True, nogil=True, error_model="python")
def scan_one(
    params_of, memory_of, context_of, stock, row, columns, labels, midnight_ns, limits, held, position_of, exiting, done,
    first, stop, found,
):
    params = Params({params})
    opens, highs, lows, closes, volumes, turnovers = columns
    prev_close, up_limit, down_limit, auction = limits
    memory = Memory({memory_row})
    context = Context({context_row})
    day_open = auction[stock]
    day_high, day_low = day_open, day_open
    since = position_of[3]
    for bar in range(stop):
        here = row + bar
        volume, last = np.int64(volumes[here]), np.int64(closes[here])
        high, low = np.int64(highs[here]), np.int64(lows[here])
        if volume > 0:
            if day_open == 0:
                day_open, day_high, day_low = np.int64(opens[here]), high, low
            day_high, day_low = max(day_high, high), min(day_low, low)
        if bar < first:
            continue
        step = Step(
            midnight_ns + labels[bar] * 1_000_000_000, labels[bar], last, high, low, day_open, day_high, day_low,
            prev_close[stock], up_limit[stock], down_limit[stock], volume, np.int64(turnovers[here]), bar == 0, False,
        )
        if held and high > since:
            since = high
        position = Position(position_of[0], position_of[1], position_of[2], since, position_of[4])
        memory, decision = decide(params, memory, context, step, position)
        said = False
        if held and not exiting and decision.action != 0 and decision.action != ENTER:
            said = decision.action == EXIT
            if decision.action == REDUCE:
                said = True
                for reason in done:
                    if reason == decision.reason:
                        said = False
        elif not held and not exiting and decision.action == ENTER:
            said = True
        if said:
            found[0], found[1], found[2] = decision.action, decision.fraction_bp, decision.price
            found[3], found[4] = decision.cancel_at_s, decision.reason
{keep_row_deep}
            position_of[3] = since
            return bar
{keep_row}
    position_of[3] = since
    return stop
"""


def compile_rule(rule: Rule, folder: Path) -> Scans:
    """Compile a rule; machine code made before of the same sources is read from `folder`."""
    scope, digest = _made(rule, _source(rule), {"decide": rule.decide}, folder)
    pool, one = (_told_clearly(rule.NAME, scope[name]) for name in ("scan_pool", "scan_one"))
    return Scans(pool, one, hits_at, too_dear, first_refused, digest)


def compile_wake(rule: Rule, folder: Path) -> Callable[..., Any]:
    """Compile the wake-up of a rule that has one: a scan that marks the bars on which its `decide` is to be called."""
    wake = wake_of(rule)
    assert wake is not None, f"the rule {rule.NAME} has no wake-up"
    scope, _ = _made(rule, _pool_source(rule, "", _WAKES, ""), {"wake": wake}, folder)
    return _told_clearly(rule.NAME, scope["scan_pool"])


def _made(rule: Rule, text: str, functions: dict[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    """Return the names of a module of scans, compiled with the rule's own functions, and the hash it is kept under."""
    made_of = (text, rule_source_hash(rule), numba.__version__, repr(Step._fields), repr(Position._fields))
    digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:20]
    path = folder / f"scan_{digest}.py"
    if not _kept(path, text):
        # Nowhere to keep it: it works all the same, and is compiled anew the next time.
        text = text.replace("cache=True, ", "")
    # Machine code read from disk names the module it was made in, which has to be there.
    module = sys.modules.setdefault(path.stem, ModuleType(path.stem))
    scope = vars(module)
    if "scan_pool" not in scope:
        scope.update({
            "np": np, "njit": numba.njit, "Params": rule.Params, "Memory": rule.Memory, "Context": rule.Context,
            "Step": Step, "Position": Position, "ENTER": ENTER, "REDUCE": REDUCE, "EXIT": EXIT, "__file__": str(path),
            "NOTHING_HELD": Position(0, 0, 0, 0, 0), **{name: _jitted(_plain(f), {}) for name, f in functions.items()},
        })  # fmt: skip
        exec(compile(text, str(path), "exec"), scope)
    return scope, digest


def _kept(path: Path, text: str) -> bool:
    """Put the source that machine code is kept for where it belongs; False where the folder takes nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.utime(path)
        else:
            part = path.with_suffix(f".{os.getpid()}")
            part.write_text(text, "utf-8")
            part.replace(path)
            _forget(path.parent)
        return os.access(path.parent, os.W_OK)
    except OSError:
        return False


def _forget(folder: Path) -> None:
    """Remove the machine code of rules as they were long ago: `KEPT_MAX` sources stay, those used last."""
    sources = sorted(folder.glob("scan_*.py"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in sources[KEPT_MAX:]:
        for made in (folder / "__pycache__").glob(f"{old.stem}.*"):
            made.unlink(missing_ok=True)
        old.unlink(missing_ok=True)


def _told_clearly(name: str, scan: Any) -> Callable[..., Any]:
    """Return a scan whose failures name the rule: one that cannot be compiled, one that fails on a bar."""

    def told(*arguments: Any) -> Any:
        try:
            return scan(*arguments)
        except NumbaError as error:
            raise UserError(f"the rule {name} cannot be compiled: {str(error).strip().splitlines()[0]}") from error
        except ArithmeticError as error:
            raise UserError(
                f"the rule {name} fails on a bar ({error}); --engine backtrader says on which one"
            ) from error

    return told


def _plain(function: Any) -> FunctionType:
    assert isinstance(function, FunctionType), "a rule decides with a plain function"
    return function


def _called(function: FunctionType) -> dict[str, FunctionType]:
    """Return the kernels that a function calls, by the name it calls them."""
    found = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    return {name: value for name, value in found.items() if isinstance(value, FunctionType) and is_kernel(value)}


def _jitted(function: FunctionType, made: dict[FunctionType, Any]) -> Any:
    """Return a function compiled with every kernel it calls, each once."""
    if function not in made:
        scope = {**function.__globals__, **{name: _jitted(f, made) for name, f in _called(function).items()}}
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
        made[function] = numba.njit(nogil=True, error_model="python")(copy)
    return made[function]


def _source(rule: Rule) -> str:
    fields = list(enumerate(rule.INITIAL_MEMORY))
    names = range(len(rule.Context._fields))
    memory = ", ".join(_field("memory_of[stock, {}]", at, value) for at, value in fields)
    kept = "\n".join(f"        memory_of[stock, {at}] = memory[{at}]" for at, _ in fields)
    return _pool_source(rule, f"        memory = Memory({memory})", _DECIDES, kept) + _ONE.format(
        params=_params(rule),
        memory_row=", ".join(_field("memory_of[{}]", at, value) for at, value in fields),
        context_row=", ".join(f"context_of[{at}]" for at in names),
        keep_row="\n".join(f"    memory_of[{at}] = memory[{at}]" for at, _ in fields),
        keep_row_deep="\n".join(f"            memory_of[{at}] = memory[{at}]" for at, _ in fields),
    )


def _pool_source(rule: Rule, begin: str, each: str, keep: str) -> str:
    context = ", ".join(f"context_of[stock, {at}]" for at in range(len(rule.Context._fields)))
    return _POOL.format(params=_params(rule), context=context, begin=begin, each=each, keep=keep)


def _params(rule: Rule) -> str:
    return ", ".join(_field("params_of[{}]", at, value) for at, value in enumerate(rule.Params()))


def _field(cell: str, at: int, value: Any) -> str:
    text = cell.format(at)
    return f"{text} != 0" if isinstance(value, bool) else text


# ---------------------------------------------------------------------- what a day's masks say


@numba.njit(cache=True, nogil=True)
def hits_at(masks: Any, chosen: Any, bar: int, entered: Any, out: Any) -> int:
    """Write the stocks that want to enter on a bar, and were not entered before, to `out`; returns how many."""
    found = 0
    word, bit = bar >> 6, np.uint64(bar & 63)
    for at in range(len(chosen)):
        stock = chosen[at]
        if entered[stock] > bar and masks[stock, word] >> bit & np.uint64(1):
            out[found] = stock
            found += 1
    return found


@numba.njit(cache=True, nogil=True)
def too_dear(stocks: Any, closes: Any, first_row: Any, bar: int, boards: Any, lots: Any, budget: int) -> int:
    """Return how many stocks from the front cost more than `budget` for the least that may be bought of them."""
    for at in range(len(stocks)):
        stock = stocks[at]
        if np.int64(closes[first_row[stock] + bar]) * lots[boards[stock]] <= budget:
            return at
    return len(stocks)


@numba.njit(cache=True, nogil=True)
def first_refused(masks: Any, others: Any, chosen: Any, full: Any, entered: Any, out: Any) -> int:
    """Write (stock, bar) of the first bar on which each stock wanted to enter and no slot was free.

    All that wanted to on a bar of `full`, and those marked in `others`; not after the stock was `entered`.
    """
    bits = np.zeros(masks.shape[1], np.uint64)
    for bar in range(len(full)):
        if full[bar]:
            bits[bar >> 6] |= np.uint64(1) << np.uint64(bar & 63)
    found = 0
    for at in range(len(chosen)):
        stock = chosen[at]
        any_bar = np.uint64(0)
        for word in range(len(bits)):
            any_bar |= (masks[stock, word] & bits[word]) | others[stock, word]
        if any_bar == 0:
            continue
        for bar in range(len(full)):
            word, bit = bar >> 6, np.uint64(bar & 63)
            wanted = bar < entered[stock] and full[bar] and masks[stock, word] >> bit & np.uint64(1)
            if wanted or others[stock, word] >> bit & np.uint64(1):
                out[found, 0], out[found, 1] = stock, bar
                found += 1
                break
    return found
