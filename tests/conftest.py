"""What all tests share: the time zone, how properties are tried, the real market data where it is."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import settings

# Exchange time for the whole run and for every process that a test starts, wherever the machine stands.
os.environ["TZ"] = "Asia/Shanghai"
if hasattr(time, "tzset"):  # not on Windows
    time.tzset()

CHECKOUT = Path(__file__).resolve().parent.parent

# A slow machine is no counterexample. In CI, hypothesis takes the same examples every time.
settings.register_profile("pankou", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("pankou")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full-market", action="store_true", help="end-to-end tests on 400 stocks and 3-s pushes")


def shared_folder() -> Path | None:
    """Return the folder of real data: PANKOU_SHARED (the folder or its data/), else ../shared beside the checkout."""
    folder = Path(os.environ.get("PANKOU_SHARED") or CHECKOUT.parent / "shared")
    return next((place for place in (folder / "data", folder) if (place / "daily.parquet").is_file()), None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with the real market data; skips where it is absent (it may not be redistributed)."""
    found = shared_folder()
    if found is None:
        place = os.environ.get("PANKOU_SHARED") or "../shared"
        pytest.skip(
            f"no daily.parquet in {place} or its data/: set PANKOU_SHARED (the licence forbids shipping real data)"
        )
    return found


@pytest.fixture(scope="session")
def real_history(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder; whoever changes something copies it first."""
    from common.history.importing_history import import_path

    folder = tmp_path_factory.mktemp("real") / "history"
    import_path(shared_data, folder, None, lambda _what, _done, _of: None)
    return folder


@pytest.fixture(scope="session")
def machine_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for compiled rules that all tests share: making a rule's machine code takes seconds."""
    return tmp_path_factory.mktemp("machine_code")
