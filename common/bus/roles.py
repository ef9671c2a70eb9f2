"""Which role may say what to whom: one readable table, checked for every single message."""

from common.messages.header import Role

_OPERATORS = frozenset({Role.OPERATOR, Role.WEB})
_ALL = frozenset(Role) - {Role.STRANGER}
_READERS = frozenset({Role.RISK, Role.OPERATOR, Role.WEB, Role.READ_ONLY})
_PLAYED = frozenset({Role.SIGNAL, Role.RISK, Role.GATEWAY})

VERBS: dict[tuple[str, str], dict[str, frozenset[Role]]] = {
    ("market_data", "ask"): {
        "FeedStateRequest": _ALL,
        "PushAck": _PLAYED,
        "RecordHandOrder": frozenset({Role.RISK}),
    },
    ("market_data", "control"): {"HoldRequest": _OPERATORS},
    ("screener", "ask"): {
        "PoolRequest": _OPERATORS | {Role.SIGNAL, Role.READ_ONLY},
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
        "VerdictsRequest": _OPERATORS | {Role.READ_ONLY},
    },
    ("risk_manager", "control"): {"StateRequest": _OPERATORS},
    ("order_gateway", "ask"): {
        "SubmitOrder": frozenset({Role.RISK}),
        "CancelOrder": frozenset({Role.RISK}),
        "OpenRequest": _OPERATORS,
        "CloseRequest": _OPERATORS,
        "CancelRequest": _OPERATORS,
        "PositionsRequest": _READERS,
        "AccountRequest": _READERS,
        "OrdersRequest": _READERS,
        "FillsRequest": _READERS,
        "EventsRequest": _READERS | {Role.SIGNAL},
    },
}
"""(service, link) to kind of message to the roles that may send it. What is not here nobody may send."""
STATUS = "StatusRequest"
"""Every known key may ask any service on any link how it is."""


def may_say(service: str, link: str, kind: str, role: Role) -> bool:
    """Tell whether a role may send this kind of message to this socket."""
    if kind == STATUS:
        return role in _ALL
    return role in VERBS.get((service, link), {}).get(kind, frozenset())
