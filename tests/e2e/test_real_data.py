"""Real days through the real processes. The data is not ours to ship: set PANKOU_SHARED or put it in ../shared."""

from pathlib import Path

import pytest

from common.domain.calendar import clock, hms, second_of_day
from common.domain.reasons import Reason
from common.domain.values import Side
from common.messages.orders import OrderFilled
from common.messages.signals import VerdictStatus
from tests.e2e.rig import System

pytestmark = [pytest.mark.process, pytest.mark.real_data, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def tapes(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tapes")
    importer = System(tmp_path_factory.mktemp("importer"))
    done = importer.pankou("tape", "import", str(shared_data), "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    checked = importer.pankou("tape", "verify", *(str(path) for path in sorted(out.glob("*.tape"))))
    assert checked.returncode == 0, checked.stdout
    return out


def play(system: System, tapes: Path, tmp_path: Path, *days: str) -> dict[str, list]:
    folder = tmp_path / "days"
    folder.mkdir()
    for day in days:
        (folder / f"{day}.tape").symlink_to(tapes / f"{day}.tape")
    done = system.pankou("run", PANKOU_DAYS=str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return system.books()


def test_the_touch_of_2021_12_01_is_seen_and_nothing_else(system: System, tapes: Path, tmp_path: Path) -> None:
    """600103.SH touches 2.99 at 09:41, trades there, is never sealed and falls back; nobody else triggers."""
    books = play(system, tapes, tmp_path, "20211201")
    rules = [verdict for verdict in books["verdicts"] if verdict.rule != "hand"]
    assert {(verdict.symbol, verdict.cause) for verdict in rules} == {("600103.SH", Reason.LIMIT_UP_TOUCH)}
    (approved,) = [verdict for verdict in rules if verdict.status is VerdictStatus.APPROVED]
    assert approved.price == 2_990
    (order,) = books["orders"]
    assert clock(second_of_day(order.ts_ns)).startswith("09:41")
    fills = [row.event for row in books["rows"] if isinstance(row.event, OrderFilled)]
    assert fills
    assert all(fill.price <= 2_990 for fill in fills)
    assert len(system.check_pipeline().fills) == len(fills)


def test_a_whole_real_day_with_books(system: System, tapes: Path, tmp_path: Path) -> None:
    books = play(system, tapes, tmp_path, "20220601")
    assert books["account"].days[-1].day == 20220601
    assert not [verdict for verdict in books["verdicts"] if verdict.rule != "hand"], "no limit was touched that day"
    status = system.status("order_gateway")
    assert status.numbers["push"] % 100_000 > 5000
    assert system.check_pipeline().pushes > 5000


def test_two_days_of_minutes(system: System, tapes: Path, tmp_path: Path) -> None:
    days = sorted(path.stem for path in tapes.glob("2026*.tape"))
    assert len(days) == 2
    books = play(system, tapes, tmp_path, *days)
    entries = [verdict for verdict in books["verdicts"] if verdict.cause is Reason.LIMIT_UP_TOUCH]
    assert len(entries) >= 10, "strong stocks, picked by hindsight: many touch"
    denied = [verdict for verdict in entries if verdict.status is VerdictStatus.DENIED]
    assert denied
    assert all(verdict.detail for verdict in denied), "every denial has its numbers"
    assert all(order.side == Side.SELL or order.ended is not Reason.NONE or order.filled for order in books["orders"])
    made = system.check_pipeline()
    assert len(made.fills) >= 3
    assert len(made.denied) >= 5
    assert all(hms("09:30") <= second_of_day(order.ts_ns) < hms("14:57") for order in books["orders"])
