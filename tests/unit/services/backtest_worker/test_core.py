"""A worker's loop: one job at a time in the order of its leases, results told until they are heard."""

from common.messages.backtests import RESULT_BYTES_MAX, JobDone, JobStored, JobsWaiting, Lease, Work, WorkRequest
from common.messages.outputs import LOCAL, Effect, Forget, Message, Output, Request
from services.backtest_worker.calls import RunTask, StopTask, TaskMoved, TaskRan
from services.backtest_worker.core import AHEAD_MAX, BEAT_NS, IDLE_NS, STALL_NS, UNHEARD_BYTES_MAX, WorkerCore

KEYS = [f"{number:032x}" for number in range(100)]


class Bench:
    """One worker and what it did last."""

    def __init__(self) -> None:
        self.core = WorkerCore("w", "s")
        self.now_ns = 0
        self.last: list[Output] = list(self.core.on_start(0))

    def hear(self, message: Message) -> None:
        self.last = list(self.core.on_message(message, LOCAL, self.now_ns))

    def wait(self, ns: int) -> None:
        self.now_ns += ns
        due_ns = self.core.next_deadline_ns()
        self.last = list(self.core.on_deadline(self.now_ns)) if due_ns is not None and due_ns <= self.now_ns else []

    def lend(self, *keys: str, gone: tuple[str, ...] = ()) -> None:
        self.hear(Work(tuple(Lease(key, b"task") for key in keys), gone))

    def ran(self, key: str, size: int = 3, fault: str = "", died: bool = False, seconds: float = 0.001) -> None:
        self.hear(TaskRan(key, {"result.json": bytes(size)}, fault, died, 48, seconds))

    @property
    def asked(self) -> WorkRequest | None:
        found = [each.message for each in self.last if isinstance(each, Request)]
        return next((message for message in found if isinstance(message, WorkRequest)), None)

    @property
    def told(self) -> JobDone | None:
        found = [each.message for each in self.last if isinstance(each, Request)]
        return next((message for message in found if isinstance(message, JobDone)), None)

    @property
    def effects(self) -> list[Message]:
        return [each.call for each in self.last if isinstance(each, Effect)]


def test_it_says_at_once_that_it_is_there_and_then_beats() -> None:
    bench = Bench()
    assert bench.asked == WorkRequest("w", "s", 1, (), 1, "")
    bench.lend()
    bench.wait(BEAT_NS)
    assert bench.last == []
    bench.wait(IDLE_NS - BEAT_NS)
    assert bench.asked is not None
    bench.wait(IDLE_NS)
    assert bench.last == [], "the requester repeats a question that has no answer"


def test_jobs_are_run_one_after_the_other_in_the_order_of_their_leases() -> None:
    bench = Bench()
    bench.lend(*KEYS[:2])
    assert bench.effects == [RunTask(KEYS[0], b"task")]
    bench.ran(KEYS[0])
    assert bench.effects == [RunTask(KEYS[1], b"task")]
    assert bench.told == JobDone("w", "s", KEYS[0], {"result.json": bytes(3)}, "", False, 48)
    bench.lend()
    bench.wait(IDLE_NS)
    assert bench.asked is not None
    assert bench.asked.held == (KEYS[0], KEYS[1]), "a result that is not heard is still ours"
    bench.hear(JobStored(KEYS[0]))
    bench.lend()
    bench.wait(BEAT_NS)
    assert bench.asked is not None
    assert bench.asked.held == (KEYS[1],)


def test_short_jobs_are_held_in_advance_and_long_ones_are_left_to_others() -> None:
    bench = Bench()
    for key in KEYS[:60]:
        bench.lend(key)
        bench.ran(key, seconds=0.0005)
        bench.hear(JobStored(key))
    assert bench.core._room(bench.now_ns) == 1 + AHEAD_MAX
    for key in KEYS[60:90]:
        bench.lend(key)
        bench.ran(key, seconds=5)
        bench.hear(JobStored(key))
    assert bench.core._room(bench.now_ns) == 1
    bench.lend(KEYS[99])
    assert bench.core._room(bench.now_ns) == 0


def test_what_waits_behind_a_long_job_goes_back() -> None:
    bench = Bench()
    bench.lend(*KEYS[:3])
    bench.wait(IDLE_NS)
    assert bench.asked is not None
    assert bench.asked.held == tuple(KEYS[:3])
    bench.lend()
    bench.wait(BEAT_NS)
    assert bench.asked is not None
    assert (bench.asked.held, bench.asked.room) == ((KEYS[0],), 0)
    bench.ran(KEYS[0])
    assert bench.effects == []


def test_how_far_it_is_goes_with_the_beat() -> None:
    bench = Bench()
    bench.lend(KEYS[0])
    bench.wait(IDLE_NS)
    bench.lend()
    bench.hear(TaskMoved(KEYS[0], 3, 9, 100))
    bench.hear(TaskMoved(KEYS[5], 8, 9, 100))
    bench.wait(BEAT_NS)
    assert bench.asked is not None
    assert (bench.asked.running, bench.asked.done, bench.asked.total, bench.asked.bars) == (KEYS[0], 3, 9, 100)


def test_what_is_gone_is_let_go() -> None:
    bench = Bench()
    bench.lend(*KEYS[:3])
    bench.ran(KEYS[0])
    bench.lend(gone=tuple(KEYS[:3]))
    assert [each for each in bench.last if isinstance(each, Forget)] == [Forget(f"done|s|{KEYS[0]}")]
    assert bench.effects == [StopTask(KEYS[1])]
    bench.ran(KEYS[1], 0, "ended", died=True)
    assert bench.effects == [], "the third was never begun"


def test_a_wake_up_makes_it_ask_unless_it_has_enough() -> None:
    bench = Bench()
    bench.lend()
    bench.hear(JobsWaiting(5))
    assert bench.asked is not None
    bench.hear(JobsWaiting(5))
    assert bench.last == [], "it asks already"
    bench.lend(*KEYS[:2])
    bench.hear(JobsWaiting(5))
    assert bench.last == [], "it has enough"


def test_a_job_that_hangs_is_ended() -> None:
    bench = Bench()
    bench.lend(KEYS[0])
    bench.wait(STALL_NS + 1)
    assert bench.effects == [StopTask(KEYS[0])]
    bench.ran(KEYS[0], 0, "ended", died=True)
    assert bench.told is not None
    assert (bench.told.died, bench.told.files) == (True, {})


def test_a_result_too_large_is_a_fault_that_says_so() -> None:
    bench = Bench()
    bench.lend(KEYS[0])
    bench.ran(KEYS[0], RESULT_BYTES_MAX + 1)
    assert bench.told is not None
    assert "15 MiB" in bench.told.fault
    assert bench.told.files == {}


def test_it_begins_nothing_while_too_much_is_unheard() -> None:
    bench = Bench()
    bench.lend(*KEYS[:4])
    size = RESULT_BYTES_MAX - 1
    bench.ran(KEYS[0], size)
    assert bench.effects == [RunTask(KEYS[1], b"task")]
    bench.ran(KEYS[1], size)
    assert 2 * size > UNHEARD_BYTES_MAX
    assert bench.effects == []
    assert bench.core._room(bench.now_ns) == 0
    bench.hear(JobStored(KEYS[0]))
    assert bench.effects == [RunTask(KEYS[2], b"task")]


def test_leases_that_come_twice_are_run_once() -> None:
    bench = Bench()
    bench.lend(KEYS[0])
    bench.ran(KEYS[0])
    bench.lend(KEYS[0])
    assert bench.effects == []
    assert bench.core.status()[2] == {"ran": 1, "held": 0, "unheard": 1}
