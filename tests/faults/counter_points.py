"""Deaths at named points of a gateway whose counter loses orders: what a paper exchange never brings about."""

from collections.abc import Sequence

from common.messages.outputs import Effect, Output
from common.runtime.crash import POINTS, CrashPlan, Moment, Planned
from services.order_gateway.settings import Settings
from tests.fakes.manners import GOOD
from tests.simulation.hostile import CALM, MS, CrashError, Hostile, Node
from tests.simulation.plans import CASH, SETTLE_NS, Plan
from tests.simulation.seeds import Make, run, undisturbed

AT_A_COUNTER = ("g10", "g11")
"""Points of an order that was proved absent and is sent again."""
ANYWHERE = tuple(name for name in POINTS if name not in AT_A_COUNTER)
"""Points that the mini market and real processes pass."""
LOSSES = GOOD._replace(order_lost=500)
MARKET = 4


class Pointed(Hostile):
    """The world of the simulation, in which a plan says who dies where."""

    def __init__(self, seed: int, plan: CrashPlan) -> None:
        super().__init__(seed, CALM)
        self.plan = plan

    def _die(self, node: Node, moment: Moment, outputs: Sequence[Output]) -> None:
        if self.plan.dies(node.name, moment, None, outputs):
            raise CrashError

    def _commit(self, node: Node, outputs: Sequence[Output]) -> None:
        self._die(node, Moment.DECIDED, outputs)
        super()._commit(node, outputs)
        self._die(node, Moment.COMMITTED, outputs)

    def _one(self, node: Node, output: Output) -> None:
        if isinstance(output, Effect):
            self._die(node, Moment.CARRYING, (output,))
        super()._one(node, output)


def play_at_counter(planned: Sequence[Planned], market: int = MARKET) -> tuple[tuple[str, ...], list[str]]:
    """Play a tiny market whose counter loses orders; gives back what does not hold, and the points that fired."""
    deaths = CrashPlan(planned)
    settings = Settings(cash=CASH, counter=True, settle_ns=SETTLE_NS, query_ns=150 * MS)
    result = run(
        Plan(market, LOSSES, settings=settings), Make(world=lambda seed, _: Pointed(seed, deaths)), undisturbed(market)
    )
    bad = result.bad if result.counts["compared"] else (*result.bad, "the books were not compared")
    return bad, deaths.fired
