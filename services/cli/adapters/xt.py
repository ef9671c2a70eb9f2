"""The real client behind the port of `accept live`: every object copied field by field, every callback only enqueued.

Asynchronous orders and cancels only, no call from a callback (notes §0.2), every synchronous call under a limit of
ours (§0.3): what is late is reported as a `VendorSilentError` and leaves its thread behind.
"""

import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from common.domain.errors import UserError
from common.domain.values import Price, Shares, Symbol
from common.runtime.vendor import load_vendor
from services.cli.accept.place import Place
from services.cli.accept.port import NATIVE, Fields, Heard
from services.cli.faults import CliError

CALL_S, CONNECT_S, STOP_S = 10.0, 20.0, 5.0
BUY, FIXED_PRICE = 23, 11
MARKETS = ("SH", "SZ", "BJ")
FRIENDLY = {"m_strAccountID": "account_id", "m_nAccountType": "account_type", "m_nStatus": "status"}
"""The layer gives these their plain names when they are pushed, and not when they are asked for (notes §3.1)."""
SCALAR = (bool, int, float, str)
Answer = TypeVar("Answer")


def is_native(module: Any) -> bool:
    """Tell whether a module is a real extension module, and not Python in its place."""
    return str(getattr(module, "__file__", None) or "").endswith((".pyd", ".so"))


class VendorSilentError(CliError):
    """A call of the vendor's that did not come back in time."""


def fields_of(found: Any) -> Fields:
    """Copy the scalars of a native object; it is not kept, nor pickled (notes §1.3)."""
    names = [name for name in dir(found) if not name.startswith("_")]
    values = {name: getattr(found, name, None) for name in names}
    return {name: value for name, value in values.items() if isinstance(value, SCALAR)}


def rows_of(found: Any) -> list[Fields] | None:
    """Copy a list of native objects; None stays None."""
    return None if found is None else [fields_of(row) for row in found]


def within(name: str, seconds: float, call: Callable[[], Answer]) -> Answer:
    """Make a call in a thread of its own and give up on it after so many seconds."""
    box: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            box.put((call(), None))
        except BaseException as error:  # carried over to the caller's thread
            box.put((None, error))

    threading.Thread(target=work, name=f"vendor-{name}", daemon=True).start()
    try:
        answer, error = box.get(timeout=seconds)
    except queue.Empty:
        raise VendorSilentError("err.vendor_silent", call=name, seconds=int(seconds)) from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # an answer of None is the vendor's


