"""Changing who may come in: add, rotate, promote, revoke, and telling what there is. Never shows a secret."""

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec
from zmq.utils import z85

from common.bus.curve import (
    IDENTITIES,
    NAME_PATTERN,
    KeyRow,
    check_private,
    load_pair,
    load_rows,
    make_pair,
    write_rows,
)
from common.bus.endpoints import SERVICES
from common.domain.errors import ConfigError, KeyChangeError
from common.messages.header import Role

ROLES = {"read-only": Role.READ_ONLY, "web": Role.WEB, "operator": Role.OPERATOR}
"""Roles a person may hand out, as they are typed."""


class Entry(NamedTuple):
    """One line of `pankou keys list`."""

    identity: str
    role: Role
    state: str
    """current, next or old."""
    fingerprint: str
    public: str
    made: int
    """When it was made, in seconds since 1970; 0 = not known here."""
    file: str
    """ok; absent: the secret is not on this machine; loose; foreign; damaged; other: its file holds another key."""


def fingerprint(public: str) -> str:
    """Return the short name of a public key: 16 hexadecimal digits of its hash."""
    raw: bytes = z85.decode(public.encode())
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def key_path(folder: Path, identity: str, state: str = "") -> Path:
    """Return the file of an identity's secret; that of a key to come has a name of its own."""
    return folder / (f"{identity}.next.key" if state == "next" else f"{identity}.key")


def add(folder: Path, identity: str, role: Role) -> Entry:
    """Make a key pair for somebody new and let it in."""
    rows = load_rows(folder)
    if not re.match(NAME_PATTERN, identity):
        raise KeyChangeError("name", identity)
    if any(row.identity == identity for row in rows.values()) or key_path(folder, identity).exists():
        raise KeyChangeError("exists", identity)
    public = make_pair(key_path(folder, identity)).public.decode()
    rows[public] = KeyRow(identity, role.name)
    write_rows(folder, rows)
    return entry(folder, public, rows[public])


def rotate(folder: Path, identity: str) -> Entry:
    """Make a new key for an identity; the old one is good until it is revoked.

    A service's new key comes into use at the next start of the whole system: its peers know it by its public key,
    and a service that alone came back with another one would be unknown to them.
    """
    rows = load_rows(folder)
    current = _current(rows, identity)
    if any(row.identity == identity and row.state == "next" for row in rows.values()):
        raise KeyChangeError("waiting", identity)
    path = key_path(folder, identity)
    if identity in SERVICES:
        key_path(folder, identity, "next").unlink(missing_ok=True)  # of a rotation that died before it was listed
        public = make_pair(key_path(folder, identity, "next")).public.decode()
        rows[public] = KeyRow(identity, rows[current].role, "next")
        write_rows(folder, rows)
        return entry(folder, public, rows[public])
    made = int(path.stat().st_mtime) if path.exists() else 0
    waiting = folder / f".{identity}.{os.getpid()}"
    waiting.unlink(missing_ok=True)
    public = make_pair(waiting).public.decode()
    role = rows[current].role
    rows[current] = KeyRow(identity, role, "old", rows[current].made or made)
    # Listed first: a process that dies between the two leaves the old key in use and still good.
    rows[public] = KeyRow(identity, role)
    write_rows(folder, rows)
    waiting.replace(path)
    return entry(folder, public, rows[public])


def promote(folder: Path) -> list[str]:
    """Bring the keys to come into use; only while no service runs. Return whose they were."""
    rows = load_rows(folder)
    done = []
    for public, row in list(rows.items()):
        if row.state != "next":
            continue
        waiting, path = key_path(folder, row.identity, "next"), key_path(folder, row.identity)
        made = int(path.stat().st_mtime) if path.exists() else 0
        if waiting.exists():
            check_private(waiting, 0o600)
            waiting.replace(path)
        if load_pair(folder, row.identity).public.decode() != public:
            raise ConfigError(f"{waiting}: the key to come is gone; run: pankou keys revoke {row.identity} --old")
        for key, held in list(rows.items()):
            if held.identity == row.identity and not held.state:
                rows[key] = KeyRow(held.identity, held.role, "old", held.made or made)
        rows[public] = KeyRow(row.identity, row.role)
        done.append(row.identity)
    if done:
        write_rows(folder, rows)
    return done


def revoke(folder: Path, identity: str, *, old: bool) -> list[Entry]:
    """Shut out an identity, or only its replaced keys, and return what was taken off the list."""
    rows = load_rows(folder)
    mine = {public: row for public, row in rows.items() if row.identity == identity}
    if not mine:
        raise KeyChangeError("unknown", identity)
    if identity in SERVICES and not old:
        raise KeyChangeError("service", identity)
    gone = {public: row for public, row in mine.items() if row.state == "old" or not old}
    if not gone:
        raise KeyChangeError("no_old", identity)
    entries = [entry(folder, public, row) for public, row in gone.items()]
    write_rows(folder, {public: row for public, row in rows.items() if public not in gone})
    if not old:
        key_path(folder, identity).unlink(missing_ok=True)
    return entries


def entries(folder: Path) -> list[Entry]:
    """Return every key on the allow-list, services first, then by name; of each, the key in use first."""
    rows = load_rows(folder)
    order = list(IDENTITIES)

    def place(found: Entry) -> tuple[int, str, int]:
        at = order.index(found.identity) if found.identity in order else len(order)
        return at, found.identity, ("current", "next", "old").index(found.state)

    return sorted((entry(folder, public, row) for public, row in rows.items()), key=place)


def entry(folder: Path, public: str, row: KeyRow) -> Entry:
    """Return what can be told of a key."""
    path = key_path(folder, row.identity, row.state)
    state = file_state(path, public) if row.state != "old" else "absent"
    made = row.made or (int(path.stat().st_mtime) if state == "ok" else 0)
    return Entry(row.identity, Role[row.role], row.state or "current", fingerprint(public), public, made, state)


def file_state(path: Path, public: str) -> str:
    """Return how it stands with the file of a secret (see Entry.file)."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return "absent"
    if os.name == "posix" and found.st_uid != os.getuid():
        return "foreign"
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
        return "loose"
    try:
        held = msgspec.json.decode(path.read_bytes(), type=dict[str, str]).get("public")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "damaged"
    return "ok" if held == public else "other"


def _current(rows: dict[str, KeyRow], identity: str) -> str:
    for public, row in rows.items():
        if row.identity == identity and not row.state:
            return public
    raise KeyChangeError("unknown", identity)
