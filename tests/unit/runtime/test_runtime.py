"""Disk, lock, exit codes and log lines of a service."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from common.domain.errors import ConfigError, InvariantError, SecondCopyError, UserError
from common.messages.control import PushAck
from common.messages.outputs import Append, Drop, Publish, Save
from common.runtime.lock import CopyLock
from common.runtime.logs import make_logger
from common.runtime.run import EXIT_FAULT, EXIT_INPUT, StopFlag, guarded, new_run_id
from common.runtime.store import Store, read_store
from tests.conftest import CHECKOUT


def ack(number: int) -> PushAck:
    return PushAck("x", number)


def test_store_keeps_rows_in_order_and_records_by_key(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "x.db", full=True)
    assert not store.commit([Publish("t", ack(1))])
    assert store.commit(
        [Append(ack(1), "one"), Append(ack(2)), Save("k", ack(3)), Save("k", ack(4)), Save("gone", ack(5))]
    )
    assert store.commit([Drop("gone"), Append(ack(6))])
    assert store.commits == 2
    store.close()
    again = Store(tmp_path / "a" / "x.db", full=False)
    assert again.load() == ([ack(1), ack(2), ack(6)], {"k": ack(4)})
    again.close()


def test_a_second_unique_row_breaks_the_whole_call(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db", full=False)
    store.commit([Append(ack(1), "coid")])
    with pytest.raises(InvariantError, match="twice"):
        store.commit([Save("k", ack(2)), Append(ack(3), "coid"), Append(ack(4))])
    assert store.load() == ([ack(1)], {})
    store.commit([Append(ack(5))])
    assert store.load()[0] == [ack(1), ack(5)]
    store.close()


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"hello, this is no database at all" * 40)
    with pytest.raises(UserError, match=r"x\.db"):
        Store(path, full=False)
    other = tmp_path / "y.db"
    Store(other, full=False).close()
    connection = sqlite3.connect(other)
    connection.execute("UPDATE meta SET value=99")
    connection.commit()
    connection.close()
    with pytest.raises(UserError, match="schema 99"):
        Store(other, full=False)


def test_reading_a_store_of_others_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    assert read_store(path) == ([], {})
    assert not path.exists()
    store = Store(path, full=False)
    store.commit([Append(ack(1)), Save("k", ack(2))])
    assert read_store(path) == ([ack(1)], {"k": ack(2)}), "while its service runs"
    store.commit([Append(ack(3))])
    store.close()
    before = path.read_bytes()
    assert read_store(path) == ([ack(1), ack(3)], {"k": ack(2)})
    assert path.read_bytes() == before
    path.write_bytes(b"hello, this is no database at all" * 40)
    with pytest.raises(UserError, match=r"x\.db"):
        read_store(path)


def test_a_commit_survives_a_process_that_dies_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from common.runtime.store import Store;"
        "from common.messages.outputs import Append; from common.messages.control import PushAck;"
        "s = Store(Path(sys.argv[1]), full=True); s.commit([Append(PushAck('x', 1))]); os._exit(9)"
    )
    path = tmp_path / "x.db"
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=CHECKOUT, check=False, timeout=30)
    assert done.returncode == 9
    store = Store(path, full=True)
    assert store.load()[0] == [ack(1)]
    store.close()


def test_one_copy_only_and_free_after_a_death(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "order_gateway.lock"
    first, second = CopyLock(path), CopyLock(path)
    first.take_or_fail()
    assert first.holder() == str(os.getpid())
    assert not second.take()
    with pytest.raises(SecondCopyError, match=f"order_gateway runs already .process {os.getpid()}"):
        second.take_or_fail()
    said: list[str] = []
    assert not second.wait(said.append, lambda: bool(said))
    assert said == [str(os.getpid())]
    first.release()
    assert second.take()
    second.release()
    code = "import sys, os; from pathlib import Path; from common.runtime.lock import CopyLock; CopyLock(Path(sys.argv[1])).take_or_fail(); os._exit(0)"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=CHECKOUT, check=True, timeout=30)
    assert first.take()
    first.release()


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def bad_input() -> int:
        raise ConfigError("config.toml: no such file; make one")

    def broken() -> int:
        raise InvariantError("cash below zero")

    mask = os.umask(0)
    try:
        assert guarded(lambda: 0) == 0
        assert guarded(bad_input) == EXIT_INPUT
        assert capsys.readouterr().err == "pankou: config.toml: no such file; make one\n"
        assert guarded(broken) == EXIT_FAULT
        assert "cash below zero" in capsys.readouterr().err
        assert os.umask(0o077) == 0o077, "files of a service are private"
    finally:
        os.umask(mask)


def test_run_ids_differ_and_the_stop_flag_is_down() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
    assert not StopFlag().is_set()


def test_log_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    log = make_logger("order_gateway", "info")
    log.debug("not said")
    log.warning("order denied", reason="涨停", price=10)
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["event"], found["service"], found["level"]) == ("order denied", "order_gateway", "warning")
    assert (found["reason"], found["price"]) == ("涨停", 10)
