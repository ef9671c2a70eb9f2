"""One market for all end-to-end tests, made once; one home folder a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.rig import System

SMALL = ("--stocks", "60", "--interval", "15")
"""The market of the tests: the full one (400 stocks, 3-s pushes) with --full-market."""


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return () if request.config.getoption("--full-market") else SMALL


@pytest.fixture(scope="session")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("markets")
    folder.chmod(0o700)
    return folder


@pytest.fixture
def system(tmp_path: Path, markets: Path) -> Iterator[System]:
    made = System(tmp_path / "home", markets)
    try:
        yield made
    finally:
        made.stop()
