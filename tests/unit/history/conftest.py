"""Real bars as folders of history, made once for all tests that look at them."""

from pathlib import Path

import pytest

from tests.real_store import write_store


@pytest.fixture(scope="session")
def real_a(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 2018-07 to 2020-08 of a third of the market, with ST flags."""
    return write_store(shared_data, tmp_path_factory.mktemp("real_a"), "A")


@pytest.fixture(scope="session")
def real_c(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 2025-01 to 2026-07 of the whole market; nobody says who was ST before 2026-01-22."""
    return write_store(shared_data, tmp_path_factory.mktemp("real_c"), "C")
