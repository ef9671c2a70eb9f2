"""The check of a rule's source: what is shipped passes, each fault is named with its line, all of them at once."""

import inspect
from pathlib import Path

import pytest

from common.strategies import RULES, kernel_check
from common.strategies.rule_check import check_source
from common.strategies.rule_faults import WORDS, Fault
from tests.conftest import CHECKOUT

EXAMPLE = CHECKOUT / "docs" / "examples" / "early_strength.py"
GOOD = """
from typing import NamedTuple
from common.domain.reasons import Reason
from common.rules.kernel import kernel
from common.strategies.contract import ENTER, EXIT, MARKETABLE, NOTHING, Decision, Position, Step

NAME = "mine"
STEP = "bar5"
_ENTRY = int(Reason.RULE_ENTRY)


class Params(NamedTuple):
    stop_bp: int = 400


class Memory(NamedTuple):
    seen: bool


class Context(NamedTuple):
    float_value: int


INITIAL_MEMORY = Memory(False)


@kernel
def _helper(step: Step) -> int:
    return max(step.last, step.high)


@kernel
def decide(params: Params, memory: Memory, context: Context, step: Step, position: Position) -> tuple[Memory, Decision]:
    if _helper(step) > 0:
        return Memory(True), Decision(ENTER, 0, MARKETABLE, 0, _ENTRY)
    return memory, NOTHING
"""


def faults(source: str, name: str = "mine") -> list[Fault]:
    return check_source(source, name)


def in_decide(*lines: str) -> str:
    """Put lines at the beginning of decide."""
    body = "\n".join(f"    {line}" for line in lines)
    return GOOD.replace("    if _helper(step) > 0:\n", f"{body}\n    if _helper(step) > 0:\n")


def test_a_plain_rule_passes() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize("name", sorted(RULES))
def test_what_is_shipped_passes(name: str) -> None:
    assert faults(inspect.getsource(RULES[name]), name) == []  # type: ignore[arg-type]  # a rule is a module


def test_the_example_passes() -> None:
    assert faults(EXAMPLE.read_text("utf-8"), "early_strength") == []


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("total = sum((step.last, step.high))", "reduction", "sum(...)"),
        ("lowest = min((step.last, step.high))", "reduction", "min(...)"),
        ("count = len(position)", "reduction", "len(...)"),
        ("x = np.mean(step.last)", "call", "np.mean"),
        ("x = step._replace(last=1)", "replace", "_replace"),
        ("x = sorted((1, 2))", "reduction", "sorted(...)"),
        ("x = print(1)", "call", "print"),
        ("x = step.last / 2", "division", "//"),
        ("x = 0.98", "float", "0.98"),
        ("x = 'up'", "text_const", "'up'"),
        ("x = None", "none", "None"),
        ("x = [1, 2]", "construct", "[...]"),
        ("x = {1: 2}", "construct", "{...: ...}"),
        ("x = {1, 2}", "construct", "{...}"),
        ("x = [i for i in range(3)]", "construct", "[... for ...]"),
        ("x = {i: i for i in range(3)}", "construct", "for"),
        ("x = {i for i in range(3)}", "construct", "for"),
        ("x = any(i for i in range(3))", "construct", "(... for ...)"),
        ("x = f'{step.last}'", "construct", 'f"..."'),
        ("x = lambda a: a", "construct", "lambda"),
        ("global _ENTRY", "construct", "global"),
        ("import math", "import_inside", "import"),
        ("from math import floor", "import_inside", "import"),
        ("assert step.last", "construct", "assert"),
        ("raise ValueError", "construct", "raise"),
        ("x = Reason.STOP_LOSS", "enum", "Reason.STOP_LOSS"),
        ("x = step.lst", "attribute", "lst"),
        ("x = memory.gone", "attribute", "seen"),
        ("x = missing", "unknown", "missing"),
        ("x = missing.field", "unknown", "missing"),
        ("x = NAME", "global", "NAME"),
        ("x = _plain(step)", "call", "_plain"),
        ("x = max(*position)", "construct", "*"),
        ("x = step(1)", "call", "step"),
        ("x = ENTER(1)", "call", "ENTER"),
        ("return", "return_nothing", "decide"),
        ("return memory, NOTHING, 1", "return_pair", "(Memory, Decision)"),
        ("x = b'1'", "text_const", "1"),
        ("x = (lambda: 1)()", "call", "lambda"),
    ],
)
def test_a_line_that_cannot_be_compiled_is_named(line: str, code: str, said: str) -> None:
    source = in_decide(line)
    found = faults(source)
    at = source.splitlines().index(f"    {line}") + 1
    assert {fault.line for fault in found} == {at}, [fault.text() for fault in found]
    (named,) = [fault for fault in found if fault.code == code]
    assert said in named.text()


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("try:", "    x = 1", "except ValueError:", "    x = 2"), "construct"),
        (("while step.last > 0:", "    x = 1"), "construct"),
        (("with step:", "    x = 1"), "construct"),
        (("match step.last:", "    case 1:", "        x = 1"), "construct"),
        (("def inner() -> int:", "    return 1"), "construct"),
        (("class Inner:", "    x = 1"), "construct"),
        (("for x in position:", "    y = x"), "loop"),
    ],
)
def test_a_block_that_cannot_be_compiled_is_named_once(lines: tuple[str, ...], code: str) -> None:
    found = faults(in_decide(*lines))
    assert [fault.code for fault in found] == [code], [fault.text() for fault in found]


