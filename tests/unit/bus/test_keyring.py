"""Adding, rotating, promoting and revoking keys: what is good when, and what a death in the middle leaves."""

import os
from pathlib import Path

import pytest

from common.bus import keyring
from common.bus.curve import load_allowed, load_pair, load_public, load_rows, make_missing_keys
from common.bus.keyring import add, entries, promote, revoke, rotate
from common.domain.errors import ConfigError, KeyChangeError
from common.messages.header import Role


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_missing_keys(tmp_path / "keys")
    return tmp_path / "keys"


def fault(error: pytest.ExceptionInfo[KeyChangeError]) -> str:
    return error.value.fault


def test_somebody_new_gets_a_private_key_and_a_role(keys: Path) -> None:
    entry = add(keys, "desk", Role.WEB)
    assert (entry.identity, entry.role, entry.state, entry.file) == ("desk", Role.WEB, "current", "ok")
    assert len(entry.fingerprint) == 16
    assert load_allowed(keys)[load_pair(keys, "desk").public] == ("desk", Role.WEB)
    assert (keys / "desk.key").stat().st_mode & 0o777 == 0o600
    secret = load_pair(keys, "desk").secret.decode()
    assert secret not in repr(entries(keys))


@pytest.mark.parametrize("name", ["", "Desk", "a b", "../cli", "cli.next", "desk\n", "-x", "9", "台", "a" * 33])
def test_odd_names_are_refused(keys: Path, name: str) -> None:
    before = sorted(keys.iterdir())
    with pytest.raises(KeyChangeError) as caught:
        add(keys, name, Role.WEB)
    assert fault(caught) == "name"
    assert sorted(keys.iterdir()) == before


def test_a_name_is_given_once(keys: Path) -> None:
    with pytest.raises(KeyChangeError) as caught:
        add(keys, "cli", Role.WEB)
    assert fault(caught) == "exists"


def test_two_keys_are_good_until_the_old_one_is_revoked(keys: Path) -> None:
    old = load_pair(keys, "cli")
    entry = rotate(keys, "cli")
    new = load_pair(keys, "cli")
    assert new != old
    assert load_public(keys, "cli") == new.public == entry.public.encode()
    assert load_allowed(keys)[old.public] == load_allowed(keys)[new.public] == ("cli", Role.OPERATOR)
    assert [(e.state, e.file) for e in entries(keys) if e.identity == "cli"] == [("current", "ok"), ("old", "absent")]
    (gone,) = revoke(keys, "cli", old=True)
    assert gone.public.encode() == old.public
    assert set(load_allowed(keys)) & {old.public, new.public} == {new.public}
    with pytest.raises(KeyChangeError) as caught:
        revoke(keys, "cli", old=True)
    assert fault(caught) == "no_old"


def test_a_services_new_key_waits_for_the_next_start(keys: Path) -> None:
    old = load_pair(keys, "order_gateway")
    entry = rotate(keys, "order_gateway")
    assert entry.state == "next"
    assert load_pair(keys, "order_gateway") == old, "a restart of one service changes nothing"
    assert load_public(keys, "order_gateway") == old.public
    assert entry.public.encode() in load_allowed(keys)
    with pytest.raises(KeyChangeError) as caught:
        rotate(keys, "order_gateway")
    assert fault(caught) == "waiting"
    assert promote(keys) == ["order_gateway"]
    assert promote(keys) == []
    assert load_pair(keys, "order_gateway").public == load_public(keys, "order_gateway") == entry.public.encode()
    assert load_allowed(keys)[old.public] == ("order_gateway", Role.GATEWAY)
    assert not list(keys.glob("*.next.key"))
    revoke(keys, "order_gateway", old=True)
    assert old.public not in load_allowed(keys)


def test_a_start_that_died_while_promoting_is_done_by_the_next(keys: Path) -> None:
    entry = rotate(keys, "screener")
    (keys / "screener.next.key").replace(keys / "screener.key")  # the file was moved, the list was not yet written
    assert promote(keys) == ["screener"]
    assert load_public(keys, "screener") == entry.public.encode()


def test_a_key_to_come_that_is_gone_is_named(keys: Path) -> None:
    rotate(keys, "screener")
    (keys / "screener.next.key").unlink()
    with pytest.raises(ConfigError, match=r"screener\.next\.key"):
        promote(keys)


def test_what_the_system_needs_is_not_revoked(keys: Path) -> None:
    with pytest.raises(KeyChangeError) as caught:
        revoke(keys, "risk_manager", old=False)
    assert fault(caught) == "service"
    revoke(keys, "viewer", old=False)
    assert not (keys / "viewer.key").exists()
    assert "viewer" not in {row.identity for row in load_rows(keys).values()}
    for change in (lambda: revoke(keys, "viewer", old=False), lambda: rotate(keys, "viewer")):
        with pytest.raises(KeyChangeError) as caught:
            change()
        assert fault(caught) == "unknown"


def test_the_state_of_files_is_told(keys: Path) -> None:
    add(keys, "desk", Role.READ_ONLY)
    (keys / "desk.key").unlink()
    (keys / "viewer.key").write_text("{}", encoding="utf-8")
    (keys / "cli.key").write_bytes((keys / "screener.key").read_bytes())
    (keys / "screener.key").write_text("[", encoding="utf-8")
    if os.name == "posix":
        (keys / "market_data.key").chmod(0o640)
    found = {entry.identity: entry.file for entry in entries(keys)}
    assert found["desk"] == "absent"
    assert (found["viewer"], found["cli"], found["screener"]) == ("other", "other", "damaged")
    assert found["market_data"] == ("loose" if os.name == "posix" else "ok")
    assert found["risk_manager"] == "ok"


def test_fingerprints_tell_keys_apart(keys: Path) -> None:
    prints = [entry.fingerprint for entry in entries(keys)]
    assert len(set(prints)) == len(prints) == 10
    assert keyring.fingerprint(load_public(keys, "cli").decode()) in prints
