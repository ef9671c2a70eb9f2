"""As much of xtquant's native trading module as `accept live` calls (notes §3.1), for the real Python layer on top of it.

It passes everything on to a `PlainClient`, so that one set of manners serves both sides of the port.
"""

import queue
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from services.cli.accept.port import Fields
from tests.fakes.plain_client import PlainClient

RESPONSES = {
    "subscribeWithSeq": "bindOnSubscribeRespCallback",
    "queryAccountStatusWithSeq": "bindOnQueryAccountStatusCallback",
    "queryStockAssetWithSeq": "bindOnQueryStockAssetCallback",
    "queryStockOrdersWithSeq": "bindOnQueryStockOrdersCallback",
    "queryStockTradesWithSeq": "bindOnQueryStockTradesCallback",
    "queryStockPositionsWithSeq": "bindOnQueryStockPositionsCallback",
    "orderStockWithSeq": "bindOnOrderStockRespCallback",
    "cancelOrderStockWithSeq": "bindOnCancelOrderStockRespCallback",
}
"""Calls and the binder that answers each."""
TYPES = {"m_n": int, "m_d": float, "m_str": str, "m_b": bool}


class Request:
    """Typed as pybind11 has it: a str price raises before anything is sent (notes §1.2, last paragraph)."""

    def __setattr__(self, name: str, value: Any) -> None:
        kind = next((kind for start, kind in TYPES.items() if name.startswith(start)), None)
        if kind is None or not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError(f"{name}: {value!r}")
        object.__setattr__(self, name, value)


class Native:
    """One client of the native module: a thread with a queue, and whatever was bound."""

    def __init__(self, client: PlainClient) -> None:
        self.client = client
        self.bound: dict[str, Callable[..., None]] = {}
        self.made_with: tuple[Any, ...] = ()
        self.silent: set[str] = set()
        """Calls whose answer never comes (notes §0.3)."""
        self.requests: list[tuple[str, Any]] = []
        self.hang_stop = threading.Event()
        self.hang_stop.set()
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._seq = 0

    def __call__(self, *made_with: Any) -> "Native":
        """Stand for the class XtQuantAsyncClient."""
        self.made_with = made_with
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("bindOn"):
            return lambda callback: self.bound.__setitem__(name, callback)
        if name in RESPONSES:
            return lambda seq, request: self._ask(name, seq, request)
        raise AttributeError(name)

    def init(self) -> None:
        pass

    def start(self) -> None:
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def stop(self) -> None:
        self._jobs.put(None)
        self.hang_stop.wait()

    def connect(self) -> int:
        return self.client.connect()

    def nextSeq(self) -> int:
        self._seq += 1
        return self._seq

    def _ask(self, name: str, seq: int, request: Any) -> None:
        self.requests.append((name, request))
        if name not in self.silent:
            self._jobs.put(lambda: self.bound[RESPONSES[name]](seq, self._answer(name, seq, request)))
        self._jobs.put(self.pushes)

    def pushes(self) -> None:
        """Push what the plain client has said since."""
        for said in self.client.heard():
            if said.name == "on_stock_order":
                self.bound["bindOnStockOrderCallback"](SimpleNamespace(**said.fields))

    def _answer(self, name: str, seq: int, request: Any) -> Any:
        client = self.client
        match name:
            case "subscribeWithSeq":
                return client.subscribe()
            case "queryAccountStatusWithSeq":
                return [
                    SimpleNamespace(m_strAccountID=row["account_id"], m_nAccountType=2, m_nStatus=row["status"])
                    for row in client.account_status() or []
                ]
            case "queryStockAssetWithSeq":
                return _objects([row] if (row := client.asset()) else None)
            case "queryStockOrdersWithSeq":
                return _objects(client.orders())
            case "queryStockTradesWithSeq":
                return _objects(client.trades())
            case "queryStockPositionsWithSeq":
                return _objects(client.positions())
            case "orderStockWithSeq":
                client.order(
                    request.m_strStockCode,
                    request.m_nOrderVolume,
                    round(request.m_dPrice * 1000),
                    request.m_strOrderRemark,
                )
                order = client.placed[-1]
                return SimpleNamespace(m_strAccountID=request.m_strAccountID, m_nOrderID=order["order_id"], m_strStrategyName=request.m_strStrategyName,
                                       m_strOrderRemark=request.m_strOrderRemark, m_strErrorMsg="")  # fmt: skip
            case "cancelOrderStockWithSeq":
                client.cancel(request.m_nOrderID)
                return SimpleNamespace(
                    m_strAccountID=request.m_strAccountID,
                    m_nCancelResult=0,
                    m_nOrderID=request.m_nOrderID,
                    m_strOrderSysID="",
                    m_strErrorMsg="",
                )
        raise AssertionError(name)


def _objects(rows: list[Fields] | None) -> list[SimpleNamespace] | None:
    return None if rows is None else [SimpleNamespace(**row) for row in rows]


def module_of(native: Native) -> ModuleType:
    """Return the module `xtpythonclient`; requests of any kind the layer makes."""
    module = ModuleType("xtquant.xtpythonclient")
    module.XtQuantAsyncClient = native  # type: ignore[attr-defined]  # a module made by hand
    for kind in (
        "SubscribeReq",
        "QueryAccountStatusReq",
        "QueryStockAssetReq",
        "QueryStockOrdersReq",
        "QueryStockTradesReq",
        "QueryStockPositionsReq",
        "OrderStockReq",
        "CancelOrderStockReq",
    ):
        setattr(module, kind, type(kind, (Request,), {}))
    return module
