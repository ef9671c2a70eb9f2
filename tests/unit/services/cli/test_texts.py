"""Both languages say the same, everything said exists, nothing is left over."""

import re
import string

from services.cli import texts
from tests.conftest import CHECKOUT

CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (CHECKOUT / "services" / "cli").rglob("*.py")
    if path.name != "texts.py"
)
NAMED = set(re.findall(r'"([a-z_]+(?:\.[A-Za-z_]+)+)"', CODE))
"""Keys written out in the code."""
BUILT = (*tuple(re.findall(r'f"([a-z_]+\.)\{', CODE)), "explain.")
"""Beginnings of keys made of a part and a name, e.g. order_state.FILLED."""
FILES = {"rules.json", "report.json", "report.txt", "report.html", "config.toml", "config.md", "doctor.md"}
TITLES = set(re.findall(r'"([a-z_]+)"', "\n".join(re.findall(r"heads\((.*?)\)", CODE, re.DOTALL))))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_hold_the_same_facts() -> None:
    for key, text in texts.TEXTS.items():
        assert text.zh, key
        assert text.en, key
        assert fields(text.zh) == fields(text.en), key


def test_chinese_is_chinese() -> None:
    dull = {key for key, text in texts.TEXTS.items() if not re.search("[\u4e00-\u9fff]", text.zh)}
    assert {key for key in dull if not key.startswith(("name.", "explain.head"))} <= {
        "err.service_fault",
        "action.NONE",
        "state.cause",
        "head.pid",
        "init.home",
    }


def test_no_text_is_unused() -> None:
    made = {key for key in texts.TEXTS if key.startswith(BUILT)}
    titles = {f"head.{title}" for title in TITLES}
    assert set(texts.TEXTS) - NAMED - made - titles == set()


def test_every_text_said_exists() -> None:
    keys = {key for key in NAMED if key.split(".")[0] in {known.split(".")[0] for known in texts.TEXTS}} - FILES
    titles = {f"head.{title}" for title in TITLES}
    assert (keys | titles) - set(texts.TEXTS) == set()


def test_facts_are_filled_in() -> None:
    assert texts.say("zh", "bad.shares", text="1.5").startswith("股数 1.5")
    assert texts.say("en", "bad.shares", text="1.5").startswith("1.5 is no number")
