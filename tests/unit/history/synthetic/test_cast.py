"""The cast does what its script says: the whole system's cores play made markets in one thread, whatever the seed."""

from collections import Counter
from pathlib import Path

import pytest

from common.domain.reasons import Reason
from common.domain.values import MILLI, Side
from common.history.synthetic.actors import CAST
from common.history.synthetic.market import MarketPaths, make_market
from common.history.synthetic.params import MarketParams
from common.messages.kept import KeptVerdict
from common.messages.orders import CorporateAction, EventRow, OrderCancelled, OrderFilled, OrderSubmitted
from common.messages.signals import VerdictStatus
from common.messages.topics import EVENT, FEED, MATCHED
from common.runtime.screens import shipped_screens
from common.strategies import RULES
from common.strategies.host import RuleHost
from services.market_data.__main__ import read_script
from services.market_data.adapters.replay import ReplayAdapter
from services.market_data.bars import BarBuilder
from services.market_data.core import PlayerCore, Settings
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import Settings as GatewaySettings
from services.risk_manager.core import RiskCore
from services.risk_manager.settings import Settings as RiskSettings
from services.screener.adapters.history import HistoryScreens
from services.screener.core import ScreenerCore
from services.signal_engine.core import SignalCore
from tests.simulation.system import CONSUMERS, SLOTS, played
from tests.simulation.world import Node, World

ROLES = {actor.symbol: actor.role for actor in CAST}


def run(market: MarketPaths) -> World:
    """Play the market to its end with every core of the real system in one thread."""
    world = World(shuffle=False)
    player = Settings(consumers=CONSUMERS, record=False, script=read_script(market.hand_script))
    screens = shipped_screens()
    feed, books = {"market_data": (FEED,)}, {"market_data": (FEED,), "order_gateway": (EVENT, MATCHED)}
    tapes = ReplayAdapter(market.tapes, None)
    hosts = [RuleHost(RULES[name], RULES[name].Params()) for name, _ in SLOTS]
    world.add(Node("market_data", lambda: (PlayerCore(player, BarBuilder), tapes), {}))
    world.add(Node("screener", lambda: (ScreenerCore(tuple(screens)), HistoryScreens(market.history, screens)), {}))
    gateway = GatewaySettings(cash=1_000_000 * MILLI)
    world.add(Node("order_gateway", lambda: (GatewayCore(gateway), PaperBroker()), feed))
    risk = RiskSettings(rule_slots=SLOTS, resume_at_start=True)
    world.add(Node("risk_manager", lambda: (RiskCore(risk), None), books))
    world.add(Node("signal_engine", lambda: (SignalCore(hosts), None), books))
    world.start()
    world.run(lambda: played(world))
    return world


@pytest.mark.parametrize("seed", [7, 8])
def test_the_cast_keeps_its_script_whatever_the_seed(tmp_path: Path, seed: int) -> None:
    world = run(make_market(tmp_path, MarketParams(seed=seed, stocks=60, interval_s=15)))
    rows, _ = world.nodes["order_gateway"].disk.load()
    events = [row.event for row in rows if isinstance(row, EventRow)]
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
    _, kept = world.nodes["risk_manager"].disk.load()
    verdicts = [record.verdict for record in kept.values() if isinstance(record, KeptVerdict)]
    denied = Counter((ROLES[v.symbol], v.reason) for v in verdicts if v.status is VerdictStatus.DENIED)
    assert denied == {
        ("LATE", Reason.SLOTS_FULL): 1, ("LATE", Reason.RULE_SLOTS_FULL): 1, ("DEAR", Reason.BELOW_ONE_LOT): 1,
        ("HAND", Reason.T1_UNSELLABLE): 1,
    }  # fmt: skip
    sent = {event.order.coid: event.order for event in events if isinstance(event, OrderSubmitted)}
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
