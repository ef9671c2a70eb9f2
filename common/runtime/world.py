"""A world in one thread: the real cores and their adapters, a virtual clock, messages in the order they were sent.

What one core says to another is delivered once and in order; a core's own writes are done before anything of them is
said, as in the shell (`service.py`). The simulation (tests/simulation) lays loss, other orders and crashes over it.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from common.domain.errors import InvariantError
from common.messages.header import Role
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
from common.runtime.crash import Moment

START_NS = 1_800_000_000_000_000_000
RESEND_NS = 150_000_000
"""Virtual time after which a question without an answer is asked again."""
ASKER = "cli"
ROLES = {
    "market_data": Role.MARKET_DATA,
    "screener": Role.SCREENER,
    "signal_engine": Role.SIGNAL,
    "risk_manager": Role.RISK,
    "order_gateway": Role.GATEWAY,
    ASKER: Role.OPERATOR,
}


class Keeper(Protocol):
    """What keeps the writes of a core."""

    def commit(self, outputs: Sequence[Output]) -> object:
        """Take every Append, Save and Drop of one call; what comes back is not looked at."""

    def load(self) -> tuple[list[Message], dict[str, Message]]:
        """Give back rows and records, for a start."""


class NoDisk:
    """Keeps nothing: a world that nobody kills needs no disk."""

    def commit(self, outputs: Sequence[Output]) -> None:
        """Let the writes go."""

    def load(self) -> tuple[list[Message], dict[str, Message]]:
        """Give back nothing."""
        return [], {}


class Node:
    """A service: its core, its disk, its adapter, the questions it is asking."""

    def __init__(
        self,
        name: str,
        make: Callable[[], tuple[Core, Adapter | None]],
        subscriptions: Mapping[str, Sequence[str]],
        disk: Keeper,
    ) -> None:
        self.name, self.make, self.subscriptions, self.disk = name, make, subscriptions, disk
        self.core: Core | None = None
        self.adapter: Adapter | None = None
        self.asking: dict[str, tuple[str, Message, int]] = {}
        self.up_at_ns = 0
        """When a node that is down comes back."""


class Parcel(NamedTuple):
    """A message on its way."""

    sender: str
    receiver: str
    message: Message
    origin: Origin


class World:
    """Nodes and what they say to each other."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.now_ns = START_NS
        self.answers: dict[str, list[Message]] = {}
        self.on_publish: Callable[[str, Message], None] | None = None
        """Told of the topic and message of everything that is published, before anybody hears it."""
        self.on_log: Callable[[str, Log], None] | None = None
        """Told of the service and the line."""
        self.on_moment: Callable[[Node, Moment, Message | None, Sequence[Output]], None] | None = None
        """Told of each moment of a call (`crash.py`); may crash the node."""
        self._queue: deque[Parcel] = deque()
        self._listeners: dict[tuple[str, str], list[Node]] = {}

    def add(self, node: Node) -> None:
        """Add a service; it starts with `start`."""
        self.nodes[node.name] = node
        self._listeners.clear()

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

    def ask(self, service: str, message: Message, key: str) -> None:
        """Ask as the operator; the answer lands in `answers[key]`."""
        origin = Origin(ASKER, Role.OPERATOR, Token("ask", ASKER.encode(), key), correlation_id=key)
        self._post(Parcel(ASKER, service, message, origin))

    # ------------------------------------------------------------------ carrying out

    def _commit(self, node: Node, outputs: Sequence[Output]) -> bool:
        """Keep the writes of one call; False when the node died over it and says nothing of it."""
        node.disk.commit(outputs)
        return True

    def _dead(self, node: Node, moment: Moment, message: Message | None, outputs: Sequence[Output] = ()) -> bool:
        """Tell of a moment, and whether the node has died at it."""
        if self.on_moment is not None:
            self.on_moment(node, moment, message, outputs)
        return node.core is None

    def _handle(self, node: Node, message: Message, origin: Origin) -> None:
        if not self._dead(node, Moment.READ, message) and node.core is not None:
            self._carry_out(node, node.core.on_message(message, origin, self.now_ns), message)

    def _carry_out(self, node: Node, outputs: Sequence[Output], message: Message | None = None) -> None:
        if not outputs or self._dead(node, Moment.DECIDED, message, outputs) or not self._commit(node, outputs):
            return
        if self._dead(node, Moment.COMMITTED, message, outputs):
            return
        for output in outputs:
            if self._dead(node, Moment.CARRYING, message, (output,)):
                return
            self._one(node, output)
            if node.core is None:
                return
        self._dead(node, Moment.SENT, message, outputs)

    def _one(self, node: Node, output: Output) -> None:
        match output:
            case Append() | Save() | Drop():
                pass  # committed already
            case Publish(topic, message):
                self._publish(node, topic, message)
            case Request(peer, key, message):
                if key not in node.asking:
                    node.asking[key] = (peer, message, self.now_ns + RESEND_NS)
                    self._question(node, key)
            case Tell(peer, message):
                self._post(Parcel(node.name, peer, message, Origin(node.name, ROLES[node.name])))
            case Forget(key):
                node.asking.pop(key, None)
            case Reply(token, message):
                origin = Origin(node.name, ROLES[node.name], correlation_id=token.correlation_id)
                self._post(Parcel(node.name, token.route.decode(), message, origin))
            case Effect(call):
                self._perform(node, call)
            case Log():
                if self.on_log is not None:
                    self.on_log(node.name, output)

    def _publish(self, node: Node, topic: str, message: Message) -> None:
        if self.on_publish is not None:
            self.on_publish(topic, message)
        place = (node.name, topic)
        if place not in self._listeners:
            self._listeners[place] = [
                other
                for other in self.nodes.values()
                if any(topic.startswith(wanted) for wanted in other.subscriptions.get(node.name, ()))
            ]
        origin = Origin(node.name, ROLES[node.name], topic=topic)
        for other in self._listeners[place]:
            if other.core is not None:
                self._post(Parcel(node.name, other.name, message, origin))

    def _perform(self, node: Node, call: Message) -> None:
        if node.adapter is None:
            raise InvariantError(f"{node.name} has no adapter for {type(call).__name__}")
        results = node.adapter.perform(call)
        if self._dead(node, Moment.PERFORMED, None, (Effect(call),)):
            return
        for result in results:
            if node.core is None:
                return
            self._handle(node, result, LOCAL)

    def _question(self, node: Node, key: str) -> None:
        peer, message, _ = node.asking[key]
        origin = Origin(node.name, ROLES[node.name], Token("ask", node.name.encode(), key), correlation_id=key)
        self._post(Parcel(node.name, peer, message, origin))

    # ------------------------------------------------------------------ the way between

    def _post(self, parcel: Parcel) -> None:
        self._queue.append(parcel)

    def _take(self) -> Parcel | None:
        return self._queue.popleft() if self._queue else None

    def deliver(self) -> bool:
        """Deliver one message; False when none is on its way."""
        parcel = self._take()
        if parcel is None:
            return False
        _, receiver, message, origin = parcel
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
        self._handle(node, message, origin)
        return True

    # ------------------------------------------------------------------ time

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
        return min(times, default=None)

    def tick(self) -> bool:
        """Move the clock to what is due next and do it; False when nothing ever is."""
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
