"""Until the project has a recording of a real client, everything near a broker says: never run against a broker."""

import json
import re
from pathlib import Path

import pytest

from common.runtime.limits import Limits
from services.cli.accept.assumptions import Seen, compare
from services.cli.accept.recordings import SHIPPED, is_whole, never_run, newest, read_rows
from services.cli.app import COMMANDS
from services.cli.home import Home
from services.cli.settings import merged_config
from services.cli.texts import TEXTS
from tests.conftest import CHECKOUT

WARNED = {
    "README.md": "绝不要接到券商",
    "README.en.md": "Never run against a broker",
    "docs/how-to/go-live.md": "绝不要接到券商",
    "docs/how-to/go-live.en.md": "Never run against a broker",
    "docs/how-to/limits-and-locks.md": "绝不要接到券商",
    "docs/how-to/limits-and-locks.en.md": "Never run it against a broker",
    "deploy/config/live.toml": "绝不要接到券商",
    "deploy/recordings/README.md": "绝不要接到券商",
}


@pytest.mark.parametrize("page", sorted(WARNED))
def test_pages_warn_exactly_as_long_as_there_is_no_recording(page: str) -> None:
    assert (WARNED[page] in (CHECKOUT / page).read_text("utf-8")) is never_run()


def test_the_tools_say_the_same_words() -> None:
    assert WARNED["README.md"] in TEXTS["live.never"].zh
    assert WARNED["README.en.md"] in TEXTS["live.never"].en


def faults_of(folder: Path) -> list[str]:
    """Return what is wrong with the recordings of a folder: cut ones, and what the fakes assume and a client does not do."""
    cut = [f"{path.name}: not whole" for path in folder.glob("*.jsonl") if not is_whole(path)]
    events = {path.name: [row for row in read_rows(path) if "since_ms" in row] for path in folder.glob("*.jsonl")}
    odd = [
        f"{name}: {result.name}: {result.what}"
        for name, rows in events.items()
        for result in compare(rows)
        if result.seen is Seen.DIFFERS
    ]
    return sorted(cut + odd)


def test_the_fakes_assume_nothing_that_a_shipped_recording_shows_to_be_otherwise(tmp_path: Path) -> None:
    assert faults_of(SHIPPED) == []
    row = {"kind": "call", "at_ns": 1, "since_ms": 1, "name": "connect", "took_ms": 0, "error": "", "answer": 1}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    assert faults_of(tmp_path) == ["a.jsonl: connected: [1]", "a.jsonl: not whole"]


def test_damaged_recordings_are_none(tmp_path: Path) -> None:
    begin, end = {"kind": "begin"}, {"kind": "end", "whole": True, "real": True}

    def written(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines), "utf-8")
        return path

    assert newest(tmp_path / "gone") == ""
    assert not is_whole(written("a.jsonl"))
    assert not is_whole(written("b.jsonl", json.dumps(end)))
    assert not is_whole(written("c.jsonl", json.dumps(begin), json.dumps({**end, "real": 1})))
    assert read_rows(written("d.jsonl", json.dumps(begin), "{cut")) == []
    assert newest(tmp_path) == ""
    assert is_whole(written("e.jsonl", json.dumps(begin), json.dumps(end)))
    assert newest(tmp_path) == "e.jsonl"


@pytest.mark.parametrize("page", ["go-live.md", "go-live.en.md"])
def test_the_settings_of_the_page_are_good_ones_and_smaller_than_the_defaults(page: str, tmp_path: Path) -> None:
    text = (CHECKOUT / "docs" / "how-to" / page).read_text("utf-8")
    found = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    home = Home(tmp_path)
    home.config.write_text(found[1], "utf-8")
    config = merged_config(home, "live", {})
    assert (config.system.mode, config.gateway.after_absence) == ("live", "park")
    assert config.gateway.client_path.endswith("\\userdata_mini")
    plain = Limits()
    for name in ("orders_per_s", "orders_per_day", "order_value_max", "day_value_max", "day_loss_bp"):
        assert getattr(config.limits, name) < getattr(plain, name)


@pytest.mark.parametrize("page", ["go-live.md", "go-live.en.md"])
def test_every_command_of_the_page_exists(page: str) -> None:
    text = (CHECKOUT / "docs" / "how-to" / page).read_text("utf-8")
    words = {match.split()[0] for match in re.findall(r"`?pankou ((?:[a-z]+ ?)+)", text)}
    assert words <= set(COMMANDS), words - set(COMMANDS)
    assert {"doctor", "arm", "accept", "kill", "halt", "reduce", "order", "stop"} <= words
