"""The gateway's own process on its configuration, real sockets and a real disk, with QMT as its broker: it connects and books."""

from collections.abc import Callable
from pathlib import Path

from common.bus.curve import make_missing_keys
from common.domain.values import Side
from common.messages.orders import AccountOpened, EventRow, ExternalOrderSeen
from common.runtime.clock import SystemClock
from common.runtime.config import parse_config
from common.runtime.service import Shell
from common.runtime.store import read_rows
from services.order_gateway.__main__ import SPEC, parts_of
from tests.e2e.rig import free_base_port
from tests.fakes.xtquant import installed
from tests.fakes.xtquant.venue import Venue
from tests.xt_rig import NEEDS_WHEEL

pytestmark = NEEDS_WHEEL
A, ACCOUNT = "600001.SH", "8888"


def stepped(shell: Shell, done: Callable[[], bool]) -> None:
    """Step the loop until it is done."""
    for _ in range(600):
        if done():
            return
        shell.step(50)
    raise AssertionError(f"it never came to that: {shell.status()}")


def test_the_gateway_connects_opens_its_books_and_hears_of_an_order_by_hand(tmp_path: Path) -> None:
    client, keys = tmp_path / "国金QMT" / "userdata_mini", tmp_path / "keys"
    client.mkdir(parents=True)
    make_missing_keys(keys)
    venue = Venue(str(client), ACCOUNT, cash=100_000_000, now_ns=SystemClock().now_ns)
    config = parse_config(
        {
            "system": {
                "base_port": free_base_port(), "run_dir": str(tmp_path / "run"), "keys_dir": str(keys),
                "log_level": "error", "mode": "live", "account": ACCOUNT,
            },
            "gateway": {"broker": "xt", "after_absence": "park", "client_path": str(client)},
        },
        "test",
    )  # fmt: skip
    with installed():
        core, broker = parts_of(config)
        shell = Shell(core, SPEC, config, broker, "r")
        try:
            shell.start()
            stepped(shell, lambda: shell.status().numbers["reconciled"] == 1)
            venue.by_hand(A, Side.BUY, 500, 9.5, traded=100)
            stepped(shell, lambda: shell.status().numbers["external_orders"] == 1)
            stepped(shell, lambda: shell.status().numbers["deals_parked"] == 1)  # no day has begun: it waits for that
            events = [row.record.event for row in read_rows(shell.store.path).rows if isinstance(row.record, EventRow)]
        finally:
            shell.close()
    assert [type(event) for event in events] == [AccountOpened, ExternalOrderSeen]
    assert events[0] == AccountOpened(100_000_000, ACCOUNT)
    assert venue.clients == [], "a closed gateway leaves no session behind"
