"""The mini market in one thread as the fault tests play it: who dies where is planned by name, books are compared."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from common.domain.values import day_of_push
from common.messages.codec import decode_body
from common.messages.kept import KeptVerdict
from common.messages.orders import EventRow, OrderCancelled, OrderFilled, OrderSubmitted
from common.messages.outputs import Message, Output
from common.messages.signals import VerdictStatus
from common.runtime import world
from common.runtime.crash import CrashPlan, Moment, Planned
from tests.simulation.mini_market import DAYS
from tests.simulation.system import make_system, played
from tests.simulation.world import World

LIMIT_NS = 10 * 1_000_000_000
"""Virtual time; a death costs 0.02 to 0.15 s of it."""


class Books(NamedTuple):
    """What two equal runs share: the gateway's journal, row for row, and every verdict of the risk manager."""

    rows: tuple[Message, ...]
    verdicts: dict[str, Message]


def books_of(played_world: World) -> Books:
    rows = played_world.nodes["order_gateway"].disk.rows
    _, kept = played_world.nodes["risk_manager"].disk.load()
    told = {record.verdict.key: record.verdict for record in kept.values() if isinstance(record, KeptVerdict)}
    return Books(tuple(decode_body(row) for row in rows), told)


def check_happened(books: Books) -> None:
    """A run in which nothing happens proves nothing."""
    events = [row.event for row in books.rows if isinstance(row, EventRow)]
    for kind, least in ((OrderSubmitted, 15), (OrderFilled, 15), (OrderCancelled, 1)):
        assert sum(isinstance(event, kind) for event in events) >= least, kind
    denied = [verdict for verdict in books.verdicts.values() if verdict.status is VerdictStatus.DENIED]  # type: ignore[attr-defined]  # Verdicts
    assert len(denied) >= 2


class Deaths:
    """Kills nodes of a world where a plan says so."""

    def __init__(self, made: World, plan: Sequence[Planned]) -> None:
        self.world, self.plan = made, CrashPlan(plan)
        made.on_moment = self.on_moment

    def on_moment(self, node: world.Node, moment: Moment, message: Message | None, outputs: Sequence[Output]) -> None:
        if node.core is not None and self.plan.dies(node.name, moment, message, outputs):
            self.world.crash(node.name)


def play(plan: Sequence[Planned], seed: int = 0, shuffle: bool = False) -> tuple[Books, list[str]]:
    """Play the mini market with planned deaths; gives back the books and the points that fired."""
    made, _ = make_system(seed, shuffle)
    deaths = Deaths(made, plan)
    made.start()

    def done() -> bool:
        assert made.now_ns < world.START_NS + LIMIT_NS, "never comes to an end"
        return played(made)

    made.run(done)
    return books_of(made), deaths.plan.fired


@cache
def undisturbed() -> Books:
    books, _ = play(())
    check_happened(books)
    return books


def undisturbed_to(days: int) -> Books:
    """Return the books as they are after some of the days."""
    books, last = undisturbed(), DAYS[days - 1]
    rows = tuple(row for row in books.rows if isinstance(row, EventRow) and day_of_push(row.push) <= last)
    told = {key: verdict for key, verdict in books.verdicts.items() if day_of_push(verdict.push) <= last}  # type: ignore[attr-defined]  # Verdicts
    return Books(rows, told)