class XtVendor:
    """A QMT client reached by xtquant."""

    def __init__(self, place: Place, now_ns: Callable[[], int], call_s: float = CALL_S) -> None:
        self.place = place
        self._now_ns, self._call_s = now_ns, call_s
        self._heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._trader: Any = None
        self._account: Any = None
        self._xtdata: Any = None
        self._watching = -1

    def load(self) -> Fields:
        """Import the vendor's modules and return their versions; `UserError` where they cannot be had."""
        self._xtdata, self._xttrader, self._xttype = load_vendor("xtdata", "xttrader", "xttype")
        self._xtdata.enable_hello = False
        package = sys.modules["xtquant"]
        return {
            "xtquant": str(getattr(package, "__version__", "?")),
            "python": sys.version.split()[0],
            "os": sys.platform,
            NATIVE: is_native(sys.modules.get("xtquant.xtpythonclient")),
        }

    # ------------------------------------------------------------------ trading

    def connect(self) -> int:
        """Start and connect; 0 = connected."""
        listener = _listener(self._xttrader.XtQuantTraderCallback, self._hear)
        place = self.place
        self._trader = within("trader", self._call_s, lambda: self._xttrader.XtQuantTrader(place.path, place.session))
        # Made on another thread it has no loop to give back, and asks for one when it dies on this.
        self._trader.oldloop = None
        self._trader.register_callback(listener)
        # A query that is made while a callback runs would otherwise wait behind it (notes §1.3).
        self._trader.set_relaxed_response_order_enabled(True)
        within("start", self._call_s, self._trader.start)
        return int(within("connect", CONNECT_S, self._trader.connect))

    def subscribe(self) -> int:
        """Ask for the account's pushes; 0 = ok."""
        account = self._xttype.StockAccount(self.place.account)
        if isinstance(account, str):  # how the vendor reports a bad account (notes §1.1)
            raise UserError(f"account {self.place.account}: {account}")
        self._account = account
        return int(self._sync("subscribe"))

    def account_status(self) -> list[Fields] | None:
        """Return the accounts the client knows with their status."""
        found = rows_of(within("query_account_status", self._call_s, self._trader.query_account_status))
        return (
            None
            if found is None
            else [{FRIENDLY.get(name, name): value for name, value in row.items()} for row in found]
        )

    def asset(self) -> Fields | None:
        """Return the account's money."""
        found = self._sync("query_stock_asset")
        return None if found is None else fields_of(found)

    def positions(self) -> list[Fields] | None:
        """Return the positions; `None` is failed or empty."""
        return rows_of(self._sync("query_stock_positions"))

    def orders(self) -> list[Fields] | None:
        """Return the day's orders; `None` is failed or empty."""
        return rows_of(self._sync("query_stock_orders"))

    def trades(self) -> list[Fields] | None:
        """Return the day's deals; `None` is failed or empty."""
        return rows_of(self._sync("query_stock_trades"))

    def order(self, symbol: Symbol, shares: Shares, price: Price, remark: str) -> int:
        """Place a limit buy, price in 0.001 yuan, without waiting; the number of the request."""
        # Given up on, it may still be placed: whoever asked looks for it by its remark, as after any lost answer.
        return int(
            within(
                "order_stock_async",
                self._call_s,
                lambda: self._trader.order_stock_async(
                    self._account, symbol, BUY, shares, FIXED_PRICE, round(price / 1000, 3), "pankou", remark
                ),
            )
        )

    def cancel(self, order_id: int) -> int:
        """Ask for a cancel without waiting; the number of the request."""
        return int(
            within(
                "cancel_order_stock_async",
                self._call_s,
                lambda: self._trader.cancel_order_stock_async(self._account, order_id),
            )
        )

    def _sync(self, name: str) -> Any:
        return within(name, self._call_s, lambda: getattr(self._trader, name)(self._account))

    # ------------------------------------------------------------------ quotes

    def instrument(self, symbol: Symbol) -> Fields | None:
        """Return what is known of a stock today."""
        found = within("get_instrument_detail", self._call_s, lambda: self._xtdata.get_instrument_detail(symbol, True))
        return None if not found else {name: value for name, value in found.items() if isinstance(value, SCALAR)}

    def tick(self, symbol: Symbol) -> Fields | None:
        """Return the last quote of a stock."""
        found = within("get_full_tick", self._call_s, lambda: self._xtdata.get_full_tick([symbol]))
        return found.get(symbol) if found else None

    def data_dir(self) -> str:
        """Return the client's folder of data, "" where it does not tell."""
        return str(within("get_data_dir", self._call_s, self._xtdata.get_data_dir) or "")

    def watch(self, symbols: tuple[Symbol, ...]) -> int:
        """Have the whole market pushed, the quotes of some stocks kept whole; the number of the subscription, or -1."""
        first = [True]  # the first push is kept whole: it shows every kind of code and the units of each board

        def pushed(ticks: dict[str, Fields]) -> None:
            counts = dict.fromkeys(MARKETS, 0)
            for code in ticks:
                counts[code[-2:]] = counts.get(code[-2:], 0) + 1
            kept = {code: dict(ticks[code]) for code in symbols if code in ticks}
            whole = {code: dict(tick) for code, tick in ticks.items()} if first else {}
            first.clear()
            self._hear("quotes", {"count": len(ticks), "markets": counts, "ticks": kept, "market": whole})

        call = lambda: self._xtdata.subscribe_whole_quote(list(MARKETS), pushed)  # noqa: E731 - one line for `within`
        self._watching = int(within("subscribe_whole_quote", self._call_s, call))
        return self._watching

    def unwatch(self) -> None:
        """End the pushes."""
        if self._watching > 0:
            number, self._watching = self._watching, -1
            within("unsubscribe_quote", self._call_s, lambda: self._xtdata.unsubscribe_quote(number))

    # ------------------------------------------------------------------ what it says by itself

    def _hear(self, name: str, fields: Fields) -> None:
        self._heard.put(Heard(self._now_ns(), name, threading.current_thread().name, fields))

    def heard(self) -> list[Heard]:
        """Return what was said since the last time, oldest first."""
        found = []
        while True:
            try:
                found.append(self._heard.get_nowait())
            except queue.Empty:
                return found

    def stop(self) -> None:
        """Let go of the client; returns in a few seconds whatever the vendor does."""
        trader, self._trader = self._trader, None
        if trader is None:
            return

        def end() -> None:
            trader.stop()
            trader.loop.close()  # the vendor leaves its own open

        stopping = threading.Thread(target=end, name="vendor-stop", daemon=True)
        stopping.start()
        stopping.join(STOP_S)


CALLBACKS = (
    "on_connected", "on_disconnected", "on_account_status", "on_stock_asset", "on_stock_position", "on_stock_order",
    "on_stock_trade", "on_order_error", "on_cancel_error", "on_order_stock_async_response",
    "on_cancel_order_stock_async_response",
)  # fmt: skip
"""Everything the vendor may say to a trader (notes §1.3)."""


def _listener(base: Any, hear: Callable[[str, Fields], None]) -> Any:
    """Return a callback object that enqueues whatever it is told."""

    def told(name: str) -> Callable[..., None]:
        def callback(_self: Any, *said: Any) -> None:
            hear(name, fields_of(said[0]) if said else {})

        return callback

    return type("Listener", (base,), {name: told(name) for name in CALLBACKS})()
