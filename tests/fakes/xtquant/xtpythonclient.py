"""The native trading module of xtquant, in Python: what the real Python layer needs of it (reference §3.1), nothing else.

It is typed as pybind11 is: a wrong type or an unknown name raises before anything is sent. Each client has ONE native
thread, and all answers and pushes come from it.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from tests.fakes.xtquant.venue import VENUES

PUSHES = frozenset({
    "StockAsset", "StockOrder", "StockTrade", "StockPosition", "OrderError", "CancelError", "UpdateAccountStatus",
    "Disconnected",
})  # fmt: skip
ANSWERS = frozenset({
    "OrderStockResp", "CancelOrderStockResp", "SubscribeResp", "UnsubscribeResp", "QueryStockAsset", "QueryStockOrders",
    "QueryStockTrades", "QueryStockPositions", "QueryAccountInfos", "QueryAccountStatus",
})  # fmt: skip
UNUSED = frozenset({
    "QueryCreditDetailResp", "QueryStkCompactsResp", "QueryCreditSubjectsResp", "QueryCreditSloCodeResp",
    "QueryCreditAssureResp", "QueryNewPurchaseLimit", "QueryIPOData", "TransferResp", "QueryComFundResp",
    "SmtQueryQuoterResp", "SmtQueryOrderResp", "SmtQueryCompactResp", "QueryPositionStatisticsResp", "ExportDataResp",
    "SyncTransactionFromExternalResp", "BankTransferResp", "QueryBankInfoResp", "QueryBankAmountResp",
    "QueryBankTransferStreamResp", "QuerySecuAccountResp", "CtpInternalTransferResp", "GetSmartAlgoParamResp",
    "SmartOrderStockResp", "QuerySmartAlgoTaskResp", "OperateSmartAlgoTaskResp", "SmtAppointmentResp",
})  # fmt: skip
"""Bound by the constructor, and used by nothing here (margin trading, transfers, algorithms)."""
BINDERS = PUSHES | ANSWERS | UNUSED
TYPES: dict[str, tuple[type, ...]] = {"m_n": (int,), "m_d": (float, int), "m_str": (str,), "m_b": (bool,)}


class _Request:
    """A request of the native module: known names, typed."""

    FIELDS: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        for name in self.FIELDS:
            prefix = next(prefix for prefix in ("m_str", "m_n", "m_d", "m_b") if name.startswith(prefix))
            object.__setattr__(self, name, TYPES[prefix][0]())

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self.FIELDS:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        prefix = next(prefix for prefix in ("m_str", "m_n", "m_d", "m_b") if name.startswith(prefix))
        if not isinstance(value, TYPES[prefix]):
            raise TypeError(f"{name}: incompatible function arguments: {value!r}")
        object.__setattr__(self, name, value)


ACCOUNT = ("m_nAccountType", "m_strAccountID")


def _request(name: str, *fields: str) -> type[_Request]:
    return type(name, (_Request,), {"FIELDS": fields})


SubscribeReq = _request("SubscribeReq", *ACCOUNT)
UnsubscribeReq = _request("UnsubscribeReq", *ACCOUNT)
QueryStockAssetReq = _request("QueryStockAssetReq", *ACCOUNT)
QueryStockTradesReq = _request("QueryStockTradesReq", *ACCOUNT)
QueryStockOrdersReq = _request("QueryStockOrdersReq", *ACCOUNT, "m_nOrderID", "m_bCanCancel")
QueryStockPositionsReq = _request("QueryStockPositionsReq", *ACCOUNT, "m_strStockCode", "m_strStockCode1")
QueryAccountInfosReq = _request("QueryAccountInfosReq")
QueryAccountStatusReq = _request("QueryAccountStatusReq")
CancelOrderStockReq = _request(
    "CancelOrderStockReq", *ACCOUNT, "m_nOrderID", "m_nMarket", "m_strMarket", "m_strOrderSysID"
)
OrderStockReq = _request(
    "OrderStockReq", *ACCOUNT, "m_strStockCode", "m_nOrderType", "m_nOrderVolume", "m_nPriceType", "m_dPrice",
    "m_strStrategyName", "m_strOrderRemark", "m_strOrderRemarkNew", "m_dOrderAmount", "m_strStockCode1",
    "m_strAccountID1",
)  # fmt: skip


class XtQuantAsyncClient:
    """The native client of a session."""

    def __init__(self, path: bytes, name: str, session: int) -> None:
        if not isinstance(session, int):
            raise TypeError(f"session: incompatible constructor arguments: {session!r}")
        self.venue = VENUES[path.decode("gb18030")]  # §1.1 [C]: the path is encoded as GB18030
        self.session = session
        self.bound: dict[str, Callable[..., None]] = {}
        self.jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._seq = 0
        self._started = self._stopped = False

    def __getattr__(self, name: str) -> Callable[[Callable[..., None]], None]:
        kind = name.removeprefix("bindOn").removesuffix("Callback")
        if not name.startswith("bindOn") or kind not in BINDERS:
            raise AttributeError(name)
        return lambda function: self.bound.__setitem__(kind, function)

    # ------------------------------------------------------------------ life

    def init(self) -> None:
        """Prepare."""
        self.venue.sessions.append(self.session)

    def start(self) -> None:
        """Start the native thread."""
        self._started = True
        threading.Thread(target=self._run, name=f"native-{self.session}", daemon=True).start()

    def stop(self) -> None:
        """Stop; may hang (§1.1 [U])."""
        if self.venue.habits.stop_hangs:
            threading.Event().wait()
        self._stopped = True
        if self in self.venue.clients:
            self.venue.clients.remove(self)
        self.jobs.put(None)

    def connect(self) -> int:
        """Connect once; 0 = connected."""
        if self.venue.habits.connect_hangs:
            threading.Event().wait()
        if self.venue.habits.connect_code == 0:
            self.venue.connected(self)
        return self.venue.habits.connect_code

    def nextSeq(self) -> int:
        """Return the number of the next request."""
        self._seq += 1
        return self._seq

    def setTimeout(self, timeout: int) -> None:
        """Take a timeout; what it means nobody knows (§0.3 [?])."""

    def _run(self) -> None:
        while (job := self.jobs.get()) is not None:
            try:
                job()
            finally:
                self.jobs.task_done()
        self.jobs.task_done()

    def fire(self, binder: str, *facts: Any) -> None:
        """Call what was bound, on this thread."""
        self.bound[binder](*facts)

    def later(self, binder: str, *facts: Any) -> None:
        """Call what was bound, on the native thread."""
        self.jobs.put(lambda: self.fire(binder, *facts))

    def _call(self, name: str, req: Any, do: Callable[[], None]) -> None:
        self.venue.log.append((name, req))
        self.jobs.put(do)

    # ------------------------------------------------------------------ calls

    def orderStockWithSeq(self, seq: int, req: Any) -> None:
        """Send an order."""
        if self.venue.habits.answer_first:  # §0.6 [P]
            self.venue.log.append(("orderStockWithSeq", req))
            self.venue.on_order(self, seq, req)
            done = threading.Event()
            # The answer goes through the push executor: let it arrive there before the caller goes on.
            self.jobs.put(done.set)
            done.wait(5)
            threading.Event().wait(0.02)
            return
        self._call("orderStockWithSeq", req, lambda: self.venue.on_order(self, seq, req))

    def cancelOrderStockWithSeq(self, seq: int, req: Any) -> None:
        """Send a cancel."""
        self._call("cancelOrderStockWithSeq", req, lambda: self.venue.on_cancel(self, seq, req))

    def subscribeWithSeq(self, seq: int, req: Any) -> None:
        """Ask for pushes."""
        self._plain("subscribeWithSeq", "SubscribeResp", seq, req)

    def unsubscribeWithSeq(self, seq: int, req: Any) -> None:
        """Ask for no more pushes."""
        self._plain("unsubscribeWithSeq", "UnsubscribeResp", seq, req)

    def _plain(self, name: str, binder: str, seq: int, req: Any) -> None:
        def do() -> None:
            if name not in self.venue.habits.silent:
                self.fire(binder, seq, self.venue.habits.subscribe_code)

        self._call(name, req, do)

    def _ask(self, name: str, binder: str, seq: int, req: Any) -> None:
        def do() -> None:
            answered, found = self.venue.answers(name)
            if answered:
                self.fire(binder, seq, found)

        self._call(name, req, do)

    def queryStockAssetWithSeq(self, seq: int, req: Any) -> None:
        """Ask for the money."""
        self._ask("queryStockAssetWithSeq", "QueryStockAsset", seq, req)

    def queryStockOrdersWithSeq(self, seq: int, req: Any) -> None:
        """Ask for the day's orders."""
        self._ask("queryStockOrdersWithSeq", "QueryStockOrders", seq, req)

    def queryStockTradesWithSeq(self, seq: int, req: Any) -> None:
        """Ask for the day's deals."""
        self._ask("queryStockTradesWithSeq", "QueryStockTrades", seq, req)

    def queryStockPositionsWithSeq(self, seq: int, req: Any) -> None:
        """Ask for the positions."""
        self._ask("queryStockPositionsWithSeq", "QueryStockPositions", seq, req)

    def queryAccountStatusWithSeq(self, seq: int, req: Any) -> None:
        """Ask how the accounts are."""
        self._ask("queryAccountStatusWithSeq", "QueryAccountStatus", seq, req)
