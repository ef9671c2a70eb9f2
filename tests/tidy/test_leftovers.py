"""Nothing is left open in code, and nothing in the tree belongs to one machine or one package index."""

import re

import pytest

from tests.tidy.tree import TEXT, name, text

# All spelt in pieces, so that this file does not find itself.
OPEN = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
MACHINE = re.compile(
    r"(?<![\w.}>])/(?:" + "|".join(["wo" + "rk/", "ro" + "ot/", "ho" + r"me/\w", "tm" + r"p/\w", "op" + "t/"]) + ")"
)
INDEX = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.org", r"--(?:extra-)?index" + "-url"])
)


def found(pattern: re.Pattern[str], suffixes: set[str] | None = None) -> list[str]:
    return [
        f"{name(path)}:{number} {line.strip()[:100]}"
        for path in TEXT
        if suffixes is None or path.suffix in suffixes
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_left_open() -> None:
    assert found(OPEN, {".py", ".toml"}) == []


def test_no_path_of_one_machine() -> None:
    assert found(MACHINE) == []


def test_no_package_index_is_named() -> None:
    assert found(INDEX) == []


@pytest.mark.parametrize("line", ["cd /wo" + "rk/main", '"/ro' + 'ot/x"', "/ho" + "me/li/pankou", "(/tm" + "p/x)"])
def test_paths_of_a_machine_are_seen(line: str) -> None:
    assert MACHINE.search(line)


@pytest.mark.parametrize("line", ["see docs/wo" + "rk/", "$HO" + "ME/pankou", "frame" + "work/"])
def test_other_paths_are_not(line: str) -> None:
    assert not MACHINE.search(line)