def test_loops_over_a_range_and_conditional_values_pass() -> None:
    good = ("total = 0", "for i in range(3):", "    total += i if step.last > i else -i", "x: int = abs(total) % 7",
            "y = bool(x) and not memory.seen", "z = min(x, 3) + int(y)")  # fmt: skip
    assert faults(in_decide(*good)) == []


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("import numba", "import", "numba"),
        ("import numpy as np", "import", "numpy"),
        ("from os import path", "import", "os"),
        ("from . import other", "import", "import"),
        ("from common.runtime.config import load_config", "import", "common.runtime.config"),
        ("from common.rules.sizing import *", "import_star", "*"),
        ("from common.rules.sizing import nothing_there", "import_unknown", "nothing_there"),
        ("from common.rules.gone import x", "import_unknown", "common.rules.gone"),
        ("from typing import Any", "import", "typing"),
        ("POOL = []", "global", "POOL"),
        ("SEEN = {}", "global", "SEEN"),
        ("X = open('x')", "global", "X"),
        ("X = 0.04", "float", "0.04"),
        ("X = -0.04", "float", "0.04"),
        ("X = 1 / 2", "global", "X"),
        ("X = int(Reason.NOPE)", "reason", "NOPE"),
        ("X = int(Other.A)", "unknown", "Other"),
        ("X = int(Step.last)", "global", "Step.last"),
        ("PARAM_WORDS = {'stop_bp': 3}", "param_words", "PARAM_WORDS"),
        ("PARAM_WORDS = 3", "param_words", "PARAM_WORDS"),
        ("print('hello')", "statement", "print"),
        ("if True: X = 1", "statement", "if True"),
        ("Step.last = 1", "statement", "Step.last"),
        ("class Table: pass", "class", "Table"),
        ("class Box(NamedTuple):\n    x: float", "field", "Box.x"),
        ("class Box(NamedTuple):\n    x: bool = 1", "default_type", "Box.x"),
        ("class Box(NamedTuple):\n    def f(self): return 1", "class", "Box"),
        ("class Box(NamedTuple):\n    x: int = print(1)", "global", "Box.x"),
        ("X: print(1) = 3", "statement", "print(1)"),
        ("def f(a: print(1)): return a", "statement", "print(1)"),
        ("def f(a) -> print(1): return a", "statement", "print(1)"),
        ("def f(a=print(1)): return a", "global", "f(...)"),
        ("def f(*, a=print(1)): return a", "global", "f(...)"),
        ("@staticmethod\ndef f(): return 1", "decorator", "f"),
        ("def check_params(values): return []", "signature", "check_params"),
        ("def explain(step): return ()", "signature", "explain"),
        (
            "def explain(params, memory, context, step, position):\n    import os\n    return ()",
            "import_inside",
            "import",
        ),
        ("@kernel\ndef loose(x: int = 3) -> int:\n    return x", "signature", "loose"),
        ("@kernel\ndef half(x: int) -> int:\n    if x:\n        return 1", "return_nothing", "half"),
    ],
)
def test_a_module_holds_imports_constants_classes_and_functions(line: str, code: str, said: str) -> None:
    source = GOOD + f"\n\n{line}\n"
    found = faults(source)
    assert [fault.code for fault in found] == [code], [fault.text() for fault in found]
    assert said in found[0].text()
    assert found[0].line > len(GOOD.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('NAME = "mine"', 'NAME = "yours"', "name"),
        ('STEP = "bar5"', 'STEP = "bar1"', "step"),
        ("    stop_bp: int = 400", "    stop_bp: int", "default"),
        ("    float_value: int", "    other: int", "float_value"),
        ("@kernel\ndef decide", "def decide", "not_kernel"),
        ("@kernel\ndef _helper", "def _helper", "not_kernel"),
        ("step: Step, position: Position) ->", "position: Position, step: Step) ->", "signature"),
        ("position: Position) ->", "position: Position, more: int) ->", "signature"),
        ("    return memory, NOTHING", "    x = 1", "return_nothing"),
    ],
)
def test_the_contract_is_kept(old: str, new: str, code: str) -> None:
    assert old in GOOD
    found = faults(GOOD.replace(old, new))
    assert [fault.code for fault in found] == [code], [fault.text() for fault in found]


def test_everything_that_is_missing_is_named() -> None:
    found = faults("")
    assert [fault.facts["name"] for fault in found] == [
        "NAME", "STEP", "Params", "Memory", "Context", "INITIAL_MEMORY", "decide",
    ]  # fmt: skip


def test_all_faults_come_at_once_by_line() -> None:
    source = in_decide("x = 0.5", "y = sum((1, 2))").replace("NAME =", "import numba\nNAME =")
    found = faults(source)
    assert [fault.code for fault in found] == ["import", "float", "reduction"]
    assert [fault.line for fault in found] == sorted(fault.line for fault in found)


@pytest.mark.parametrize("source", ["def decide(:\n", "x = '\0'\n", "\tx = 1\n  y = 2\n"])
def test_what_is_no_python_is_told(source: str) -> None:
    (fault,) = faults(source)
    assert fault.code == "syntax"


def test_constants_may_be_computed_and_tuples() -> None:
    more = (
        "A, B = 1, 2\nC = A * 60 + B\nD = (A, -B)\nE: int = C\nPARAM_WORDS = {'stop_bp': {'wide': C, 'usual': 400}}\n"
    )
    assert faults(GOOD.replace("class Params", f"{more}\n\nclass Params")) == []


def test_the_words_of_every_fault_are_in_both_languages() -> None:
    used = Path(kernel_check.__file__).parent
    code = "".join(path.read_text("utf-8") for path in used.glob("rule_*.py"))
    code += (used / "kernel_check.py").read_text("utf-8") + (CHECKOUT / "common/runtime/rules.py").read_text("utf-8")
    for name, words in WORDS.items():
        assert f'"{name}"' in code.replace(f'"{name}": Words', ""), f"{name} is never said"
        assert words.zh != words.en
