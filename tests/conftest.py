"""What all tests share: the time zone, the real market data where it is, the size of the market to run."""

import os
import time
from pathlib import Path

import pytest

os.environ["TZ"] = "Asia/Shanghai"
if hasattr(time, "tzset"):
    time.tzset()

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full-market", action="store_true", help="end-to-end tests on 400 stocks and 3-s pushes")


def shared_folder() -> Path | None:
    """Return the folder of real data: PANKOU_SHARED (the folder or its data/), else ../shared beside the checkout."""
    named = os.environ.get("PANKOU_SHARED")
    for folder in [Path(named)] if named else [CHECKOUT.parent / "shared"]:
        for data in (folder / "data", folder):
            if (data / "daily.parquet").is_file():
                return data
    return None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with the real market data; skips where it is absent (it may not be redistributed)."""
    found = shared_folder()
    if found is None:
        pytest.skip("real market data not here: set PANKOU_SHARED (its licence forbids shipping it)")
    return found
