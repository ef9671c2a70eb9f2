"""A client behind the port of `accept live`, without any vendor code: it answers from its fields, in time of a clock that
only sleeping moves. How it behaves is the notes' §1.2 to §1.4 and §2.2; `manner` fields turn one thing each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from common.domain.calendar import NS, hms, ts_of
from common.domain.errors import UserError
from common.domain.values import Price, Shares, Symbol
from services.cli.accept.place import Place
from services.cli.accept.port import NATIVE, Fields, Heard

DAY = 20261125
ACCOUNT = "8888000001"
HOLDER = "A123456789"
MS = 1_000_000


class StepClock:
    """Stands still but while somebody sleeps; what is due meanwhile is done at its time."""

    def __init__(self, text: str = "10:00") -> None:
        self.at_ns = ts_of(DAY, hms(text))
        self._due: list[tuple[int, Callable[[], None]]] = []

    def now_ns(self) -> int:
        return self.at_ns

    def later(self, ms: int, do: Callable[[], None]) -> None:
        self._due.append((self.at_ns + ms * MS, do))

    def sleep(self, seconds: float) -> None:
        end_ns = self.at_ns + int(seconds * NS)
        while self._due:
            first = min(self._due, key=lambda row: row[0])
            if first[0] > end_ns:
                break
            self._due.remove(first)
            self.at_ns = max(self.at_ns, first[0])
            first[1]()
        self.at_ns = end_ns


@dataclass
class PlainClient:
    """One account, one stock that matters."""

    place: Place
    clock: StepClock
    native: bool = False
    missing: str = ""
    """What is wrong with the vendor's modules."""
    connect_code: int = 0
    status: int = 0
    price: float = 7.0
    down: float = 6.3
    cash: float = 100_000.0
    response_ms: int = 20
    pushed_ms: int = 30
    visible_ms: int = 900
    cancelled_ms: int = 1_500
    lose_response: bool = False
    refuse: bool = False
    """Response -1 although the order lives (notes §1.5)."""
    cut_remark: int = 24
    lose_cancel: bool = False
    fill: int = 0
    interrupt_at: str = ""
    """"after order": Ctrl-C at the first question after the order."""
    raises: frozenset[str] = frozenset()
    """Calls that raise."""
    open_orders: list[Fields] = field(default_factory=list)
    told: list[Heard] = field(default_factory=list)
    placed: list[Fields] = field(default_factory=list)
    cancels: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    stopped: bool = False
    _visible: set[int] = field(default_factory=set)
    _watching: tuple[Symbol, ...] = ()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.raises:
            raise RuntimeError(f"{name} of account {ACCOUNT} broke")

    def _say(self, name: str, fields: Fields, thread: str = "executor_0") -> None:
        self.told.append(Heard(self.clock.now_ns(), name, thread, fields))

    def load(self) -> Fields:
        self._call("load")
        if self.missing:
            raise UserError(self.missing)
        return {"xtquant": "xtquant_250807", "python": "3.11.9", "os": "win32", NATIVE: self.native}

    def connect(self) -> int:
        self._call("connect")
        return self.connect_code

    def subscribe(self) -> int:
        self._call("subscribe")
        return 0

    def account_status(self) -> list[Fields] | None:
        self._call("account_status")
        return [{"account_id": ACCOUNT, "account_type": 2, "status": self.status}]

    def asset(self) -> Fields | None:
        self._call("asset")
        sums = {"cash": self.cash, "frozen_cash": 0.0, "market_value": 7_000.0, "total_asset": self.cash + 7_000.0}
        return {"account_id": ACCOUNT, "account_type": 2, **sums}

    def positions(self) -> list[Fields] | None:
        self._call("positions")
        row = {
            "stock_code": "300750.SZ",
            "volume": 1_000,
            "can_use_volume": 800,
            "frozen_volume": 0,
            "on_road_volume": 200,
        }
        return [{"account_id": ACCOUNT, "secu_account": HOLDER, **row}]

    def orders(self) -> list[Fields] | None:
        self._call("orders")
        if self.interrupt_at and self.placed:
            self.interrupt_at = ""
            raise KeyboardInterrupt
        found = self.open_orders + [dict(order) for order in self.placed if order["order_id"] in self._visible]
        return found or None  # empty and failed are the same (notes §1.2)

    def trades(self) -> list[Fields] | None:
        self._call("trades")
        return None

    def instrument(self, symbol: Symbol) -> Fields | None:
        self._call("instrument")
        up = round(2 * self.price - self.down, 2)
        return {
            "UpStopPrice": up,
            "DownStopPrice": self.down,
            "PreClose": self.price,
            "FloatVolume": 2.7e11,
            "PriceTick": 0.01,
        }

    def tick(self, symbol: Symbol) -> Fields | None:
        self._call("tick")
        five = [self.price, 0, 0, 0, 0]
        return {
            "time": self.clock.now_ns() // MS, "lastPrice": self.price, "lastClose": self.price, "low": self.price,
            "high": self.price, "volume": 10_000, "amount": self.price * 1_000_000, "askPrice": five, "bidPrice": five,
            "askVol": [1, 0, 0, 0, 0], "bidVol": [1, 0, 0, 0, 0],
        }  # fmt: skip

    def data_dir(self) -> str:
        self._call("data_dir")
        return "D:/QMT/userdata_mini/datadir"

    def watch(self, symbols: tuple[Symbol, ...]) -> int:
        self._call("watch")
        self._watching = symbols
        self.clock.later(100, lambda: self._push(5_400))
        return 7

    def _push(self, count: int) -> None:
        if self._watching:
            ticks = {code: self.tick(code) for code in self._watching}
            self._say("quotes", {"count": count, "markets": {"SH": count}, "ticks": ticks}, "dispatcher")
            self.clock.later(3_000, lambda: self._push(1_200))

    def unwatch(self) -> None:
        self._call("unwatch")
        self._watching = ()

    def order(self, symbol: Symbol, shares: Shares, price: Price, remark: str) -> int:
        self._call("order")
        number, seq = 1_001 + len(self.placed), 41 + len(self.placed)
        order: Fields = {
            "account_id": ACCOUNT, "secu_account": HOLDER, "stock_code": symbol, "order_id": number, "order_sysid": "",
            "order_time": self.clock.now_ns() // NS, "order_type": 23, "order_volume": shares, "price": price / 1_000,
            "price_type": 50, "traded_volume": 0, "order_status": 50, "order_remark": remark[: self.cut_remark],
        }  # fmt: skip
        self.placed.append(order)
        response = {
            "account_id": ACCOUNT,
            "order_id": -1 if self.refuse else number,
            "order_remark": remark[: self.cut_remark],
            "seq": seq,
        }
        if not self.lose_response:
            self.clock.later(self.response_ms, lambda: self._say("on_order_stock_async_response", response))
        if not self.refuse:
            self.clock.later(self.pushed_ms, lambda: self._tell(order))
        self.clock.later(self.visible_ms, lambda: self._visible.add(number))
        return seq

    def _tell(self, order: Fields, **changes: object) -> None:
        order.update(changes)
        self._say("on_stock_order", dict(order))

    def cancel(self, order_id: int) -> int:
        self._call("cancel")
        self.cancels.append(order_id)
        order = next(row for row in self.placed if row["order_id"] == order_id)
        done = {"account_id": ACCOUNT, "cancel_result": 0, "order_id": order_id, "order_sysid": "1", "seq": 90}
        self.clock.later(20, lambda: self._say("on_cancel_order_stock_async_response", done))
        if not self.lose_cancel:
            state = {"order_status": 53 if self.fill else 54, "traded_volume": self.fill}
            self.clock.later(self.cancelled_ms, lambda: self._tell(order, **state))
        return 90

    def heard(self) -> list[Heard]:
        found, self.told = self.told, []
        return found

    def stop(self) -> None:
        self.stopped = True
