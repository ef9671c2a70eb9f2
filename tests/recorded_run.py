"""A run as `pankou run` leaves it — configuration, journals on disk, recorded tapes — made in one thread."""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from common.domain.values import PushId
from common.messages.market import PushEnd
from common.messages.outputs import Message
from common.runtime.config import Config, dump_toml
from common.runtime.store import Store
from common.runtime.world import Node, World
from services.backtest_worker.adapters.pipeline import live_services, pipeline_config

Meddle = Callable[[World], None]


def record_run(
    folder: Path, config: Config, tapes: list[Path], history: Path, meddle: dict[PushId, Meddle] | None = None
) -> World:
    """Play tapes into a run's folder; `meddle` is done to the world when the player is about to say a push."""
    folder.mkdir(parents=True)
    made = pipeline_config(tapes, history, config)
    made = replace(
        made,
        system=replace(made.system, run_dir=str(folder)),
        feed=replace(made.feed, record=True, start_second=config.feed.start_second),
        risk=config.risk,
    )
    (folder / "config.toml").write_text(dump_toml(made), encoding="utf-8")
    world = World()
    stores = []
    for spec, make in live_services(made):
        stores.append(Store(folder / f"{spec.name}.db", full=False))
        world.add(Node(spec.name, make, spec.subscriptions, stores[-1]))
    due = dict(meddle or {})

    def on_publish(topic: str, message: Message) -> None:
        if isinstance(message, PushEnd) and message.push in due:
            due.pop(message.push)(world)

    world.on_publish = on_publish
    world.start()
    while world.deliver() or (world.nodes["market_data"].core.status()[1] != "finished" and world.tick()):  # type: ignore[union-attr]  # a PlayerCore
        pass
    assert not due, f"never came: {sorted(due)}"
    world.nodes["market_data"].adapter.close()  # type: ignore[union-attr]  # a ReplayAdapter
    for store in stores:
        store.close()
    return world
