"""Every test of the conformance suite runs once for each counter."""

from collections.abc import Iterator

import pytest

from services.order_gateway.adapters.xt_session import Modules
from tests.contract.broker.harness import COUNTERS, Bench
from tests.contract.broker.xt_counter import XtCounter
from tests.xt_rig import NEEDS_WHEEL, vendor_modules


@pytest.fixture(scope="session")
def vendor() -> Modules:
    return vendor_modules()


@pytest.fixture(params=[*sorted(COUNTERS), pytest.param("xt", marks=NEEDS_WHEEL)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param != "xt":
        yield Bench(COUNTERS[request.param]())
        return
    counter = XtCounter(request.getfixturevalue("vendor"))
    yield Bench(counter)
    counter.end()
