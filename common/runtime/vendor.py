"""The one door to xtquant: whoever needs the vendor's package asks here, at the moment it is needed and not before.

Importing the package asks an index for news over the network, with a wait of up to 10 s, wherever `requests` can be
imported. So `requests` is out of reach while the package is imported for the first time, and back afterwards: other
data sources need it.
"""

import importlib
import importlib.util
import platform
import sys
from typing import Any

from common.domain.errors import UserError

PACKAGE = "xtquant"
_BLOCKED = "requests"


def load_vendor(*names: str) -> tuple[Any, ...]:
    """Import modules of xtquant by their short names, in order; raises UserError that names what is missing and the fix."""
    missing = object()
    before: Any = sys.modules.get(_BLOCKED, missing)
    sys.modules[_BLOCKED] = None  # type: ignore[assignment]  # None is how Python says: not importable
    try:
        return tuple(importlib.import_module(f"{PACKAGE}.{name}") for name in names)
    except ImportError as error:
        raise UserError(_fix(error)) from error
    finally:
        if before is missing:
            del sys.modules[_BLOCKED]
        else:
            sys.modules[_BLOCKED] = before


def _fix(error: ImportError) -> str:
    if importlib.util.find_spec(PACKAGE) is None:
        return (
            "xtquant 没有安装：请运行 pip install 'pankou[xt]' / xtquant is not installed: run pip install 'pankou[xt]'"
        )
    python = ".".join(str(part) for part in sys.version_info[:2])
    if platform.system() != "Windows":
        return (
            f"xtquant 的原生模块只有 Windows 版（这里是 {platform.system()}）：请在装有 QMT 的 Windows 机器上运行 / the native"
            f" modules of xtquant exist for Windows only (this is {platform.system()}): run it on the Windows machine of QMT"
        )
    return (
        f"xtquant 无法导入（{error}）：请使用 64 位 Python 3.11（现在是 {python}）并重新运行 pip install 'pankou[xt]' /"
        f" xtquant cannot be imported ({error}): use 64-bit Python 3.11 (this is {python}) and run"
        " pip install 'pankou[xt]' again"
    )
