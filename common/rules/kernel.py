"""The mark of code that a compiler must be able to take as it is: plain Python, plain scalars, one return type."""

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

F = TypeVar("F", bound=Callable[..., Any])

KERNELS: dict[str, Callable[..., Any]] = {}
"""Every marked function by module and name, as it was loaded last."""
_MARKED: WeakSet[Callable[..., Any]] = WeakSet()
"""Every marked function that is in use: a rule's text that is loaded from two places is two functions of one name."""


def kernel(function: F) -> F:
    """Mark a function as a kernel and register it; the function itself is not changed."""
    KERNELS[f"{function.__module__}.{function.__qualname__}"] = function
    _MARKED.add(function)
    return function


def is_kernel(function: Callable[..., Any]) -> bool:
    """Tell whether a function was marked."""
    return function in _MARKED
