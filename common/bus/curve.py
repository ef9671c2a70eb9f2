"""CURVE keys: one pair an identity, secrets in files that only their owner can read, an allow-list with roles."""

import os
import re
import stat
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
import zmq

from common.bus import acl
from common.domain.errors import ConfigError
from common.messages.header import Role

IDENTITIES: dict[str, Role] = {
    "market_data": Role.MARKET_DATA,
    "screener": Role.SCREENER,
    "signal_engine": Role.SIGNAL,
    "risk_manager": Role.RISK,
    "order_gateway": Role.GATEWAY,
    "watchdog": Role.WATCHDOG,
    "backtest_queue": Role.QUEUE,
    "backtest_worker": Role.WORKER,
    "cli": Role.OPERATOR,
    "viewer": Role.READ_ONLY,
}
"""Key pairs made at the first start, with their roles."""
ALLOWED_FILE = "allowed.json"
NAME_PATTERN = r"\A[a-z][a-z0-9_-]{0,31}\Z"
"""Names of identities: they are names of files, and stand in logs."""
KEY_PATTERN = r"\A[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}\Z"
"""A key in Z85."""
_Key = Annotated[str, msgspec.Meta(pattern=KEY_PATTERN)]
State = Literal["", "next", "old"]


class KeyPair(NamedTuple):
    """A CURVE key pair, Z85."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Show the public half: what is printed by accident must not hold a secret."""
        return f"KeyPair({self.public.decode(errors='replace')})"


class Allowed(NamedTuple):
    """Who a public key belongs to."""

    identity: str
    role: Role


class KeyRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the allow-list, under its public key. The first line of an identity is the key it uses."""

    identity: Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
    role: str
    state: State = ""
    """next: comes into use at the next start of the system; old: replaced, valid until it is revoked."""
    made: int = 0
    """When an old key was made, in seconds since 1970; 0 = as old as its file."""


class _KeyFile(msgspec.Struct, frozen=True):
    public: _Key
    secret: _Key


def write_private(path: Path, raw: bytes) -> None:
    """Write a new file that nobody else can read at any moment; raises FileExistsError where there is one."""
    # The file is born private: writing first and tightening later leaves a moment in which anybody reads it.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def check_private(path: Path, wanted: int) -> None:
    """Raise ConfigError when a file or folder belongs to somebody else or others can get at it."""
    if os.name != "posix":
        acl.check_private(path if path.is_dir() else path.parent)
        return
    found = path.lstat()
    if found.st_uid != os.getuid():
        raise ConfigError(f"{path}: belongs to another user; chown it to yourself or make new keys")
    if stat.S_ISLNK(found.st_mode):
        found = path.stat()
        if found.st_uid != os.getuid():
            raise ConfigError(f"{path}: leads to what belongs to another user; put the file itself there")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(
            f"{path}: readable by others (mode {stat.S_IMODE(found.st_mode):04o}); chmod {wanted:04o} {path}"
        )


def make_folder(folder: Path) -> None:
    """Make the folder of the keys (0700) where it is missing; refuse one that others can get at."""
    new = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if new and os.name != "posix":
        acl.restrict(folder)
    check_private(folder, 0o700)


def make_pair(path: Path) -> KeyPair:
    """Make a key pair and its file."""
    public, secret = zmq.curve_keypair()
    write_private(path, msgspec.json.encode({"public": public.decode(), "secret": secret.decode()}))
    return KeyPair(public, secret)


def make_missing_keys(folder: Path) -> list[str]:
    """Make the key pairs and the allow-list that are missing; return the identities that got a new pair."""
    make_folder(folder)
    made = []
    for identity in IDENTITIES:
        if not (folder / f"{identity}.key").exists():
            make_pair(folder / f"{identity}.key")
            made.append(identity)
    listed = (folder / ALLOWED_FILE).exists()
    if made or not listed:
        rows = load_rows(folder) if listed else {}
        # A pair that is not here may be on another machine: it is good until somebody revokes it.
        rows = {
            key: msgspec.structs.replace(row, state="old") if row.identity in made else row for key, row in rows.items()
        }
        ours = {load_pair(folder, name).public.decode(): KeyRow(name, role.name) for name, role in IDENTITIES.items()}
        write_rows(folder, {**ours, **rows})
    return made


def write_rows(folder: Path, rows: dict[str, KeyRow]) -> None:
    """Replace the allow-list in one step; keys in use come first."""
    ordered = dict(sorted(rows.items(), key=lambda item: item[1].state != ""))
    path = folder / ALLOWED_FILE
    temporary = folder / f".{ALLOWED_FILE}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    write_private(temporary, msgspec.json.format(msgspec.json.encode(ordered)))
    temporary.replace(path)


def load_pair(folder: Path, identity: str) -> KeyPair:
    """Read the key pair of an identity; raises ConfigError when it is missing or open to others."""
    path = folder / f"{identity}.key"
    if not path.is_file():
        raise ConfigError(f"{path}: key missing; make it with: pankou init")
    check_private(folder, 0o700)
    check_private(path, 0o600)
    try:
        fields = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        # The error of the decoder may quote what it read: a secret does not belong into a message.
        raise ConfigError(f"{path}: not a key file; move it away and run: pankou init") from error
    return KeyPair(fields.public.encode(), fields.secret.encode())


def load_public(folder: Path, identity: str) -> bytes:
    """Return the public key that an identity uses now, from the allow-list."""
    for public, row in load_rows(folder).items():
        if row.identity == identity and not row.state:
            return public.encode()
    raise ConfigError(f"{folder / ALLOWED_FILE}: {identity} is not in it; run: pankou init")


def load_rows(folder: Path) -> dict[str, KeyRow]:
    """Read the allow-list as it stands; raises ConfigError when it is missing, damaged or open to others."""
    path = folder / ALLOWED_FILE
    if not path.is_file():
        raise ConfigError(f"{path}: allow-list missing; make it with: pankou init")
    check_private(folder, 0o700)
    check_private(path, 0o600)
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=dict[str, KeyRow])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not an allow-list ({error}); move it away and run: pankou init") from error
    for public, row in rows.items():
        if not re.match(KEY_PATTERN, public):
            raise ConfigError(f"{path}: {public[:50]!r} is no public key; delete the line")
        if row.role not in Role.__members__ or row.role == Role.STRANGER.name:
            raise ConfigError(f"{path}: unknown role {row.role} of {row.identity}")
    return rows


def load_allowed(folder: Path) -> dict[bytes, Allowed]:
    """Read the allow-list: public key (Z85) to identity and role."""
    return {key.encode(): Allowed(row.identity, Role[row.role]) for key, row in load_rows(folder).items()}
