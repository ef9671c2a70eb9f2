"""The table of roles once more, written by hand from the protocol's text and not from the code.

A change of `common/bus/roles.py` has to be made here too, by somebody who has thought about it: what may this key do,
and is that written in the protocol?
"""

from common.messages.header import Role

COLUMNS = (
    Role.MARKET_DATA, Role.SCREENER, Role.SIGNAL, Role.RISK, Role.GATEWAY, Role.QUEUE, Role.WORKER, Role.NOTIFIER,
    Role.OPERATOR, Role.WEB, Role.READ_ONLY, Role.WATCHDOG,
)  # fmt: skip
HAND = """
#                                            md sc si ri ga qu wo no op we ro wa
market_data/pub listen                       x  x  x  x  x  x  x  x  x  x  x  x
market_data/ask StatusRequest                x  x  x  x  x  x  x  x  x  x  x  x
market_data/ask FeedStateRequest             x  x  x  x  x  x  x  x  x  x  x  .
market_data/ask PushAck                      .  .  x  x  x  .  .  .  .  .  .  .
market_data/ask RecordHandOrder              .  .  .  x  .  .  .  .  .  .  .  .
market_data/control StatusRequest            x  x  x  x  x  x  x  x  x  x  x  x
market_data/control HoldRequest              .  .  .  .  .  .  .  .  x  x  .  .
screener/pub listen                          .  x  x  x  .  .  .  .  x  x  x  x
screener/ask StatusRequest                   x  x  x  x  x  x  x  x  x  x  x  x
screener/ask PoolRequest                     .  .  x  .  .  .  .  .  x  x  .  .
screener/ask ExplainRequest                  .  .  .  .  .  .  .  .  x  x  x  .
screener/control StatusRequest               x  x  x  x  x  x  x  x  x  x  x  x
signal_engine/pub listen                     .  .  x  x  .  .  .  .  x  x  x  x
signal_engine/ask StatusRequest              x  x  x  x  x  x  x  x  x  x  x  x
signal_engine/ask ExplainRequest             .  .  .  .  .  .  .  .  x  x  x  .
signal_engine/ask SignalsRequest             .  .  .  .  .  .  .  .  x  x  x  .
signal_engine/control StatusRequest          x  x  x  x  x  x  x  x  x  x  x  x
risk_manager/pub listen                      .  .  x  x  x  .  .  .  x  x  x  x
risk_manager/ask StatusRequest               x  x  x  x  x  x  x  x  x  x  x  x
risk_manager/ask SignalBatch                 .  .  x  .  .  .  .  .  .  .  .  .
risk_manager/ask OpenRequest                 .  .  .  .  x  .  .  .  .  .  .  .
risk_manager/ask CloseRequest                .  .  .  .  x  .  .  .  .  .  .  .
risk_manager/ask CancelExitRequest           .  .  .  .  .  .  .  .  x  x  .  .
risk_manager/ask VerdictsRequest             .  .  .  .  .  .  .  .  x  x  x  .
risk_manager/control StatusRequest           x  x  x  x  x  x  x  x  x  x  x  x
risk_manager/control StateRequest:HALTED     .  .  .  .  .  .  .  .  x  x  .  .
risk_manager/control StateRequest:REDUCING   .  .  .  .  .  .  .  .  x  .  .  .
risk_manager/control StateRequest:ACTIVE     .  .  .  .  .  .  .  .  x  .  .  .
order_gateway/pub listen                     .  .  x  x  x  .  .  .  x  x  x  x
order_gateway/ask StatusRequest              x  x  x  x  x  x  x  x  x  x  x  x
order_gateway/ask SubmitOrder                .  .  .  x  .  .  .  .  .  .  .  .
order_gateway/ask CancelOrder                .  .  .  x  .  .  .  .  .  .  .  .
order_gateway/ask OpenRequest                .  .  .  .  .  .  .  .  x  x  .  .
order_gateway/ask CloseRequest               .  .  .  .  .  .  .  .  x  x  .  .
order_gateway/ask CancelRequest              .  .  .  .  .  .  .  .  x  x  .  .
order_gateway/ask PositionsRequest           .  .  .  x  .  .  .  .  x  x  x  .
order_gateway/ask AccountRequest             .  .  .  x  .  .  .  .  x  x  x  .
order_gateway/ask OrdersRequest              .  .  .  x  .  .  .  .  x  x  x  .
order_gateway/ask FillsRequest               .  .  .  x  .  .  .  .  x  x  x  .
order_gateway/ask EventsRequest              .  .  x  x  .  .  .  .  x  x  x  .
order_gateway/ask ResolveRequest             .  .  .  .  .  .  .  .  x  .  .  .
order_gateway/control StatusRequest          x  x  x  x  x  x  x  x  x  x  x  x
order_gateway/control KillRequest:ON         .  .  .  x  .  .  .  .  x  x  .  .
order_gateway/control KillRequest:OFF        .  .  .  .  .  .  .  .  x  .  .  .
order_gateway/control LimitRequest           .  .  .  .  .  .  .  .  x  .  .  .
order_gateway/control ArmRequest             .  .  .  .  .  .  .  .  x  .  .  .
order_gateway/control SafeguardsRequest      .  .  .  x  .  .  .  .  x  x  x  .
risk_manager/ask ServiceTrouble              .  .  .  .  .  .  .  .  .  .  .  x
watchdog/pub listen                          .  .  .  x  .  .  .  .  x  x  x  .
watchdog/ask StatusRequest                   x  x  x  x  x  x  x  x  x  x  x  x
watchdog/control StatusRequest               x  x  x  x  x  x  x  x  x  x  x  x
backtest_queue/pub listen                    .  .  .  .  .  .  x  .  x  x  x  x
backtest_queue/ask StatusRequest             x  x  x  x  x  x  x  x  x  x  x  x
backtest_queue/ask SubmitJobs                .  .  .  .  .  .  .  .  x  x  .  .
backtest_queue/ask CancelJobs                .  .  .  .  .  .  .  .  x  x  .  .
backtest_queue/ask JobsRequest               .  .  .  .  .  .  .  .  x  x  x  .
backtest_queue/ask ResultRequest             .  .  .  .  .  .  .  .  x  x  x  .
backtest_queue/ask WorkRequest               .  .  .  .  .  .  x  .  .  .  .  .
backtest_queue/ask JobDone                   .  .  .  .  .  .  x  .  .  .  .  .
backtest_queue/control StatusRequest         x  x  x  x  x  x  x  x  x  x  x  x
"""


def by_hand() -> dict[tuple[str, str], frozenset[Role]]:
    """Return (socket, verb) to the roles that may; what is not here nobody may."""
    table = {}
    for line in HAND.strip().splitlines()[1:]:
        place, verb, *marks = line.split()
        assert len(marks) == len(COLUMNS), line
        table[place, verb] = frozenset(role for role, mark in zip(COLUMNS, marks, strict=True) if mark == "x")
    return table
