"""The trading state: what a person wants, held down by causes that machines see and that clear themselves."""

from common.domain.reasons import Reason
from common.domain.values import TradingState
from common.messages.control import Fault, ServiceTrouble, StateRequest, TradingStateChanged
from common.messages.header import Role
from common.messages.kept import KeptState
from common.messages.outputs import Append, Log, Message, Origin, Output, Publish, Reply, Save
from common.messages.topics import STATE
from common.rules.boards import SUFFIXES
from services.risk_manager.locks import LOCKS, name_of

PEOPLE = frozenset({Role.OPERATOR, Role.WEB})
FEED_SILENT = "feed"
EVENTS_LATE = "events"
IN_DOUBT = "in_doubt"
BOOKS = "books"
SERVICE = "service_"
"""What the watchdog reports of a service, by name."""
FIRST_START = "first start"
SILENT = {suffix: f"{FEED_SILENT}_{suffix}" for suffix in SUFFIXES}
"""Cause by exchange: a live feed hears nothing of it."""
LASTING = frozenset({IN_DOUBT, BOOKS, *SILENT.values(), *(name_of(reason) for reason in LOCKS)})


class StateDesk:
    """ACTIVE, REDUCING or HALTED. What a person asked for is on disk, causes are found again."""

    def __init__(self, resume_at_start: bool) -> None:
        self.wanted = TradingState.ACTIVE if resume_at_start else TradingState.HALTED
        self.why = FIRST_START
        self.causes: dict[str, str] = {}
        self._known = False

    def restore(self, kept: dict[str, Message]) -> None:
        """Take back what was asked for last."""
        for record in kept.values():
            if isinstance(record, KeptState):
                self.wanted, self.why, self._known = record.wanted, record.why, True

    def on_start(self) -> list[Output]:
        """Keep the state of a first start; say the state."""
        first: list[Output] = [] if self._known else [self._save()]
        return [*first, Publish(STATE, self.said())]

    @property
    def state(self) -> TradingState:
        """Return the state in force."""
        return min(self.wanted, TradingState.REDUCING) if self.causes else self.wanted

    @property
    def paused(self) -> bool:
        """Tell whether a machine-made cause that will clear itself is there: in lockstep the player waits for that.

        A person ends doubt, later sessions or a person end locks: waiting for them would wait for ever. So would waiting
        for books to agree: the row that says so comes with the next push, which the gateway holds until they do. And
        the next push says whether an exchange is heard again: on the tape of a live day it must come.
        """
        return any(name not in LASTING for name in self.causes)

    def said(self) -> TradingStateChanged:
        """Return the state as it is told."""
        return TradingStateChanged(self.state, self.wanted, dict(self.causes), self.why)

    def _save(self) -> Output:
        return Save("state", KeptState(self.wanted, self.why))

    # ------------------------------------------------------------------ changes

    def on_request(self, request: StateRequest, origin: Origin) -> list[Output]:
        """Do what a person asks for; anybody's machine may only halt, and only the risk role does."""
        fault = self.fault_of(request, origin)
        if fault is not None:
            return _reply(origin, fault)
        self.wanted, self.why = request.state, request.why
        facts: dict[str, object] = {"wanted": request.state.name, "why": request.why, "by": origin.sender}
        return [
            self._save(),
            *self._say(),
            *_reply(origin, self.said()),
            Log("warning", "trading state asked for", facts),
        ]

    def fault_of(self, request: StateRequest, origin: Origin) -> Fault | None:
        """Return why a request is not served, None where it is."""
        halts = origin.role is Role.RISK and request.state is TradingState.HALTED
        if origin.role not in PEOPLE and not halts:
            return Fault(Reason.NOT_ALLOWED, "only an operator's key may change the trading state")
        if not request.why.strip():
            return Fault(Reason.NOT_ALLOWED, "say why: a change of the trading state needs a reason")
        return None

    def on_trouble(self, trouble: ServiceTrouble, origin: Origin) -> list[Output]:
        """Take over what the watchdog says, all of it: what it does not name any more is over."""
        if origin.role is not Role.WATCHDOG:
            return _reply(origin, Fault(Reason.NOT_ALLOWED, "only the watchdog's key may report services"))
        told = {f"{SERVICE}{name}": text for name, text in trouble.causes.items()}
        over = {name: "" for name in self.causes if name.startswith(SERVICE) and name not in told}
        outputs: list[Output] = []
        for name, text in {**over, **told}.items():
            outputs += self.cause(name, text)
        return [*outputs, *_reply(origin, self.said())]

    def cause(self, name: str, text: str) -> list[Output]:
        """Set a machine-made cause, or clear it with an empty text."""
        if self.causes.get(name, "") == text:
            return []
        if text:
            self.causes[name] = text
        else:
            del self.causes[name]
        facts: dict[str, object] = {"cause": name, "text": text, "state": self.state.name}
        return [*self._say(), Log("warning" if text else "info", "trading state cause", facts)]

    def _say(self) -> list[Output]:
        """Say a change; every one stays in the journal of risk, for whoever asks later what held trading down."""
        said = self.said()
        return [Append(said), Publish(STATE, said)]


def _reply(origin: Origin, message: Message) -> list[Output]:
    return [Reply(origin.token, message)] if origin.token is not None else []
