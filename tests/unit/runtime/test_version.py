"""The version of the code: the same for the same sources, another one for any change of a service."""

from importlib import metadata
from pathlib import Path

import pytest

from common.runtime.version import RELEASE, code_version


def tree(root: Path) -> Path:
    for name in ("common/a.py", "services/risk/core.py", "services/cli/app.py", "tests/t.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("name", "changes"),
    [("common/a.py", True), ("services/risk/core.py", True), ("services/cli/app.py", False), ("tests/t.py", False)],
)
def test_a_change_of_what_services_run_is_another_version(tmp_path: Path, name: str, changes: bool) -> None:
    before = code_version(tree(tmp_path))
    assert before == code_version(tmp_path)
    (tmp_path / name).write_text("x = 2\n", encoding="utf-8")
    assert (code_version(tmp_path) != before) is changes


def test_a_renamed_file_is_another_version(tmp_path: Path) -> None:
    before = code_version(tree(tmp_path))
    (tmp_path / "common/a.py").rename(tmp_path / "common/b.py")
    assert code_version(tmp_path) != before


def test_it_begins_with_the_release() -> None:
    assert metadata.version("pankou") == RELEASE
    assert code_version().startswith(f"{RELEASE}+")
