"""One session with QMT: a trader of the vendor's, the callbacks that listen to it, and the one thread that calls it.

What the vendor does to a caller decides the shape. A synchronous call has no time limit and can hang for ever; one made
in a callback always does; an exception in a callback vanishes without a word. So callbacks copy and enqueue, nothing
else; every call is made by one worker thread per session, one after another; whoever waits looks at `overdue`, and a
session whose worker hangs is given up as a whole: a new one gets a new trader, a new number and a new thread. A call
that was not begun when its session was given up is never made.
"""

import queue
import threading
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from services.order_gateway.adapters.xt_parse import STATUS_OK, AssetRow, OrderRow, PositionRow, TradeRow, whole

NS = 1_000_000_000
CONNECT_NS = 20 * NS
CALL_NS = 5 * NS
LATE_NS = 2 * NS
"""An order that waited longer for the worker is not sent any more: the world has moved on, and settling counts from its asking."""
STOP_S = 5.0
PARTS = ("asset", "orders", "trades", "positions", "asset_after")
"""What is asked for in one go, in this order."""
Row = OrderRow | TradeRow | PositionRow | AssetRow


class Heard(NamedTuple):
    """Something a session has to say, as it lies in the inbox."""

    session: int
    what: str
    facts: tuple[Any, ...] = ()


class Job(NamedTuple):
    """A call of the vendor's that waits for the worker."""

    name: str
    limit_ns: int
    call: Callable[[], None]


class XtSettings(NamedTuple):
    """Which client, which account, which session numbers."""

    path: str
    """The client's folder `userdata_mini`."""
    account: str
    session_first: int = 7_101
    sessions: int = 8


class Modules(NamedTuple):
    """The vendor's Python layer."""

    xttrader: Any
    xttype: Any


def copier(kind: Any) -> Callable[[Any], Any]:
    """Return what copies the fields of a native object into a row; a field that is missing there is None here."""
    fields: tuple[str, ...] = kind._fields
    get, make = attrgetter(*fields), kind._make

    def copy(native: Any) -> Any:
        try:
            return make(get(native))
        except AttributeError:
            return make(getattr(native, field, None) for field in fields)

    return copy


def _pass_over(*_facts: object) -> None:
    """Do nothing with it."""


COPY_ORDER, COPY_TRADE = copier(OrderRow), copier(TradeRow)
COPY = {"orders": COPY_ORDER, "trades": COPY_TRADE, "positions": copier(PositionRow), "asset": copier(AssetRow)}


class Listener:
    """What the vendor calls, on a thread of its own: copy, enqueue, return. The names are the vendor's."""

    def __init__(self, session: int, put: Callable[[Heard], None]) -> None:
        self._session, self._put = session, put

    def _say(self, what: str, *facts: Any) -> None:
        self._put(Heard(self._session, what, facts))

    def on_connected(self) -> None:
        """Never called by the vendor."""

    def on_disconnected(self) -> None:
        """Note that the link to the client is lost."""
        self._say("down", "disconnected")

    def on_account_status(self, status: Any) -> None:
        """Note the state of an account."""
        self._say("account", getattr(status, "account_id", None), getattr(status, "status", None))

    def on_stock_asset(self, asset: Any) -> None:
        """Pass over: money is asked for."""

    def on_stock_position(self, position: Any) -> None:
        """Pass over: positions are asked for."""

    def on_stock_order(self, order: Any) -> None:
        """Hand over an order."""
        self._put(Heard(self._session, "order", (COPY_ORDER(order),)))

    def on_stock_trade(self, trade: Any) -> None:
        """Hand over a deal."""
        self._put(Heard(self._session, "trade", (COPY_TRADE(trade),)))

    def on_order_error(self, error: Any) -> None:
        """Hand over the refusal of an order."""
        facts = (getattr(error, name, None) for name in ("seq", "order_id", "order_remark", "error_id", "error_msg"))
        self._say("order_error", *facts)

    def on_cancel_error(self, error: Any) -> None:
        """Hand over the refusal of a cancel."""
        self._say("cancel_error", *(getattr(error, name, None) for name in ("order_id", "error_id", "error_msg")))

    def on_order_stock_async_response(self, response: Any) -> None:
        """Hand over the answer to an order."""
        facts = (getattr(response, name, None) for name in ("seq", "order_id", "order_remark", "error_msg"))
        self._say("answer", *facts)

    def on_cancel_order_stock_async_response(self, response: Any) -> None:
        """Hand over the answer to a cancel."""
        facts = (getattr(response, name, None) for name in ("seq", "order_id", "cancel_result", "error_msg"))
        self._say("cancel_answer", *facts)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Take whatever else the vendor may call (margin trading, transfers) and do nothing with it."""
        if not name.startswith("on_"):
            raise AttributeError(name)
        return _pass_over


class Deaf(Listener):
    """Takes the place of the listener of a session that is over: what comes late must not hit the new one."""

    def __init__(self) -> None:
        super().__init__(0, _pass_over)


class _Closed:
    """Stands before an executor that is about to be shut: what is pushed after that would raise in the native thread."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    def submit(self, *_call: object) -> None:
        """Drop it: the session is over."""

    def shutdown(self, wait: bool = True) -> None:
        """Wait for what was begun."""
        self._executor.shutdown(wait=wait)


def trader_class(xttrader: Any) -> Any:
    """Return the vendor's trader without its destructor.

    That puts an event loop back which only exists where the trader was made in the main thread, and fails when it is not
    or when the process ends.
    """
    return type("Trader", (xttrader.XtQuantTrader,), {"__del__": _pass_over})


