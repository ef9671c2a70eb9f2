"""The world of `common/runtime/world.py` made hostile: the network reorders links, nodes crash, all of it by the seed.

Messages of one link (sender to receiver) keep their order, as ZeroMQ keeps it; which link speaks next is drawn from
the seed. What a core did not commit is gone when it crashes; what it had said before is on its way and arrives, or, in
a world whose seed decides, the first part of it.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from common.messages.codec import decode_body, encode_body
from common.messages.outputs import Adapter, Append, Core, Drop, Message, Output, Save
from common.runtime import world
from common.runtime.world import Parcel

MS = 1_000_000


class Disk:
    """What a core has committed; survives its crashes. Records go through the codec, as on a real disk."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.kept: dict[str, bytes] = {}
        self.unique: set[str] = set()
        self.commits = 0

    def commit(self, outputs: Sequence[Output]) -> None:
        """Write all Append, Save and Drop of one call."""
        wrote = False
        for output in outputs:
            if isinstance(output, Append):
                assert not output.unique or output.unique not in self.unique, f"row {output.unique} written twice"
                self.unique.add(output.unique)
                self.rows.append(encode_body(output.record))
            elif isinstance(output, Save):
                self.kept[output.key] = encode_body(output.record)
            elif isinstance(output, Drop):
                self.kept.pop(output.key, None)
            else:
                continue
            wrote = True
        self.commits += wrote

    def load(self) -> tuple[list[Message], dict[str, Message]]:
        """Read everything back."""
        return [decode_body(row) for row in self.rows], {key: decode_body(raw) for key, raw in self.kept.items()}


class Node(world.Node):
    """A service with a disk that can be looked into."""

    disk: Disk

    def __init__(
        self, name: str, make: Callable[[], tuple[Core, Adapter | None]], subscriptions: Mapping[str, Sequence[str]]
    ) -> None:
        super().__init__(name, make, subscriptions, Disk())


class World(world.World):
    """Nodes and a network between them that the seed drives."""

    nodes: dict[str, Node]  # type: ignore[assignment]  # ours have disks to look into

    def __init__(self, seed: int = 0, shuffle: bool = True) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.shuffle = shuffle
        self.links: dict[tuple[str, str], deque[Parcel]] = {}
        self.before_commit: Callable[[str, Sequence[Output]], bool] = lambda name, outputs: False
        """Return True to crash the node with this call lost."""
        self.after_commit: Callable[[str, Sequence[Output]], bool] = lambda name, outputs: False
        """Return True to crash the node after its commit, before anything is sent."""
        self.crashes = 0

    def crash(self, name: str, away_ms: int = 20) -> None:
        """Kill a service now; it comes back later. What others are telling it is lost, what it has said is not."""
        node = self.nodes[name]
        node.core = node.adapter = None
        node.asking = {}
        node.up_at_ns = self.now_ns + away_ms * MS
        self.crashes += 1
        for (sender, receiver), queue in self.links.items():
            if receiver == name:
                queue.clear()
            elif sender == name and self.shuffle and queue:
                # Its sockets go with it: the first messages may be out already, each link has got as far as it has.
                for _ in range(self.random.randrange(len(queue) + 1)):
                    queue.pop()

    def _commit(self, node: world.Node, outputs: Sequence[Output]) -> bool:
        if self.before_commit(node.name, outputs):
            self.crash(node.name)
            return False
        node.disk.commit(outputs)
        if self.after_commit(node.name, outputs):
            self.crash(node.name)
            return False
        return True

    def _post(self, parcel: Parcel) -> None:
        self.links.setdefault((parcel.sender, parcel.receiver), deque()).append(parcel)

    def _take(self) -> Parcel | None:
        ready = [link for link, queue in self.links.items() if queue]
        if not ready:
            return None
        link = self.random.choice(ready) if self.shuffle else ready[0]
        parcel = self.links[link].popleft()
        return parcel._replace(message=decode_body(encode_body(parcel.message)))

    def run(self, until: Callable[[], bool], steps_max: int = 5_000_000) -> None:
        """Run until the condition holds; fails when nothing can happen any more or too much happened."""
        for _ in range(steps_max):
            if until():
                return
            if not self.deliver() and not self.tick():
                break
        assert until(), "the world stands still" + str(
            {n: node.core and node.core.next_deadline_ns() for n, node in self.nodes.items()}
        )
