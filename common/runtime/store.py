"""What a service keeps: a journal of rows and records by key, in one SQLite file, one transaction a call or more.

Beside each row stand the wall time of its commit and the times of the chain of causes that led to it: for people, never
for a core, which must come out the same whenever it runs.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from common.domain.errors import CodecError, DiskError, InvariantError, UserError
from common.messages.codec import decode_body, encode_body
from common.messages.header import Trace
from common.messages.outputs import Append, Drop, Message, Output, Save
from common.runtime.reserve import Reserve

SCHEMA_VERSION = 2
"""1: rows without times; opened for writing, such a file becomes a 2."""
BUSY_MS = 5_000
LOG_BYTES = 4_000_000
"""SQLite begins the log anew after a thousand pages."""
STATIONS = ("feed_ns", "published_ns", "decided_ns", "approved_ns")
"""Columns beside a row; the journal's own station is `at_ns`."""
_NO_STATIONS = (None,) * len(STATIONS)
Connect = Callable[[Path], sqlite3.Connection]


class Call(NamedTuple):
    """What one call of a core gave back, and the times of the message that caused it."""

    outputs: Sequence[Output]
    trace: Trace | None = None
    message: Message | None = None
    """What caused it; None for a deadline, a start and the like."""


class StoredRow(NamedTuple):
    """One row of a journal with what stands beside it."""

    seq: int
    record: Message | None
    """None where the bytes are no message."""
    at_ns: int
    """Wall time of its commit; 0 = not known."""
    trace: Trace
    fault: str = ""
    """Why the bytes are no message."""


class Stored(NamedTuple):
    """A whole file as it stands, damage included."""

    rows: list[StoredRow]
    kept: dict[str, Message]