class Session:
    """A trader with its worker."""

    def __init__(
        self,
        session: int,
        number: int,
        place: XtSettings,
        modules: Modules,
        put: Callable[[Heard], None],
        now_ns: Callable[[], int],
    ) -> None:
        self.session, self.number = session, number
        """Ours, and the vendor's."""
        self._place, self._modules, self._put, self._now_ns = place, modules, put, now_ns
        self.jobs: queue.Queue[Job | None] = queue.Queue()
        self.trader: Any = None
        self._account: Any = None
        self._over = threading.Event()
        self._busy: tuple[str, int] = ("", 0)
        """The call that is being made, and by when it must be back."""
        self._calling = threading.Lock()
        self._stopped = False
        threading.Thread(target=self._work, name=f"xt-{number}", daemon=True).start()

    # ------------------------------------------------------------------ the worker

    def do(self, name: str, call: Callable[[], None], limit_ns: int = CALL_NS) -> None:
        """Have the worker make a call, after those that wait already."""
        self.jobs.put(Job(name, limit_ns, call))

    def _work(self) -> None:
        while True:
            job = self.jobs.get()
            try:
                if job is None:
                    self._stop()
                    return
                self._one(job)
            finally:
                self.jobs.task_done()

    def _one(self, job: Job) -> None:
        with self._calling:
            if self._over.is_set():
                return
            self._busy = (job.name, self._now_ns() + job.limit_ns)
        try:
            job.call()
        except Exception as error:  # the vendor's layer raises what it likes; here it becomes news
            self._say("fault", job.name, f"{type(error).__name__}: {error}")
        self._busy = ("", 0)

    def overdue(self, now_ns: int) -> str:
        """Return the name of the call that should be back by now; empty where all is well."""
        name, until_ns = self._busy
        return name if name and now_ns > until_ns else ""

    def _say(self, what: str, *facts: Any) -> None:
        if not self._over.is_set():
            self._put(Heard(self.session, what, facts))

    # ------------------------------------------------------------------ calls

    def open(self) -> None:
        """Make the trader, connect, subscribe."""
        self.do("connect", self._open, CONNECT_NS)

    def _open(self) -> None:
        xttrader = self._modules.xttrader
        trader = trader_class(xttrader)(self._place.path, self.number)
        trader.register_callback(Listener(self.session, self._hear))
        trader.start()
        self.trader = trader  # only now: what was not started cannot be stopped, and the worker stops it at its own end
        code = trader.connect()
        if code != 0:
            self._say("down", f"connect {code}")
            return
        account = self._modules.xttype.StockAccount(self._place.account)
        if isinstance(account, str):  # so the vendor says that it does not like an account
            self._say("down", f"account: {account}")
            return
        self._account = account
        code = trader.subscribe(account)
        if code != 0:
            self._say("down", f"subscribe {code}")
            return
        # An account that is not listed is judged by whether its money can be asked for.
        states = {_id_of(state): _status_of(state) for state in trader.query_account_status() or ()}
        state = states.get(self._place.account, STATUS_OK)
        self._say(*(("up",) if state == STATUS_OK else ("down", f"account status {state}")))

    def _hear(self, heard: Heard) -> None:
        if not self._over.is_set():
            self._put(heard)

    def order(self, coid: str, symbol: str, order_type: int, shares: int, price: float, price_type: int) -> None:
        """Send an order; its answer comes when it comes."""
        asked_ns = self._now_ns()

        def call() -> None:
            if self._now_ns() - asked_ns > LATE_NS:
                self._say("unsent", coid)
                return
            # strategy_name must be short, and says who sent it.
            seq = self.trader.order_stock_async(
                self._account, symbol, order_type, shares, price_type, price, "pankou", coid
            )
            self._say("sent", coid, seq)

        self.do("order", call)

    def cancel(self, order_id: int) -> None:
        """Ask for a cancel; the order's number ties its answer to it."""
        self.do("cancel", lambda: self.trader.cancel_order_stock_async(self._account, order_id))

    def query(self, asked_ns: int) -> None:
        """Ask for money, orders, deals and positions, all at once, and money again: none of it waits for another."""

        def told(part: str) -> Callable[[Any], None]:
            copy = COPY[part.removesuffix("_after")]

            def hear(found: Any) -> None:
                single = part.startswith("asset")
                rows = None if found is None else copy(found) if single else tuple(copy(each) for each in found)
                self._say("part", asked_ns, part, rows)

            return hear

        def call() -> None:
            trader, account = self.trader, self._account
            for part in PARTS:
                ask = getattr(trader, f"query_stock_{part.removesuffix('_after')}_async")
                ask(account, told(part))

        self.do("query", call)

    # ------------------------------------------------------------------ the end

    def end(self) -> threading.Thread:
        """Give the session up: nothing more is called or heard; returns the thread that stops the trader."""
        held = self._calling.acquire(timeout=0.1)  # never held while the vendor is called
        self._over.set()
        if held:
            self._calling.release()
        self.jobs.put(None)
        if self.trader is not None:
            self.trader.register_callback(Deaf())
        # A thread of its own: stopping waits for the vendor's threads, and a worker that hangs will not do it.
        thread = threading.Thread(target=self._stop, name=f"xt-stop-{self.number}", daemon=True)
        thread.start()
        return thread

    def _stop(self) -> None:
        with self._calling:
            trader, stopped = self.trader, self._stopped
            self._stopped = stopped or trader is not None
        if trader is None or stopped:
            return
        trader.register_callback(Deaf())
        trader.executor = trader.resp_executor = _Closed(trader.executor)
        trader.stop()
        trader.loop.close()


def _id_of(state: Any) -> str:
    return str(getattr(state, "account_id", None) or getattr(state, "m_strAccountID", ""))


def _status_of(state: Any) -> int | None:
    return whole(getattr(state, "status", getattr(state, "m_nStatus", None)))
