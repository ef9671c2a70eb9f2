"""Wrong versions of what holds processes together, on purpose: each passes undisturbed, and a layer must catch it.

Each bug replaces one function. It is planted in this process for the world of one thread, or in the process of every
service (`zygote.py`) for the layers on real processes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from common.bus import subscriber
from common.bus.links import Links
from common.bus.requester import Requester
from common.messages.codec import decode
from common.messages.event_feed import EventReader
from common.messages.feed import FeedReader
from common.messages.outputs import Append, Drop, Message, Output, Save
from common.runtime import service, world
from common.runtime.config import Config
from common.runtime.crash import Moment
from common.runtime.lock import CopyLock
from common.runtime.service import Shell
from services.market_data.core import PlayerCore
from services.order_gateway import __main__ as gateway
from services.order_gateway.books import Books
from services.order_gateway.broker_desk import BrokerDesk
from services.order_gateway.orders import OrderDesk
from services.order_gateway.settings import Settings
from services.risk_manager.outbox import Outbox as RiskOutbox
from services.risk_manager.verdicts import VerdictBook
from services.signal_engine.outbox import Outbox as SignalOutbox

Patch = tuple[Any, str, Any]
ORDERS_PER_DAY = 4
"""A daily limit at which the mini market's second day hits it."""


