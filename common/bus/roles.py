"""Which role may say what to whom: one readable table, checked for every single message."""

import msgspec

from common.messages.codec import kind_of
from common.messages.control import KillRequest, StateRequest
from common.messages.header import Role

_OPERATORS = frozenset({Role.OPERATOR, Role.WEB})
_ALL = frozenset(Role) - {Role.STRANGER}
_READERS = frozenset({Role.RISK, Role.OPERATOR, Role.WEB, Role.READ_ONLY})
_PLAYED = frozenset({Role.SIGNAL, Role.RISK, Role.GATEWAY})

VERBS: dict[tuple[str, str], dict[str, frozenset[Role]]] = {
    ("market_data", "ask"): {
        "FeedStateRequest": _ALL - {Role.WATCHDOG},
        "PushAck": _PLAYED,
        "RecordHandOrder": frozenset({Role.RISK}),
    },
    ("market_data", "control"): {"HoldRequest": _OPERATORS},
    ("screener", "ask"): {
        "PoolRequest": _OPERATORS | {Role.SIGNAL},
        "ExplainRequest": _OPERATORS | {Role.READ_ONLY},
    },
    ("signal_engine", "ask"): {
        "ExplainRequest": _OPERATORS | {Role.READ_ONLY},
        "SignalsRequest": _OPERATORS | {Role.READ_ONLY},
    },
    ("risk_manager", "ask"): {
        "SignalBatch": frozenset({Role.SIGNAL}),
        "OpenRequest": frozenset({Role.GATEWAY}),
        "CloseRequest": frozenset({Role.GATEWAY}),
        "CancelExitRequest": _OPERATORS,
        "ServiceTrouble": frozenset({Role.WATCHDOG}),
        "VerdictsRequest": _OPERATORS | {Role.READ_ONLY},
    },
    ("risk_manager", "control"): {"StateRequest": _OPERATORS},
    ("order_gateway", "ask"): {
        "SubmitOrder": frozenset({Role.RISK}),
        "CancelOrder": frozenset({Role.RISK}),
        "OpenRequest": _OPERATORS,
        "CloseRequest": _OPERATORS,
        "CancelRequest": _OPERATORS,
        "ResolveRequest": frozenset({Role.OPERATOR}),
        "PositionsRequest": _READERS,
        "AccountRequest": _READERS,
        "OrdersRequest": _READERS,
        "FillsRequest": _READERS,
        "EventsRequest": _READERS | {Role.SIGNAL},
    },
    ("order_gateway", "control"): {
        "KillRequest": _OPERATORS | {Role.RISK},
        "LimitRequest": frozenset({Role.OPERATOR}),
        "ArmRequest": frozenset({Role.OPERATOR}),
        "SafeguardsRequest": _READERS,
    },
    ("backtest_queue", "ask"): {
        "SubmitJobs": _OPERATORS,
        "CancelJobs": _OPERATORS,
        "JobsRequest": _OPERATORS | {Role.READ_ONLY},
        "ResultRequest": _OPERATORS | {Role.READ_ONLY},
        "WorkRequest": frozenset({Role.WORKER}),
        "JobDone": frozenset({Role.WORKER}),
    },
}
"""(service, link) to kind of message to the roles that may send it. What is not here nobody may send."""
NARROWER: dict[str, frozenset[Role]] = dict.fromkeys(
    ("StateRequest:REDUCING", "StateRequest:ACTIVE", "KillRequest:OFF"), frozenset({Role.OPERATOR})
)
"""Verb (kind of message and what it asks for) to the roles that may: the board stops trading, an operator goes on."""
HEARERS: dict[str, frozenset[Role]] = {
    "market_data": _ALL,
    "screener": _READERS | {Role.SCREENER, Role.SIGNAL, Role.WATCHDOG},
    "signal_engine": _READERS | {Role.SIGNAL, Role.WATCHDOG},
    "risk_manager": _READERS | {Role.SIGNAL, Role.GATEWAY, Role.WATCHDOG},
    "order_gateway": _READERS | {Role.SIGNAL, Role.GATEWAY, Role.WATCHDOG},
    "watchdog": _READERS,
    "backtest_queue": _OPERATORS | {Role.READ_ONLY, Role.WORKER, Role.WATCHDOG},
}
"""Publisher to the roles that may listen. Quotes are for everybody; who holds no book reads none but their own."""
STATUS = "StatusRequest"
"""Every known key may ask any service on any link how it is."""


def roles_at(service: str, link: str) -> frozenset[Role]:
    """Return the roles that may come in by a door at all; what they may say there is checked message by message."""
    return HEARERS[service] if link == "pub" else _ALL


def may_say(service: str, link: str, kind: str, role: Role) -> bool:
    """Tell whether a role may send this verb (a kind of message, see `verb_of`) to this socket."""
    if kind == STATUS:
        return role in _ALL
    allowed = VERBS.get((service, link), {}).get(kind.partition(":")[0], frozenset())
    return role in allowed and role in NARROWER.get(kind, allowed)


def verb_of(message: msgspec.Struct) -> str:
    """Return what a message asks for, as the tables name it."""
    match message:
        case StateRequest(state=state):
            return f"StateRequest:{state.name}"
        case KillRequest(on=on):
            return f"KillRequest:{'ON' if on else 'OFF'}"
    return kind_of(message)
