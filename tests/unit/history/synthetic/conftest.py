"""Markets that several tests look at."""

import pytest

from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    """The market that tests play: 60 stocks, 15 seconds."""
    return make_market(tmp_path_factory.mktemp("market"), MarketParams(stocks=60, interval_s=15))


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> MarketPaths:
    """The 400 stocks of the default market, with few pushes."""
    return make_market(tmp_path_factory.mktemp("wide"), MarketParams(stocks=400, interval_s=60))
