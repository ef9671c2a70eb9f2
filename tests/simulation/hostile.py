"""A hostile world of real cores: it loses, doubles and delays messages, kills anybody anywhere, and cuts the power.

Unlike `world.py` it takes no care that a link keeps going: what a transport may do, it does. Every node has a clock of
its own that starts at the wall's time and never jumps after that; the wall's time jumps. Disks that were not synced lose
their last commits with the power.
"""

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from common.messages.codec import decode_body, encode_body
from common.messages.outputs import (
    LOCAL,
    Adapter,
    Append,
    Core,
    Drop,
    Effect,
    Forget,
    Log,
    Message,
    Origin,
    Output,
    Publish,
    Reply,
    Request,
    Save,
    Tell,
    Token,
)
from common.runtime.world import ASKER, RESEND_NS, ROLES, START_NS
from tests.simulation.world import Disk

MS = 1_000_000
WRITES = (Append, Save, Drop)


class CrashError(Exception):
    """The process dies here."""


class PowerDisk(Disk):
    """A disk that remembers how to undo its last commits: the power may take them."""

    def __init__(self, *, synced: bool) -> None:
        super().__init__()
        self.synced = synced
        self._undo: deque[tuple[int, dict[str, bytes | None], set[str]]] = deque(maxlen=20)

    def commit(self, outputs: Sequence[Output]) -> None:
        """Write one call."""
        if not self.synced:
            keys = [output.key for output in outputs if isinstance(output, Save | Drop)]
            unique = {output.unique for output in outputs if isinstance(output, Append) and output.unique}
            self._undo.append((len(self.rows), {key: self.kept.get(key) for key in keys}, unique))
        super().commit(outputs)

    def lose(self, commits: int) -> int:
        """Roll back so many commits at most; returns how many were lost."""
        lost = 0
        while self._undo and lost < commits:
            rows, kept, unique = self._undo.pop()
            del self.rows[rows:]
            self.unique -= unique
            for key, raw in kept.items():
                if raw is None:
                    self.kept.pop(key, None)
                else:
                    self.kept[key] = raw
            lost += 1
        return lost


class Node:
    """A service: core, adapter, disk, clock, and the questions it is asking."""

    def __init__(
        self,
        name: str,
        make: Callable[[], tuple[Core, Adapter | None]],
        subscriptions: Mapping[str, Sequence[str]],
        *,
        synced: bool,
    ) -> None:
        self.name, self.make, self.subscriptions = name, make, subscriptions
        self.disk = PowerDisk(synced=synced)
        self.core: Any = None
        self.adapter: Any = None
        self.asking: dict[str, tuple[str, Message, int]] = {}
        self.up_at_ns = 0
        self.offset_ns = 0
        """Of its clock from the world's."""
        self.points = 0
        """Places passed at which it might have died."""


class Parcel(NamedTuple):
    """A message on its way: bytes, as it would be."""

    ready_ns: int
    receiver: str
    raw: bytes
    origin: Origin


class Hazards(NamedTuple):
    """What the world does, per mille of the occasions."""

    lose: int = 0
    double: int = 0
    delay: int = 0
    delay_ns: int = 400 * MS


CALM = Hazards()


