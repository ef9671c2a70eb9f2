"""One live instance an account on this machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.domain.errors import SecondCopyError
from common.runtime.config import Config, System
from common.runtime.live_lock import LiveLock, lock_folder, lock_path
from services.order_gateway.__main__ import live_lock
from tests.conftest import CHECKOUT

HOLD = """
import sys
from pathlib import Path
from common.runtime.live_lock import LiveLock
lock = LiveLock("8888000001", Path(sys.argv[1]))
print(lock.take("the other run"), flush=True)
sys.stdin.read()
"""


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    first, second = LiveLock("8888000001", tmp_path), LiveLock("8888000001", tmp_path)
    assert first.is_free()
    assert first.take("run 1")
    assert not second.take("run 2")
    assert not second.is_free()
    with pytest.raises(SecondCopyError, match=r"8888000001.*run 1"):
        second.take_or_fail("8888000001", "run 2")
    other = LiveLock("8888000002", tmp_path)
    assert other.take("run 2"), "another account is another lock"
    other.release()
    first.release()
    second.take_or_fail("8888000001", "run 2")
    assert second.holder().startswith("run 2 (process ")
    second.release()


@pytest.mark.process
def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"True\n"
    mine = LiveLock("8888000001", tmp_path)
    assert not mine.take("me")
    assert mine.holder().startswith("the other run")
    other.kill()
    other.communicate()
    assert mine.take("me")
    mine.release()


def test_its_name_does_not_tell_the_account(tmp_path: Path) -> None:
    assert "8888000001" not in lock_path("8888000001", tmp_path).name
    assert lock_path("8888000001 ", tmp_path) == lock_path("8888000001", tmp_path)
    assert lock_folder().is_dir()


def test_a_file_that_cannot_be_opened_is_somebody_else_s(tmp_path: Path) -> None:
    lock_path("8888000001", tmp_path).mkdir()
    assert not LiveLock("8888000001", tmp_path).take("me")


def test_only_a_live_gateway_takes_it(tmp_path: Path) -> None:
    assert live_lock(Config(), tmp_path) is None
    config = Config(system=System(mode="live", account="8888000001", run_dir="runs/1"))
    held = live_lock(config, tmp_path)
    assert held is not None
    with pytest.raises(SecondCopyError, match="runs/1"):
        live_lock(Config(system=System(mode="live", account="8888000001", run_dir="runs/2")), tmp_path)
    held.release()
