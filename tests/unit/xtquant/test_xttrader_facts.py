"""What the trading adapter leans on in the vendor's real Python layer: each fails if the vendor changes it (reference §0, §1)."""

import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from common.domain.calendar import hms, ts_of
from services.order_gateway.adapters.xt_parse import BUY, FIX_PRICE, SELL, STATUSES
from services.order_gateway.adapters.xt_session import PARTS, Listener
from tests.fakes.xtquant import installed
from tests.fakes.xtquant.venue import Venue
from tests.xt_rig import NEEDS_WHEEL

pytestmark = NEEDS_WHEEL
NOW = ts_of(20260105, hms("10:00"))
A, ACCOUNT = "600001.SH", "8888"
REMARK = "260105ABCDEFGHJKMNPQ"
LONG_S, SHORT_S = 10.0, 0.15


class Notes:
    """A callback that notes what it is told, on which thread, and does what a test wants there."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.threads: set[str] = set()
        self.does: dict[str, Callable[[], Any]] = {}

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("on_"):
            raise AttributeError(name)

        def told(*facts: Any) -> None:
            self.told.append((name, facts[0] if facts else None))
            self.threads.add(threading.current_thread().name)
            if name in self.does:
                self.does[name]()

        return told

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]


class Trading:
    """A real trader over the fake client."""

    def __init__(self, path: str = "facts") -> None:
        from xtquant import xttrader, xttype

        self.xttrader, self.xttype = xttrader, xttype
        self.venue = Venue(path, ACCOUNT, cash=100_000_000, now_ns=lambda: NOW)
        self.notes = Notes()
        self.trader = self.made()
        self.account = xttype.StockAccount(ACCOUNT)

    def made(self) -> Any:
        """Return a trader made on a thread of its own, as the adapter does."""
        box: list[Any] = []

        def make() -> None:
            trader = self.xttrader.XtQuantTrader(self.venue.path, 7)
            trader.register_callback(self.notes)
            box.append(trader)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        trader = box[0]
        trader.oldloop = None
        return trader

    def up(self) -> "Trading":
        self.trader.start()
        assert self.trader.connect() == 0
        assert self.trader.subscribe(self.account) == 0
        return self

    def order(self, remark: str = REMARK, volume: Any = 100, price: Any = 9.99) -> int:
        return int(self.trader.order_stock_async(self.account, A, BUY, volume, FIX_PRICE, price, "pankou", remark))

    def settle(self) -> None:
        self.trader.async_client.jobs.join()
        for executor in (self.trader.executor, self.trader.relaxed_resp_executor):
            executor.submit(lambda: None).result(LONG_S)

    def later(self, binder: str, *facts: Any) -> None:
        self.trader.async_client.later(binder, *facts)


@pytest.fixture
def trading() -> Iterator[Trading]:
    with installed():
        found = Trading()
        yield found
        client = found.trader.async_client
        found.venue.habits.stop_hangs = False
        if client._started and not client._stopped:
            found.trader.stop()
        found.trader.loop.close()


def hangs(call: Callable[[], Any]) -> bool:
    """Tell whether a call does not come back; its thread is left behind."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(SHORT_S)
    return thread.is_alive()


# ---------------------------------------------------------------------- calls


@pytest.mark.parametrize("relaxed", [False, True])
def test_a_synchronous_order_in_a_callback_never_comes_back(trading: Trading, relaxed: bool) -> None:
    trading.trader.set_relaxed_response_order_enabled(relaxed)
    trading.up()
    done = threading.Event()

    def order() -> None:
        trading.notes.does.clear()
        trading.trader.order_stock(trading.account, A, BUY, 100, FIX_PRICE, 9.99, "pankou", REMARK)
        done.set()

    trading.notes.does["on_stock_order"] = order
    trading.venue.by_hand(A, 1, 100, 9.98)
    assert not done.wait(SHORT_S)
    # Let the executor go, or nothing here could end: an answer by hand to the call that waits.
    for callback in list(trading.trader.cbs.values()):
        callback(SimpleNamespace(order_id=1))
    assert done.wait(LONG_S)


@pytest.mark.parametrize("name", ["queryStockAssetWithSeq", "subscribeWithSeq", "queryAccountStatusWithSeq"])
def test_an_answer_that_is_lost_blocks_a_synchronous_call_for_ever(trading: Trading, name: str) -> None:
    trading.up()
    trading.venue.habits.silent = {name}
    calls = {
        "queryStockAssetWithSeq": lambda: trading.trader.query_stock_asset(trading.account),
        "subscribeWithSeq": lambda: trading.trader.subscribe(trading.account),
        "queryAccountStatusWithSeq": trading.trader.query_account_status,
    }
    assert hangs(calls[name])


