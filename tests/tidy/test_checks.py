"""The static checks of noxfile.py, run as part of the suite: lint, types, imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "ruff", "check", "--quiet", "."],
        [str(Path(sys.executable).with_name("lint-imports")), "--cache-dir", ".import_linter_cache"],
        [sys.executable, "-m", "mypy"],
    ],
    ids=["ruff", "imports", "mypy"],
)
def test_check(command: list[str]) -> None:
    result = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=110, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
