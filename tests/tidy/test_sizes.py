"""Files and functions stay small enough to be read whole; one that does not says why, in a line with `size:`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.tree import CODE, name, text, tree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
EXCUSE = "size:"
"""With the reason behind it: in the first lines of the file, or of the function."""


def long_files(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        lines = text(path).splitlines()
        if len(lines) > FILE_LINES_MAX and not any(EXCUSE in line for line in lines[:15]):
            yield f"{name(path)}: {len(lines)} lines"


def long_functions(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        lines = text(path).splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            top = lines[node.lineno - 1 : node.body[0].lineno + 3]
            if length > FUNCTION_LINES_MAX and not any(EXCUSE in line for line in top):
                yield f"{name(path)}:{node.lineno} {node.name}: {length} lines"


def test_there_is_code() -> None:
    assert len(CODE) > 50


def test_files_are_short() -> None:
    assert list(long_files(CODE)) == []


def test_functions_fit_a_screen() -> None:
    assert list(long_functions(CODE)) == []
