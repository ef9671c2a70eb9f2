"""What a service keeps: a journal of rows and records by key, in one SQLite file, one transaction a call."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from common.domain.errors import InvariantError, UserError
from common.messages.codec import decode_body, encode_body
from common.messages.outputs import Append, Drop, Message, Output, Save

SCHEMA_VERSION = 1
BUSY_MS = 5_000


class Store:
    """A service's disk. `full` waits for the disk at every commit; otherwise a power cut may lose the last ones."""

    def __init__(self, path: Path, *, full: bool) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        self.commits = 0
        self._db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
        try:
            self._prepare(full)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise UserError(f"{path}: not a journal of ours ({error}); move it away to start anew") from error

    def _prepare(self, full: bool) -> None:
        run = self._db.execute
        run("PRAGMA journal_mode=WAL")
        run(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
        run("CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
        run(
            "CREATE TABLE IF NOT EXISTS journal(seq INTEGER PRIMARY KEY AUTOINCREMENT, ukey TEXT UNIQUE, body BLOB NOT NULL)"
        )
        run("CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID")
        run("INSERT OR IGNORE INTO meta VALUES('schema', ?)", (SCHEMA_VERSION,))
        (version,) = run("SELECT value FROM meta WHERE name='schema'").fetchone()
        if version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"schema {version}, this program writes {SCHEMA_VERSION}")

    def load(self) -> tuple[list[Message], dict[str, Message]]:
        """Read all rows, oldest first, and all records by key."""
        rows = [decode_body(body) for (body,) in self._db.execute("SELECT body FROM journal ORDER BY seq")]
        kept = {key: decode_body(body) for key, body in self._db.execute("SELECT key, body FROM kept ORDER BY key")}
        return rows, kept

    def commit(self, outputs: Sequence[Output]) -> bool:
        """Write every Append, Save and Drop of one call in one transaction; False when there was none.

        Raises InvariantError where a unique row exists already, and lets I/O errors through: the process must stop
        and read again what is on disk, never try the commit once more.
        """
        writes = [output for output in outputs if isinstance(output, Append | Save | Drop)]
        if not writes:
            return False
        run = self._db.execute
        run("BEGIN IMMEDIATE")
        try:
            for write in writes:
                if isinstance(write, Append):
                    run(
                        "INSERT INTO journal(ukey, body) VALUES(?, ?)",
                        (write.unique or None, encode_body(write.record)),
                    )
                elif isinstance(write, Save):
                    run("INSERT OR REPLACE INTO kept VALUES(?, ?)", (write.key, encode_body(write.record)))
                else:
                    run("DELETE FROM kept WHERE key=?", (write.key,))
        except sqlite3.IntegrityError as error:
            run("ROLLBACK")
            raise InvariantError(f"{self.path.name}: a row was to be written twice ({error})") from error
        run("COMMIT")
        self.commits += 1
        return True

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def read_store(path: Path) -> tuple[list[Message], dict[str, Message]]:
    """Read the rows and records of a service's disk and change nothing, whether the service runs or not."""
    if not path.is_file():
        return [], {}
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
    try:
        # One transaction: rows and records of the same moment.
        db.execute("BEGIN")
        rows = [decode_body(body) for (body,) in db.execute("SELECT body FROM journal ORDER BY seq")]
        kept = {key: decode_body(body) for key, body in db.execute("SELECT key, body FROM kept ORDER BY key")}
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path}: not a journal of ours ({error})") from error
    finally:
        db.close()
    return rows, kept
