"""The real data as history, imported once for all tests that need it."""

from pathlib import Path

import pytest

from common.history.importing_history import import_path


@pytest.fixture(scope="session")
def real_history(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of history that the shared data makes."""
    folder = tmp_path_factory.mktemp("real") / "history"
    import_path(shared_data, folder, None, lambda _what, _done, _of: None)
    return folder
