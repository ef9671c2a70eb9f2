"""Every reason has its words, and every denial is provoked by a test."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.domain.reasons import WORDS, Reason

TESTS = Path(__file__).resolve().parents[2]
FIRST_DENIAL = 40
NO_DENIAL = frozenset({Reason.ALREADY_DONE, Reason.RESOLVED_ADOPTED})
"""Why an exit or an order ended, not why something was refused."""


def named() -> Iterator[str]:
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__).resolve():
            yield from re.findall(r"\bReason\.([A-Z0-9_]+)", path.read_text("utf-8"))


def test_every_denial_stands_in_a_test() -> None:
    denials = {reason.name for reason in Reason if reason >= FIRST_DENIAL} - {reason.name for reason in NO_DENIAL}
    assert sorted(denials - set(named())) == []


@pytest.mark.parametrize("reason", list(Reason))
def test_both_languages_have_their_own_words(reason: Reason) -> None:
    words = WORDS[reason]
    assert re.search(r"[\u4e00-\u9fff]", words.zh), words.zh
    assert words.en.isascii()
    assert words.en.strip()


def test_no_two_reasons_are_told_in_the_same_words() -> None:
    for told in ([words.zh for words in WORDS.values()], [words.en for words in WORDS.values()]):
        assert len(told) == len(set(told))
