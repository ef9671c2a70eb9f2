"""The whole live path in one thread: player, gateway, risk, signal engine, and a screener that knows its pools."""

from collections.abc import Sequence

from common.messages.outputs import Message, Origin, Output, Reply
from common.messages.signals import PoolRequest
from common.runtime.config import Account, Config, Risk
from services.backtest_worker.adapters.pipeline import live_services
from services.market_data.bars import BarBuilder
from services.market_data.calls import RecordPush
from services.market_data.core import PlayerCore
from services.market_data.settings import Settings
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
    """Return a world that plays the mini market with the standard slots: the services as the pipeline builds them."""
    recorded: list[RecordPush] = []
    days = sessions()
    world = World(seed, shuffle)
    config = Config(account=Account(rule_slots=dict(SLOTS)), risk=Risk(resume_at_start=True))
    player = Settings(consumers=CONSUMERS, script=hand_script())
    ours = {
        "market_data": lambda: (PlayerCore(player, BarBuilder), MemoryTape(days, recorded)),
        "screener": lambda: (KnowingScreener(), None),
    }
    for spec, make in live_services(config, ours):
        world.add(Node(spec.name, make, spec.subscriptions))
    return world, recorded


def played(world: World) -> bool:
    """Tell whether the tapes are played and everybody has done the last push."""
    core = world.nodes["market_data"].core
    return isinstance(core, PlayerCore) and core.status()[1] == "finished"
