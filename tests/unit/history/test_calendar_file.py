"""The operator's file extends the calendar; what it says wrongly is one line with the file's name."""

from pathlib import Path

import pytest

from common.domain.calendar import exchange_days
from common.domain.errors import HistoryError
from common.history.calendar_file import days_with_file


def test_without_a_file_the_table_stands(tmp_path: Path) -> None:
    assert days_with_file(None) == days_with_file(tmp_path / "calendar.toml") == exchange_days()


@pytest.mark.parametrize("text", [
    "until = 2027-01-31\nclosed = [2027-01-01]", 'until = "20270131"\nclosed = ["2027-01-01"]',
    "until = 20270131\nclosed = [20270101]",
])  # fmt: skip
def test_a_file_extends_the_table(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(text, encoding="utf-8")
    assert days_with_file(path) == exchange_days(20270131, [20270101])
    assert days_with_file(path)[-1] == 20270129


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("until = ", "cannot be read"),
        ("utnil = 2027-01-01", "unknown key utnil"),
        ("until = 2025-01-01", "cannot end on 20250101"),
        ("closed = [2027-01-01]", "until is 20261231"),
        ("closed = 3", "list of days"),
        ("until = 2027-01-31\nclosed = [20271301]", "no day"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "calendar.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HistoryError, match=words) as refused:
        days_with_file(path)
    assert str(path) in str(refused.value)