def test_asynchronous_orders_and_queries_come_back_at_once_and_answer_later(trading: Trading) -> None:
    trading.up()
    trading.venue.habits.silent = {"orderStockWithSeq"}
    seq = trading.order()
    assert seq > 0
    answers: list[Any] = []
    trading.trader.query_stock_asset_async(trading.account, answers.append)
    trading.trader.query_stock_orders_async(trading.account, answers.append)
    trading.trader.query_stock_trades_async(trading.account, answers.append)
    trading.trader.query_stock_positions_async(trading.account, answers.append)
    trading.settle()
    asset, orders, trades, positions = answers
    assert (asset.account_id, len(orders), trades, positions) == (ACCOUNT, 1, None, None)
    assert {part.removesuffix("_after") for part in PARTS} == {"asset", "orders", "trades", "positions"}


def test_a_failed_query_of_the_money_is_none(trading: Trading) -> None:
    trading.up()
    trading.venue.habits.no_asset = True
    assert trading.trader.query_stock_asset(trading.account) is None


def test_an_answer_may_be_handled_before_the_call_has_returned_its_number(trading: Trading) -> None:
    trading.up()
    trading.venue.habits.answer_first = True
    seq = trading.order()
    assert "on_order_stock_async_response" in trading.notes.names
    (answer,) = [fact for name, fact in trading.notes.told if name == "on_order_stock_async_response"]
    assert (answer.seq, answer.order_remark) == (seq, REMARK)


def test_a_request_carries_the_remark_twice_and_whole_shares(trading: Trading) -> None:
    trading.up()
    trading.order(volume=199.9)
    trading.settle()
    (req,) = trading.venue.requests("orderStockWithSeq")
    assert (req.m_strOrderRemark, req.m_strOrderRemarkNew) == (REMARK, REMARK)
    assert (req.m_nOrderVolume, req.m_dOrderAmount) == (199, 199.9)
    assert (req.m_nOrderType, req.m_nPriceType, req.m_dPrice) == (23, 11, 9.99)


def test_a_wrong_type_raises_before_anything_is_sent(trading: Trading) -> None:
    trading.up()
    with pytest.raises(TypeError):
        trading.order(price="9.99")
    trading.trader.register_callback(None)
    with pytest.raises(AttributeError):
        trading.order()
    trading.trader.register_callback(trading.notes)
    assert trading.venue.requests("orderStockWithSeq") == []


# ---------------------------------------------------------------------- callbacks


def test_pushes_come_one_after_another_on_one_thread(trading: Trading) -> None:
    trading.up()
    trading.order()
    trading.settle()
    trading.venue.trade(trading.venue.orders[0], 100)
    trading.settle()
    assert trading.notes.names == [
        "on_order_stock_async_response", "on_stock_order", "on_stock_order", "on_stock_trade", "on_stock_order",
        "on_stock_position", "on_stock_asset",
    ]  # fmt: skip
    assert len(trading.notes.threads) == 1
    assert threading.current_thread().name not in trading.notes.threads


def test_an_exception_in_a_callback_vanishes(trading: Trading, capsys: pytest.CaptureFixture[str]) -> None:
    trading.up()

    def fail() -> None:
        raise ValueError("nobody hears this")

    trading.notes.does["on_stock_order"] = fail
    trading.venue.by_hand(A, 1, 100, 9.98)
    trading.venue.by_hand(A, 1, 100, 9.98)
    trading.settle()
    assert trading.notes.names == ["on_stock_order", "on_stock_order"]
    assert capsys.readouterr() == ("", "")


def test_nothing_tells_of_a_connection_and_a_lost_one_still_looks_connected(trading: Trading) -> None:
    trading.up()
    trading.settle()
    assert trading.notes.names == []
    trading.venue.drop()
    trading.settle()
    assert trading.notes.names == ["on_disconnected"]
    assert trading.trader.connected is True


@pytest.mark.parametrize("order", ["before", "after"])
def test_an_order_error_comes_after_the_answer_whichever_came_first(trading: Trading, order: str) -> None:
    trading.up()
    trading.venue.habits.errors = order
    trading.venue.refuses = lambda req: "no"
    seq = trading.order()
    trading.settle()
    assert trading.notes.names[:2] == ["on_order_stock_async_response", "on_order_error"]
    assert trading.notes.told[1][1].seq == seq


def test_an_error_of_minus_one_without_its_answer_comes_with_the_next_refusal(trading: Trading) -> None:
    trading.up()
    habits, refuses = trading.venue.habits, lambda req: "no"
    habits.junk, habits.minus_one_error, habits.silent = "minus", True, {"orderStockWithSeq"}
    trading.venue.refuses = refuses
    first = trading.order("260105AAAAAAAAAAAAAA")
    trading.settle()
    assert trading.notes.names == []
    habits.silent, habits.minus_one_error = set(), False
    second = trading.order("260105BBBBBBBBBBBBBB")
    trading.settle()
    assert trading.notes.names == ["on_order_stock_async_response", "on_order_error"]
    answer, error = (fact for _, fact in trading.notes.told)
    assert (answer.seq, error.seq, error.order_remark) == (second, first, "260105AAAAAAAAAAAAAA")


