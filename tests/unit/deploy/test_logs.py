"""Logs are cut at their size, keep so many old ones, and never stop who writes."""

import os
from pathlib import Path

import pytest

from deploy.windows.runner.conf import LogFile
from deploy.windows.runner.logs import RotatingLog


def test_a_full_file_is_moved_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "日志 1" / "a.log"
    log = RotatingLog(LogFile(path, 10, 2))
    for number in range(5):
        log.write(b"%d2345678\n" % number)
    log.close()
    log.write(b"late")
    assert log.lost == 4
    assert {file.name: file.read_bytes()[:1] for file in path.parent.iterdir()} == {
        "a.log": b"4", "a.log.1": b"3", "a.log.2": b"2",
    }  # fmt: skip
    again = RotatingLog(LogFile(path, 20, 2))
    again.write(b"x")
    again.close()
    assert path.read_bytes() == b"42345678\nx"


def test_no_backups_and_no_limit(tmp_path: Path) -> None:
    log = RotatingLog(LogFile(tmp_path / "a", 4, 0))
    log.write(b"1234")
    log.write(b"5")
    assert (tmp_path / "a").read_bytes() == b"5"
    endless = RotatingLog(LogFile(tmp_path / "b", 0, 3))
    for _ in range(9):
        endless.write(b"1234")
    assert (tmp_path / "b").stat().st_size == 36
    for each in (log, endless):
        each.close()


def test_nobody_hears_a_log_without_a_path() -> None:
    log = RotatingLog(LogFile(None, 4, 0))
    log.write(b"12345")
    assert log.lost == 0


@pytest.mark.skipif(os.name != "posix", reason="a folder in the way of a file")
def test_a_disk_that_refuses_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    log = RotatingLog(LogFile(tmp_path / "a", 4, 0))
    log.write(b"12345")
    assert log.lost == 5
    (tmp_path / "a").rmdir()
    log.write(b"back")
    assert (tmp_path / "a").read_bytes() == b"back"
    log.close()
