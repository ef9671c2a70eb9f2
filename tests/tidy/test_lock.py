"""The lock files hold what pyproject.toml asks for, every package with hashes, and name no place to fetch it from."""

import re
import tomllib
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = {
    "requirements.lock": [*PROJECT["dependencies"], *EXTRAS["dev"]],
    "requirements-xt.lock": [*PROJECT["dependencies"], *EXTRAS["xt"]],
}
BOTH = pytest.mark.parametrize("lock", sorted(WANTED))


class Pin(NamedTuple):
    """One package of a lock file; a package may be pinned more than once, for different Pythons."""

    name: str
    version: str
    hashes: tuple[str, ...]


def pins(lock: str) -> list[Pin]:
    text = (CHECKOUT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if not line or line.lstrip().startswith("#"):
            continue
        pinned = re.match(r"([\w.-]+)==([^\s;]+)", line)
        assert pinned, f"not a pin: {line[:80]}"
        found.append(
            Pin(canonicalize_name(pinned[1]), pinned[2], tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line)))
        )
    return found


@BOTH
def test_every_package_has_hashes(lock: str) -> None:
    assert [pin.name for pin in pins(lock) if not pin.hashes] == []


@BOTH
def test_everything_asked_for_is_pinned(lock: str) -> None:
    held = {name: [pin for pin in pins(lock) if pin.name == name] for name in {pin.name for pin in pins(lock)}}
    for line in WANTED[lock]:
        wanted = Requirement(line)
        versions = [pin.version for pin in held.get(canonicalize_name(wanted.name), [])]
        assert versions, f"{wanted.name} is not in {lock}: make lock"
        assert all(wanted.specifier.contains(version) for version in versions), f"{line}: {versions}"


def test_a_plain_install_takes_no_vendor_library() -> None:
    assert "xtquant" not in {pin.name for pin in pins("requirements.lock")}


def test_both_locks_agree() -> None:
    plain = {(pin.name, pin.version) for pin in pins("requirements.lock")}
    names = {name for name, _ in plain}
    assert [
        (pin.name, pin.version) for pin in pins("requirements-xt.lock") if pin.name in names and pin[:2] not in plain
    ] == []
