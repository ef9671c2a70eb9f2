"""Where a worker finds its queue, and what it is told to run with."""

import sys

import pytest

from common.domain.errors import UserError
from services.backtest_worker import __main__ as worker
from services.backtest_worker.counting import CountingWarm
from services.backtest_worker.shell import Place, far_place, local_place


def test_the_queue_of_this_machine_and_of_another() -> None:
    assert local_place(27_100) == Place("tcp://127.0.0.1:27161", "tcp://127.0.0.1:27160")
    assert far_place("tcp://10.0.0.5:27161") == Place("tcp://10.0.0.5:27161", "tcp://10.0.0.5:27160")
    for wrong in ("10.0.0.5:27161", "tcp://10.0.0.5", "tcp://10.0.0.5:x", "tcp://h:1"):
        with pytest.raises(UserError, match="tcp://HOST:PORT"):
            far_place(wrong)


def test_a_worker_needs_a_configuration_or_a_place_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["worker", "--endpoint", "tcp://h:27161"])
    with pytest.raises(UserError, match="--keys DIR"):
        worker._where(worker.arguments())


def test_a_process_that_played_nothing_counts_no_bars(tmp_path: object) -> None:
    assert CountingWarm(tmp_path).bars() == 0  # type: ignore[arg-type]  # it is given to nobody
