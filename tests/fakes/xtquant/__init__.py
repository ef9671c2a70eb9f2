"""The real xtquant Python layer over native modules of our own (reference notes §3): nothing of xtquant itself is changed.

`installed()` gives a fresh import of the real package each time, so the state it keeps per process (xtdata's client, the
token mode's flags) never leaks from one test into the next.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType

NATIVE = ("datacenter", "xtpythonclient")
"""Windows binaries that the wheel cannot load elsewhere; `from . import NAME` finds what stands in sys.modules."""


def available() -> bool:
    """Tell whether the real wheel is installed (requirements-xt.lock)."""
    return find_spec("xtquant") is not None


def _ours() -> list[str]:
    return [name for name in sys.modules if name == "xtquant" or name.startswith("xtquant.")]


def install() -> dict[str, ModuleType]:
    """Put fresh fakes in place of the native modules; returns them by name. Before any import of xtquant."""
    for name in _ours():
        del sys.modules[name]
    fakes: dict[str, ModuleType] = {}
    for native in NATIVE:
        if find_spec(f"tests.fakes.xtquant.{native}") is None:
            continue
        sys.modules.pop(f"tests.fakes.xtquant.{native}", None)
        fakes[native] = importlib.import_module(f"tests.fakes.xtquant.{native}")
        sys.modules[f"xtquant.{native}"] = fakes[native]
    return fakes


def uninstall() -> None:
    """Take the fakes and everything of xtquant out again."""
    for native in NATIVE:
        fake = sys.modules.get(f"xtquant.{native}")
        close = getattr(fake, "close_down", None)
        if close is not None:
            close()
    for name in _ours():
        del sys.modules[name]


@contextmanager
def installed() -> Iterator[dict[str, ModuleType]]:
    """Run a test with the fakes in place; the package's update check never gets at a network (notes §0, last line)."""
    fakes = install()
    before = sys.modules.get("requests")
    sys.modules["requests"] = None  # type: ignore[assignment]  # how an import is made to fail
    try:
        import xtquant  # noqa: F401 - its first import is what asks the network

        if before is None:
            del sys.modules["requests"]
        else:
            sys.modules["requests"] = before
        yield fakes
    finally:
        uninstall()
