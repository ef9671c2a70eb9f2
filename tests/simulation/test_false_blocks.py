"""A normal replay of five sessions: every last limit and every lock is on at its default, and nothing is blocked."""

from collections import Counter
from pathlib import Path

import pytest

from common.domain.reasons import Reason
from common.history.synthetic import market as market_module
from common.history.synthetic import params, universe
from common.history.synthetic.market import make_market
from common.history.synthetic.params import PLAYED_DAYS, MarketParams
from common.messages.orders import DayClosed, IntentDenied, OrderSubmitted
from common.runtime.config import Account, Config, Feed
from common.runtime.limits import Limits
from services.backtest_worker.adapters.pipeline import run_pipeline
from tests.simulation.system import SLOTS

FIVE = (*PLAYED_DAYS, 20260108, 20260109)
MEANT = {Reason.SLOTS_FULL: 1, Reason.RULE_SLOTS_FULL: 1, Reason.BELOW_ONE_LOT: 1, Reason.T1_UNSELLABLE: 1}
"""What the cast of the market is there to show."""


def test_five_sessions_without_a_false_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (params, universe, market_module):
        monkeypatch.setattr(module, "PLAYED_DAYS", FIVE)
    market = make_market(tmp_path, MarketParams(stocks=60, interval_s=15))
    config = Config(feed=Feed(hand_script=str(market.hand_script)), account=Account(rule_slots=dict(SLOTS)))
    assert config.limits == Limits()
    made = run_pipeline(market.tapes, market.history, config)
    assert made.days == FIVE
    events = [row.event for row in made.rows]
    assert sum(isinstance(event, DayClosed) for event in events) == 5
    assert sum(isinstance(event, OrderSubmitted) for event in events) >= 20
    assert len(made.fills) >= 60
    assert Counter(verdict.reason for verdict in made.denied) == MEANT
    assert not [event for event in events if isinstance(event, IntentDenied)]
    assert made.warnings == ()


def test_a_lock_in_the_same_replay_does_block(tmp_path: Path) -> None:
    """The other way round: with one stop loss allowed the lock falls, so the replay above would have shown it."""
    market = make_market(tmp_path, MarketParams(stocks=60, interval_s=15))
    config = Config(
        feed=Feed(hand_script=str(market.hand_script)), account=Account(rule_slots=dict(SLOTS)),
        limits=Limits(stop_losses=1, stop_sessions=5, lock_sessions=5),
    )  # fmt: skip
    made = run_pipeline(market.tapes, market.history, config)
    denied = Counter(verdict.reason for verdict in made.denied)
    assert denied[Reason.STOP_LOSS_CLUSTER] >= 2
    (numbers, *_) = [v.detail for v in made.denied if v.reason is Reason.STOP_LOSS_CLUSTER]
    assert (numbers["stop_losses"], numbers["stop_losses_max"]) == (1, 1)