def test_a_cancel_error_is_held_back_until_the_answer_to_the_cancel(trading: Trading) -> None:
    trading.up()
    error = SimpleNamespace(order_id=5, order_sysid="", error_id=1, error_msg="no")
    trading.later("CancelError", error)
    trading.settle()
    assert trading.notes.names == []
    trading.trader.cancel_order_stock_async(trading.account, 5)
    trading.settle()
    assert trading.notes.names[:2] == ["on_cancel_order_stock_async_response", "on_cancel_error"]
    assert trading.notes.told[1][1] is error


def test_a_new_callback_hears_what_comes_late_except_answers_to_orders_before_it(trading: Trading) -> None:
    trading.up()
    trading.venue.habits.silent = {"orderStockWithSeq"}
    seq = trading.order()
    trading.settle()
    old, trading.notes.told[:] = trading.notes, []
    new = Notes()
    trading.trader.register_callback(new)
    answer = SimpleNamespace(
        m_strAccountID=ACCOUNT, m_nOrderID=9, m_strStrategyName="", m_strOrderRemark=REMARK, m_strErrorMsg=""
    )
    trading.later("OrderStockResp", seq, answer)
    trading.venue.drop()
    trading.settle()
    assert old.names == ["on_order_stock_async_response"]
    assert new.names == ["on_disconnected"]


def test_our_listener_has_every_callback_of_the_vendors(trading: Trading) -> None:
    theirs = [name for name in dir(trading.xttrader.XtQuantTraderCallback) if name.startswith("on_")]
    heard: list[Any] = []
    listener = Listener(1, heard.append)
    assert len(theirs) >= 16
    for name in theirs:
        assert callable(getattr(listener, name))


# ---------------------------------------------------------------------- life


def test_stopping_waits_for_a_callback_that_is_stuck_and_fails_inside_one(trading: Trading) -> None:
    trading.up()
    inside, stuck, faults = threading.Event(), threading.Event(), []

    def stop() -> None:
        try:
            trading.trader.stop()
        except RuntimeError as error:
            faults.append(str(error))
        inside.set()
        stuck.wait(LONG_S)

    trading.notes.does["on_disconnected"] = stop
    trading.venue.drop()
    assert inside.wait(LONG_S)
    assert hangs(lambda: trading.trader.executor.shutdown(wait=True))
    assert any("current thread" in fault for fault in faults)
    stuck.set()


def test_a_push_after_the_stop_raises_in_the_native_thread(trading: Trading) -> None:
    trading.up()
    trading.trader.stop()
    with pytest.raises(RuntimeError, match="after shutdown"):
        trading.trader.async_client.fire("StockOrder", SimpleNamespace())


def test_a_trader_made_beside_the_main_thread_cannot_be_destroyed_in_it_without_help(trading: Trading) -> None:
    trader = trading.made()
    trader.loop.close()
    del trader.oldloop
    seen: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, seen.append
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trader.__dict__["callback"] = None
            with pytest.raises(AttributeError, match="oldloop"):
                trader.__del__()
    finally:
        sys.unraisablehook = hook
    trader.oldloop = None
    trader.__del__()
    del trader
    gc.collect()


def test_an_account_that_is_no_text_comes_back_as_text_of_an_error(trading: Trading) -> None:
    assert isinstance(trading.xttype.StockAccount(8888), str)
    assert trading.xttype.StockAccount("8888").account_type == 2
    with pytest.raises(Exception, match="不支持"):
        trading.xttype.StockAccount("8888", "NOTHING")


def test_the_folder_goes_to_the_client_as_gb18030() -> None:
    with installed():
        found = Trading("D:\\国金证券QMT交易端\\userdata_mini")
        assert found.trader.async_client.venue is found.venue
        found.trader.loop.close()


def test_the_numbers_of_sides_price_types_and_states(trading: Trading) -> None:
    from xtquant import xtconstant

    assert (xtconstant.STOCK_BUY, xtconstant.STOCK_SELL, xtconstant.FIX_PRICE) == (BUY, SELL, FIX_PRICE)
    names = {
        48: "ORDER_UNREPORTED", 49: "ORDER_WAIT_REPORTING", 50: "ORDER_REPORTED", 51: "ORDER_REPORTED_CANCEL",
        52: "ORDER_PARTSUCC_CANCEL", 53: "ORDER_PART_CANCEL", 54: "ORDER_CANCELED", 55: "ORDER_PART_SUCC",
        56: "ORDER_SUCCEEDED", 57: "ORDER_JUNK",
    }  # fmt: skip
    assert {number: getattr(xtconstant, name) for number, name in names.items()} == {n: n for n in STATUSES}
    assert (xtconstant.ORDER_UNKNOWN, xtconstant.ACCOUNT_STATUS_OK) == (255, 0)
