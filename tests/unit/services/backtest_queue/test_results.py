"""The folder of results: looked up, stored once, put aside when damaged, and never the queue's death."""

from pathlib import Path

from common.backtests.addressed import AddressedResults
from common.backtests.tasks import key_of
from common.messages.outputs import Message, Token
from services.backtest_queue.adapters.results import ResultFolder
from services.backtest_queue.calls import FilesRead, LookedUp, LookUp, ReadFiles, ResultStored, StoreResult
from tests.farm.toy import files_of_toy, toy

TOKEN = Token("ask", b"r", "c")
KEY = key_of(toy(1))


def do(folder: ResultFolder, call: Message) -> Message:
    (answer,) = [*folder.perform(call), *folder.poll()]
    return answer


def test_a_result_is_stored_once_and_read_whole(tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path)
    assert do(folder, LookUp(1, (KEY,))) == LookedUp(1, (), ())
    for _ in range(2):
        assert do(folder, StoreResult(KEY, files_of_toy(toy(1)))) == ResultStored(KEY)
    assert do(folder, LookUp(2, (KEY,))) == LookedUp(2, (KEY,), ())
    assert do(folder, ReadFiles(KEY, TOKEN)) == FilesRead(KEY, TOKEN, files_of_toy(toy(1)))


def test_what_is_no_result_of_the_job_is_a_fault_of_the_job(tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path)
    for files in ({}, files_of_toy(toy(2)), {**files_of_toy(toy(1)), "result.json": b"other"}):
        stored = do(folder, StoreResult(KEY, files))
        assert isinstance(stored, ResultStored)
        assert stored.fault
        assert not stored.full
    assert do(folder, LookUp(1, (KEY,))) == LookedUp(1, (), ())


def test_a_damaged_result_is_put_aside_and_half_ones_are_swept(tmp_path: Path) -> None:
    folder = ResultFolder(tmp_path)
    do(folder, StoreResult(KEY, files_of_toy(toy(1))))
    place = AddressedResults(tmp_path).folder(KEY)
    (place / "result.json").write_bytes(b"changed")
    read = do(folder, ReadFiles(KEY, TOKEN))
    assert isinstance(read, FilesRead)
    assert "no longer matches its hash" in read.fault
    assert do(folder, LookUp(1, (KEY,))) == LookedUp(1, (), (KEY,))
    assert do(folder, StoreResult(KEY, files_of_toy(toy(1)))) == ResultStored(KEY)
    (place.parent / "x.1.part").mkdir()
    assert do(ResultFolder(tmp_path), LookUp(1, (KEY,))) == LookedUp(1, (KEY,), ())
    assert sorted(path.name for path in place.parent.iterdir()) == [KEY, f"{KEY}.damaged"]


def test_a_folder_that_cannot_be_used_is_said_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"")
    folder = ResultFolder(tmp_path / "results")
    assert do(folder, LookUp(1, (KEY,))) == LookedUp(1, (), ())
    stored = do(folder, StoreResult(KEY, files_of_toy(toy(1))))
    assert isinstance(stored, ResultStored)
    assert stored.full
    read = do(folder, ReadFiles(KEY, TOKEN))
    assert isinstance(read, FilesRead)
    assert read.fault
