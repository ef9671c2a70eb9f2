"""What goes with a live feed and what does not, said at once."""

import pytest

from common.domain.errors import ConfigError
from common.runtime.config import history_dir, parse_config
from common.runtime.feed import MarketData, market_data_faults

LIVE = {
    "feed": {"kind": "xt", "pace": "real_time"}, "nightly": {"dir": "h"}, "market_data": {"port": 58_611},
}  # fmt: skip


def test_a_live_feed_that_is_complete() -> None:
    config = parse_config(LIVE, "x")
    assert (config.feed.kind, config.market_data.port, history_dir(config)) == ("xt", 58_611, "h")
    assert history_dir(parse_config({**LIVE, "history": {"dir": "own"}}, "x")) == "own"


def test_the_defaults_are_within_their_bounds() -> None:
    assert market_data_faults(MarketData()) == []


def test_all_that_does_not_go_with_one() -> None:
    wrong = {
        "feed": {
            "kind": "xt", "pace": "lockstep", "speed": 2.0, "tapes": ["t"], "start_second": 5, "record": False,
        },
        "market_data": {"port": 0, "silence_s": 1, "ahead_s": 0, "moon": 1},
    }  # fmt: skip
    with pytest.raises(ConfigError) as told:
        parse_config(wrong, "x")
    for name in (
        "feed.pace", "tapes", "feed.start_second", "feed.record", "market_data.port",
        "market_data.silence_s", "market_data.ahead_s", "market_data.moon",
    ):  # fmt: skip
        assert name in str(told.value)
