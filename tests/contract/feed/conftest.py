"""Every test of the conformance suite runs once for each source of quotes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.market_data.adapters import xt_link
from tests.contract.feed.sources import SOURCES, Replay, Xt
from tests.fakes import xtquant as fakes

QUICK_S = 0.02
"""How often a link looks at its connection here; the clock of the test stands still meanwhile."""


@pytest.fixture(scope="session")
def markets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("markets")


@pytest.fixture(params=sorted(SOURCES))
def feed(request: pytest.FixtureRequest, tmp_path: Path, markets: Path) -> Iterator[Replay | Xt]:
    if request.param != "xt":
        source = SOURCES[request.param](tmp_path, markets)
        yield source
        source.close()
        return
    yield from live_source(tmp_path)


@pytest.fixture(params=["replay", "xt"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Replay | Xt]:
    """Return a source that loses something before push 40; the synthetic market never does."""
    if request.param == "xt":
        yield from live_source(tmp_path)
        return
    source = Replay(tmp_path)
    yield source
    source.close()


@pytest.fixture
def xt(tmp_path: Path) -> Iterator[Xt]:
    yield from live_source(tmp_path)


def live_source(folder: Path) -> Iterator[Xt]:
    if not fakes.available():
        pytest.skip("xtquant is not installed: pip install -r requirements-xt.lock")
    with fakes.installed() as installed:
        source = Xt(folder, installed["datacenter"])
        looked, xt_link.LOOK_S = xt_link.LOOK_S, QUICK_S
        try:
            yield source
        finally:
            xt_link.LOOK_S = looked
            source.close()
