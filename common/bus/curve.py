"""CURVE keys: one pair an identity, secrets in files that only their owner can read, an allow-list with roles."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec
import zmq

from common.domain.errors import ConfigError
from common.messages.header import Role

IDENTITIES: dict[str, Role] = {
    "market_data": Role.MARKET_DATA,
    "screener": Role.SCREENER,
    "signal_engine": Role.SIGNAL,
    "risk_manager": Role.RISK,
    "order_gateway": Role.GATEWAY,
    "cli": Role.OPERATOR,
    "viewer": Role.READ_ONLY,
}
"""Key pairs made at the first start, with their roles."""
ALLOWED_FILE = "allowed.json"


class KeyPair(NamedTuple):
    """A CURVE key pair, Z85."""

    public: bytes
    secret: bytes


class Allowed(NamedTuple):
    """Who a public key belongs to."""

    identity: str
    role: Role


def _write_private(path: Path, raw: bytes) -> None:
    # The file is born private: writing first and tightening later leaves a moment in which anybody reads it.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _check_private(path: Path, wanted: int) -> None:
    if os.name != "posix":
        return  # Windows keeps access in ACLs, which the installer sets
    found = path.stat()
    if found.st_uid != os.getuid():
        raise ConfigError(f"{path}: belongs to another user; chown it to yourself or make new keys")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(
            f"{path}: readable by others (mode {stat.S_IMODE(found.st_mode):04o}); chmod {wanted:04o} {path}"
        )


def make_missing_keys(folder: Path) -> list[str]:
    """Make the key pairs and the allow-list that are missing; return the identities that got a new pair."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_private(folder, 0o700)
    made = []
    for identity in IDENTITIES:
        path = folder / f"{identity}.key"
        if path.exists():
            continue
        public, secret = zmq.curve_keypair()
        _write_private(path, msgspec.json.encode({"public": public.decode(), "secret": secret.decode()}))
        made.append(identity)
    allowed = folder / ALLOWED_FILE
    if made or not allowed.exists():
        rows = {
            load_pair(folder, identity).public.decode(): {"identity": identity, "role": role.name}
            for identity, role in IDENTITIES.items()
        }
        rows = {**_allowed_rows(folder), **rows} if allowed.exists() else rows
        temporary = folder / f".{ALLOWED_FILE}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        _write_private(temporary, msgspec.json.format(msgspec.json.encode(rows)))
        temporary.replace(allowed)
    return made


def load_pair(folder: Path, identity: str) -> KeyPair:
    """Read the key pair of an identity; raises ConfigError when it is missing or open to others."""
    path = folder / f"{identity}.key"
    if not path.is_file():
        raise ConfigError(f"{path}: key missing; make it with: pankou init")
    _check_private(folder, 0o700)
    _check_private(path, 0o600)
    try:
        fields = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        pair = KeyPair(fields["public"].encode(), fields["secret"].encode())
    except (msgspec.MsgspecError, KeyError) as error:
        raise ConfigError(f"{path}: not a key file ({error}); move it away and run: pankou init") from error
    if len(pair.public) != 40 or len(pair.secret) != 40:
        raise ConfigError(f"{path}: keys have 40 characters; move it away and run: pankou init")
    return pair


def load_public(folder: Path, identity: str) -> bytes:
    """Return the public key of an identity from the allow-list."""
    for public, row in _allowed_rows(folder).items():
        if row["identity"] == identity:
            return public.encode()
    raise ConfigError(f"{folder / ALLOWED_FILE}: {identity} is not in it; run: pankou init")


def _allowed_rows(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / ALLOWED_FILE
    if not path.is_file():
        raise ConfigError(f"{path}: allow-list missing; make it with: pankou init")
    _check_private(path, 0o600)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, str]])
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: not an allow-list ({error}); move it away and run: pankou init") from error


def load_allowed(folder: Path) -> dict[bytes, Allowed]:
    """Read the allow-list: public key (Z85) to identity and role."""
    rows = _allowed_rows(folder)
    try:
        return {key.encode(): Allowed(row["identity"], Role[row["role"]]) for key, row in rows.items()}
    except KeyError as error:
        raise ConfigError(f"{folder / ALLOWED_FILE}: unknown role or missing field {error}") from error
