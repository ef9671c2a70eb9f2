"""The adapter on the vendor's real layer, before a client that a test commands."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.order_gateway.adapters.xt_session import Modules
from tests.xt_rig import Floor, vendor_modules


@pytest.fixture(scope="module")
def vendor() -> Modules:
    return vendor_modules()


@pytest.fixture
def floor_of(vendor: Modules, tmp_path: Path) -> Iterator[Callable[..., Floor]]:
    """Make floors with the habits a test names; all of them are let go at its end."""
    made: list[Floor] = []

    def make(**habits: object) -> Floor:
        made.append(Floor(vendor, tmp_path, **habits))
        return made[-1]

    yield make
    for floor in made:
        floor.venue.habits.stop_hangs = False
        floor.broker.close()


@pytest.fixture
def floor(floor_of: Callable[..., Floor]) -> Floor:
    """Return a floor whose client behaves, connected."""
    return floor_of().up()
