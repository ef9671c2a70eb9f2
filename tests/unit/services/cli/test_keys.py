"""`pankou keys …`: what is said, what is never said, and which exit code."""

import json
from pathlib import Path

import pytest

from common.bus.curve import load_allowed, load_pair, make_missing_keys
from services.cli import __main__
from tests.unit.services.cli.fakes import run


def no_secret(home: Path, text: str) -> bool:
    return not any(
        json.loads(path.read_text(encoding="utf-8"))["secret"] in text for path in (home / "keys").glob("*.key")
    )


def test_the_life_of_a_key(tmp_path: Path) -> None:
    said = ""
    for words in (
        "init",
        "add desk --role web",
        "rotate desk",
        "list",
        "list --json",
        "revoke desk --old",
        "rotate cli",
    ):
        result, _ = run(tmp_path, f"keys {words}")
        assert result.exit_code == 0, result.output
        said += result.output
    assert no_secret(tmp_path, said)
    assert len(load_allowed(tmp_path / "keys")) == 12
    result, _ = run(tmp_path, "keys revoke desk --json")
    assert [row["identity"] for row in json.loads(result.output)] == ["desk"]
    assert not (tmp_path / "keys" / "desk.key").exists()
    result, _ = run(tmp_path, "keys list --json")
    rows = json.loads(result.output)
    assert [row["state"] for row in rows if row["identity"] == "cli"] == ["current", "old"]
    assert set(rows[0]) == {"identity", "role", "state", "fingerprint", "public", "made", "file"}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("add desk --role emperor", "emperor"),
        ("add desk", "--role"),
        ("add Desk --role web", "Desk"),
        ("add cli --role web", "pankou keys rotate cli"),
        ("rotate nobody", "pankou keys add nobody"),
        ("revoke nobody", "nobody"),
        ("revoke cli --old", "cli"),
        ("revoke risk_manager", "pankou keys rotate risk_manager"),
        ("burn cli", "burn"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, words: str, named: str) -> None:
    make_missing_keys(tmp_path / "keys")
    before = (tmp_path / "keys" / "allowed.json").read_bytes()
    for lang in ("zh", "en"):
        result, _ = run(tmp_path, f"keys {words}", lang=lang)
        assert result.exit_code == 2
        assert named in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert (tmp_path / "keys" / "allowed.json").read_bytes() == before


def test_a_list_before_there_are_keys_says_what_to_do(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "keys list")
    assert result.exit_code == 2
    assert "pankou init" in result.stderr


def test_a_file_that_others_can_read_is_shown_and_fails(tmp_path: Path) -> None:
    run(tmp_path, "keys init")
    (tmp_path / "keys" / "cli.key").chmod(0o644)
    result, _ = run(tmp_path, "keys list")
    assert result.exit_code == 1
    assert "others can read it" in result.stdout
    (tmp_path / "keys").chmod(0o755)
    result, _ = run(tmp_path, "keys list")
    assert result.exit_code == 2
    assert "chmod 0700" in result.stderr


def test_a_service_is_rotated_with_the_next_start(tmp_path: Path) -> None:
    run(tmp_path, "keys init")
    before = load_pair(tmp_path / "keys", "order_gateway")
    result, _ = run(tmp_path, "keys rotate order_gateway")
    assert "from the next pankou run on" in result.stdout
    assert load_pair(tmp_path / "keys", "order_gateway") == before
    result, _ = run(tmp_path, "keys rotate order_gateway --json")
    assert result.exit_code == 2


def test_what_commands_write_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    mask = os.umask(0)
    try:
        monkeypatch.setattr("sys.argv", ["pankou", "--version"])
        with pytest.raises(SystemExit):
            __main__.main()
        assert os.umask(mask) == 0o077
    finally:
        os.umask(mask)
