"""Every kernel of common/rules compiles as it stands, and the machine code says what plain Python says."""

import importlib
import inspect
import pkgutil
import random
import types
from collections.abc import Callable
from enum import IntEnum
from typing import Any, get_args, get_origin, get_type_hints

import numba
import pytest

import common.rules
from common.domain.reasons import Reason
from common.rules.kernel import KERNELS

for found in pkgutil.iter_modules(common.rules.__path__):
    importlib.import_module(f"common.rules.{found.name}")

OURS = {name: function for name, function in KERNELS.items() if name.startswith("common.rules.")}
MODULES = sorted({name.rpartition(".")[0] for name in OURS})
TRIES = 500
_COMPILED: dict[Callable[..., Any], Any] = {}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a kernel as it is: only the kernels it calls are replaced by their compiled selves."""
    if function not in _COMPILED:
        assert isinstance(function, types.FunctionType)
        scope = dict(function.__globals__)
        for name in function.__code__.co_names:
            if scope.get(name) in OURS.values():
                scope[name] = compiled(scope[name])
        copy = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
        _COMPILED[function] = numba.njit(copy)
    return _COMPILED[function]


# What a number stands for decides which numbers are worth trying.
_DAYS = (20091231, 20100104, 20120615, 20131220, 20150907, 20180820, 20200824, 20230410, 20260105, 20260706, 20261125)


_SMALL = {"month": 12, "days": 100, "board": 4, "exchange": 3, "phase": 5, "kind": 4, "level": 4}
_PRICES = {"prev_close", "last", "price", "limit", "best_bid", "best_ask", "up_limit", "down_limit", "reference"}
_AMOUNTS = {"turnover", "turnover_before", "slot_cash", "free_cash", "cost", "amount", "taxable", "need"}


def some_int(name: str, rng: random.Random) -> int:
    if name in _SMALL:
        return rng.randint(0, _SMALL[name])
    if name in {"bought_today", "frozen"}:
        return rng.randint(0, 100)
    if name == "side":
        return rng.randint(1, 2)
    if "day" in name or name in {"acquired", "sold"}:
        return rng.choice(_DAYS) if rng.random() < 0.5 else rng.randint(2010, 2026) * 10_000 + rng.randint(101, 1231)
    if name == "second":
        return rng.randint(33_000, 56_000)
    if name in _PRICES:
        return rng.choice((0, 10, 50, 100, 1000, rng.randint(1, 30_000))) * 10
    if name in _AMOUNTS:
        return rng.randint(0, 1_000_000_000)
    if name.endswith(("_bp", "_session")):
        return rng.randint(0, 12)
    return rng.choice((0, 1, 99, 100, 101, 200, 350, rng.randint(0, 1_000_000)))


def sample(name: str, kind: Any, rng: random.Random) -> Any:
    """Return an argument of a kind: numbers, named tuples of them, tuples of a fixed length."""
    if kind is bool:
        return rng.random() < 0.5
    if kind is int:
        return some_int(name, rng)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return rng.choice(list(kind))
    if isinstance(kind, type) and hasattr(kind, "_fields"):
        fields = get_type_hints(kind)
        return kind(*(sample(field, fields[field], rng) for field in kind._fields))
    assert get_origin(kind) is tuple, f"say here how to make a {kind} for {name}"
    assert Ellipsis not in get_args(kind), f"{name} has no fixed length: no kernel takes it"
    return tuple(sample(name, part, rng) for part in get_args(kind))


def plain(value: Any) -> Any:
    """Return a result as numbers: IntEnum members and booleans compare by value, tuples by their parts."""
    return tuple(plain(part) for part in value) if isinstance(value, tuple) else int(value)


ONE_ANSWER = (
    "common.rules.settlement.sessions_locked",
    *(f"common.rules.{name}." for name in ("bar_matching", "book", "matching", "queue")),
)
"""T+1 holds on every day; and books that match anything are too rare among random ones (their own tests make them)."""


def test_the_register_is_not_empty() -> None:
    assert len(OURS) >= 60
    assert set(MODULES) >= {f"common.rules.{name}" for name in ("dividend", "fees", "guards", "lots", "phases")}


@pytest.mark.timeout(300)  # compiling takes seconds a module, more beside other work
@pytest.mark.parametrize("module", MODULES)
def test_machine_code_says_what_python_says(module: str) -> None:
    rng = random.Random(module)
    for name, function in OURS.items():
        if name.rpartition(".")[0] != module:
            continue
        hints = get_type_hints(function)
        names = list(inspect.signature(function).parameters)
        fast = compiled(function)
        seen = set()
        for _ in range(TRIES if names else 1):
            arguments = [sample(each, hints[each], rng) for each in names]
            slow = function(*arguments)
            quick = fast(*arguments)
            assert plain(quick) == plain(slow), (name, arguments)
            assert isinstance(quick, Reason) == isinstance(slow, Reason), name
            seen.add(plain(slow))
        assert len(seen) > 1 or name.startswith(ONE_ANSWER), f"{name} always says {seen}: try better numbers"
