"""A journal on a disk that is full, failing, read-only or somebody else's; commits are made to fail on purpose."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.domain.errors import DiskError, InvariantError, UserError
from common.domain.reasons import Reason
from common.messages.codec import encode_body
from common.messages.control import Fault, PushAck
from common.messages.header import Trace
from common.messages.outputs import Append, Drop, Save
from common.runtime.disk_watch import LOOK_NS, DiskWatch
from common.runtime.reserve import MIB, Reserve
from common.runtime.run import EXIT_DISK, guarded
from common.runtime.store import BUSY_MS, LOG_BYTES, Call, Store, read_rows, read_store
from tests.conftest import CHECKOUT

BIG = "x" * 20_000


def large(number: int) -> Fault:
    """Return a message that takes some pages."""
    return Fault(Reason.NONE, f"{number:06d}{BIG}")


def ack(number: int, name: str = "x") -> PushAck:
    return PushAck(name, number)


def pages(path: Path) -> int:
    with sqlite3.connect(path) as db:
        (count,) = db.execute("PRAGMA page_count").fetchone()
    return int(count)


class SmallDisk:
    """A disk on which the journal may have so many pages, and more once the reserve has been given back."""

    def __init__(self, path: Path, room: int, reserve: Reserve) -> None:
        self.path, self.room, self.reserve = path, room, reserve

    def connect(self, path: Path) -> sqlite3.Connection:
        room, reserve = self.room, self.reserve

        class Limited(sqlite3.Connection):
            def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
                if sql == "BEGIN IMMEDIATE":
                    more = 0 if reserve.path.exists() else 100
                    super().execute(f"PRAGMA max_page_count={room + more}")
                return super().execute(sql, *rest)

        return sqlite3.connect(path, isolation_level=None, factory=Limited)


class Failing(sqlite3.Connection):
    """A connection whose next COMMIT ends as SQLite reports a failed fsync."""

    fail = False
    tried = 0

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.fail:
            Failing.tried += 1
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return super().execute(sql, *rest)


def test_a_full_disk_gives_the_reserve_back_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    Store(path, full=False).close()
    reserve = Reserve(tmp_path / "g.reserve", MIB)
    disk = SmallDisk(path, pages(path) + 4, reserve)
    store = Store(path, full=True, reserve=reserve, connect=disk.connect)
    assert reserve.path.stat().st_blocks * 512 >= MIB
    watch = DiskWatch(store, low_bytes=0)
    assert watch.look(1) == []
    assert watch.news() is None
    number = 0
    while not store.disk_full:
        number += 1
        assert number < 20, "the disk never became full"
        store.commit([Append(large(number)), Save("k", ack(number))])
    assert number > 0
    assert not reserve.path.exists()
    assert store.load()[0] == [large(each) for each in range(1, number + 1)], "the row that met the full disk is there"
    assert store.load()[1] == {"k": ack(number)}
    assert watch.news() is True
    assert watch.news() is None, "told once"
    assert [line.event for line in watch.look(2)] == ["disk full"]
    store.commit([Append(ack(number + 1))])
    assert [line.event for line in watch.look(LOOK_NS + 2)] == ["disk has room again"]
    assert watch.news() is False
    assert reserve.path.exists(), "held again"
    store.close()
    assert not reserve.path.exists(), "a run that is over holds nothing"


def test_a_disk_that_stays_full_stops_the_process_and_takes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    Store(path, full=True).close()
    reserve = Reserve(tmp_path / "g.reserve", MIB)
    store = Store(path, full=True, reserve=reserve)
    store._db.execute(f"PRAGMA max_page_count={pages(path) + 4}")
    written = 0

    def fill() -> None:
        nonlocal written
        for number in range(200):
            store.commit([Append(large(number))])
            written += 1

    with pytest.raises(DiskError, match=r"g\.db: the disk is full: .*SQLITE_FULL"):
        fill()
    with pytest.raises(DiskError, match="nothing more is written"):
        store.commit([Append(ack(1))])
    store.close()
    assert len(read_store(path)[0]) == written


def test_a_failed_fsync_is_not_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    Failing.fail, Failing.tried = False, 0
    reserve = Reserve(tmp_path / "g.reserve", MIB)
    store = Store(
        path, full=True, reserve=reserve, connect=lambda p: sqlite3.connect(p, isolation_level=None, factory=Failing)
    )
    store.commit([Append(ack(1))])
    Failing.fail = True
    with pytest.raises(DiskError, match=r"the disk failed: .*SQLITE_IOERR_FSYNC"):
        store.commit([Append(ack(2))])
    Failing.fail = False
    with pytest.raises(DiskError, match="nothing more is written after"):
        store.commit([Append(ack(2))])
    assert Failing.tried == 1
    assert reserve.path.exists(), "a failed disk is not a full one"
    store.close()
    assert read_store(path)[0] == [ack(1)]


def test_a_real_process_whose_disk_fails_stops_with_its_own_exit_code(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from common.runtime.run import guarded;"
        "from common.runtime.store import Store; from common.messages.outputs import Append;"
        "from common.messages.control import Fault; from common.domain.reasons import Reason\n"
        "store = Store(Path(sys.argv[1]), full=True)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))\n"
        "def main():\n"
        "    for number in range(1000):\n"
        "        store.commit([Append(Fault(Reason.NONE, f'{number:06d}' + 'x' * 5000))]); print(number, flush=True)\n"
        "sys.exit(guarded(main))"
    )
    path = tmp_path / "x.db"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == EXIT_DISK, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("pankou: disk fault, stopping")
    assert "x.db" in line
    said = [int(text) for text in done.stdout.split()]
    assert 10 < len(said) < 500
    store = Store(path, full=True)
    rows = store.load()[0]
    assert [int(row.text[:6]) for row in rows if isinstance(row, Fault)] == said, (
        "all that was told is on disk, and nothing more"
    )
    store.commit([Append(ack(1))])
    store.close()


def test_a_folder_that_is_not_ours_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "ro"
    folder.mkdir()
    inside = folder / "file"
    inside.write_text("not a folder", encoding="utf-8")
    assert guarded(lambda: int(Store(inside / "x.db", full=True).commits)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "x.db" in line
    assert "writable" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="the root user may write everywhere")
def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "ro"
    folder.mkdir(mode=0o500)
    with pytest.raises(UserError, match="writable"):
        Store(folder / "x.db", full=True)


def test_a_read_only_journal_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Store(path, full=True).close()
    read_only = f"{path.absolute().as_uri()}?mode=ro"
    with pytest.raises(UserError, match="writable"):
        Store(path, full=True, connect=lambda _: sqlite3.connect(read_only, uri=True, isolation_level=None))


def test_a_second_writer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Store(path, full=True).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(UserError, match="another program writes it"):
        Store(path, full=True, connect=lambda p: sqlite3.connect(p, isolation_level=None, timeout=0.01))
    other.close()


def test_the_settings_of_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db", full=True)
    asked = ("journal_mode", "synchronous", "busy_timeout")
    found = [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
    assert found == ["wal", 2, BUSY_MS]
    store.close()


def test_times_stand_beside_the_rows_and_an_older_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        db.execute("INSERT INTO meta VALUES('schema', 1)")
        db.execute("CREATE TABLE journal(seq INTEGER PRIMARY KEY AUTOINCREMENT, ukey TEXT UNIQUE, body BLOB NOT NULL)")
        db.execute("CREATE TABLE kept(key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID")
        db.execute("INSERT INTO journal(ukey, body) VALUES('a', ?)", (encode_body(ack(1)),))
    db.close()
    assert read_store(path) == ([ack(1)], {}), "read without being changed"
    store = Store(path, full=True)
    store.commit([Append(ack(2))], 70, Trace(decided_ns=3, approved_ns=5))
    assert store.load()[0] == [ack(1), ack(2)]
    store.close()
    first, second = read_rows(path).rows
    assert (first.at_ns, first.trace) == (0, Trace())
    assert (second.at_ns, second.trace) == (70, Trace(0, 0, 3, 5, 70))


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Store(path, full=False).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value=99")
    db.close()
    before = path.read_bytes()
    for read in (lambda: Store(path, full=False), lambda: read_store(path)):
        with pytest.raises(UserError, match=r"schema 99.*newer"):
            read()
    assert path.read_bytes() == before


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = Store(path, full=False)
    store.commit([Append(ack(1)), Append(ack(2))])
    store._db.execute("UPDATE journal SET body=x'81a3' WHERE seq=2")
    with pytest.raises(InvariantError, match="row 2 is damaged"):
        store.load()
    store.close()
    assert [row.record for row in read_rows(path).rows] == [ack(1), None]


def test_the_reserve_needs_room_for_itself_and_as_much_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = Reserve(tmp_path / "x.reserve", MIB)
    monkeypatch.setattr("common.runtime.reserve.free_bytes", lambda folder: MIB)
    assert not reserve.take()
    assert not reserve.path.exists()
    store = Store(tmp_path / "x.db", full=True, reserve=reserve)
    assert store.disk_full, "a start on a full disk knows it"
    monkeypatch.undo()
    assert store.look_at_disk()
    assert not store.disk_full
    store.close()


def test_low_room_is_said_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db", full=False)
    watch = DiskWatch(store, low_bytes=1 << 60)
    assert [line.event for line in watch.look(1)] == ["disk nearly full"]
    assert watch.state == "low"
    assert watch.look(2) == []
    assert watch.news() is None, "the core is not told: orders go on"
    store.close()


def test_the_log_has_its_size_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = Store(path, full=True)
    log = path.with_name("x.db-wal")
    size = log.stat().st_size
    assert size >= LOG_BYTES
    for number in range(50):
        store.commit([Append(ack(number))])
    assert log.stat().st_size == size, "no commit had to grow it"
    assert len(read_store(path)[0]) == 50
    other = Store(tmp_path / "y.db", full=False)
    assert path.with_name("y.db-wal").stat().st_size < LOG_BYTES, "only who waits for the disk gains by it"
    store.close()
    other.close()


def test_calls_that_wait_share_a_commit_and_keep_their_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db", full=True)
    calls = [Call([Append(ack(n)), Save("k", ack(n))], Trace(decided_ns=n)) for n in range(1, 65)]
    assert store.commit_all([*calls, Call([]), Call([Drop("k")])], 9)
    assert store.commits == 1
    rows = read_rows(store.path)
    assert [(row.seq, row.trace.decided_ns, row.at_ns) for row in rows.rows] == [(n, n, 9) for n in range(1, 65)]
    assert rows.kept == {}
    with pytest.raises(InvariantError, match="twice"):
        store.commit_all([Call([Append(ack(1), "a")]), Call([Append(ack(2), "a")])])
    assert len(read_rows(store.path).rows) == 64, "one that may not be takes all of them with it"
    assert not store.commit_all([Call([]), Call([])])
    store.close()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "x.db", full=False)
    store.commit([Save("order/1", ack(1))])
    store._db.execute("UPDATE kept SET body=x'81a3'")
    with pytest.raises(InvariantError, match="'order/1' is damaged"):
        store.load()
    with pytest.raises(InvariantError, match="'order/1' is damaged"):
        read_store(store.path)
    store.close()
