"""`keys init|add|rotate|revoke|list`: who may come in, and as what. No secret is ever printed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from common.bus import keyring
from common.bus.curve import make_folder, make_missing_keys
from common.bus.endpoints import SERVICES
from common.bus.keyring import Entry
from common.domain.errors import KeyChangeError
from services.cli import faults, show
from services.cli.bilingual import Group, json_option, option
from services.cli.faults import BadInputError
from services.cli.render import heads
from services.cli.session import Session, pass_session

keys = Group("keys", help_key="cmd.keys")
Result = TypeVar("Result")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Change the keys alone: of two changes at once, one would undo the other."""
    from common.runtime.lock import CopyLock

    make_folder(folder)
    lock = CopyLock(folder / ".keys.lock")
    lock.wait(lambda _holder: None, lambda: False)
    try:
        yield
    finally:
        lock.release()


def changed(session: Session, change: Callable[[Path], Result]) -> Result:
    """Carry out a change; one that cannot be made is one line that names the fix."""
    with held(session.home.keys):
        try:
            return change(session.home.keys)
        except KeyChangeError as error:
            raise BadInputError(
                f"bad_keys.{error.fault}", name=error.identity, roles="|".join(keyring.ROLES)
            ) from error


@keys.command_of("init", "cmd.keys.init")
@pass_session
def init(session: Session) -> None:
    """Make the pairs that are missing."""
    made = changed(session, make_missing_keys)
    session.tell("keys.made" if made else "keys.there", names=", ".join(made), folder=str(session.home.keys))


@keys.command_of("add", "cmd.keys.add")
@click.argument("name")
@option("--role", type=click.Choice(list(keyring.ROLES)), required=True, help_key="opt.role")
@json_option
@pass_session
def add(session: Session, name: str, role: str, as_json: bool) -> None:
    """Make a key for somebody new."""
    entry = changed(session, lambda folder: keyring.add(folder, name, keyring.ROLES[role]))
    if as_json:
        show.echo_json(facts(entry))
        return
    path = str(keyring.key_path(session.home.keys, name))
    session.tell("keys.added", name=name, role=role, fingerprint=entry.fingerprint, path=path)


@keys.command_of("rotate", "cmd.keys.rotate")
@click.argument("name")
@json_option
@pass_session
def rotate(session: Session, name: str, as_json: bool) -> None:
    """Replace a key; the old one is good until it is revoked."""
    entry = changed(session, lambda folder: keyring.rotate(folder, name))
    if as_json:
        show.echo_json(facts(entry))
        return
    key = "keys.rotated_service" if name in SERVICES else "keys.rotated"
    session.tell(key, name=name, fingerprint=entry.fingerprint)


@keys.command_of("revoke", "cmd.keys.revoke")
@click.argument("name")
@option("--old", is_flag=True, help_key="opt.old_keys")
@json_option
@pass_session
def revoke(session: Session, name: str, old: bool, as_json: bool) -> None:
    """Shut somebody out, or only his replaced keys."""
    gone = changed(session, lambda folder: keyring.revoke(folder, name, old=old))
    if as_json:
        show.echo_json([facts(entry) for entry in gone])
        return
    session.tell("keys.revoked", name=name, fingerprints=", ".join(entry.fingerprint for entry in gone))


@keys.command_of("list", "cmd.keys.list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> int:
    """Show who may come in, with what key, and how its file stands; exit code 1 when a file is not as it must be."""
    found = keyring.entries(session.home.keys)
    if as_json:
        show.echo_json([facts(entry) for entry in found])
    else:
        rows = [
            (
                entry.identity,
                entry.role.name.lower(),
                session.say(f"key_state.{entry.state}"),
                entry.fingerprint,
                datetime.fromtimestamp(entry.made).strftime("%Y-%m-%d %H:%M") if entry.made else "-",
                session.say(f"key_file.{entry.file}"),
            )
            for entry in found
        ]
        click.echo(
            show.table(heads(session.lang, "key_name", "role", "state", "fingerprint", "made", "file"), rows, ())
        )
    return faults.OK if all(sound(entry) for entry in found) else faults.REFUSED


def sound(entry: Entry) -> bool:
    """Tell whether a key's file is as it must be; that of a service must be here."""
    return entry.file == "ok" or (entry.file == "absent" and (entry.state == "old" or entry.identity not in SERVICES))


def facts(entry: Entry) -> dict[str, object]:
    """Return a key as `--json` shows it; the public key is no secret."""
    return {**entry._asdict(), "role": entry.role.name}
