"""Compile kernels as they are, each with the kernels it calls: what the compiled engine does, for benches and tests."""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba

from common.rules.kernel import KERNELS

Function = Callable[..., Any]


def compile_kernel(function: Function, done: dict[str, Function] | None = None) -> Function:
    """Return a kernel as machine code. Nothing is kept on disk: numba would not see a change in another file."""
    done = {} if done is None else done
    name = f"{function.__module__}.{function.__qualname__}"
    if name not in done:
        scope = dict(function.__globals__)
        for used in function.__code__.co_names:
            value = scope.get(used)
            if callable(value) and f"{value.__module__}.{getattr(value, '__qualname__', '')}" in KERNELS:
                scope[used] = compile_kernel(value, done)
        clone = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
        done[name] = numba.njit(clone)
    return done[name]
