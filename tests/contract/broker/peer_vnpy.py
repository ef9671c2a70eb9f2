"""Let a third party's gateway trade on our fake client: what it makes of it, as JSON. It tests the fakes, not ourselves.

The gateway is vnpy_xt (MIT), unchanged, on the vendor's real Python layer. What it imports and does not use here (technical
analysis, logging, file locks) is replaced by empty modules where it is not installed.
"""

import importlib
import importlib.util
import json
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

from common.domain.calendar import hms, ts_of
from tests.fakes.xtquant import installed
from tests.fakes.xtquant.venue import Venue

ACCOUNT, PATH, CODE = "8888", "peer", "600001"
UNUSED = {"talib": (), "loguru": ("logger",), "filelock": ("FileLock", "Timeout")}


class Heard:
    """What vnpy's gateway hands its events to."""

    gateway_name = "XT"

    def __init__(self) -> None:
        self.told: dict[str, list[Any]] = {"order": [], "trade": [], "account": [], "position": [], "log": []}
        self.orders: dict[str, Any] = {}

    def on_order(self, order: Any) -> None:
        self.orders[order.orderid] = order
        self.told["order"].append([order.status.name, order.traded, order.volume, order.price])

    def on_trade(self, trade: Any) -> None:
        self.told["trade"].append([trade.tradeid, trade.volume, trade.price, trade.datetime.strftime("%H:%M:%S")])

    def on_account(self, account: Any) -> None:
        self.told["account"].append([account.accountid, account.balance, account.frozen])

    def on_position(self, position: Any) -> None:
        self.told["position"].append([position.symbol, position.volume, position.yd_volume, position.frozen])

    def write_log(self, text: str) -> None:
        self.told["log"].append(text)

    def get_order(self, orderid: str) -> Any:
        return self.orders.get(orderid)


def stand_in() -> None:
    """Put empty modules where something unused is not installed."""
    for name, parts in UNUSED.items():
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = module = ModuleType(name)
            for part in parts:
                setattr(module, part, SimpleNamespace())


def settled(api: Any) -> None:
    """Wait until all that is under way has come."""
    for _ in range(2):
        api.xt_client.async_client.jobs.join()
        api.xt_client.executor.submit(lambda: None).result(10)


def trade() -> dict[str, Any]:
    """Connect, buy, fill a part, cancel, be refused, lose the link; returns what was made of it."""
    stand_in()
    objects, constants = (importlib.import_module(f"vnpy.trader.{name}") for name in ("object", "constant"))
    peer = importlib.import_module("vnpy_xt.xt_gateway")
    venue = Venue(PATH, ACCOUNT, cash=100_000_000, now_ns=lambda: ts_of(20260105, hms("10:00")))
    heard = Heard()
    api = peer.XtTdApi(heard)
    exchange, limit, long = constants.Exchange.SSE, constants.OrderType.LIMIT, constants.Direction.LONG
    contract = objects.ContractData(
        symbol=CODE, exchange=exchange, name="x", product=constants.Product.EQUITY, size=1, pricetick=0.01,
        gateway_name="XT",
    )  # fmt: skip
    peer.symbol_contract_map[contract.vt_symbol] = contract
    assert api.connect(PATH, ACCOUNT, "STOCK", 7) == 0
    settled(api)
    request = objects.OrderRequest(
        symbol=CODE, exchange=exchange, direction=long, type=limit, volume=1_000, price=9.99, reference="peer"
    )
    first = api.send_order(request).removeprefix("XT.")
    settled(api)
    venue.trade(venue.of(first)[0], 300)
    settled(api)
    api.cancel_order(objects.CancelRequest(orderid=first, symbol=CODE, exchange=exchange))
    settled(api)
    venue.refuses = lambda req: "资金不足"
    api.send_order(request)
    settled(api)
    venue.refuses = lambda req: ""
    old = api.xt_client
    venue.drop()
    for _ in range(400):
        if api.xt_client is not old and venue.clients:
            break
        time.sleep(0.01)
    settled(api)
    return {"told": heard.told, "sessions": len(set(venue.sessions)), "remark": len(first)}


if __name__ == "__main__":
    with installed():
        print(json.dumps(trade(), ensure_ascii=False))
