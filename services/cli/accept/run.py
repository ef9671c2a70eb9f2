"""An acceptance run: look, then, asked for once more, one order and its cancel. Everything is written down.

No order is placed but by `place`, which takes a `Plan` that nothing forbids and an `Agreed` that only the second typed
confirmation makes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from common.domain.calendar import NS, day_of
from common.domain.errors import PankouError
from common.domain.ids import client_order_id
from common.domain.values import Symbol
from services.cli.accept.ours import filled, is_ours, number, order_id_of, our_orders, remark_of
from services.cli.accept.plan import FINAL, Forbidden, Plan, forbids, make_plan
from services.cli.accept.port import Fields, Vendor
from services.cli.accept.recorder import Recorder
from services.cli.faults import CliError

ANSWER_S, CANCEL_S, POLL_S = 20, 30, 0.2
CANCEL_AGAIN_S = 5
LINGER_S = 3
CANCELLED = frozenset({53, 54})


class Clock(Protocol):
    """Time, and waiting."""

    def now_ns(self) -> int:
        """Return the time in ns since 1970."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Wanted(NamedTuple):
    """What somebody asked for."""

    symbol: Symbol
    also: tuple[Symbol, ...] = ()
    """Further stocks whose quotes are kept whole: one of each exchange tells its units."""
    seconds: int = 60
    any_time: bool = False
    trading_day: bool = True
    killed: Callable[[], bool] = lambda: False
    """Whether the kill switch's file is there; asked at the last moment."""


class Agreed(NamedTuple):
    """The second confirmation, as it was typed."""

    typed: str


class Looked(NamedTuple):
    """What the read-only part ended with."""

    connected: bool
    plan: Plan | Forbidden


class Placed(NamedTuple):
    """What became of the order."""

    remark: str
    order_id: int
    state: int
    """The last state the counter told, 0 = none."""
    filled: int

    @property
    def is_over(self) -> bool:
        """Tell whether the counter says that the order has ended."""
        return self.state in FINAL


