"""The order in which jobs wait, and who is silent."""

import pytest

from common.bus.sockets import RESULT_BYTES_MAX
from common.messages.backtests import JobState
from common.runtime.config import Config, System, jobs_folder, results_folder
from services.backtest_queue.__main__ import SPEC, parts_of
from services.backtest_queue.book import Book
from services.backtest_queue.core import QueueCore
from services.backtest_queue.sessions import LATE_NS, Sessions
from tests.farm.toy import encoded, toy


def test_a_job_that_left_the_line_is_passed_over() -> None:
    book = Book()
    for number in range(3):
        list(book.add(str(number), toy(number), encoded(toy(number)), priority=0, batch="", now_ns=1, done=False))
    row = book.rows["0"]
    list(
        book.save(
            row.__class__(
                **{name: getattr(row, name) for name in row.__struct_fields__} | {"state": JobState.CANCELLED}
            )
        )
    )
    assert [book.take(5, "w") for _ in range(3)] == ["1", "2", None]
    assert (book.waiting, book.unfinished) == (0, 2)
    assert book.task_bytes == sum(len(encoded(toy(number))) for number in (1, 2))


@pytest.mark.parametrize(("late_ns", "silent"), [(0, 1), (LATE_NS - 1, 1), (LATE_NS, 0)])
def test_silence_is_not_counted_while_we_stood_still(late_ns: int, silent: int) -> None:
    sessions = Sessions(10)
    sessions.of("a", "s").heard_ns = 5
    assert sessions.due_ns() == 15
    assert len(sessions.silent(15 + late_ns)) == silent


def test_the_service_keeps_its_disk_beside_the_runs() -> None:
    config = Config(system=System(run_dir="/run"))
    core, _ = parts_of(config)
    assert isinstance(core, QueueCore)
    assert (SPEC.full, SPEC.bytes_max) == (True, RESULT_BYTES_MAX)
    assert [str(folder(config)) for folder in (jobs_folder, results_folder)] == [
        "/run/backtests/queue",
        "/run/backtests/results",
    ]