class Store:
    """A service's disk. `full` waits for the disk at every commit; otherwise a power cut may lose the last ones."""

    def __init__(
        self, path: Path, *, full: bool, reserve: Reserve | None = None, connect: Connect | None = None
    ) -> None:
        self.path = path
        self.commits = 0
        self.disk_full = False
        """A commit found no room: it went through with what the reserve gave back, and nothing more may be begun."""
        self._reserve = reserve
        self._broken = ""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = (connect or _connect)(path)
        except (OSError, sqlite3.OperationalError) as error:
            raise UserError(f"{path}: cannot be opened ({error}); is its folder ours and writable?") from error
        try:
            self._prepare(full)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise _refusal(path, error) from error
        if reserve is not None:
            self.disk_full = not reserve.take()
        if full and not self.disk_full:
            self._grow()

    def _prepare(self, full: bool) -> None:
        run = self._db.execute
        run("PRAGMA journal_mode=WAL")
        run(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
        run("BEGIN IMMEDIATE")
        run("CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        run("INSERT OR IGNORE INTO meta VALUES('schema', ?)", (SCHEMA_VERSION,))
        (version,) = run("SELECT value FROM meta WHERE name='schema'").fetchone()
        if not 1 <= version <= SCHEMA_VERSION:
            raise sqlite3.DatabaseError(_strange_schema(version))
        stations = "".join(f", {name} INTEGER" for name in STATIONS)
        run(
            "CREATE TABLE IF NOT EXISTS journal(seq INTEGER PRIMARY KEY AUTOINCREMENT, ukey TEXT UNIQUE, "
            f"body BLOB NOT NULL, at_ns INTEGER NOT NULL DEFAULT 0{stations})"
        )
        run("CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID")
        if version == 1:
            run("ALTER TABLE journal ADD COLUMN at_ns INTEGER NOT NULL DEFAULT 0")
            for name in STATIONS:
                run(f"ALTER TABLE journal ADD COLUMN {name} INTEGER")
            run("UPDATE meta SET value=? WHERE name='schema'", (SCHEMA_VERSION,))
        run("COMMIT")

    def _grow(self) -> None:
        """Let the write-ahead log have its usual size from the start: a sync that need not grow a file takes less."""
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.is_file() and log.stat().st_size >= LOG_BYTES:
            return
        run = self._db.execute
        try:
            run("BEGIN IMMEDIATE")
            run("CREATE TABLE pad(body BLOB)")
            run("INSERT INTO pad VALUES(zeroblob(?))", (LOG_BYTES,))
            run("DROP TABLE pad")
            run("COMMIT")
            run("PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.OperationalError as error:
            if self._db.in_transaction:
                run("ROLLBACK")
            if not _is_full(error):
                raise DiskError(f"{self.path}: {error} ({_error_name(error)})") from error

    def load(self) -> tuple[list[Message], dict[str, Message]]:
        """Read all rows, oldest first, and all records by key."""
        try:
            bodies = [body for (body,) in self._db.execute("SELECT body FROM journal ORDER BY seq")]
            try:
                return [decode_body(body) for body in bodies], _kept(self._db)
            except CodecError:  # the slower way names the row
                return _messages(self.path, _rows(self._db)), _kept(self._db)
        except sqlite3.DatabaseError as error:
            raise DiskError(f"{self.path}: cannot be read ({error})") from error

    def commit(self, outputs: Sequence[Output], at_ns: int = 0, trace: Trace | None = None) -> bool:
        """Write what one call gave back; see `commit_all`."""
        return self.commit_all((Call(outputs, trace),), at_ns)

    def commit_all(self, calls: Sequence[Call], at_ns: int = 0) -> bool:
        """Write every Append, Save and Drop of these calls in one transaction; False when there was none.

        `at_ns` is the wall time; like the calls' traces it only stands beside the rows. Raises InvariantError where a
        unique row exists already, and DiskError where the disk fails: then nobody knows what is on it, the process must
        stop and read it again, and this store takes nothing more. A full disk is not that: nothing of the calls is on
        it, so the reserve is given back and they are written.
        """
        writes = [(w, call.trace) for call in calls for w in call.outputs if isinstance(w, Append | Save | Drop)]
        if not writes:
            return False
        if self._broken:
            raise DiskError(f"{self.path}: nothing more is written after: {self._broken}")
        try:
            self._transaction(writes, at_ns)
        except sqlite3.DatabaseError as error:
            if not (_is_full(error) and self._reserve is not None and self._reserve.give_back()):
                self._fail(error)
            self.disk_full = True
            try:
                self._transaction(writes, at_ns)
            except sqlite3.DatabaseError as again:
                self._fail(again)
        self.commits += 1
        return True

    def _transaction(self, writes: Sequence[tuple[Append | Save | Drop, Trace | None]], at_ns: int) -> None:
        run = self._db.execute
        try:
            run("BEGIN IMMEDIATE")
            for write, trace in writes:
                if isinstance(write, Append):
                    run(
                        "INSERT INTO journal(ukey, body, at_ns, feed_ns, published_ns, decided_ns, approved_ns) "
                        "VALUES(?, ?, ?, ?, ?, ?, ?)",
                        (write.unique or None, encode_body(write.record), at_ns, *_stations(trace)),
                    )
                elif isinstance(write, Save):
                    run("INSERT OR REPLACE INTO kept VALUES(?, ?)", (write.key, encode_body(write.record)))
                else:
                    run("DELETE FROM kept WHERE key=?", (write.key,))
            run("COMMIT")
        except sqlite3.IntegrityError as error:
            run("ROLLBACK")
            raise InvariantError(f"{self.path.name}: a row was to be written twice ({error})") from error
        except sqlite3.DatabaseError:
            if self._db.in_transaction:
                run("ROLLBACK")
            raise

    def _fail(self, error: sqlite3.DatabaseError) -> None:
        self._broken = f"{error} ({_error_name(error)})"
        what = "the disk is full" if _is_full(error) else "the disk failed"
        raise DiskError(f"{self.path}: {what}: {self._broken}") from error

    def look_at_disk(self) -> bool:
        """Try to take the reserve again after the disk was full; True when that changed `disk_full`."""
        if not self.disk_full or self._reserve is None or not self._reserve.take():
            return False
        self.disk_full = False
        return True

    def close(self) -> None:
        """Close the file and let the reserve go: a run that is over holds no room."""
        if self._reserve is not None:
            self._reserve.give_back()
        self._db.close()


def read_store(path: Path) -> tuple[list[Message], dict[str, Message]]:
    """Read the rows and records of a service's disk and change nothing, whether the service runs or not."""
    stored = read_rows(path)
    return _messages(path, stored.rows), stored.kept


def read_rows(path: Path) -> Stored:
    """Read a service's disk as `read_store` does, row by row with what stands beside it; a damaged row is no fault."""
    if not path.is_file():
        return Stored([], {})
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
    except sqlite3.OperationalError as error:
        raise UserError(f"{path}: cannot be opened ({error})") from error
    try:
        # One transaction: rows and records of the same moment.
        db.execute("BEGIN")
        (version,) = db.execute("SELECT value FROM meta WHERE name='schema'").fetchone() or (0,)
        if not 1 <= version <= SCHEMA_VERSION:
            raise sqlite3.DatabaseError(_strange_schema(version))
        return Stored(_rows(db, timed=version > 1), _kept(db))
    except sqlite3.DatabaseError as error:
        raise _refusal(path, error) from error
    finally:
        db.close()


def _stations(trace: Trace | None) -> tuple[int | None, ...]:
    return _NO_STATIONS if trace is None else tuple(each or None for each in trace[: len(STATIONS)])


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)


def _rows(db: sqlite3.Connection, timed: bool = True) -> list[StoredRow]:
    columns = f"at_ns, {', '.join(STATIONS)}" if timed else "0, 0, 0, 0, 0"
    return [
        _row(seq, body, at_ns, Trace(feed or 0, published or 0, decided or 0, approved or 0, at_ns))
        for seq, body, at_ns, feed, published, decided, approved in db.execute(
            f"SELECT seq, body, {columns} FROM journal ORDER BY seq"
        )
    ]


def _kept(db: sqlite3.Connection) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for key, body in db.execute("SELECT key, body FROM kept ORDER BY key"):
        try:
            found[key] = decode_body(body)
        except CodecError as error:
            raise InvariantError(f"the record {key!r} is damaged ({error})") from error
    return found


def _row(seq: int, body: bytes, at_ns: int, trace: Trace) -> StoredRow:
    try:
        return StoredRow(seq, decode_body(body), at_ns, trace)
    except CodecError as error:
        return StoredRow(seq, None, at_ns, trace, str(error))


def _messages(path: Path, rows: Sequence[StoredRow]) -> list[Message]:
    found: list[Message] = []
    for row in rows:
        if row.record is None:
            raise InvariantError(f"{path}: row {row.seq} is damaged ({row.fault}); see `pankou audit journal`")
        found.append(row.record)
    return found


def _is_full(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


def _error_name(error: sqlite3.DatabaseError) -> str:
    return str(getattr(error, "sqlite_errorname", "no code"))


def _strange_schema(version: int) -> str:
    return f"schema {version}, this program knows 1 to {SCHEMA_VERSION}: a newer program wrote it, use that one"


def _refusal(path: Path, error: sqlite3.DatabaseError) -> UserError:
    """Return why a file cannot be used, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return UserError(f"{path}: another program writes it ({error}); stop that one first")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return UserError(f"{path}: cannot be written ({error}); is its folder ours and writable?")
    if code == sqlite3.SQLITE_FULL:
        return UserError(f"{path}: the disk is full; make room and start again")
    if code == sqlite3.SQLITE_IOERR:
        return UserError(f"{path}: the disk failed ({error}, {_error_name(error)}); look at the disk before trading")
    return UserError(f"{path}: not a journal of ours ({error}); move it away to start anew")
