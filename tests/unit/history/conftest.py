"""The real market data as a folder of history, imported once for all tests that look at it."""

from pathlib import Path

import pytest

from common.history.importing_history import import_path


@pytest.fixture(scope="session")
def real_history(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder; whoever changes something copies it first."""
    folder = tmp_path_factory.mktemp("real") / "history"
    import_path(shared_data, folder, None, lambda _what, _done, _of: None)
    return folder
