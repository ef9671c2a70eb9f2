"""The cast does what its script says: the whole system's cores play made markets in one thread, whatever the seed."""

from collections import Counter
from pathlib import Path

import pytest

from common.domain.reasons import Reason
from common.domain.values import Side
from common.history.synthetic.actors import CAST
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.messages.orders import CorporateAction, IntentDenied, OrderCancelled, OrderFilled, OrderSubmitted
from common.runtime.config import Account, Config, Feed
from services.backtest_worker.adapters.pipeline import PipelineResult, run_pipeline
from tests.simulation.system import SLOTS

ROLES = {actor.symbol: actor.role for actor in CAST}


def run(market: MarketPaths) -> PipelineResult:
    """Play the market to its end with every core of the real system in one thread."""
    config = Config(feed=Feed(hand_script=str(market.hand_script)), account=Account(rule_slots=dict(SLOTS)))
    return run_pipeline(market.tapes, market.history, config)


@pytest.mark.parametrize("seed", [7, 8])
def test_the_cast_keeps_its_script_whatever_the_seed(tmp_path: Path, seed: int) -> None:
    made = run(make_market(tmp_path, MarketParams(seed=seed, stocks=60, interval_s=15)))
    events = [row.event for row in made.rows]
    fills = [event for event in events if isinstance(event, OrderFilled)]
    assert len(fills) >= 50
    assert {ROLES[fill.symbol] for fill in fills if fill.side == Side.BUY} == {
        "FRAC-A", "FRAC-B", "FRAC-C", "FRAC-D", "STOPPED", "WEAK", "FADES", "BONUS", "HAND", "EARLY", "SECOND",
    }  # fmt: skip
    assert {(ROLES[fill.symbol], fill.cause) for fill in fills if fill.side == Side.SELL} == {
        ("STOPPED", Reason.STOP_LOSS), ("WEAK", Reason.WEAK_AT_0950), ("FADES", Reason.NOT_SEALED_AT_1430),
        ("BONUS", Reason.NOT_SEALED_AT_1430), ("FRAC-B", Reason.STOP_LOSS), ("FRAC-A", Reason.TAKE_PROFIT_HALF),
        ("FRAC-A", Reason.TRAILING_STOP), ("FRAC-C", Reason.TAKE_PROFIT_HALF), ("FRAC-C", Reason.TRAILING_STOP),
        ("HAND", Reason.HAND_CLOSE),
    }  # fmt: skip
    assert [ROLES[event.symbol] for event in events if isinstance(event, CorporateAction)] == ["BONUS"]
    denied = Counter((ROLES[verdict.symbol], verdict.reason) for verdict in made.denied)
    assert denied == {
        ("LATE", Reason.SLOTS_FULL): 1, ("LATE", Reason.RULE_SLOTS_FULL): 1, ("DEAR", Reason.BELOW_ONE_LOT): 1,
        ("HAND", Reason.T1_UNSELLABLE): 1,
    }  # fmt: skip
    sent = {event.order.coid: event.order for event in events if isinstance(event, OrderSubmitted)}
    assert not [event for event in events if isinstance(event, IntentDenied)], "the last limits block nothing of it"
    left = {ROLES[sent[e.coid].symbol]: (e.left, sent[e.coid].shares) for e in events if isinstance(e, OrderCancelled)}
    assert left.keys() == {"QUEUE", "WEAK"}
    assert left["QUEUE"][0] == left["QUEUE"][1]
    assert left["WEAK"][0] == left["WEAK"][1] - 3_000
    held: Counter[str] = Counter()
    for fill in fills:
        held[ROLES[fill.symbol]] += fill.shares if fill.side == Side.BUY else -fill.shares
    held["BONUS"] += sum(
        event.shares_after - event.shares_before for event in events if isinstance(event, CorporateAction)
    )
    assert {role for role, shares in held.items() if shares} == {"EARLY", "SECOND", "FRAC-D"}