class Bug(NamedTuple):
    """A wrong version of something."""

    text: str
    layer: str
    """points: deaths at named points, in one thread. bits: single flipped bits. frames, wire, two: rounds on real processes."""
    at: str
    """Where the gate looks for it: a plan of deaths, or kind and percent of a frame round."""
    patches: Callable[[], list[Patch]]

    def plant(self) -> None:
        """Make this process wrong for good."""
        for owner, name, wrong in self.patches():
            setattr(owner, name, wrong)


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Make this process wrong for a while."""
    patches = bug.patches()
    right = [(owner, name, owner.__dict__[name]) for owner, name, _ in patches]
    bug.plant()
    try:
        yield
    finally:
        for owner, name, value in right:
            setattr(owner, name, value)


# ------------------------------------------------------------------ hosts


def _writes(output: Output) -> bool:
    return isinstance(output, Append | Save | Drop)


def _commits_in_parts(first: Callable[[Output], bool]) -> list[Patch]:
    """Two transactions where there has to be one."""

    def carry_out(self: world.World, node: world.Node, outputs: list[Output], message: Message | None = None) -> None:
        early = [output for output in outputs if _writes(output) and first(output)]
        late = [output for output in outputs if output not in early]
        right(self, node, early, message)
        if node.core is not None:
            right(self, node, late, message)

    right = world.World._carry_out
    return [(world.World, "_carry_out", carry_out)]


def _says_first() -> list[Patch]:
    """Everything but effects goes out before the commit."""

    def carry_out(self: world.World, node: world.Node, outputs: list[Output], message: Message | None = None) -> None:
        effects = [output for output in outputs if type(output).__name__ == "Effect"]
        for output in outputs:
            if output not in effects:
                self._one(node, output)
        if self._dead(node, Moment.DECIDED, message, outputs) or not self._commit(node, outputs):
            return
        for output in effects:
            if node.core is not None:
                self._one(node, output)

    return [(world.World, "_carry_out", carry_out)]


def _is_cursor(output: Output) -> bool:
    return isinstance(output, Save) and output.key == "cursor"


def _is_memory(output: Output) -> bool:
    return isinstance(output, Save) and output.key.startswith("memory|")


# ------------------------------------------------------------------ restarts


def _nothing(*_: Any) -> list[Any]:
    return []


def _forgets_position(self: PlayerCore, rows: list[Message], kept: dict[str, Message]) -> None:
    _RESTORE_PLAYER(self, rows, {key: record for key, record in kept.items() if key != "position"})


_RESTORE_PLAYER = PlayerCore.restore


def _deals_from_one() -> list[Patch]:
    right = BrokerDesk.__dict__["_resting"]
    return [(BrokerDesk, "_resting", lambda self, order: right(self, order)._replace(deals=0))]


def _sends_nothing_again() -> list[Patch]:
    right = BrokerDesk.restore

    def restore(self: BrokerDesk) -> list[Output]:
        outputs = right(self)
        self._pending = []
        return outputs

    return [(BrokerDesk, "restore", restore)]


def _day_counts_from_zero() -> list[Patch]:
    """With a daily limit that binds, or the count would harm nobody."""
    right, settings = Books.restore, gateway.settings_of

    def restore(self: Books, rows: list[Message]) -> None:
        right(self, rows)
        self.counters.orders_day = self.counters.cancels_day = 0

    def tight(config: Config) -> Settings:
        return settings(config)._replace(orders_per_day=ORDERS_PER_DAY)

    return [(Books, "restore", restore), (gateway, "settings_of", tight)]


# ------------------------------------------------------------------ links


def _takes_gaps() -> list[Patch]:
    """The reader of events asks once at its start and never again."""
    return [(EventReader, "_repair", _nothing)]


def _never_asks_feed() -> list[Patch]:
    right = FeedReader._ask

    def ask(self: FeedReader) -> list[Output]:
        return right(self) if self.repairs == 0 else []

    return [(FeedReader, "_ask", ask)]


def _asks_once() -> list[Patch]:
    right = Requester.resend

    def resend(self: Requester) -> None:
        if self._full_ns:  # nobody was there to hear it: that much is still repeated
            right(self)

    return [(Requester, "resend", resend)]


def _checks_nothing() -> list[Patch]:
    class Anything(bytes):
        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = bytes.__hash__

    return [(subscriber, "checksum", lambda *_: Anything())]


def _remembers_first() -> list[Patch]:
    right = subscriber.Subscriber._take

    def take(self: subscriber.Subscriber, frames: list[bytes]) -> subscriber.Heard:
        envelope, _ = decode(frames[1], frames[2])
        self._count(envelope, frames[0].decode(errors="replace"))
        return right(self, frames)

    return [(subscriber.Subscriber, "_take", take)]


def _stays_dead() -> list[Patch]:
    return [(Links, "reconnect", _nothing), (Requester, "_mend", _nothing)]


def _double_once(self: OrderDesk, order: object) -> None:
    return None


# ------------------------------------------------------------------ loops


SPIN_AFTER_STEPS, SPIN_S = 120, 1.0


def _spins() -> list[Patch]:
    steps = 0
    step = Shell.step

    def spinning(self: Shell, wait_ms: int = service.POLL_MS_MAX) -> None:
        nonlocal steps
        steps += 1
        if steps == SPIN_AFTER_STEPS:
            end = time.monotonic() + SPIN_S
            while time.monotonic() < end:
                pass
        step(self, wait_ms)

    return [(Shell, "step", spinning)]


def _one(owner: Any, name: str, wrong: Any) -> Callable[[], list[Patch]]:
    return lambda: [(owner, name, wrong)]


BUGS: dict[str, Bug] = {
    "cursor first": Bug("the cursor is committed before the decisions it covers", "points", "s1:1", lambda: _commits_in_parts(_is_cursor)),
    "memory apart": Bug("what a rule remembers is committed before the decisions it comes from", "points", "s1:4", lambda: _commits_in_parts(_is_memory)),
    "ack before commit": Bug("answers and orders go out before the commit", "points", "g2:1", _says_first),
    "decisions not sent again": Bug("a restarted signal engine does not send what was not answered", "points", "s2:1", _one(SignalOutbox, "resend", _nothing)),
    "orders not sent again": Bug("a restarted risk manager does not ask again about its orders", "points", "r3:1", _one(RiskOutbox, "on_start", _nothing)),
    "verdicts not kept": Bug("a restarted risk manager has forgotten what it answered", "points", "r3:4", _one(VerdictBook, "restore", _nothing)),
    "no resend to the broker": Bug("an order on disk that was not sent stays there", "points", "g3:1", _sends_nothing_again),
    "deal numbers from one": Bug("deals of an order are counted anew after a restart", "points", "g9:10", _deals_from_one),
    "queue places not kept": Bug("resting orders lose their place in the queue at a restart", "points", "g9:4", _one(BrokerDesk, "restore_places", _nothing)),
    "day counts from zero": Bug("the counter of the daily limit is reset by a restart", "points", "g7:1", _day_counts_from_zero),
    "player starts anew": Bug("a restarted player has forgotten where it was", "points", "m2:4", _one(PlayerCore, "restore", _forgets_position)),
    "known orders not known": Bug("the gateway takes an order twice", "points", "r6:1", _one(OrderDesk, "known", _double_once)),
    "no replay after a gap": Bug("a lost journal row is not asked for", "frames", "drop 5", _takes_gaps),
    "no repair of the feed": Bug("a lost part of a push is asked for only once", "frames", "drop 5", _never_asks_feed),
    "asks once": Bug("a question that has gone out is not repeated", "frames", "drop 5", _asks_once),
    "no checksum": Bug("damaged quotes are believed", "bits", "", _checks_nothing),
    "numbered before checked": Bug("the number of a damaged message counts as heard", "bits", "", _remembers_first),
    "no lock": Bug("a second copy does not wait", "two", "", _one(CopyLock, "take", lambda self: True)),
    "dead links stay dead": Bug("a link that libzmq has given up is not made anew", "wire", "wire 20", _stays_dead),
}  # fmt: skip
PLANTS: dict[str, Bug] = {
    **BUGS,
    # No bug: a loop that comes back in time harms nobody, which `pauses.py` proves.
    "spins": Bug("the loop spins for a second", "", "", _spins),
}
