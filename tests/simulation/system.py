"""The whole live path in one thread: player, gateway, risk, signal engine, and a screener that knows its pools."""

from collections.abc import Sequence

from common.domain.values import MILLI
from common.messages.outputs import Message, Origin, Output, Reply
from common.messages.signals import PoolRequest
from common.messages.topics import EVENT, FEED, MATCHED
from common.strategies import RULES
from common.strategies.host import RuleHost
from services.market_data.bars import BarBuilder
from services.market_data.calls import RecordPush
from services.market_data.core import PlayerCore, Settings
from services.order_gateway.adapters.paper import PaperBroker
from services.order_gateway.core import GatewayCore
from services.order_gateway.settings import Settings as GatewaySettings
from services.risk_manager.core import RiskCore
from services.risk_manager.settings import Settings as RiskSettings
from services.signal_engine.core import SignalCore
from tests.simulation.mini_market import hand_script, pool, sessions
from tests.simulation.test_player import MemoryTape
from tests.simulation.world import Node, World

CONSUMERS = ("order_gateway", "signal_engine", "risk_manager")
SLOTS = (("limit_up", 3), ("bottom_fractal", 2))


class KnowingScreener:
    """Answers with the pools of the mini market."""

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        pass

    def on_start(self, now_ns: int) -> Sequence[Output]:
        return []

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        assert isinstance(message, PoolRequest)
        assert origin.token is not None
        return [Reply(origin.token, pool(message.rule, message.day))]

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        return []

    def next_deadline_ns(self) -> int | None:
        return None


def make_system(seed: int, shuffle: bool = True) -> tuple[World, list[RecordPush]]:
    """Return a world that plays the mini market with the standard slots."""
    recorded: list[RecordPush] = []
    days = sessions()
    world = World(seed, shuffle)
    player = Settings(consumers=CONSUMERS, script=hand_script())
    risk = RiskSettings(rule_slots=SLOTS, resume_at_start=True)
    gateway = GatewaySettings(cash=1_000_000 * MILLI)
    feed, books = {"market_data": (FEED,)}, {"market_data": (FEED,), "order_gateway": (EVENT, MATCHED)}
    world.add(Node("market_data", lambda: (PlayerCore(player, BarBuilder), MemoryTape(days, recorded)), {}))
    world.add(Node("screener", lambda: (KnowingScreener(), None), {}))
    world.add(Node("order_gateway", lambda: (GatewayCore(gateway), PaperBroker()), feed))
    world.add(Node("risk_manager", lambda: (RiskCore(risk), None), books))
    hosts = [(RULES[name], RULES[name].Params()) for name, _ in SLOTS]
    world.add(
        Node("signal_engine", lambda: (SignalCore([RuleHost(rule, params) for rule, params in hosts]), None), books)
    )
    return world, recorded


def played(world: World) -> bool:
    """Tell whether the tapes are played and everybody has done the last push."""
    core = world.nodes["market_data"].core
    return isinstance(core, PlayerCore) and core.status()[1] == "finished"
