"""A gateway's process on a disk that really becomes full: nothing is opened, cancels work, the books still add up."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.gateway_stage import GATEWAY, Stage
from common.domain.orders import OrderState
from common.domain.reasons import Reason
from common.messages.control import Status, StatusRequest
from common.messages.orders import CancelOrder, Denied, Journalled, Orders, OrdersRequest, SubmitOrder
from common.messages.outputs import Message
from services.cli.journal.audit import read_and_audit
from tests.e2e.rig import free_base_port

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]
SIZE_MIB = 48


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        done = 1
    if done:
        pytest.skip("a small disk can only be mounted by the root user")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def ask(stage: Stage, message: SubmitOrder | CancelOrder) -> Message:
    stage.ask(message.key, message)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for key, answer in stage.answers(2):
            if key == message.key:
                return answer
        stage.risk.requesters[GATEWAY].resend()
        stage.step()
    raise AssertionError(f"no answer to {message.key}")


def fill(path: Path) -> None:
    with path.open("wb") as file:
        while True:
            os.write(file.fileno(), b"x" * 65_536)


def status(stage: Stage) -> Status:
    found = stage.poll_answer(StatusRequest())
    assert isinstance(found, Status)
    return found


def test_a_disk_that_becomes_full(small_disk: Path) -> None:
    folder = small_disk / "run"
    stage = Stage(folder, free_base_port(), 60)
    reserve, filler = folder / "order_gateway.reserve", small_disk / "filler"
    try:
        stage.start()
        stage.until_ready()
        stage.play()
        first = stage.order()
        assert isinstance(ask(stage, first), Journalled)
        assert reserve.exists()
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
        taken = 1
        while isinstance(answer := ask(stage, stage.order()), Journalled):
            taken += 1
            assert taken < 5000, "the disk never became full"
        assert isinstance(answer, Denied)
        assert answer.reason is Reason.DISK_FULL
        assert not reserve.exists(), "given back to what must still be written"
        assert status(stage).words["disk"] == "full"
        cancel = CancelOrder("cancel", first.coid, stage.push, Reason.REPRICE)
        assert isinstance(ask(stage, cancel), Journalled)

        stage.kill()
        stage.start()
        stage.until_ready()
        orders = stage.poll_answer(OrdersRequest())
        assert isinstance(orders, Orders)
        assert len(orders.rows) == taken, "every order that was told to be on disk is there"
        assert orders.rows[0].state is OrderState.CANCELLED
        assert status(stage).words["disk"] == "full"
        refused = ask(stage, stage.order())
        assert isinstance(refused, Denied)
        assert refused.reason is Reason.DISK_FULL

        filler.unlink()
        until = time.monotonic() + 15
        while status(stage).words.get("disk") == "full":
            assert time.monotonic() < until, "nobody noticed that there is room again"
            stage.step(50)
        assert reserve.exists()
        assert isinstance(ask(stage, stage.order()), Journalled)
    finally:
        stage.close()
    assert read_and_audit(folder / "order_gateway.db", None).broken == []
