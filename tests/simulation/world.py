"""A world in one thread: the real cores, a virtual clock, a network that may reorder links, lose and crash.

Messages of one link (sender to receiver) keep their order, as ZeroMQ keeps it; which link speaks next is drawn from
the seed. What a core did not commit is gone when it crashes.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from common.messages.codec import decode_body, encode_body
from common.messages.header import Role
from common.messages.outputs import (
    LOCAL,
    Append,
    Core,
    Drop,
    Effect,
    Forget,
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

MS = 1_000_000
RESEND_NS = 150 * MS
ROLES = {
    "market_data": Role.MARKET_DATA,
    "screener": Role.SCREENER,
    "signal_engine": Role.SIGNAL,
    "risk_manager": Role.RISK,
    "order_gateway": Role.GATEWAY,
    "cli": Role.OPERATOR,
}


class Adapter(Protocol):
    """What carries out the effects of a core."""

    def perform(self, call: Message) -> Sequence[Message]:
        """Do it and return what came of it."""


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


class Node:
    """A service: its core, its disk, its adapter, the questions it is asking."""

    def __init__(
        self, name: str, make: Callable[[], tuple[Core, Adapter | None]], subscriptions: Mapping[str, Sequence[str]]
    ) -> None:
        self.name, self.make, self.subscriptions = name, make, subscriptions
        self.disk = Disk()
        self.core: Core | None = None
        self.adapter: Adapter | None = None
        self.asking: dict[str, tuple[str, Message, int]] = {}
        self.up_at_ns = 0


class World:
    """Nodes and the network between them."""

    def __init__(self, seed: int = 0, shuffle: bool = True) -> None:
        self.nodes: dict[str, Node] = {}
        self.now_ns = 1_800_000_000_000_000_000
        self.random = random.Random(seed)
        self.shuffle = shuffle
        self.links: dict[tuple[str, str], deque[tuple[Message, Origin]]] = {}
        self.answers: dict[str, list[Message]] = {}
        self.published: list[tuple[str, str, Message]] = []
        self.keep_topics: frozenset[str] = frozenset()
        self.before_commit: Callable[[str, Sequence[Output]], bool] = lambda name, outputs: False
        """Return True to crash the node with this call lost."""
        self.after_commit: Callable[[str, Sequence[Output]], bool] = lambda name, outputs: False
        """Return True to crash the node after its commit, before anything is sent."""
        self.crashes = 0

    def add(self, node: Node) -> None:
        """Add a service; it starts with `start`."""
        self.nodes[node.name] = node

    def start(self) -> None:
        """Start every service."""
        for node in self.nodes.values():
            self._boot(node)

    def _boot(self, node: Node) -> None:
        node.core, node.adapter = node.make()
        node.asking = {}
        rows, kept = node.disk.load()
        node.core.restore(rows, kept)
        self._carry_out(node, node.core.on_start(self.now_ns))

    def crash(self, name: str, away_ms: int = 20) -> None:
        """Kill a service now; it comes back later."""
        node = self.nodes[name]
        node.core = node.adapter = None
        node.asking = {}
        node.up_at_ns = self.now_ns + away_ms * MS
        self.crashes += 1
        for link in [link for link in self.links if name in link]:
            self.links[link].clear()

    def ask(self, service: str, message: Message, key: str) -> None:
        """Ask as the operator; the answer lands in `answers[key]`."""
        origin = Origin("cli", Role.OPERATOR, Token("ask", b"cli", key), correlation_id=key)
        self._send("cli", service, message, origin)

    def _send(self, sender: str, receiver: str, message: Message, origin: Origin) -> None:
        self.links.setdefault((sender, receiver), deque()).append((message, origin))

    def _carry_out(self, node: Node, outputs: Sequence[Output]) -> None:
        if self.before_commit(node.name, outputs):
            self.crash(node.name)
            return
        node.disk.commit(outputs)
        if self.after_commit(node.name, outputs):
            self.crash(node.name)
            return
        for output in outputs:
            self._one(node, output)
            if node.core is None:
                return

    def _one(self, node: Node, output: Output) -> None:
        if isinstance(output, Publish):
            if output.topic in self.keep_topics:
                self.published.append((node.name, output.topic, output.message))
            origin = Origin(node.name, ROLES[node.name], topic=output.topic)
            for other in self.nodes.values():
                if other.core is not None and output.topic in other.subscriptions.get(node.name, ()):
                    self._send(node.name, other.name, output.message, origin)
        elif isinstance(output, Request):
            if output.key not in node.asking:
                node.asking[output.key] = (output.peer, output.message, self.now_ns + RESEND_NS)
                self._question(node, output.key)
        elif isinstance(output, Tell):
            self._send(node.name, output.peer, output.message, Origin(node.name, ROLES[node.name]))
        elif isinstance(output, Forget):
            node.asking.pop(output.key, None)
        elif isinstance(output, Reply):
            receiver = output.token.route.decode()
            origin = Origin(node.name, ROLES[node.name], correlation_id=output.token.correlation_id)
            self._send(node.name, receiver, output.message, origin)
        elif isinstance(output, Effect):
            assert node.adapter is not None, f"{node.name} has no adapter for {output.call}"
            for result in node.adapter.perform(output.call):
                if node.core is None:
                    return
                self._carry_out(node, node.core.on_message(result, LOCAL, self.now_ns))

    def _question(self, node: Node, key: str) -> None:
        peer, message, _ = node.asking[key]
        origin = Origin(node.name, ROLES[node.name], Token("ask", node.name.encode(), key), correlation_id=key)
        self._send(node.name, peer, message, origin)

    # ------------------------------------------------------------------ running

    def _deliver(self) -> bool:
        ready = [link for link, queue in self.links.items() if queue]
        if not ready:
            return False
        link = self.random.choice(ready) if self.shuffle else ready[0]
        message, origin = self.links[link].popleft()
        receiver = link[1]
        if receiver == "cli":
            self.answers.setdefault(origin.correlation_id, []).append(message)
            return True
        node = self.nodes[receiver]
        if node.core is None:
            return True
        if origin.token is None and origin.correlation_id:
            if origin.correlation_id not in node.asking:
                return True
            del node.asking[origin.correlation_id]
        copied = decode_body(encode_body(message))
        self._carry_out(node, node.core.on_message(copied, origin, self.now_ns))
        return True

    def _next_time(self) -> int | None:
        times: list[int] = []
        for node in self.nodes.values():
            if node.core is None:
                times.append(node.up_at_ns)
                continue
            deadline = node.core.next_deadline_ns()
            if deadline is not None:
                times.append(deadline)
            times += [at for _, _, at in node.asking.values()]
        return min(times) if times else None

    def _tick(self) -> bool:
        at = self._next_time()
        if at is None:
            return False
        self.now_ns = max(self.now_ns, at)
        for node in list(self.nodes.values()):
            if node.core is None:
                if node.up_at_ns <= self.now_ns:
                    self._boot(node)
                continue
            for key, (peer, message, due) in list(node.asking.items()):
                if due <= self.now_ns:
                    node.asking[key] = (peer, message, self.now_ns + RESEND_NS)
                    self._question(node, key)
            deadline = node.core.next_deadline_ns()
            if deadline is not None and deadline <= self.now_ns:
                self._carry_out(node, node.core.on_deadline(self.now_ns))
        return True

    def run(self, until: Callable[[], bool], steps_max: int = 5_000_000) -> None:
        """Run until the condition holds; fails when nothing can happen any more or too much happened."""
        for _ in range(steps_max):
            if until():
                return
            if not self._deliver() and not self._tick():
                break
        assert until(), "the world stands still" + str(
            {n: node.core and node.core.next_deadline_ns() for n, node in self.nodes.items()}
        )
