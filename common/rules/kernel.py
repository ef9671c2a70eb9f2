"""The mark of code that a compiler must be able to take as it is: plain Python, plain scalars, one return type."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

KERNELS: dict[str, Callable[..., Any]] = {}
"""Every marked function by module and name."""


def kernel(function: F) -> F:
    """Mark a function as a kernel and register it; the function itself is not changed."""
    KERNELS[f"{function.__module__}.{function.__qualname__}"] = function
    return function