class Acceptance:
    """One run against one client."""

    def __init__(self, vendor: Vendor, clock: Clock, book: Recorder, wanted: Wanted, tell: Callable[..., None]) -> None:
        self._vendor, self._clock, self._book, self._wanted, self._tell = vendor, clock, book, wanted, tell

    # ------------------------------------------------------------------ looking

    def look(self) -> Looked:
        """Connect, ask for everything once, and listen to the quotes; nothing is changed at the broker."""
        vendor, wanted = self._vendor, self._wanted
        if self._call("load", vendor.load) is None:
            return Looked(False, Forbidden("not_connected", {}))
        if self._call("connect", vendor.connect) != 0 or self._call("subscribe", vendor.subscribe) != 0:
            return Looked(False, Forbidden("not_connected", {}))
        self._call("account_status", vendor.account_status)
        self._call("asset", vendor.asset)
        for name in ("positions", "orders", "trades"):
            self._call(name, getattr(vendor, name))
        for symbol in (wanted.symbol, *wanted.also):
            self._call("instrument", lambda symbol=symbol: vendor.instrument(symbol), symbol=symbol)  # type: ignore[misc]  # a default binds the name of this round
            self._call("tick", lambda symbol=symbol: vendor.tick(symbol), symbol=symbol)  # type: ignore[misc]  # as above
        self._listen()
        return Looked(True, self._plan())

    def _listen(self) -> None:
        symbols = (self._wanted.symbol, *self._wanted.also)
        number = self._call("watch", lambda: self._vendor.watch(symbols))
        if not isinstance(number, int) or number <= 0:
            return
        self._tell("accept.listening", seconds=self._wanted.seconds)
        self._wait(self._wanted.seconds, lambda: False)
        self._call("unwatch", self._vendor.unwatch)

    def _plan(self) -> Plan | Forbidden:
        instrument = self._last("instrument", self._wanted.symbol)
        tick = self._call("tick", lambda: self._vendor.tick(self._wanted.symbol), symbol=self._wanted.symbol)
        plan = make_plan(self._wanted.symbol, instrument, tick if isinstance(tick, dict) else None)
        return plan if isinstance(plan, Forbidden) else self.forbidden(plan) or plan

    def forbidden(self, plan: Plan) -> Forbidden | None:
        """Ask for what may forbid the order, now."""
        asset, orders = self._call("asset", self._vendor.asset), self._call("orders", self._vendor.orders)
        wanted = self._wanted
        return forbids(
            plan,
            self._clock.now_ns(),
            orders if isinstance(orders, list) else None,
            asset if isinstance(asset, dict) else None,
            trading_day=wanted.trading_day,
            any_time=wanted.any_time,
            killed=wanted.killed(),
        )

    # ------------------------------------------------------------------ the order

    def place(self, plan: Plan, agreed: Agreed) -> Placed | Forbidden:
        """Place the order, see it at the counter, cancel it, see it ended; what is unknown stays so."""
        found = self.forbidden(plan)  # time has passed while somebody typed
        if found is not None:
            return found
        now_ns = self._clock.now_ns()
        day = day_of(now_ns)
        remark = client_order_id(day, f"accept|{day}|{plan.symbol}|{now_ns}")
        self._book.write("agreed", now_ns, typed=agreed.typed, symbol=plan.symbol, price=plan.price, remark=remark)
        self._call("order", lambda: self._vendor.order(plan.symbol, plan.shares, plan.price, remark), remark=remark)
        try:
            self._wait(ANSWER_S, self._is_visible)
        finally:
            self._cancel()  # also when somebody pressed Ctrl-C: an order is never left behind
        self._call("trades", self._vendor.trades)
        self._call("asset", self._vendor.asset)
        return self.placed()

    def _cancel(self) -> None:
        """Ask for the cancel until the order has ended; a second cancel is harmless, an order left is not."""
        until_ns = self._clock.now_ns() + CANCEL_S * NS
        while self._clock.now_ns() < until_ns and not self.placed().is_over:
            mine = order_id_of(self._book.rows)
            if mine > 0:
                self._call("cancel", lambda mine=mine: self._vendor.cancel(mine), order_id=mine)  # type: ignore[misc]  # a default binds the number of this round
            self._wait(CANCEL_AGAIN_S, self._has_ended)
        # The end may be seen before the cancel's own answer comes.
        self._wait(LINGER_S, lambda: bool(self._book.heard("on_cancel_order_stock_async_response")))

    def placed(self) -> Placed:
        """Return what is known of the order from everything heard and asked."""
        rows = self._book.rows
        states = [number(row.get("order_status")) for row in our_orders(rows)]
        # The order of arrival says little: a state that ends an order is never left again.
        state = next((state for state in reversed(states) if state in FINAL), states[-1] if states else 0)
        return Placed(remark_of(rows), order_id_of(rows), state, filled(rows))

    def _is_visible(self) -> bool:
        found = self._call("orders", self._vendor.orders)
        remark, mine = remark_of(self._book.rows), order_id_of(self._book.rows)
        return isinstance(found, list) and any(is_ours(row, remark, mine) for row in found)

    def _has_ended(self) -> bool:
        self._call("orders", self._vendor.orders)
        return self.placed().is_over

    # ------------------------------------------------------------------ parts

    def _call(self, name: str, call: Callable[[], Any], **facts: Any) -> Any:
        """Make a call, write down what it brought and how long it took; a call that fails brings None."""
        self._book.hear(self._vendor.heard())
        begun_ns = self._clock.now_ns()
        error, answer = "", None
        try:
            answer = call()
        except CliError as fault:
            error = f"{fault.key} {fault.facts}"
        except PankouError as fault:
            error = str(fault)
        except Exception as fault:  # whatever the vendor raises belongs into the recording
            error = f"{type(fault).__name__}: {fault}"
        ended_ns = self._clock.now_ns()
        self._book.write(
            "call", ended_ns, name=name, took_ms=(ended_ns - begun_ns) // 1_000_000, error=error, answer=answer, **facts
        )
        self._book.hear(self._vendor.heard())
        if error:
            self._tell("accept.call_failed", call=name, error=error)
        return answer

    def _last(self, call: str, symbol: Symbol) -> Fields | None:
        found = [row["answer"] for row in self._book.answers(call) if row.get("symbol") == symbol]
        return found[-1] if found and isinstance(found[-1], dict) else None

    def _wait(self, seconds: float, done: Callable[[], bool]) -> bool:
        until_ns = self._clock.now_ns() + int(seconds * NS)
        while not done():
            if self._clock.now_ns() >= until_ns:
                return False
            self._clock.sleep(POLL_S)
            self._book.hear(self._vendor.heard())
        return True


def ended_well(placed: Placed) -> bool:
    """Tell whether the order was cancelled and nothing of it traded."""
    return placed.state in CANCELLED and placed.filled == 0
