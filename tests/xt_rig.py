"""The real Python layer of xtquant over the fake client, and our adapter on top: for whoever tests the trading half."""

from typing import Any

import pytest

from services.order_gateway.adapters.xt import XtBroker
from services.order_gateway.adapters.xt_session import Modules
from tests.fakes.xtquant import available, installed

NEEDS_WHEEL = pytest.mark.skipif(
    not available(), reason="the xtquant wheel (requirements-xt.lock) is not installed: no registry here has it"
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
        client = trader.async_client
        if trader.executor is None:
            return
        client.jobs.join()
        trader.executor.submit(lambda: None).result(10)
        if not session.jobs.unfinished_tasks and not client.jobs.unfinished_tasks:
            return
