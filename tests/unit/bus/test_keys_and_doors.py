"""Keys that only their owner reads, a doorkeeper that knows whom to let in, a table of who may say what."""

import json
import os
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from common.bus.curve import IDENTITIES, load_allowed, load_pair, load_public, make_missing_keys
from common.bus.endpoints import LINKS, SERVICES, address, check_base_port, port
from common.bus.roles import VERBS, may_say
from common.bus.zap import Doorkeeper
from common.domain.errors import ConfigError, UserError
from common.messages.codec import MESSAGES
from common.messages.header import Role

ORDERING = {"OpenRequest", "CloseRequest", "CancelRequest", "SubmitOrder", "CancelOrder", "StateRequest", "SignalBatch"}


def test_addresses_do_not_collide_and_stay_below_the_kernels_own() -> None:
    ports = [port(27100, service, link) for service in SERVICES for link in LINKS]
    assert len(set(ports)) == len(ports) == 21
    assert address(27100, "order_gateway", "ask") == "tcp://127.0.0.1:27141"
    for wrong in (80, 32_760, 70_000):
        with pytest.raises(UserError, match=str(wrong)):
            check_base_port(wrong)


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    assert set(make_missing_keys(keys)) == set(IDENTITIES)
    assert make_missing_keys(keys) == []
    assert keys.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in keys.iterdir()} == {0o600}
    pairs = {identity: load_pair(keys, identity) for identity in IDENTITIES}
    assert len({pair.secret for pair in pairs.values()}) == len(IDENTITIES)
    allowed = load_allowed(keys)
    for identity, role in IDENTITIES.items():
        assert load_public(keys, identity) == pairs[identity].public
        assert allowed[pairs[identity].public] == (identity, role)


def test_a_missing_pair_is_made_and_the_others_stay(tmp_path: Path) -> None:
    make_missing_keys(tmp_path / "keys")
    before = load_pair(tmp_path / "keys", "cli")
    (tmp_path / "keys" / "viewer.key").unlink()
    assert make_missing_keys(tmp_path / "keys") == ["viewer"]
    assert load_pair(tmp_path / "keys", "cli") == before


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps access in ACLs")
@pytest.mark.parametrize("name", ["cli.key", "allowed.json", "."])
def test_loose_permissions_are_refused(tmp_path: Path, name: str) -> None:
    keys = tmp_path / "keys"
    make_missing_keys(keys)
    (keys / name).chmod(0o755 if name == "." else 0o644)
    with pytest.raises(ConfigError, match="readable by others"):
        load_allowed(keys) if name == "allowed.json" else load_pair(keys, "cli")


@pytest.mark.parametrize("content", ["", "{}", '{"public": "x", "secret": "y"}', "[1]"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    keys = tmp_path / "keys"
    make_missing_keys(keys)
    (keys / "cli.key").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"cli\.key"):
        load_pair(keys, "cli")
    with pytest.raises(ConfigError, match=r"nobody\.key"):
        load_pair(keys, "nobody")


def test_unknown_roles_in_the_allow_list_are_refused(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    make_missing_keys(keys)
    rows = json.loads((keys / "allowed.json").read_text(encoding="utf-8"))
    next(iter(rows.values()))["role"] = "EMPEROR"
    (keys / "allowed.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(ConfigError, match="EMPEROR"):
        load_allowed(keys)


def test_the_doorkeeper_lets_in_known_keys_of_its_own_doors_only(tmp_path: Path) -> None:
    make_missing_keys(tmp_path)
    pair = load_pair(tmp_path, "cli")
    stranger, _ = zmq.curve_keypair()
    context = zmq.Context()
    keeper = Doorkeeper(context, load_allowed(tmp_path), {"svc/ask": frozenset({Role.OPERATOR, Role.RISK})})

    def asked(key: bytes, domain: bytes = b"svc/ask", mechanism: bytes = b"CURVE") -> list[bytes]:
        return keeper._answer([b"1.0", b"7", domain, b"127.0.0.1", b"", mechanism, z85.decode(key)])

    try:
        assert asked(pair.public)[2:5] == [b"200", b"OK", pair.public]
        assert asked(pair.public)[1] == b"7"
        refused = [
            asked(stranger),
            asked(load_pair(tmp_path, "viewer").public),
            asked(pair.public, b"svc/other"),
            asked(pair.public, b""),
            asked(pair.public, mechanism=b"NULL"),
        ]
        refused += [
            keeper._answer(frames)
            for frames in ([], [b"1.0"], [b"x"] * 6, [b"x"] * 9, [b"1.0", b"1", b"\xff", b"", b"", b"CURVE", b"short"])
        ]
        assert all(answer[2] == b"400" for answer in refused)
        assert keeper.refused == len(refused)
    finally:
        keeper.close()
        context.destroy(linger=0)


def test_nobody_says_more_than_the_table_allows() -> None:
    for (service, link), verbs in VERBS.items():
        assert service in SERVICES
        assert link in LINKS
        for kind, roles in verbs.items():
            assert kind in MESSAGES, kind
            assert Role.STRANGER not in roles
            if kind in ORDERING:
                assert not roles & {Role.READ_ONLY, Role.MARKET_DATA, Role.SCREENER, Role.NOTIFIER, Role.WORKER}
    assert not may_say("order_gateway", "ask", "SubmitOrder", Role.OPERATOR)
    assert may_say("order_gateway", "ask", "SubmitOrder", Role.RISK)
    assert not may_say("order_gateway", "ask", "NoSuchKind", Role.OPERATOR)
    assert not may_say("risk_manager", "ask", "OpenRequest", Role.OPERATOR), "people go through the gateway"
    for role in Role:
        assert may_say("screener", "control", "StatusRequest", role) is (role is not Role.STRANGER)
