"""Which role may say what to whom: one readable table, checked for every single message."""

from common.messages.header import Role as R

_OPERATORS = frozenset({R.OPERATOR, R.WEB})
_ALL = frozenset(R) - {R.STRANGER}
_READERS = frozenset({R.RISK, R.OPERATOR, R.WEB, R.READ_ONLY})
_PLAYED = frozenset({R.SIGNAL, R.RISK, R.GATEWAY})

VERBS: dict[tuple[str, str], dict[str, frozenset[R]]] = {
    ("market_data", "ask"): {
        "FeedStateRequest": _ALL,
        "PushAck": _PLAYED,
        "RecordHandOrder": frozenset({R.RISK}),
    },
    ("market_data", "control"): {"HoldRequest": _OPERATORS},
    ("screener", "ask"): {
        "PoolRequest": _OPERATORS | {R.SIGNAL, R.READ_ONLY},
        "ExplainRequest": _OPERATORS | {R.READ_ONLY},
    },
    ("signal_engine", "ask"): {
        "ExplainRequest": _OPERATORS | {R.READ_ONLY},
        "SignalsRequest": _OPERATORS | {R.READ_ONLY},
    },
    ("risk_manager", "ask"): {
        "SignalBatch": frozenset({R.SIGNAL}),
        "OpenRequest": frozenset({R.GATEWAY}),
        "CloseRequest": frozenset({R.GATEWAY}),
        "CancelExitRequest": _OPERATORS,
        "VerdictsRequest": _OPERATORS | {R.READ_ONLY},
    },
    ("risk_manager", "control"): {"StateRequest": _OPERATORS},
    ("order_gateway", "ask"): {
        "SubmitOrder": frozenset({R.RISK}),
        "CancelOrder": frozenset({R.RISK}),
        "OpenRequest": _OPERATORS,
        "CloseRequest": _OPERATORS,
        "CancelRequest": _OPERATORS,
        "PositionsRequest": _READERS,
        "AccountRequest": _READERS,
        "OrdersRequest": _READERS,
        "FillsRequest": _READERS,
        "EventsRequest": _READERS | {R.SIGNAL},
    },
}
"""(service, link) to kind of message to the roles that may send it. What is not here nobody may send."""
STATUS = "StatusRequest"
"""Every known key may ask any service on any link how it is."""


def may_say(service: str, link: str, kind: str, role: R) -> bool:
    """Tell whether a role may send this kind of message to this socket."""
    if kind == STATUS:
        return role in _ALL
    return role in VERBS.get((service, link), {}).get(kind, frozenset())
