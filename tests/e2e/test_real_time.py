"""A slice at sixty times real time: nothing lost, lateness reported, no false block."""

import shutil
from pathlib import Path

import pytest

from common.domain.reasons import Reason
from common.domain.values import TradingState
from common.history.synthetic.market import make_market
from common.history.synthetic.params import MarketParams
from common.messages.orders import OrderFilled
from tests.e2e.rig import System

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]
BLOCKS = {
    Reason.STALE,
    Reason.STATE_REDUCING,
    Reason.STATE_HALTED,
    Reason.DATA_GAP,
    Reason.NOT_READY,
    Reason.RISK_SILENT,
}


def test_ten_minutes_at_sixty_times(system: System, markets: Path, tmp_path: Path) -> None:
    market = make_market(markets, MarketParams(stocks=60, interval_s=3))
    days = tmp_path / "days"
    days.mkdir()
    shutil.copy(market.tapes[0], days)
    (days / "history").symlink_to(market.history)
    done = system.pankou(
        "run", "--days", str(days), "--pace", "real_time", "--speed", "60", "--from", "09:53", "--to", "10:03"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    books = system.books()
    assert not {verdict.reason for verdict in books["verdicts"]} & BLOCKS
    fills = [row.event for row in books["rows"] if isinstance(row.event, OrderFilled)]
    assert {fill.symbol for fill in fills} >= {"600101.SH"}, "the touch of 10:00 lies in the slice"
    player = system.status("market_data").numbers
    assert {f"late_{name}" for name in ("order_gateway", "signal_engine", "risk_manager")} <= set(player)
    for service in ("order_gateway", "signal_engine", "risk_manager"):
        status = system.status(service)
        assert status.numbers["repairs"] == 0, service
        assert status.numbers.get("market_data_lost", 0) == 0, service
        assert status.numbers.get("market_data_bad", 0) == 0, service
        assert status.numbers["push"] == player["push"], service
    assert system.status("risk_manager").state == TradingState.ACTIVE.name.lower()
