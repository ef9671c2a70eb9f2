"""The pool of session numbers: in turn, never one that is held, never a file that is not ours."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.runtime.lock import CopyLock, is_held
from services.order_gateway.adapters.xt_numbers import LOCK, QUEUE, Numbers


def used(folder: Path, number: int, at: int) -> None:
    """Leave behind what a session of the client leaves."""
    for name in (QUEUE, LOCK):
        path = folder / name.format(number)
        path.write_bytes(b"x")
        os.utime(path, (at, at))


@contextmanager
def held(folder: Path, number: int) -> Iterator[None]:
    lock = CopyLock(folder / LOCK.format(number))
    assert lock.take()
    yield
    lock.release()


def test_new_numbers_first_then_the_one_that_rested_longest(tmp_path: Path) -> None:
    used(tmp_path, 11, 100)
    used(tmp_path, 12, 50)
    assert Numbers(tmp_path, 11, 3).take() == 13
    used(tmp_path, 13, 200)
    assert Numbers(tmp_path, 11, 3).take() == 12, "another process goes on in turn"


def test_one_process_takes_them_in_turn(tmp_path: Path) -> None:
    numbers = Numbers(tmp_path, 11, 3)
    assert [numbers.take() for _ in range(7)] == [11, 12, 13, 11, 12, 13, 11]


def test_a_number_that_is_held_is_passed_over(tmp_path: Path) -> None:
    with held(tmp_path, 11):
        assert is_held(tmp_path / LOCK.format(11))
        assert Numbers(tmp_path, 11, 2).take() == 12
        with held(tmp_path, 12):
            assert Numbers(tmp_path, 11, 2).take() is None
    assert not is_held(tmp_path / LOCK.format(11))


def test_only_our_own_files_that_nobody_holds_are_deleted(tmp_path: Path) -> None:
    for number in (10, 11, 12, 13, 14):
        used(tmp_path, number, 100)
    (tmp_path / "up_queue_win_xtquant").write_bytes(b"x")
    with held(tmp_path, 12):
        assert Numbers(tmp_path, 11, 3).sweep(keep=13) == [11]
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted(
        [name.format(number) for name in (QUEUE, LOCK) for number in (10, 12, 13, 14)] + ["up_queue_win_xtquant"]
    )


def test_a_folder_that_is_not_there_has_all_numbers_free(tmp_path: Path) -> None:
    numbers = Numbers(tmp_path / "none", 11, 2)
    assert numbers.take() == 11
    assert numbers.sweep() == []
