"""The static checks of noxfile.py, run as part of the suite, so that `make test` is all that has to pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

RUFF = (sys.executable, "-m", "ruff", "check", "--quiet", "--output-format", "concise", ".")
FORMAT = (sys.executable, "-m", "ruff", "format", "--check", "--quiet", ".")
IMPORTS = (str(Path(sys.executable).with_name("lint-imports")), "--no-logo")
MYPY = (sys.executable, "-m", "mypy", "--no-color-output")
WINDOWS = (
    *MYPY, "--platform", "win32", "--follow-imports", "silent", "--cache-dir", ".mypy_cache/win32", "-p", "deploy.windows",
    "-m", "common.bus.acl", "-m", "common.runtime.lock", "-m", "common.runtime.pipes", "-m", "common.runtime.runner_control",
)  # fmt: skip
"""What runs there and nowhere else is never executed by a test here: its types are what can be checked."""


def passes(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_ruff_finds_nothing() -> None:
    passes(RUFF)


def test_every_file_is_formatted() -> None:
    passes(FORMAT)


def test_everybody_imports_only_whom_they_may() -> None:
    passes(IMPORTS)


@pytest.mark.timeout(240)  # a cold cache on a busy machine
def test_types_hold() -> None:
    passes(MYPY)


@pytest.mark.timeout(120)  # a cold cache on a busy machine
def test_types_hold_in_what_only_windows_runs() -> None:
    passes(WINDOWS)
