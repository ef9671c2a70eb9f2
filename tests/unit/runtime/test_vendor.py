"""The door to the vendor's package: what stays out of reach while it opens, and what is said when it does not."""

import importlib.util
import sys
from collections.abc import Iterator

import pytest

from common.domain.errors import UserError
from common.runtime.vendor import load_vendor

WHEEL = pytest.mark.skipif(importlib.util.find_spec("xtquant") is None, reason="the xtquant wheel is not installed")


class Spy:
    """Stands in front of all finders and notes what could be imported as `requests` when the package was read."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.startswith("xtquant"):
            self.seen.append(sys.modules.get("requests", "importable"))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    """Forget the package, so that the next import is the first."""
    for name in [name for name in sys.modules if name.split(".")[0] == "xtquant"]:
        monkeypatch.delitem(sys.modules, name)
    spy = Spy()
    monkeypatch.setattr(sys, "meta_path", [spy, *sys.meta_path])
    yield spy
    for name in [name for name in sys.modules if name.split(".")[0] == "xtquant"]:
        del sys.modules[name]


@WHEEL
@pytest.mark.parametrize("there", [True, False])
def test_requests_is_out_of_reach_while_the_package_is_imported_and_back_afterwards(
    fresh: Spy, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = object()
    if there:
        monkeypatch.setitem(sys.modules, "requests", mine)
    else:
        monkeypatch.delitem(sys.modules, "requests", raising=False)
    (constants,) = load_vendor("xtconstant")
    assert (constants.STOCK_BUY, constants.STOCK_SELL, constants.FIX_PRICE) == (23, 24, 11)
    assert fresh.seen
    assert set(fresh.seen) == {None}
    assert sys.modules.get("requests", "absent") is (mine if there else "absent")


@WHEEL
@pytest.mark.skipif(sys.platform == "win32", reason="the native modules exist there")
def test_without_the_native_modules_the_fix_is_another_machine(fresh: Spy) -> None:
    with pytest.raises(UserError, match=r"Windows.*machine of QMT"):
        load_vendor("xttrader")


def test_without_the_package_the_fix_is_an_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "xtquant", None)
    with pytest.raises(UserError, match=r"没有安装.*pip install 'pankou\[xt\]'"):
        load_vendor("xttrader")
