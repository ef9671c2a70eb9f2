"""Hand orders: refused locally, stored before they are sent, asked again under the same key, answered in words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.bus.curve import make_missing_keys
from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.domain.values import Side, push_id
from common.messages.control import Fault
from common.messages.orders import (
    CancelExitRequest,
    CancelRequest,
    CloseRequest,
    Denied,
    Journalled,
    OpenRequest,
    OrderRow,
    Orders,
    ResolveRequest,
    ToldDeal,
)
from common.messages.outputs import Message
from common.messages.signals import Verdict, VerdictStatus
from common.runtime.crash import EXIT_CRASHED, PLAN_VARIABLE
from services.cli.hand import TRIES
from services.cli.pending import Pending
from tests.unit.services.cli.fakes import made_run, run

COID = "260105ABCDEFGHJKMNPQ"
OPEN = ("order_gateway", "OpenRequest")
CLOSE = ("order_gateway", "CloseRequest")


def approved(message: Message) -> Message:
    assert isinstance(message, OpenRequest | CloseRequest)
    side = int(Side.BUY if isinstance(message, OpenRequest) else Side.SELL)
    return Verdict(message.key, VerdictStatus.APPROVED, Reason.NONE, {}, COID, message.symbol, side, 200, 12_340)


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ("order buy 600519 150", ["150", "100", "200"]),
        ("order buy 510300 100", ["510300", "600519.SH"]),
        ("order buy 600519 100 --price 12.345", ["12.345", "12.34", "12.35"]),
        ("order buy 600519 100 --price=-1", ["-1", "12.34"]),
        ("order buy 600519 1.5", ["1.5", "100"]),
        ("order sell 600519 0", ["0", "100"]),
        ("order buy 600519 -100", ["-100", "above zero"]),
        ("order cancel nothing", ["nothing", "order list"]),
        ("order cancel", ["--exit"]),
        (f"order resolve {COID} --why x", ["--absent", "--adopt"]),
        (f"order resolve {COID} --absent --adopt 7 --why x", ["--absent", "--adopt"]),
        (f"order resolve {COID} --absent --deal 7:100@9.98 --why x", ["--deal", "--adopt"]),
        (f"order resolve {COID} --absent", ["--why"]),
        (f"order resolve {COID} --adopt 7 --deal 7:0@9.98 --why x", ["7:0@9.98", "1234:300@9.98"]),
        (f"order resolve {COID} --adopt 7 --deal 7:100 --why x", ["7:100", "1234:300@9.98"]),
        ("order resolve nothing --absent --why x", ["nothing", "order list"]),
        ("order list --date 2026-02-30", ["2026-02-30", "2026-01-05"]),
    ],
)
def test_bad_input_names_the_thing_and_the_fix_and_sends_nothing(tmp_path: Path, args: str, names: list[str]) -> None:
    made_run(tmp_path)
    result, link = run(tmp_path, args)
    assert result.exit_code == 2
    assert all(name in result.stderr for name in names), result.stderr
    assert link.asked == []
    assert not (tmp_path / "hand_orders.json").exists()


def test_buy_says_what_was_placed(tmp_path: Path) -> None:
    made_run(tmp_path)
    result, link = run(tmp_path, "order buy sh600519 200 --price 12.34 --wide-price", {OPEN: approved})
    assert result.exit_code == 0
    _, asked, control = link.asked[0]
    assert isinstance(asked, OpenRequest)
    assert (asked.symbol, asked.shares, asked.price, asked.wide_price) == ("600519.SH", 200, 12_340, True)
    assert not control
    assert all(text in result.stdout for text in ("buy", "600519.SH", "200", "12.34", COID))


def test_sell_without_a_number_means_all_that_is_sellable(tmp_path: Path) -> None:
    made_run(tmp_path)
    result, link = run(tmp_path, "order sell 600519.SH", {CLOSE: approved}, lang="zh")
    asked = link.asked[0][1]
    assert isinstance(asked, CloseRequest)
    assert asked.shares == 0
    assert "卖出" in result.stdout


def test_denial_prints_words_and_numbers_and_fails(tmp_path: Path) -> None:
    made_run(tmp_path)

    def deny(message: Message) -> Message:
        assert isinstance(message, CloseRequest)
        return Verdict(message.key, VerdictStatus.DENIED, Reason.T1_UNSELLABLE, {"shares": 500, "sellable": 0})

    result, _ = run(tmp_path, "order sell 600519 500", {CLOSE: deny}, lang="zh")
    assert result.exit_code == 1
    assert all(text in result.stdout for text in ("T1_UNSELLABLE", "今日买入不可卖", "可卖=0", "600519.SH"))


def test_the_key_is_on_disk_before_the_first_send_and_the_same_on_every_try(tmp_path: Path) -> None:
    run_folder = made_run(tmp_path)
    stored: list[list[str]] = []

    def silent(message: Message) -> Message:
        from services.cli.faults import SilentError

        waiting = Pending(tmp_path / "hand_orders.json").waiting(run_folder.name)
        stored.append([ask.key for ask in waiting])
        raise SilentError("err.silent", peer="order_gateway", seconds=1)

    result, link = run(tmp_path, "order buy 600519 100", {OPEN: silent})
    keys = {message.key for _, message, _ in link.asked if isinstance(message, OpenRequest)}
    assert result.exit_code == 3
    assert len(link.asked) == TRIES
    assert len(keys) == 1
    assert stored == [list(keys)] * TRIES
    assert f"order retry {next(iter(keys))}" in result.stderr

    again, second = run(tmp_path, "order retry", {OPEN: approved})
    asked = second.asked[0][1]
    assert again.exit_code == 0
    assert isinstance(asked, OpenRequest)
    assert asked.key in keys
    assert "No hand order waits" in run(tmp_path, "order retry")[0].stdout


@pytest.mark.process
@pytest.mark.parametrize(("point", "stored"), [("c1", 0), ("c2", 1)])
def test_the_command_dies_before_or_after_its_key_is_stored(tmp_path: Path, point: str, stored: int) -> None:
    """A real command: what was not stored was not sent, what was stored is asked again under its key."""
    made_run(tmp_path)
    make_missing_keys(tmp_path / "keys")
    names = {**os.environ, "PANKOU_HOME": str(tmp_path), PLAN_VARIABLE: f"{point}:1"}
    pankou = Path(sys.executable).with_name("pankou")
    died = subprocess.run(
        [str(pankou), "order", "buy", "600519", "100"], env=names, capture_output=True, timeout=30, check=False
    )
    assert died.returncode == EXIT_CRASHED, died.stderr
    waiting = Pending(tmp_path / "hand_orders.json").waiting("1")
    assert len(waiting) == stored
    again, link = run(tmp_path, "order retry", {OPEN: approved})
    assert again.exit_code == 0
    assert [asked for _, asked, _ in link.asked] == waiting
    assert "No hand order waits" in run(tmp_path, "order retry")[0].stdout


def test_retry_of_an_unknown_key_is_bad_input(tmp_path: Path) -> None:
    made_run(tmp_path)
    result, link = run(tmp_path, "order retry hand-nothing")
    assert result.exit_code == 2
    assert "hand-nothing" in result.stderr
    assert link.asked == []


def test_retry_of_an_answered_key_gets_the_same_verdict(tmp_path: Path) -> None:
    made_run(tmp_path)
    _, link = run(tmp_path, "order buy 600519 200", {OPEN: approved})
    asked = link.asked[0][1]
    assert isinstance(asked, OpenRequest)
    result, second = run(tmp_path, ["order", "retry", asked.key], {OPEN: approved})
    assert result.exit_code == 0
    assert second.asked[0][1] == asked


def test_a_fault_leaves_the_key_open(tmp_path: Path) -> None:
    folder = made_run(tmp_path)
    result, _ = run(tmp_path, "order buy 600519 200", {OPEN: Fault(Reason.NOT_READY, "starting; try again")})
    assert result.exit_code == 1
    assert "starting; try again" in result.stderr
    assert len(Pending(tmp_path / "hand_orders.json").waiting(folder.name)) == 1


def test_keys_belong_to_one_run(tmp_path: Path) -> None:
    made_run(tmp_path, 1)
    run(tmp_path, "order buy 600519 100")
    made_run(tmp_path, 2)
    assert Pending(tmp_path / "hand_orders.json").waiting("2") == []
    assert "No hand order waits" in run(tmp_path, "order retry")[0].stdout


def test_nothing_has_been_run(tmp_path: Path) -> None:
    result, link = run(tmp_path, "order buy 600519 100")
    assert result.exit_code == 3
    assert "pankou run" in result.stderr
    assert link.asked == []


def test_cancel_goes_to_the_gateway_and_exits_to_risk(tmp_path: Path) -> None:
    made_run(tmp_path)
    answers = {
        ("order_gateway", "CancelRequest"): Journalled("k", COID),
        ("risk_manager", "CancelExitRequest"): Verdict("k", VerdictStatus.APPROVED),
    }
    first, link = run(tmp_path, f"order cancel {COID.lower()}", answers)
    assert first.exit_code == 0
    assert isinstance(link.asked[0][1], CancelRequest)
    assert COID in first.stdout
    second, link = run(tmp_path, "order cancel --exit 600519", answers)
    assert second.exit_code == 0
    assert isinstance(link.asked[0][1], CancelExitRequest)
    assert "600519.SH" in second.stdout


def test_a_cancel_that_is_refused(tmp_path: Path) -> None:
    made_run(tmp_path)
    refused = Denied("k", Reason.ORDER_ENDED, {}, COID)
    result, _ = run(tmp_path, f"order cancel {COID}", {("order_gateway", "CancelRequest"): refused})
    assert result.exit_code == 1
    assert "the order has ended" in result.stdout


def order_row(state: OrderState) -> OrderRow:
    push = push_id(20260105, 7)
    return OrderRow(
        COID,
        "k",
        "600519.SH",
        1,
        200,
        12_340,
        100,
        state,
        "limit_up",
        Reason.LIMIT_UP_TOUCH,
        push,
        0,
        Reason.CANCEL_AT_TIME,
    )


def test_list(tmp_path: Path) -> None:
    answers = {("order_gateway", "OrdersRequest"): Orders((order_row(OrderState.CANCELLED),))}
    result, link = run(tmp_path, "order list --state cancelled --date 2026-01-05", answers)
    asked = link.asked[0][1]
    assert (asked.day, asked.state) == (20260105, OrderState.CANCELLED)  # type: ignore[attr-defined]
    assert all(text in result.stdout for text in (COID, "12.34", "2026-01-05", "cancelled at its time", "limit_up"))
    as_json, _ = run(tmp_path, "order list --json", answers)
    assert json.loads(as_json.stdout)[0]["state"] == "CANCELLED"
    empty, _ = run(tmp_path, "order list", {("order_gateway", "OrdersRequest"): Orders(())})
    assert empty.stdout.strip() == "No orders."


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_order_in_doubt_is_settled(tmp_path: Path, lang: str) -> None:
    made_run(tmp_path)
    asked_of = {("order_gateway", "ResolveRequest"): lambda message: Journalled(message.key, COID)}
    result, link = run(tmp_path, f"order resolve {COID} --absent --why telephone", asked_of, lang=lang)
    assert result.exit_code == 0
    asked = link.asked[0][1]
    assert isinstance(asked, ResolveRequest)
    assert (asked.coid, asked.why, asked.broker_id, asked.deals) == (COID, "telephone", "", ())
    assert COID in result.stdout
    assert not Pending(tmp_path / "hand_orders.json").waiting("r1")


def test_an_order_in_doubt_is_adopted_with_its_deals(tmp_path: Path) -> None:
    made_run(tmp_path)
    asked_of = {("order_gateway", "ResolveRequest"): lambda message: Journalled(message.key, COID)}
    args = f"order resolve {COID} --adopt 77 --deal 1:300@9.98 --deal 2:100@9.985 --why statement --json"
    result, link = run(tmp_path, args, asked_of)
    asked = link.asked[0][1]
    assert isinstance(asked, ResolveRequest)
    assert (asked.broker_id, asked.deals) == ("77", (ToldDeal("1", 300, 9_980), ToldDeal("2", 100, 9_985)))
    assert json.loads(result.stdout)["coid"] == COID


def test_a_refused_settlement_says_why(tmp_path: Path) -> None:
    made_run(tmp_path)
    asked_of = {("order_gateway", "ResolveRequest"): lambda message: Denied(message.key, Reason.NOT_IN_DOUBT, {}, COID)}
    result, _ = run(tmp_path, f"order resolve {COID} --absent --why telephone", asked_of)
    assert result.exit_code != 0
    assert "not in doubt" in result.stdout + result.stderr
