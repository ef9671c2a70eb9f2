"""The generated pages equal the committed ones, name every message, and their client has twenty lines."""

import ast
from pathlib import Path

import msgpack
import pytest

from common.bus.roles import VERBS
from common.domain.reasons import Reason
from common.messages import topics
from common.messages.codec import MESSAGES, decode_envelope
from common.messages.reference import read_kinds, undocumented
from common.messages.reference_words import ANSWERS, KEPT, PUBLISHED, SECTIONS, TITLES
from docs.generate import CLIENT, main, pages, stale, wire


def test_the_committed_pages_are_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert stale() == [], "run: python -m docs.generate"
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_a_page_that_differs_is_named(tmp_path: Path) -> None:
    for name, text in pages().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert stale(tmp_path) == []
    (tmp_path / "protocol.md").write_text("old", encoding="utf-8")
    (tmp_path / "reasons.md").unlink()
    assert stale(tmp_path) == ["protocol.md", "reasons.md"]


def test_every_message_that_travels_is_told_with_all_its_fields() -> None:
    assert undocumented() == []
    page = pages()["protocol.md"]
    told = {kind.name: kind for module, _ in SECTIONS for kind in read_kinds(wire().sources[module])}
    assert set(told) == set(TITLES)
    for name, kind in told.items():
        assert f"### {name}\n" in page
        assert tuple(field.name for field in kind.fields) == MESSAGES[name].__struct_fields__
        assert kind.array is bool(MESSAGES[name].__struct_config__.array_like)
        assert kind.doc


def test_every_question_has_its_answer_and_every_topic_its_kinds() -> None:
    asked = {kind for kinds in VERBS.values() for kind in kinds}
    assert asked == set(ANSWERS)
    answers = {name for text in ANSWERS.values() for name in text.split(" | ") if name}
    said = {kind for _, _, kinds in PUBLISHED for kind in kinds}
    assert answers | said <= set(TITLES)
    assert {topic for topic, _, _ in PUBLISHED} == {text for name, text in vars(topics).items() if name.isupper()}
    kept = {kind.name for kind in read_kinds(wire().sources[KEPT])}
    assert kept == set(MESSAGES) - set(TITLES)


def test_every_reason_stands_on_its_page_in_both_languages() -> None:
    rows = [line.split(" | ") for line in pages()["reasons.md"].splitlines() if line.startswith("| ")][2:]
    assert [(int(row[0][2:]), row[1]) for row in rows] == [(reason.value, f"`{reason.name}`") for reason in Reason]
    assert all(row[2] and row[3] for row in rows)


def test_the_client_has_twenty_lines_and_needs_two_libraries() -> None:
    source = CLIENT.read_text(encoding="utf-8")
    tree = ast.parse(source)
    code = [line for line in source.splitlines() if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(code) <= 20
    imported = {name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported == {"json", "os", "sys", "pathlib", "msgpack", "zmq"}
    named = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and str(n.value).endswith("Request")}
    assert named == {"OpenRequest", "CloseRequest", "PositionsRequest", "AccountRequest"}
    for kind in named:
        envelope = decode_envelope(msgpack.packb([1, kind, "req_client", "example", 1, 0, "key"]))
        assert (envelope.kind, envelope.correlation_id) == (kind, "key")
