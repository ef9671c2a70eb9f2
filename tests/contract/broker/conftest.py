"""Every test of the conformance suite runs once for each counter."""

import pytest

from tests.contract.broker.harness import COUNTERS, Bench


@pytest.fixture(params=sorted(COUNTERS))
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(COUNTERS[request.param]())
