"""The real xtdata layer, fresh for each test, over the fake native module."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.fakes import xtquant as fakes
from tests.fakes.xtquant.terminal import Terminal


@pytest.fixture
def native() -> Iterator[ModuleType]:
    """Return the fake native module `datacenter`; skips where the wheel is absent."""
    if not fakes.available():
        pytest.skip("xtquant is not installed: pip install -r requirements-xt.lock")
    with fakes.installed() as installed:
        yield installed["datacenter"]


@pytest.fixture
def terminal(native: ModuleType) -> Terminal:
    """Return the scriptable client."""
    found: Terminal = native.terminal
    return found


@pytest.fixture
def xtdata(native: ModuleType) -> ModuleType:
    """Return the real xtdata, quiet."""
    from xtquant import xtdata as real

    real.enable_hello = False
    return real
