"""A third party's gateway understands our fake client as it understands the real one: the fake speaks the vendor's tongue."""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT
from tests.xt_rig import NEEDS_WHEEL

pytestmark = [
    NEEDS_WHEEL,
    pytest.mark.skipif(
        importlib.util.find_spec("vnpy_xt") is None or importlib.util.find_spec("vnpy") is None,
        reason="vnpy_xt is not installed (pip install --no-deps vnpy vnpy_xt): a check of the fakes, not needed to run",
    ),
]


def test_vnpy_xt_trades_on_the_fake_client() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.broker.peer_vnpy"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    told = found["told"]
    assert told["order"] == [
        ["SUBMITTING", 0, 1_000, 9.99],  # its own, when it sent
        ["NOTTRADED", 0, 1_000, 9.99],
        ["PARTTRADED", 300, 1_000, 9.99],
        ["PARTTRADED", 300, 1_000, 9.99],
        ["CANCELLED", 300, 1_000, 9.99],
        ["SUBMITTING", 0, 1_000, 9.99],
        ["REJECTED", 0, 1_000, 9.99],  # the error
        ["REJECTED", 0, 1_000, 9.99],  # the state
        ["CANCELLED", 300, 1_000, 9.99],  # asked for again after the link was lost
        ["REJECTED", 0, 1_000, 9.99],
    ]
    assert told["trade"] == [["D1", 300, 9.99, "10:00:00"]] * 2
    assert told["position"] == [["600001", 300, 0, 300]]
    assert [account for account, *_ in told["account"]] == ["8888", "8888"]
    assert any("资金不足" in line for line in told["log"])
    assert (found["sessions"], found["remark"]) == (2, 17)
