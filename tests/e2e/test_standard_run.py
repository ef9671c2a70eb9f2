"""The standard run through the real processes: everything that must happen happens; kills change nothing."""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import push_id
from common.messages.orders import CorporateAction, OrderFilled
from common.messages.signals import VerdictStatus
from tests.e2e.rig import System

pytestmark = [pytest.mark.process, pytest.mark.timeout(150)]
DAYS = (20260105, 20260106, 20260107)
EXITS = {
    ("limit_up", Reason.STOP_LOSS), ("limit_up", Reason.WEAK_AT_0950), ("limit_up", Reason.NOT_SEALED_AT_1430),
    ("bottom_fractal", Reason.STOP_LOSS), ("bottom_fractal", Reason.TAKE_PROFIT_HALF), ("bottom_fractal", Reason.TRAILING_STOP),
}  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, markets: Path, size: tuple[str, ...]
) -> Iterator[tuple[System, dict[str, Any], str]]:
    """One standard run, left up for the tests that ask it."""
    system = System(tmp_path_factory.mktemp("undisturbed") / "home", markets)
    try:
        done = system.pankou("run", *size)
        assert done.returncode == 0, done.stdout + done.stderr
        yield system, system.books(), done.stdout
    finally:
        system.stop()


def test_everything_happens(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    system, books, told = undisturbed
    fills = [row.event for row in books["rows"] if isinstance(row.event, OrderFilled)]
    assert len(fills) >= 20
    assert {(fill.rule, fill.cause) for fill in fills if fill.side == 2} >= EXITS
    denied = Counter(verdict.reason for verdict in books["verdicts"] if verdict.status is VerdictStatus.DENIED)
    for reason in (Reason.T1_UNSELLABLE, Reason.BELOW_ONE_LOT, Reason.SLOTS_FULL, Reason.RULE_SLOTS_FULL):
        assert denied[reason] > 0, reason
    cancelled = {order.symbol: order for order in books["orders"] if order.ended is Reason.CANCEL_AT_TIME}
    assert cancelled["000106.SZ"].filled == 0
    assert 0 < cancelled["600102.SH"].filled < cancelled["600102.SH"].shares
    assert {fill.rule for fill in fills} == {"limit_up", "bottom_fractal", "hand"}
    for line in ("T1_UNSELLABLE", "BELOW_ONE_LOT", "Positions", "P&L", "000107.SZ"):
        assert line in told
    assert system.report()["counts"]["fills"] == len(fills)


def test_an_ex_day_is_no_loss(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    _, books, _ = undisturbed
    (ex,) = [row.event for row in books["rows"] if isinstance(row.event, CorporateAction)]
    assert (ex.symbol, ex.day, ex.shares_after) == ("000107.SZ", DAYS[2], 2 * ex.shares_before)
    sold = [
        row.event
        for row in books["rows"]
        if isinstance(row.event, OrderFilled) and row.event.symbol == ex.symbol and row.event.side == 2
    ]
    assert {fill.cause for fill in sold} == {Reason.NOT_SEALED_AT_1430}
    assert all(fill.price < ex.prev_close_raw * 96 // 100 for fill in sold), "the raw price did fall below the stop"


def test_no_order_is_left_open_and_cash_adds_up(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    _, books, _ = undisturbed
    ended = {OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED}
    assert {order.state for order in books["orders"]} <= ended
    fills = [row.event for row in books["rows"] if isinstance(row.event, OrderFilled)]
    flow = sum((1 if fill.side == 2 else -1) * fill.shares * fill.price - fill.fees - fill.tax for fill in fills)
    flow += sum(row.event.cash for row in books["rows"] if isinstance(row.event, CorporateAction))
    account = books["account"]
    assert account.cash == account.start_cash + flow
    assert account.frozen == 0
    assert (account.fees_total, account.taxes_total) == (sum(f.fees for f in fills), sum(f.tax for f in fills))
    assert account.equity == account.cash + sum(row.market_value for row in books["positions"])
    assert account.days[-1].equity == account.equity
    assert len({fill.deal_id for fill in fills}) == len(fills)


def test_memory_of_the_order_path(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    system, _, _ = undisturbed
    for service in ("market_data", "signal_engine", "risk_manager", "order_gateway"):
        assert system.status(service).numbers["rss_kib"] < 120 * 1024, service


def test_the_pipeline_gives_the_same_books(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    """One thread and five processes: the same journal, row for row."""
    system, _, _ = undisturbed
    made = system.check_pipeline()
    assert len(made.fills) >= 20
    assert len(made.denied) >= 4
    assert made.days == DAYS
    assert made.warnings == ()


def test_every_day_is_the_pipelines_on_its_recording(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    """`tape diff` finds nothing on a lockstep run; the script's hand orders come from the recording."""
    system, _, _ = undisturbed
    counts: Counter[str] = Counter()
    for day in DAYS:
        done = system.pankou("tape", "diff", str(day), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert found["equal"]
        assert found["finished"]
        assert found["differences"] == []
        assert found["close"]["run"] == found["close"]["pipeline"]
        counts.update({kind: sides["run"] for kind, sides in found["counts"].items()})
    assert counts["signal"] >= 20
    assert counts["order"] >= 15
    assert counts["fill"] >= 20
    told = system.pankou("tape", "diff", "2026-01-06")
    assert "The same, line for line." in told.stdout


KILLS = (
    (push_id(DAYS[0], 84), "order_gateway"), (push_id(DAYS[0], 164), "signal_engine"), (push_id(DAYS[0], 204), "market_data"),
    (push_id(DAYS[0], 900), "risk_manager"), (push_id(DAYS[1], 0), "screener"), (push_id(DAYS[1], 190), "order_gateway"),
    (push_id(DAYS[1], 225), "risk_manager"), (push_id(DAYS[2], 1), "signal_engine"), (push_id(DAYS[2], 480), "market_data"),
)  # fmt: skip


def test_kills_at_push_boundaries_change_nothing(
    system: System, undisturbed: tuple[System, dict[str, Any], str], size: tuple[str, ...]
) -> None:
    """Every service is killed -9 at least once at a push boundary and comes back under supervisord."""

    system.start("--until-push", str(KILLS[0][0]), *size)
    for (push, service), (following, _) in zip(KILLS, [*KILLS[1:], (0, "")], strict=True):
        system.wait_for_push(push)
        system.kill(service)
        system.hold(following)
    system.wait(system.finished)
    assert system.books() == undisturbed[1]


def test_kills_at_any_moment_change_nothing(
    system: System, undisturbed: tuple[System, dict[str, Any], str], size: tuple[str, ...]
) -> None:
    chance = random.Random(11)
    system.start("--until-push", "1", *size)
    system.hold(0)
    kills = 0
    while not system.finished() and kills < 6:
        time.sleep(chance.uniform(0.1, 0.4))
        service = chance.choice(["order_gateway", "risk_manager", "signal_engine", "market_data"])
        os.kill(system.status(service).numbers["pid"], 9)
        kills += 1
    system.wait(system.finished)
    assert kills >= 4
    assert system.books() == undisturbed[1]


def test_a_run_stopped_in_the_middle_is_resumed(
    system: System, undisturbed: tuple[System, dict[str, Any], str], size: tuple[str, ...]
) -> None:
    half = push_id(DAYS[1], 300)
    system.start("--until-push", str(half), *size)
    system.wait_for_push(half)
    first = system.run_folder()
    system.stop()
    done = system.pankou("run", "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert system.run_folder() == first
    assert system.books() == undisturbed[1]


def test_the_watchdog_shot_nobody(undisturbed: tuple[System, dict[str, Any], str]) -> None:
    """The system was up through all the tests above: nobody was silent, whatever supervisord told and when."""
    system, _, _ = undisturbed
    status = system.status("watchdog")
    assert status.numbers["kills"] == 0
    assert status.words["causes"] == ""
