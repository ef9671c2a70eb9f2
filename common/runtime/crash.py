"""Named places at which a process can be made to die, for fault tests: a table of who, when and over what.

The cores know nothing of it. A host (`service.py`, `world.py`) tells of each moment of a call; a plan made from the
environment decides. A new point is a line in `POINTS`.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple, TypeAlias

from common.messages.outputs import Append, Drop, Effect, Message, Output, Publish, Request, Save

PLAN_VARIABLE = "PANKOU_CRASH"
"""POINT:HIT[,POINT:HIT ...], e.g. g2:1,r7:4: die the first time at g2, after that the fourth time at r7."""
FIRED_VARIABLE = "PANKOU_CRASHED"
"""File in which each death is noted before it happens; without it a process dies at its point in every life."""
EXIT_CRASHED = 137


class Moment(Enum):
    """Where a host is in one call of a core."""

    READ = "a message is read, the core has not seen it"
    DECIDED = "the core has answered, nothing is on disk"
    COMMITTED = "the writes are on disk, nothing is said"
    CARRYING = "one output is about to be carried out"
    PERFORMED = "the adapter has done an effect, the core has not seen what came of it"
    SENT = "everything is carried out"


When: TypeAlias = Callable[[Message | None, Sequence[Output]], bool]


class CrashPoint(NamedTuple):
    """A place to die."""

    service: str
    """Empty: any service."""
    moment: Moment
    when: When


def _kind(message: object) -> str:
    return type(message).__name__


def _hears(kind: str) -> When:
    return lambda message, _outputs: _kind(message) == kind


def _saves(kind: str) -> When:
    return lambda _message, outputs: any(isinstance(each, Save) and _kind(each.record) == kind for each in outputs)


def _drops(prefix: str) -> When:
    return lambda _message, outputs: any(isinstance(each, Drop) and each.key.startswith(prefix) for each in outputs)


def _journals(*events: str) -> When:
    def when(_message: Message | None, outputs: Sequence[Output]) -> bool:
        rows = (each.record for each in outputs if isinstance(each, Append))
        return any(_kind(getattr(row, "event", row)) in events for row in rows)

    return when


def _asks(peer: str, kind: str) -> When:
    def when(_message: Message | None, outputs: Sequence[Output]) -> bool:
        return any(isinstance(each, Request) and each.peer == peer and _kind(each.message) == kind for each in outputs)

    return when


def _does(call: str) -> When:
    return lambda _message, outputs: any(isinstance(each, Effect) and _kind(each.call) == call for each in outputs)


def _says(kind: str) -> When:
    return lambda _message, outputs: any(isinstance(each, Publish) and _kind(each.message) == kind for each in outputs)


def _writes(_message: Message | None, outputs: Sequence[Output]) -> bool:
    return any(isinstance(each, Append | Save | Drop) for each in outputs)


def _anything(_message: Message | None, outputs: Sequence[Output]) -> bool:
    return bool(outputs)


_S, _R, _G, _M = "signal_engine", "risk_manager", "order_gateway", "market_data"
POINTS: dict[str, CrashPoint] = {
    # the signal engine: decisions of a push
    "s1": CrashPoint(_S, Moment.DECIDED, _saves("SignalBatch")),
    "s2": CrashPoint(_S, Moment.COMMITTED, _saves("SignalBatch")),
    "s3": CrashPoint(_S, Moment.SENT, _saves("SignalBatch")),
    "s4": CrashPoint(_S, Moment.READ, _hears("SignalVerdicts")),
    # the risk manager: orders made of decisions, then events of the gateway
    "r1": CrashPoint(_R, Moment.READ, _hears("SignalBatch")),
    "r2": CrashPoint(_R, Moment.DECIDED, _saves("KeptOrder")),
    "r3": CrashPoint(_R, Moment.COMMITTED, _saves("KeptOrder")),
    "r4": CrashPoint(_R, Moment.CARRYING, _asks(_G, "SubmitOrder")),
    "r5": CrashPoint(_R, Moment.SENT, _asks(_G, "SubmitOrder")),
    "r6": CrashPoint(_R, Moment.READ, _hears("Journalled")),
    "r7": CrashPoint(_R, Moment.DECIDED, _drops("order/")),
    "r8": CrashPoint(_R, Moment.COMMITTED, _drops("order/")),
    # the gateway: an order, the broker's answer, a deal, a cancel
    "g1": CrashPoint(_G, Moment.READ, _hears("SubmitOrder")),
    "g2": CrashPoint(_G, Moment.DECIDED, _journals("OrderSubmitted")),
    "g3": CrashPoint(_G, Moment.COMMITTED, _journals("OrderSubmitted")),
    "g4": CrashPoint(_G, Moment.CARRYING, _does("Submit")),
    "g5": CrashPoint(_G, Moment.PERFORMED, _does("Submit")),
    "g6": CrashPoint(_G, Moment.DECIDED, _journals("OrderAccepted", "OrderRejected")),
    "g7": CrashPoint(_G, Moment.COMMITTED, _journals("OrderAccepted", "OrderRejected")),
    "g8": CrashPoint(_G, Moment.DECIDED, _journals("OrderFilled")),
    "g9": CrashPoint(_G, Moment.COMMITTED, _journals("OrderFilled")),
    # a counter has been proved not to have an order: it is sent again
    "g10": CrashPoint(_G, Moment.DECIDED, _journals("OrderSentAgain")),
    "g11": CrashPoint(_G, Moment.COMMITTED, _journals("OrderSentAgain")),
    "g12": CrashPoint(_G, Moment.CARRYING, _does("Cancel")),
    "g13": CrashPoint(_G, Moment.PERFORMED, _does("Cancel")),
    # market data: a push
    "m1": CrashPoint(_M, Moment.CARRYING, _says("PushEnd")),
    "m2": CrashPoint(_M, Moment.SENT, _says("PushEnd")),
    # any service, any call
    "received": CrashPoint("", Moment.DECIDED, _anything),
    "committed": CrashPoint("", Moment.COMMITTED, _writes),
    "sent": CrashPoint("", Moment.SENT, _writes),
}
HERE = ("c1", "c2")
"""Points that a program names where they are: `pass_point`."""


class Planned(NamedTuple):
    """A death to come."""

    point: str
    hit: int


def parse_plan(text: str) -> tuple[Planned, ...]:
    """Read a plan; raises ValueError at a point nobody knows."""
    plan = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, hit = entry.partition(":")
        if name not in POINTS and name not in HERE:
            raise ValueError(f"{PLAN_VARIABLE}: no crash point {name}; there are {', '.join((*POINTS, *HERE))}")
        plan.append(Planned(name, int(hit or 1)))
    return tuple(plan)


class CrashPlan:
    """Deaths to die one after another; hits are counted from the moment the death before has happened."""

    def __init__(self, plan: Sequence[Planned], fired: Path | None = None) -> None:
        self._plan, self._file = tuple(plan), fired
        self.fired: list[str] = []
        """Points that fired in this process."""
        self._hits: dict[int, int] = {}

    def _next(self) -> int:
        """Return the place in the plan of the next death."""
        if self._file is None:
            return len(self.fired)
        try:
            return len(self._file.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return 0

    def dies(self, service: str, moment: Moment, message: Message | None, outputs: Sequence[Output]) -> bool:
        """Tell whether this is the moment to die, and note it."""
        for name in {planned.point for planned in self._plan if planned.point in POINTS}:
            point = POINTS[name]
            if point.moment is not moment or point.service not in ("", service) or not point.when(message, outputs):
                continue
            if self.passes(name):
                return True
        return False

    def passes(self, name: str) -> bool:
        """Count a pass of a point; True when it is the one to die at."""
        at = self._next()
        if at >= len(self._plan) or self._plan[at].point != name:
            return False
        self._hits[at] = self._hits.get(at, 0) + 1
        if self._hits[at] < self._plan[at].hit:
            return False
        self.fired.append(name)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{name}:{self._plan[at].hit}\n")
        return True


def planned(environ: Mapping[str, str] = os.environ) -> CrashPlan | None:
    """Return what the environment plans; None outside of fault tests."""
    text = environ.get(PLAN_VARIABLE, "")
    if not text:
        return None
    file = environ.get(FIRED_VARIABLE, "")
    return CrashPlan(parse_plan(text), Path(file) if file else None)


def pass_point(name: str) -> None:
    """Die here where the environment says so (for programs without a host)."""
    plan = planned()
    if plan is not None and plan.passes(name):
        os._exit(EXIT_CRASHED)
