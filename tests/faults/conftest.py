"""One zygote for all fault tests on real processes."""

from collections.abc import Iterator

import pytest

from tests.faults.rig import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    try:
        yield made
    finally:
        made.close()
