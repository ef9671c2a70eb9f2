"""The files of the checkout that the tidy tests read: found on disk, since a tarball has no git."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import CHECKOUT

NOT_OURS = {
    ".venv", ".git", ".nox", "__pycache__", "node_modules", "var", "build", "dist",
    ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache",
}  # fmt: skip
TEXT_NAMES = {"Makefile", "run", ".gitignore", ".gitattributes"}
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".conf",
    ".cfg",
    ".json",
    ".lock",
    ".ps1",
    ".bat",
    ".sh",
    ".html",
}


def files(folder: Path = CHECKOUT) -> Iterator[Path]:
    """Yield every file that is the project's own."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def name(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path), filename=name(path))


def module(path: Path) -> str:
    """Return the dotted name a file is imported by; a package is named by its folder."""
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


CODE = [path for path in files() if path.suffix == ".py"]
TEXT = [path for path in files() if path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES]
