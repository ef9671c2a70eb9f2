"""Files and functions stay small; nothing is left open; no path of one machine stands in the tree."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CODE = sorted(
    path
    for folder in ("common", "services", "tests", "bench", "docs")
    for path in (CHECKOUT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
TEXT = sorted(
    path
    for pattern in ("**/*.py", "**/*.md", "**/*.toml", "*.conf", "Makefile", ".ci/run")
    for path in CHECKOUT.glob(pattern)
    if not {".venv", "var", "__pycache__", "node_modules", ".git", ".hypothesis"} & set(path.relative_to(CHECKOUT).parts)
)
# Spelt in pieces, so that this file does not find itself.
MACHINE = re.compile("|".join(["/" + "work/", "/" + "root/", "/home/" + r"\w", "/tmp/" + "bash"]))
OPEN = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")


def test_there_is_code() -> None:
    assert len(CODE) > 50


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_sizes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    if len(lines) > FILE_LINES_MAX:
        assert any("size:" in line for line in lines[:15]), f"{path}: {len(lines)} lines and no reason at its top"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            excused = "size:" in "\n".join(lines[node.lineno - 1 : node.lineno + 5])
            assert length <= FUNCTION_LINES_MAX or excused, f"{path}:{node.lineno} {node.name}: {length} lines"


def test_nothing_left_open_and_no_machine_paths() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{number} {line.strip()[:80]}"
        for path in TEXT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE.search(line) or (path.suffix == ".py" and OPEN.search(line))
    ]
    assert found == []


def test_every_module_is_imported_by_a_test() -> None:
    """The mirror: code that no test names is code nobody looks at."""
    named = "\n".join(path.read_text(encoding="utf-8") for path in CODE if "tests" in path.relative_to(CHECKOUT).parts)
    missing = []
    for path in CODE:
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        if parts[0] not in ("common", "services") or parts[-1] in ("__init__", "__main__"):
            continue
        module = ".".join(parts)
        if module not in named and f"from {'.'.join(parts[:-1])} import {parts[-1]}" not in named:
            missing.append(module)
    allowed = {  # reached through the module in front of them; named here with why
        "common.strategies.contract": "types only",
    }
    assert sorted(set(missing) - set(allowed)) == []
