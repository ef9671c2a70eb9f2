"""What a core gives back, and the protocol every core follows. The shell carries outputs out in order."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from common.messages.header import Role, Trace

Message: TypeAlias = msgspec.Struct


class Token(NamedTuple):
    """Whom to answer: made by the shell, opaque to a core. Lost on restart; the asker asks again."""

    link: str
    route: bytes
    correlation_id: str


class Origin(NamedTuple):
    """Where a message came from."""

    sender: str
    role: Role = Role.STRANGER
    token: Token | None = None
    """Set when an answer is awaited."""
    topic: str = ""
    seq: int = 0
    correlation_id: str = ""
    cause_id: str = ""
    trace: Trace = Trace()


LOCAL = Origin("local", Role.STRANGER)


class Append(NamedTuple):
    """Add a row to the journal. All Append/Save/Drop of one call are committed in one transaction before the rest."""

    record: Message
    unique: str = ""
    """Not empty: at most one row may carry it (a second is a broken invariant)."""


class Save(NamedTuple):
    """Keep a record under a key, replacing what was there."""

    key: str
    record: Message


class Drop(NamedTuple):
    """Forget the record under a key."""

    key: str


class Publish(NamedTuple):
    """Say a fact to whoever listens."""

    topic: str
    message: Message
    cause_id: str = ""
    trace: Trace = Trace()


class Request(NamedTuple):
    """Ask a peer, and go on asking until it answers. The answer comes to `on_message` with `correlation_id` = key.

    A request with a key that is being asked already is not started twice.
    """

    peer: str
    """Name of the service, e.g. order_gateway; its `ask` socket."""
    key: str
    message: Message
    cause_id: str = ""
    trace: Trace = Trace()


class Tell(NamedTuple):
    """Send to a peer once, with no answer awaited and no resend (acknowledgements)."""

    peer: str
    message: Message


class Forget(NamedTuple):
    """Stop asking."""

    key: str


class Reply(NamedTuple):
    """Answer a question."""

    token: Token
    message: Message
    trace: Trace = Trace()


class Effect(NamedTuple):
    """Something only the adapter can do (submit to the broker, match a push). Its results come back as messages."""

    call: Message


class Log(NamedTuple):
    """A line for the log: a fixed lower-case phrase plus facts."""

    level: str
    """debug, info, warning or error."""
    event: str
    facts: dict[str, object]


Output: TypeAlias = Append | Save | Drop | Publish | Request | Tell | Forget | Reply | Effect | Log


class Core(Protocol):
    """A deterministic state machine: no sockets, clocks, files or vendor modules inside."""

    def restore(self, rows: Sequence[Message], kept: dict[str, Message]) -> None:
        """Take back what was journalled (`Append`, oldest first) and kept (`Save`), before anything else."""

    def on_start(self, now_ns: int) -> Sequence[Output]:
        """Begin: ask for what is missing, resend what was not acknowledged. Start is recovery."""

    def on_message(self, message: Message, origin: Origin, now_ns: int) -> Sequence[Output]:
        """Handle one message."""

    def on_deadline(self, now_ns: int) -> Sequence[Output]:
        """Do what is due."""

    def next_deadline_ns(self) -> int | None:
        """Return when `on_deadline` wants to be called; the shell sleeps until then."""


class Adapter(Protocol):
    """What carries out the effects of a core. `poll`, where there is one, hands over what the vendor pushed."""

    def perform(self, call: Message) -> Sequence[Message]:
        """Do it; what comes of it goes back to the core."""
