"""The real Python layer of xtquant over the fake client, and our adapter on top: for whoever tests the trading half."""

import itertools
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from common.domain.calendar import NS, hms, ts_of
from common.domain.ids import client_order_id
from common.domain.reasons import Reason
from common.domain.values import Phase, Side
from common.messages.orders import SubmitOrder
from common.runtime.clock import SimClock
from services.order_gateway.adapters.xt import XtBroker, XtSettings
from services.order_gateway.adapters.xt_session import Modules
from services.order_gateway.calls import (
    AccountView,
    Cancel,
    Connect,
    CounterState,
    LinkUp,
    Query,
    Report,
    Submit,
)
from tests.fakes.xtquant import available, installed
from tests.fakes.xtquant.venue import Venue

NEEDS_WHEEL = pytest.mark.skipif(
    not available(), reason="the xtquant wheel is not installed (make test installs it where an index has it)"
)


def vendor_modules() -> Modules:
    """Return the vendor's modules, fresh, over the fake native module; nothing of them stays in sys.modules."""
    with installed():
        from xtquant import xttrader, xttype

        return Modules(xttrader, xttype)


def settle(broker: XtBroker) -> None:
    """Wait until everything that is under way has come back: worker, native thread, push executor."""
    session = broker.session
    while session is not None:
        session.jobs.join()
        trader: Any = session.trader
        if trader is None:
            return
        client = trader.async_client
        client.jobs.join()
        trader.executor.submit(lambda: None).result(10)
        if not session.jobs.unfinished_tasks and not client.jobs.unfinished_tasks:
            return


DAY = 20260105
A, ACCOUNT = "600001.SH", "8888"
_PATHS = itertools.count()


Kind = TypeVar("Kind")


class Floor:
    """Our adapter before a client that a test commands; time stands still until it is told."""

    def __init__(self, modules: Modules, folder: Path, *, cash: int = 100_000_000, **habits: Any) -> None:
        self.clock = SimClock(ts_of(DAY, hms("10:00")))
        self.venue = Venue(str(folder / f"userdata_mini_{next(_PATHS)}"), ACCOUNT, cash=cash, now_ns=self.clock.now_ns)
        for name, value in habits.items():
            setattr(self.venue.habits, name, value)
        self.logged: list[tuple[str, str, dict[str, object]]] = []
        settings = XtSettings(self.venue.path, ACCOUNT)
        self.broker = XtBroker(settings, self.clock.now_ns, lambda *line: self.logged.append(line), modules)
        self._asked = 0

    def see(self) -> list[Report]:
        """Wait until all has come back and return what was reported."""
        settle(self.broker)
        return [report for message in self.broker.poll() for report in message.reports]

    def up(self) -> "Floor":
        """Connect."""
        self.broker.perform(Connect())
        reports = self.see()
        assert LinkUp(self.broker._sessions) in reports, reports
        return self

    def wait(self, seconds: float) -> list[Report]:
        """Let time pass."""
        self.clock.at_ns += int(seconds * NS)
        return self.see()

    def until(self, done: Callable[[], bool]) -> None:
        """Wait for a thread of the vendor's to come to where a test wants it."""
        for _ in range(2_000):
            if done():
                return
            threading.Event().wait(0.005)
        raise AssertionError("it never came to that")

    def submit(self, key: str = "k", shares: int = 1_000, price: int = 9_990, side: Side = Side.BUY) -> SubmitOrder:
        """Give an order to the adapter."""
        now = self.clock.now_ns()
        order = SubmitOrder(
            client_order_id(DAY, key), key, A, side, shares, price, 1, now, now + 6 * NS, "hand", Reason.HAND_OPEN
        )
        self.broker.perform(Submit(order, 1, now, DAY, 0, Phase.CONTINUOUS, AccountView(0, 0, 0)))
        return order

    def cancel(self, order: SubmitOrder, number: str, key: str = "c") -> None:
        """Ask the adapter for a cancel."""
        self.broker.perform(Cancel(key, order.coid, A, 1, self.clock.now_ns(), DAY, number))

    def ask(self) -> int:
        """Ask for everything; returns what the answer carries."""
        self._asked += 1
        self.broker.perform(Query(self._asked))
        return self._asked

    def state(self) -> CounterState:
        """Ask, and return the answer."""
        self.ask()
        (found,) = [report for report in self.see() if isinstance(report, CounterState)]
        return found

    def lines(self, event: str) -> list[dict[str, object]]:
        """Return the facts of every log line of an event."""
        return [facts for _, said, facts in self.logged if said == event]


def seen(reports: Iterable[object], kind: type[Kind]) -> list[Kind]:
    """Return the reports of one kind."""
    return [report for report in reports if isinstance(report, kind)]
