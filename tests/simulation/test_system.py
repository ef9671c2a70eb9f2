"""Seeds decide which link speaks next and who dies when; the gateway's journal must not change by a byte."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import pytest

from common.domain.reasons import Reason
from common.messages.codec import decode_body
from common.messages.kept import KeptVerdict
from common.messages.orders import CorporateAction, EventRow, OrderCancelled, OrderFilled
from common.messages.outputs import Append, Drop, Message, Output, Save
from common.messages.signals import VerdictStatus
from common.runtime.world import Parcel
from tests.simulation.system import make_system, played
from tests.simulation.world import World

VICTIMS = ("market_data", "order_gateway", "risk_manager", "signal_engine", "screener")
SEEDS = range(24)


def journal(world: World) -> list[bytes]:
    return world.nodes["order_gateway"].disk.rows


def verdicts(world: World) -> dict[str, object]:
    _, kept = world.nodes["risk_manager"].disk.load()
    return {record.verdict.key: record.verdict for record in kept.values() if isinstance(record, KeptVerdict)}


@cache
def undisturbed() -> tuple[tuple[bytes, ...], dict[str, object]]:
    world, _ = make_system(0, shuffle=False)
    world.start()
    world.run(lambda: played(world))
    return tuple(journal(world)), verdicts(world)


def test_everything_happens_in_miniature() -> None:
    rows, told = undisturbed()
    events = [row.event for row in map(decode_body, rows) if isinstance(row, EventRow)]
    fills = [event for event in events if isinstance(event, OrderFilled)]
    assert len(fills) >= 15
    assert {fill.cause for fill in fills if fill.side == 2} >= {
        Reason.STOP_LOSS, Reason.WEAK_AT_0950, Reason.NOT_SEALED_AT_1430, Reason.TAKE_PROFIT_HALF, Reason.TRAILING_STOP,
    }  # fmt: skip
    denied = Counter(verdict.reason for verdict in told.values() if verdict.status is VerdictStatus.DENIED)  # type: ignore[attr-defined]  # Verdicts
    assert denied[Reason.T1_UNSELLABLE] == 1
    assert denied[Reason.BELOW_ONE_LOT] >= 1
    assert denied[Reason.SLOTS_FULL] + denied[Reason.RULE_SLOTS_FULL] >= 1
    assert any(isinstance(event, CorporateAction) for event in events)
    assert any(isinstance(event, OrderCancelled) and event.reason is Reason.CANCEL_AT_TIME for event in events)


def test_what_a_whole_run_says_and_writes_is_read_again() -> None:
    """Encoding looks at no bounds, decoding does: one that is too narrow would lose a good message or a start."""
    world, _ = make_system(0, shuffle=False)
    said: Counter[str] = Counter()
    take = world._take

    def heard() -> Parcel | None:
        parcel = take()  # through the codec and back
        said.update([type(parcel.message).__name__] if parcel is not None else [])
        return parcel

    world._take = heard  # type: ignore[method-assign]  # to listen
    world.start()
    world.run(lambda: played(world))
    written = Counter(
        type(record).__name__ for node in world.nodes.values() for part in node.disk.load() for record in _records(part)
    )
    assert len(said) >= 15, said
    assert len(written) >= 10, written


def _records(part: list[Message] | dict[str, Message]) -> list[Message]:
    return list(part.values()) if isinstance(part, dict) else part


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_links_changes_nothing(seed: int) -> None:
    world, _ = make_system(seed)
    world.start()
    world.run(lambda: played(world))
    assert (tuple(journal(world)), verdicts(world)) == undisturbed()


class Killer:
    """Kills before or after commits, and between messages, as often as the seed says."""

    def __init__(self, world: World, kills: int) -> None:
        self.world, self.left = world, kills
        self.points: Counter[str] = Counter()
        world.before_commit = lambda name, outputs: self._maybe("before", name, outputs)
        world.after_commit = lambda name, outputs: self._maybe("after", name, outputs)

    def _maybe(self, point: str, name: str, outputs: Sequence[Output]) -> bool:
        writes = any(isinstance(output, Append | Save | Drop) for output in outputs)
        # The player writes at every push: it would take all kills.
        chance = 0.002 if name == "market_data" else 0.08
        if not writes or self.left <= 0 or self.world.random.random() > chance:
            return False
        self.left -= 1
        self.points[f"{name}/{point}"] += 1
        return True

    def between(self) -> bool:
        if self.left > 0 and self.world.random.random() < 0.0005:
            self.left -= 1
            victim = self.world.random.choice(VICTIMS)
            self.points[f"{victim}/between"] += 1
            self.world.crash(victim)
        return played(self.world)


class Crashed(NamedTuple):
    """What a run with deaths came to."""

    rows: tuple[bytes, ...]
    told: dict[str, object]
    crashes: int
    points: Counter[str]


@cache
def crashed(seed: int) -> Crashed:
    world, _ = make_system(seed)
    killer = Killer(world, kills=12)
    world.start()
    world.run(killer.between)
    return Crashed(tuple(journal(world)), verdicts(world), world.crashes, killer.points)


@pytest.mark.parametrize("seed", SEEDS)
def test_crashes_change_nothing(seed: int) -> None:
    run = crashed(seed)
    assert run.crashes >= 6, run.points
    rows, told = undisturbed()
    assert [decode_body(row) for row in run.rows] == [decode_body(row) for row in rows], run.points
    assert run.told == told


def test_the_seeds_reach_every_service_and_point() -> None:
    points: Counter[str] = Counter()
    for seed in range(6):
        points.update(crashed(seed).points)
    for service in ("order_gateway", "risk_manager", "signal_engine"):
        assert points[f"{service}/before"] > 0
        assert points[f"{service}/after"] > 0
