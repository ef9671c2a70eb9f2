"""What a child process loads in place of the native modules: the small market at a client that is up, or at none."""

import tempfile
from pathlib import Path
from types import ModuleType

from tests.fakes import xtquant as fakes


def load_market() -> ModuleType:
    """Return the real xtdata over a client that has the small market at its servers."""
    from tests.unit.xtquant.small_market import fill

    installed = fakes.install()
    fill(installed["datacenter"].terminal, Path(tempfile.mkdtemp()))
    from xtquant import xtdata

    return xtdata


def load_that_never_ends() -> ModuleType:
    """Return the real xtdata over a client whose downloads tell nothing and never end, though the line stands."""
    from tests.fakes.xtquant.reference import library

    xtdata = load_market()
    from xtquant import datacenter

    library(datacenter.terminal).download_script = lambda _held, _progress: False
    return xtdata


def load_without_client() -> ModuleType:
    """Return the real xtdata where no client runs."""
    xtdata = load_market()
    from xtquant import datacenter

    datacenter.terminal.addresses.clear()
    return xtdata