class Hostile:
    """Nodes and everything that goes wrong between and inside them."""

    def __init__(self, seed: int, hazards: Hazards = CALM) -> None:
        self.random, self.hazards = random.Random(seed), hazards
        self.nodes: dict[str, Node] = {}
        self.now_ns = START_NS
        self.wall_ns = 0
        """How far the wall's clock has jumped away from the world's."""
        self.links: dict[tuple[str, str], deque[Parcel]] = {}
        self._heard_by: dict[tuple[str, str], list[str]] = {}
        self.answers: dict[str, list[Message]] = {}
        self.logs: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.deaths: dict[str, list[int]] = {}
        """By node, the points at which it dies, the next one last."""
        self.full_disk = (0, 0)
        """From when to when a commit is refused."""
        self.on_publish: Callable[[str, Message], None] = lambda node, message: None
        self.on_death: Callable[[str], None] = lambda node: None

    def add(self, node: Node) -> None:
        """Add a service."""
        self.nodes[node.name] = node

    def start(self) -> None:
        """Start every service."""
        for node in self.nodes.values():
            self._boot(node)

    # ------------------------------------------------------------------ life and death

    def now(self, node: Node) -> int:
        """Return a node's own time."""
        return self.now_ns + node.offset_ns

    def _boot(self, node: Node) -> None:
        node.offset_ns = self.wall_ns
        node.core, node.adapter = node.make()
        node.asking = {}
        try:
            node.core.restore(*node.disk.load())
            self._carry(node, node.core.on_start(self.now(node)))
        except CrashError:
            self._dead(node)

    def _guarded(self, node: Node, step: Callable[[], Sequence[Output]]) -> None:
        try:
            self._carry(node, step())
        except CrashError:
            self._dead(node)

    def _dead(self, node: Node) -> None:
        self.counts["crashes"] += 1
        self.kill(node, 10 + self.random.random() * self.random.choice((50, 300, 3000)))
        self.on_death(node.name)

    def kill(self, node: Node, away_ms: float) -> None:
        """Take a service down; what is on its way to and from it is lost."""
        node.core = node.adapter = None
        node.asking = {}
        node.up_at_ns = self.now_ns + int(away_ms * MS)
        for (sender, receiver), queue in self.links.items():
            # What it had handed to its sockets may still go out.
            if receiver == node.name or (sender == node.name and self.random.random() < 0.5):
                queue.clear()

    def cut_power(self) -> None:
        """Take everything down at once; unsynced disks lose some of their last commits."""
        self.counts["power"] += 1
        for node in self.nodes.values():
            self.counts["commits_lost"] += node.disk.lose(self.random.randrange(20))
            self.kill(node, 20 + self.random.random() * 500)

    def _point(self, node: Node) -> None:
        node.points += 1
        deaths = self.deaths.get(node.name)
        if deaths and node.points >= deaths[-1]:
            deaths.pop()
            raise CrashError

    # ------------------------------------------------------------------ carrying out

    def _commit(self, node: Node, outputs: Sequence[Output]) -> None:
        if not any(isinstance(output, WRITES) for output in outputs):
            return
        self._point(node)
        if self.full_disk[0] <= self.now_ns < self.full_disk[1]:
            self.counts["disk_full"] += 1
            if not node.disk.synced:
                raise CrashError  # no room: the process stops and reads again what is there
            on_disk = getattr(node.core, "on_disk", None)  # the journal has a reserve: it goes on, and is told
            if on_disk is not None:
                on_disk(True, self.now(node))
        node.disk.commit(outputs)
        self._point(node)

    def _carry(self, node: Node, outputs: Sequence[Output]) -> None:
        if not outputs:
            return
        self._commit(node, outputs)
        for output in outputs:
            if not isinstance(output, WRITES):
                self._point(node)
                self._one(node, output)

    def _one(self, node: Node, output: Output) -> None:
        match output:
            case Publish(topic, message):
                self.on_publish(node.name, message)
                raw = encode_body(message)
                origin = Origin(node.name, ROLES[node.name], topic=topic)
                for other in self._listeners(node.name, topic):
                    self._post(node.name, other, raw, origin)
            case Request(peer, key, message):
                if key not in node.asking:
                    node.asking[key] = (peer, message, self.now_ns + RESEND_NS)
                    self._question(node, key)
            case Tell(peer, message):
                self._post(node.name, peer, encode_body(message), Origin(node.name, ROLES[node.name]))
            case Forget(key):
                node.asking.pop(key, None)
            case Reply(token, message):
                origin = Origin(node.name, ROLES[node.name], correlation_id=token.correlation_id)
                self._post(node.name, token.route.decode(), encode_body(message), origin)
            case Effect(call):
                for result in node.adapter.perform(call):
                    self._carry(node, node.core.on_message(result, LOCAL, self.now(node)))
            case Log(level, event):
                self.logs[f"{node.name}/{level}/{event}"] += 1

    def _listeners(self, node: str, topic: str) -> list[str]:
        found = self._heard_by.get((node, topic))
        if found is None:
            found = self._heard_by[node, topic] = [
                other.name
                for other in self.nodes.values()
                if any(topic.startswith(wanted) for wanted in other.subscriptions.get(node, ()))
            ]
        return found

    def _question(self, node: Node, key: str) -> None:
        peer, message, _ = node.asking[key]
        origin = Origin(node.name, ROLES[node.name], Token("ask", node.name.encode(), key), correlation_id=key)
        self._post(node.name, peer, encode_body(message), origin)

    def ask(self, service: str, message: Message, key: str) -> None:
        """Ask as the operator; the answer lands in `answers[key]`."""
        origin = Origin(ASKER, ROLES[ASKER], Token("ask", ASKER.encode(), key), correlation_id=key)
        self._post(ASKER, service, encode_body(message), origin)

    # ------------------------------------------------------------------ the way between

    def _post(self, sender: str, receiver: str, raw: bytes, origin: Origin) -> None:
        bad, chance = self.hazards, self.random.random() * 1000
        if chance < bad.lose:
            self.counts["lost"] += 1
            return
        ready_ns = self.now_ns
        if chance > 1000 - bad.delay:
            self.counts["delayed"] += 1
            ready_ns += int(self.random.random() * bad.delay_ns)
        link = self.links.setdefault((sender, receiver), deque())
        parcel = Parcel(ready_ns, receiver, raw, origin)
        link.append(parcel)
        if bad.lose <= chance < bad.lose + bad.double:
            self.counts["doubled"] += 1
            link.append(parcel)

    def _deliver(self) -> bool:
        now_ns = self.now_ns
        ready = [link for link, queue in self.links.items() if queue and queue[0].ready_ns <= now_ns]
        if not ready:
            return False
        link = ready[int(self.random.random() * len(ready))]
        _, receiver, raw, origin = self.links[link].popleft()
        message = decode_body(raw)
        if receiver == ASKER:
            self.answers.setdefault(origin.correlation_id, []).append(message)
            return True
        node = self.nodes[receiver]
        if node.core is None:
            return True
        if origin.token is None and origin.correlation_id:
            if origin.correlation_id not in node.asking:
                return True
            del node.asking[origin.correlation_id]
        self._guarded(node, lambda: node.core.on_message(message, origin, self.now(node)))
        return True

    # ------------------------------------------------------------------ time

    def next_ns(self) -> int | None:
        """Return when something is due."""
        times = [queue[0].ready_ns for queue in self.links.values() if queue]
        for node in self.nodes.values():
            if node.core is None:
                times.append(node.up_at_ns)
                continue
            deadline = node.core.next_deadline_ns()
            if deadline is not None:
                times.append(deadline - node.offset_ns)
            times += [at for _, _, at in node.asking.values()]
        return min(times, default=None)

    def _due(self) -> None:
        for node in self.nodes.values():
            if node.core is None:
                if node.up_at_ns <= self.now_ns:
                    self._boot(node)
                continue
            for key, (peer, message, due_ns) in list(node.asking.items()):
                if due_ns <= self.now_ns:
                    node.asking[key] = (peer, message, self.now_ns + RESEND_NS)
                    self._question(node, key)
            deadline = node.core.next_deadline_ns()
            if deadline is not None and deadline <= self.now(node):
                self._guarded(node, lambda node=node: node.core.on_deadline(self.now(node)))  # type: ignore[misc]

    def poll(self, node: Node) -> None:
        """Hand a core what its vendor pushed."""
        for message in node.adapter.poll():
            if node.core is None:
                return
            self._guarded(node, lambda message=message: node.core.on_message(message, LOCAL, self.now(node)))  # type: ignore[misc]

    def run(self, until: Callable[[], bool], *, others: Callable[[], int | None], step: Callable[[], None]) -> None:
        """Run until the condition holds; `others` says when something outside is due, `step` does it."""
        for _ in range(200_000):
            step()
            if self._deliver():
                continue
            if until():
                return
            at = min((at for at in (self.next_ns(), others()) if at is not None), default=None)
            if at is None:
                break
            self.now_ns = max(self.now_ns, at)
            self._due()
        raise AssertionError("the world stands still, or never ends: " + self.describe())

    def describe(self) -> str:
        """Return where every node stands, for a failure's message."""
        return "; ".join(
            f"{n.name}: {n.core.status() if n.core and hasattr(n.core, 'status') else '-'}" for n in self.nodes.values()
        )
